//! What may be asked for on the command line, and what of it holds. A refusal names the flag, the
//! value and the bound, before any socket opens.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::attack::AttackArgs;
use crate::limits;
use crate::simulate::{InvalidPopulation, SimulateArgs};
use crate::soak::SoakArgs;

mod load;
pub(crate) use load::LoadArgs;

/// Simulated WebTorrent peers against any tracker: joins, offers, answers, in a closed loop as fast
/// as the tracker goes. Every message is verified; a violation makes the exit code 1.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
}

/// What else may be done to a tracker.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One hostile socket beside a good swarm, attack by attack: the swarm must not notice
    Attack(AttackArgs),
    /// Many peers that come, go and change their swarms for long: memory must not grow
    Soak(SoakArgs),
    /// An evening of a million viewers in simulated time: no sockets, the tracker's own code
    Simulate(SimulateArgs),
}

/// What every kind of run is told: the tracker, and where the report goes.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// The tracker's WebSocket address (ws only)
    #[arg(long, default_value = "ws://127.0.0.1:8000")]
    url: Url,
    /// The tracker's process on this machine: adds its CPU time and memory to the report
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Where to write the report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The tracker that a run is about.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) address: SocketAddr,
    pub(crate) server_pid: Option<u32>,
    pub(crate) json: Option<PathBuf>,
}

/// A value that cannot be run with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("--url {0}: only ws:// is spoken")]
    Scheme(Url),
    #[error("--url {0}: no address: {1}")]
    Address(Url, String),
    #[error("--peers {peers}: {swarms} swarms of at least 2 need {} or more", swarms * 2)]
    FewPeers { peers: u64, swarms: u64 },
    #[error("--threads {threads}: a swarm stays on one thread, so at most --swarms {swarms}")]
    Threads { threads: u64, swarms: u64 },
    #[error("--{key} {}: must be {} to {}",
        humantime::format_duration(*value),
        humantime::format_duration(*bound.start()),
        humantime::format_duration(*bound.end()))]
    Duration { key: &'static str, value: Duration, bound: RangeInclusive<Duration> },
    #[error("--{key} {sockets}: needs {} file descriptors, this process may open {limit} \
        (see `ulimit -Hn`): at most {}", sockets + limits::DESCRIPTORS_SPARE,
        limit.saturating_sub(limits::DESCRIPTORS_SPARE))]
    Descriptors { key: &'static str, sockets: u64, limit: u64 },
    #[error("--server-pid {0}: no such process, or no /proc on this system")]
    ServerPid(u32),
    #[error("--server-pid is missing: it is the memory of the tracker's process that is judged")]
    NoServerPid,
    #[error("--json {}: no such folder", .0.display())]
    Folder(PathBuf),
    #[error("--population {}: {why}", .file.display())]
    Population { file: PathBuf, why: InvalidPopulation },
    #[error(
        "--viewers {viewers}: join swarms {joins:.0} times with the changes of quality of so \
        many minutes, at most {bound:.0}"
    )]
    Joins { viewers: u64, joins: f64, bound: f64 },
    #[error("--hostile-from {0}: is no address of this machine: {1}")]
    HostileFrom(IpAddr, String),
    #[error("--only {0}: no such attack; --list shows them")]
    Attack(String),
}

impl TargetArgs {
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn check(self) -> Result<Target, Refused> {
        let address = self.address()?;
        if let Some(pid) = self.server_pid
            && crate::process::usage(pid).is_none()
        {
            return Err(Refused::ServerPid(pid));
        }
        if let Some(file) = &self.json
            && !std::path::absolute(file).is_ok_and(|file| file.parent().is_some_and(Path::is_dir))
        {
            return Err(Refused::Folder(file.clone()));
        }
        Ok(Target { url: self.url, address, server_pid: self.server_pid, json: self.json })
    }

    fn address(&self) -> Result<SocketAddr, Refused> {
        if self.url.scheme() != "ws" {
            return Err(Refused::Scheme(self.url.clone()));
        }
        let refused = |why: String| Refused::Address(self.url.clone(), why);
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.url.port_or_known_default().unwrap_or(80);
        let mut found = (host, port).to_socket_addrs().map_err(|why| refused(why.to_string()))?;
        found.next().ok_or_else(|| refused("the name has none".into()))
    }
}

pub(crate) fn count(bound: &RangeInclusive<u64>) -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(bound.clone())
}

pub(crate) fn bounded(
    key: &'static str,
    value: Duration,
    bound: RangeInclusive<Duration>,
) -> Result<(), Refused> {
    if bound.contains(&value) { Ok(()) } else { Err(Refused::Duration { key, value, bound }) }
}

/// Raises this process's soft limit of descriptors, and sees that `sockets` fit.
pub(crate) fn descriptors(key: &'static str, sockets: u64) -> Result<(), Refused> {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(0);
    let fits = sockets + limits::DESCRIPTORS_SPARE <= limit;
    if fits { Ok(()) } else { Err(Refused::Descriptors { key, sockets, limit }) }
}
