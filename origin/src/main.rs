//! `origin [config.json]`: the origin alone, on its own port, with the same file that the tracker
//! reads. Prints where the streams are, and runs until SIGINT or SIGTERM.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use actix_web::{App, HttpServer};
use anyhow::{Context, bail};
use clap::Parser;
use origin::limits::CONFIG_BYTES_MAX;
use origin::{Origin, OriginConfig, StreamInfo, ValidOrigin};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing_subscriber::EnvFilter;

/// Seconds that open answers get at the end; the rest of a segment comes from memory.
const SHUTDOWN_SECONDS: u64 = 1;

/// What is logged unless `RUST_LOG` says otherwise.
const LOG_FILTER: &str = "info,actix_server=warn";

/// The exit code for a config file that cannot be used, and (clap's) for wrong arguments.
const EXIT_USAGE: u8 = 2;

/// Serves live streams as HLS over HTTP.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// A JSON file with a section `origin`; without it, the test card on port 8080.
    config: Option<PathBuf>,
}

/// The file: one section is the origin's, the others are the tracker's.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ConfigFile {
    origin: Option<OriginConfig>,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    log_to_stderr();
    let config = match read_config(args.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            tracing::error!("{error:#}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(LOG_FILTER));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    log.with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).init();
}

fn read_config(path: Option<&Path>) -> anyhow::Result<ValidOrigin> {
    let Some(path) = path else {
        return Ok(OriginConfig::default().validate()?);
    };
    let name = path.display();
    let mut text = String::new();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let read = file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text);
    if read.with_context(|| format!("cannot read {name}"))? as u64 > CONFIG_BYTES_MAX {
        bail!("{name} has more than {CONFIG_BYTES_MAX} bytes");
    }
    let mut json = serde_json::Deserializer::from_str(&text);
    let config: Result<ConfigFile, _> = serde_path_to_error::deserialize(&mut json);
    let config = config.with_context(|| name.to_string())?;
    json.end().with_context(|| name.to_string())?;
    if !config.others.is_empty() {
        let sections: Vec<_> = config.others.into_keys().collect();
        tracing::info!("{name}: not the origin's, and not read: {}", sections.join(", "));
    }
    let origin = config.origin.unwrap_or_else(|| {
        tracing::warn!("{name} has no section `origin`: playing the test card");
        OriginConfig::default()
    });
    origin.validate().with_context(|| name.to_string())
}

async fn run(config: ValidOrigin) -> anyhow::Result<()> {
    // Before anything starts, so that no signal finds the default, which is to die at once.
    let stop_signal = stop_signal().context("cannot listen for signals")?;
    let listen = config.listen();
    let origin = Origin::start(config)?;
    let routes = origin.routes();
    let server = HttpServer::new(move || App::new().configure(routes.clone()))
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .bind(listen)
        .with_context(|| format!("cannot listen on {listen}"))?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    let server = server.run();
    let handle = server.handle();
    let mut server = actix_web::rt::spawn(server);
    print_streams(address, &origin.streams());
    tokio::select! {
        signal = stop_signal => tracing::info!("{signal}: stopping"),
        ended = &mut server => return Ok(ended.context("the HTTP server panicked")??),
    }
    // Side by side, so that neither's patience adds to the other's.
    let origin_stopped = actix_web::rt::task::spawn_blocking(|| origin.stop());
    handle.stop(true).await;
    origin_stopped.await.context("the origin panicked while it stopped")
}

/// One line per stream, for people and for scripts. Where nobody reads them, they are not missed.
fn print_streams(listening_at: SocketAddr, streams: &[StreamInfo]) {
    let mut address = listening_at;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let line = |stream: &StreamInfo| format!("stream   http://{address}{}\n", stream.path);
    let lines: String = streams.iter().map(line).collect();
    let _ = io::stdout().write_all(lines.as_bytes());
}

/// Resolves to the name of the first signal that asks the origin to stop.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    })
}

/// Resolves to the name of the signal that asks the origin to stop.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = &'static str>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    })
}
