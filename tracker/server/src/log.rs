//! Where the log goes: stderr, as lines for people or as JSON.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracker::config::{LogConfig, LogFormat};

/// What libraries say of single clients, at whatever level: a line per bad request is a disk that
/// any client can fill.
const SAID_OF_CLIENTS: &str = "actix_http=off,actix_server=warn";

/// Starts to tell. `RUST_LOG`, where it is set and makes sense, decides what.
pub(crate) fn start(config: LogConfig) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| filter(config.level).into());
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter);
    match config.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
}

/// Who asks for more wants to hear of clients, too.
fn filter(level: Level) -> String {
    if level > Level::INFO { level.to_string() } else { format!("{level},{SAID_OF_CLIENTS}") }
}
