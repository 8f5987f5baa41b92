//! `tracker` runs everything on port 8000 for a first look; `tracker config.json` runs exactly
//! what the file names. Exit code 2 says that the configuration or the flags are wrong, 1 that
//! the system refused something, 130 that a second signal cut a stop short.

mod args;
mod log;
mod signals;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use origin::on_file_thread;
use tracker::config::{Config, LoadError, Loaded, LogConfig, Sources};
use tracker::{Addresses, Tracker};

use args::{Args, Format};
use signals::Signals;

// 1.19 kB a peer with it, 1.44 kB with the system's allocator.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The exit code of a stop that was cut short, as shells have it for Ctrl-C.
const ENDED_AT_ONCE: u8 = 130;

fn main() -> ExitCode {
    let args = Args::parse();
    let sources = args.sources();
    let loaded = match sources.load() {
        Ok(loaded) => loaded,
        Err(error) => return no_configuration(&args, &error),
    };
    log::start(loaded.config.log);
    warn_of_unknown(&loaded);
    if args.print_config {
        print(&match args.format {
            Format::Toml => loaded.to_toml(),
            Format::Json => loaded.to_json(),
        });
        return ExitCode::SUCCESS;
    }
    if args.check_config {
        print("the configuration is good\n");
        return ExitCode::SUCCESS;
    }
    raise_descriptor_limit();
    actix_rt::System::new().block_on(run(loaded.config, sources))
}

fn no_configuration(args: &Args, error: &LoadError) -> ExitCode {
    log::start(LogConfig { format: args.log_format(), ..LogConfig::default() });
    tracing::error!("{error}");
    ExitCode::from(2)
}

fn warn_of_unknown(loaded: &Loaded) {
    for key in &loaded.unknown_keys {
        tracing::warn!(key, "nobody here knows this key of the configuration");
    }
    for variable in &loaded.unknown_variables {
        tracing::warn!(variable, "nobody here knows this environment variable");
    }
}

async fn run(config: Config, sources: Sources) -> ExitCode {
    // From here on a signal is kept until it is asked for: nothing is left behind by one that
    // comes while the start is under way.
    let mut signals = match Signals::keep(sources.file.is_some() || config.has_files()) {
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
    tell(tracker.addresses());
    signals.until_asked_to_stop(async || reload(&tracker, sources.clone()).await).await;
    tracing::info!("stopping; a second signal ends it at once");
    tokio::select! {
        () = tracker.stop() => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        () = signals.until_asked_to_stop(async || {}) => {
            tracing::warn!("ended at once: not all clients were told");
            ExitCode::from(ENDED_AT_ONCE)
        }
    }
}

/// Reads the configuration again, and the files that it named at the start. What makes no sense is
/// told to the log, and what was read before stays in force.
async fn reload(tracker: &Tracker, sources: Sources) {
    tracing::info!("reading the configuration again");
    // Its lists may be long, and this thread has STUN to serve.
    match on_file_thread(move || sources.load()).await {
        Ok(Ok(loaded)) => {
            warn_of_unknown(&loaded);
            tracker.reload(loaded.config);
        }
        Ok(Err(error)) => tracing::error!("{error}; the settings stay as they are"),
        Err(error) => tracing::error!("the configuration could not be read: {error}"),
    }
    tracker.reload_files().await;
}

/// What is worth knowing, a line each on stdout: `word  url`. The log has the same.
fn tell(addresses: &Addresses) {
    let lines = listed(addresses);
    for (what, url) in &lines {
        tracing::info!(what, url, "serving");
    }
    let mut page = String::new();
    for (word, url) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "{word:<9} {url}");
    }
    print(&page);
}

/// To stdout. Where nobody reads it, it is not missed.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn listed(addresses: &Addresses) -> Vec<(&'static str, String)> {
    let first = &addresses.servers[0];
    let page = url("http", first.address, first.tls);
    let streams = addresses.streams_at.map(|at| url("http", at.address, at.tls));
    let streams = streams.as_ref().unwrap_or(&page);
    let mut lines = Vec::new();
    let mut line = |word, url| lines.push((word, url));
    if addresses.player {
        line("player", format!("{page}/"));
    }
    if addresses.dashboard {
        line("dashboard", format!("{page}/dashboard"));
    }
    for server in &addresses.servers {
        line("tracker", url("ws", server.address, server.tls) + &server.socket_path);
    }
    for stream in &addresses.streams {
        line("stream", format!("{streams}{stream}"));
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
fn url(scheme: &str, address: SocketAddr, tls: bool) -> String {
    let secure = if tls { "s" } else { "" };
    format!("{scheme}{secure}://{}", reachable(address))
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
