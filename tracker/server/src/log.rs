//! Where the log goes: stderr, as lines for people or as JSON.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracker::config::{LogConfig, LogFormat};

/// What libraries say of single clients, at whatever level: a line per bad request is a disk that
/// any client can fill. And of each attempt to reach NATS, of which the tracker tells once.
const SAID_OF_CLIENTS: &str = "actix_http=off,actix_server=warn,async_nats=error";

/// Starts to tell. `RUST_LOG`, where it is set and makes sense, decides what; an empty one is not
/// set, or an orchestrator's blank would silence everything but errors.
pub(crate) fn start(config: LogConfig) {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|asked| !asked.is_empty());
    let asked = asked.map(EnvFilter::try_new).transpose();
    let nonsense = asked.as_ref().err().map(ToString::to_string);
    let filter = asked.ok().flatten().unwrap_or_else(|| filter(config.level).into());
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter);
    match config.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
    if let Some(error) = nonsense {
        tracing::warn!(error, "RUST_LOG makes no sense, and log.level decides");
    }
}

/// Who asks for more wants to hear of clients, too.
fn filter(level: Level) -> String {
    if level > Level::INFO { level.to_string() } else { format!("{level},{SAID_OF_CLIENTS}") }
}
