//! `tracker` runs everything on port 8000 for a first look; `tracker config.json` runs exactly
//! what the file names. Exit code 2 says that the configuration or the flags are wrong, 1 that
//! the system refused something, 130 that a second signal cut a stop short.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tracker::config::{self, Config};
use tracker::{Addresses, ServerAddress, Tracker};

// 1.19 kB a peer with it, 1.44 kB with the system's allocator.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The exit code of a stop that was cut short, as shells have it for Ctrl-C.
const ENDED_AT_ONCE: u8 = 130;

/// A WebTorrent tracker that introduces viewers of a live stream to each other.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Configuration, in wt-tracker's format; without it everything runs, on port 8000.
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,actix_server=warn".into());
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter)
        .init();

    let config = match args.config.as_deref().map(config::load) {
        None => Config::default(),
        Some(Ok(loaded)) => {
            for key in loaded.unknown_keys {
                tracing::warn!(key, "nobody here knows this key of the configuration");
            }
            loaded.config
        }
        Some(Err(error)) => {
            tracing::error!("{error}");
            return ExitCode::from(2);
        }
    };
    raise_descriptor_limit();
    actix_rt::System::new().block_on(run(config, args.config.is_some()))
}

async fn run(config: Config, reloads: bool) -> ExitCode {
    // From here on a signal is kept until it is asked for: nothing is left behind by one that
    // comes while the start is under way.
    let mut signals = match Signals::keep(reloads) {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!("cannot listen to signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    let tracker = match Tracker::start(config) {
        Ok(tracker) => tracker,
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::FAILURE;
        }
    };
    print(tracker.addresses());
    until_asked_to_stop(&mut signals, || {
        tracing::info!("reading the files that the configuration names again");
        tracker.reload();
    })
    .await;
    tracing::info!("stopping; a second signal ends it at once");
    tokio::select! {
        () = tracker.stop() => ExitCode::SUCCESS,
        () = until_asked_to_stop(&mut signals, || {}) => {
            tracing::warn!("ended at once: not all clients were told");
            ExitCode::from(ENDED_AT_ONCE)
        }
    }
}

/// Waits for a signal that asks to stop; `reload` hears of those that ask for that before.
async fn until_asked_to_stop(signals: &mut Signals, mut reload: impl FnMut()) {
    while signals.next().await == Asked::ToReload {
        reload();
    }
}

/// What is worth knowing, a line each: `word  url`. Where nobody reads it, it is not missed.
fn print(addresses: &Addresses) {
    let _ = std::io::stdout().write_all(listed(addresses).as_bytes());
}

fn listed(addresses: &Addresses) -> String {
    let first = &addresses.servers[0];
    let page = url("http", first);
    let mut lines = String::new();
    let mut line = |word: &str, url: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{word:<8} {url}");
    };
    if addresses.player {
        line("player", format!("{page}/"));
    }
    for server in &addresses.servers {
        line("tracker", url("ws", server) + &server.socket_path);
    }
    for stream in &addresses.streams {
        line("stream", format!("{page}{stream}"));
    }
    if let Some(stun) = addresses.stun {
        line("stun", format!("stun:{}", reachable(stun)));
    }
    if let Some(metrics) = addresses.metrics {
        line("metrics", format!("http://{}/metrics", reachable(metrics)));
    }
    line("stats", format!("{page}/stats.json"));
    lines
}

/// The start of a listener's URLs; `scheme` is the one without TLS.
fn url(scheme: &str, server: &ServerAddress) -> String {
    let secure = if server.tls { "s" } else { "" };
    format!("{scheme}{secure}://{}", reachable(server.address))
}

/// An address to type into a browser on this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip =
        if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// Each socket is a file descriptor, and the usual soft limit is 1,024.
fn raise_descriptor_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(descriptors) => tracing::info!(descriptors, "this many sockets at most"),
        Err(error) => tracing::warn!(%error, "the limit of file descriptors stays as it is"),
    }
}

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    ToStop,
    ToReload,
}

/// Ctrl-C, SIGTERM from whoever supervises us, and SIGHUP.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` where there is no file to reload: then a terminal that is closed ends us, as it
    /// ends any other program.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn keep(reloads: bool) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: reloads.then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    async fn next(&mut self) -> Asked {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Asked::ToStop,
            _ = self.terminate.recv() => Asked::ToStop,
            _ = hangup => Asked::ToReload,
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn keep(_: bool) -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Asked {
        self.0.recv().await;
        Asked::ToStop
    }
}
