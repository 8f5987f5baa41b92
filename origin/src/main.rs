//! `origin [config.json]`: the origin alone, on its own port, with the same file that the tracker
//! reads, and the same variables over it. Prints where the streams are, and runs until SIGINT or
//! SIGTERM. `origin --check-config` says what it would do, and `origin sign` signs addresses.

mod variables;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use clap::{Parser, Subcommand};
use origin::config_file;
use origin::{OriginConfig, Server, SigningKey, ValidOrigin};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise. What the HTTP library says of clients is not:
/// none of them shall make the log grow.
const LOG_FILTER: &str = "info,actix_server=warn,actix_http=off";

/// The exit code for a config file that cannot be used, and (clap's) for wrong arguments.
const EXIT_USAGE: u8 = 2;

/// Serves live streams as HLS and DASH over HTTP.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// A file with a section `origin`, in JSON, or in TOML where its name ends in .toml; without it,
    /// the test card on port 8080.
    config: Option<PathBuf>,
    /// Says what the config would do, and whether it can; starts nothing.
    #[arg(long)]
    check_config: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Prints a signed address, for an origin with `access.signingKeyFiles`.
    Sign(Sign),
}

#[derive(clap::Args)]
struct Sign {
    /// `/live/NAME/` for all files of a stream, or `/live/NAME/FILE` for one.
    path: String,
    /// How long it is good, such as 6h or 30min.
    #[arg(long = "for", value_parser = humantime::parse_duration)]
    lifetime: Duration,
    /// The file with the key.
    #[arg(long)]
    key: PathBuf,
    /// Writes the signature into the query instead of the path; players drop it there.
    #[arg(long)]
    query: bool,
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
    if let Some(Command::Sign(sign)) = args.command {
        return said(sign.address().map(|address| address + "\n"), EXIT_USAGE);
    }
    let config = match read_config(args.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return said(Err(error), EXIT_USAGE),
    };
    if args.check_config {
        return said(Ok(config.plan().await), EXIT_USAGE);
    }
    said(run(config).await.map(|()| String::new()), 1)
}

/// Prints what came of it, and makes the exit code.
fn said(outcome: anyhow::Result<String>, exit_code: u8) -> ExitCode {
    match outcome {
        Ok(text) => {
            // Where nobody reads it, it is not missed.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(exit_code)
        }
    }
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(LOG_FILTER));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    log.with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).init();
}

impl Sign {
    fn address(self) -> anyhow::Result<String> {
        let parts = self.path.strip_prefix("/live/").and_then(|path| path.split_once('/'));
        let Some((stream, file)) = parts.filter(|(_, file)| !file.contains('/')) else {
            bail!("{} is neither /live/NAME/ nor /live/NAME/FILE", self.path);
        };
        let expires = SystemTime::now().checked_add(self.lifetime).context("--for is too long")?;
        let key = SigningKey::read(self.key)?;
        let (signature, file) = match file {
            "" => (key.sign_stream(stream, expires), "index.m3u8"),
            file => (key.sign_file(stream, file, expires), file),
        };
        Ok(match self.query {
            true => format!("/live/{stream}/{file}?{}", signature.query()),
            false => format!("/live/{stream}/{signature}/{file}"),
        })
    }
}

/// Reads the file, with the environment's variables over it.
fn read_config(path: Option<&Path>) -> anyhow::Result<ValidOrigin> {
    let (name, mut file) = match path {
        Some(path) => (path.display().to_string(), read_file(path)?),
        None => ("the environment".to_owned(), serde_json::json!({ "origin": {} })),
    };
    if let Value::Object(sections) = &mut file {
        let variables = std::env::vars_os();
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let mut origin = sections.remove("origin").unwrap_or_default();
        variables::put(&mut origin, variables.filter_map(text))?;
        if !origin.is_null() {
            sections.insert("origin".to_owned(), origin);
        }
    }
    let config: Result<ConfigFile, _> = serde_path_to_error::deserialize(file);
    let config = config.with_context(|| name.clone())?;
    if !config.others.is_empty() {
        let sections: Vec<_> = config.others.into_keys().collect();
        tracing::info!("{name}: not the origin's, and not read: {}", sections.join(", "));
    }
    let origin = config.origin.unwrap_or_else(|| {
        tracing::warn!("{name} has no section `origin`: playing the test card");
        OriginConfig::default()
    });
    origin.validate().with_context(|| name)
}

fn read_file(path: &Path) -> anyhow::Result<Value> {
    let name = path.display();
    let text = config_file::bytes(path).with_context(|| format!("cannot read {name}"))?;
    if config_file::is_toml(path) {
        let text = String::from_utf8(text).with_context(|| name.to_string())?;
        return config_file::toml_tree(&text).map_err(|problem| anyhow!("{name}: {problem}"));
    }
    serde_json::from_slice(&text).with_context(|| name.to_string())
}

async fn run(config: ValidOrigin) -> anyhow::Result<()> {
    // Before anything starts, so that no signal finds the default, which is to die at once.
    let mut signals = Signals::keep().context("cannot listen for signals")?;
    // A connection is a descriptor. What the system doesn't give, newcomers wait for.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let server = Server::start(config)?;
    print_addresses(&server);
    loop {
        match signals.next().await {
            Asked::ToReload => server.reload().await,
            Asked::ToStop(signal) => {
                tracing::info!("{signal}: stopping");
                break;
            }
        }
    }
    server.stop().await;
    Ok(())
}

/// A line per address, for people and for scripts. Where nobody reads them, they are not missed.
fn print_addresses(server: &Server) {
    let scheme = if server.is_secure() { "https" } else { "http" };
    let address = reachable(server.address());
    let streams = server.streams();
    let mut lines: String = streams
        .iter()
        .map(|stream| format!("stream   {scheme}://{address}{}\n", stream.path))
        .collect();
    if let Some(metrics) = server.metrics_address() {
        lines += &format!("metrics  http://{}/metrics\n", reachable(metrics));
    }
    let _ = io::stdout().write_all(lines.as_bytes());
}

/// What listens on all of the machine's addresses is shown at one that can be asked.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// What a signal asks for.
enum Asked {
    ToReload,
    /// With the signal's name.
    ToStop(&'static str),
}

/// SIGINT and SIGTERM, and SIGHUP, which has keys and certificates read again.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn keep() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::ToStop("SIGINT"),
            _ = self.terminate.recv() => Asked::ToStop("SIGTERM"),
            _ = self.hangup.recv() => Asked::ToReload,
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn keep() -> io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) -> Asked {
        let _ = tokio::signal::ctrl_c().await;
        Asked::ToStop("Ctrl-C")
    }
}
