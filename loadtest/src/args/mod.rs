//! What may be asked for on the command line, and what of it holds. A refusal names the flag, the
//! value and the bound, before any peer connects.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::attack::AttackArgs;
use crate::client::tls::TlsError;
use crate::client::wire::Wire;
use crate::floor::FloorArgs;
use crate::limits;
use crate::origin::OriginArgs;
use crate::scenario::ScenarioError;
use crate::simulate::{InvalidPopulation, SimulateArgs};
use crate::soak::SoakArgs;

mod contender;
mod load;
mod report;
mod wire;
pub(crate) use contender::Contender;
pub(crate) use load::LoadArgs;
pub(crate) use report::{Comparison, ReportArgs, ReportPlan};
use wire::WireArgs;

/// Simulated WebTorrent peers against any tracker: joins, offers, answers, in a closed loop as fast
/// as the tracker goes, or as a scenario has them. Every message is verified; a violation makes the
/// exit code 1.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// What else may be done to a tracker.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One hostile socket beside a good swarm, attack by attack: the swarm must not notice
    ///
    /// The exit code is 1 when the swarm's p99 latency during an attack is more than twice the one
    /// before it, or any promise to the swarm was broken.
    Attack(AttackArgs),
    /// The least that a relay can cost, to hold a tracker against
    ///
    /// One thread over epoll that reads, unmasks, finds the fields by substring search, copies, and
    /// sends once per socket and round. It checks nothing, picks neighbours in a row, and its answer
    /// to the handshake is a constant, which suits `loadtest` alone: no product, but a measure. How
    /// many times its CPU time per relay a tracker takes says how much is left to gain. Load both in
    /// the same minutes, from another core:
    ///
    /// taskset -c 0 loadtest floor 8001 &
    ///
    /// taskset -c 1 loadtest --url ws://127.0.0.1:8001 --server-pid $!
    Floor(FloorArgs),
    /// Many peers that come, go and change their swarms for long: memory must not grow
    ///
    /// The exit code is 1 when the tracker's memory grows by more than 5 % while they do, is not
    /// within 10 MB of its start when all have left, or anybody was cut off or refused.
    Soak(SoakArgs),
    /// Many downloads of a stream's segments at a time, from an origin or any server of files
    ///
    /// Each connection downloads one segment after the other, and every byte is compared with what
    /// the segment is. The exit code is 1 when any download was wrong. Two servers are compared like
    /// this, each on the same core, with the load on another:
    ///
    /// taskset -c 1 loadtest origin --compare ours=http://127.0.0.1:8080/live/tv/index.m3u8,pid=7
    /// --compare nginx=http://127.0.0.1:8081/tv/index.m3u8,pid=8
    Origin(OriginArgs),
    /// An evening of very many viewers in simulated time: no sockets, the tracker's own code
    ///
    /// Viewers come, meet and leave, and the tracker's own code decides who meets whom. Nothing is
    /// sent, and no tracker has to run.
    Simulate(SimulateArgs),
}

/// What every kind of run is told: the tracker, and where the report goes.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// The tracker's WebSocket address, ws or wss; several times, or as a list with commas, those
    /// of the nodes of one cluster, which a run without a subcommand loads together
    #[arg(long, default_value = "ws://127.0.0.1:8000")]
    url: Vec<Urls>,
    /// The tracker's process on this machine: adds its CPU time and memory to the report. With
    /// several nodes one for each, in the order of --url
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    server_pid: Vec<u32>,
    /// Where to write the report as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    wire: WireArgs,
}

/// The tracker that a run is about, or one node of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) address: SocketAddr,
    pub(crate) wire: Wire,
    pub(crate) server_pid: Option<u32>,
}

/// A value that cannot be run with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("--url {0}: only ws:// and wss:// are spoken")]
    Scheme(Url),
    #[error("{flag} is for wss://, and --url is {url}")]
    NoTls { flag: &'static str, url: Url },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{0}: only http:// is downloaded from")]
    NotHttp(Url),
    #[error("--url {0}: no address: {1}")]
    Address(Url, String),
    #[error("--peers {peers}: {swarms} swarms of at least 2 need {} or more", swarms * 2)]
    FewPeers { peers: u64, swarms: u64 },
    #[error("--threads {threads}: a swarm stays on one thread, so at most --swarms {swarms}")]
    Threads { threads: u64, swarms: u64 },
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    #[error(
        "--pace closed: would wait for peers that don't answer (--slow-share {0}, \
        --misbehaving-share {1}); --pace rate or interval doesn't"
    )]
    ClosedLoop(f64, f64),
    #[error("--switches-per-s {switches_per_s}: a swarm stays on one thread, so --threads \
        {threads} need --swarms {} or more, and there are {swarms}", threads * 2)]
    NoOtherSwarm { switches_per_s: f64, swarms: u64, threads: u64 },
    #[error("--source-addresses {0}: {1}")]
    Source(std::net::IpAddr, &'static str),
    #[error("--{key} {}: must be {} to {}",
        humantime::format_duration(*value),
        humantime::format_duration(*bound.start()),
        humantime::format_duration(*bound.end()))]
    Duration { key: &'static str, value: Duration, bound: RangeInclusive<Duration> },
    #[error("--{key} {sockets}: needs {} file descriptors, this process may open {limit} \
        (see `ulimit -Hn`): at most {}", sockets + limits::DESCRIPTORS_SPARE,
        limit.saturating_sub(limits::DESCRIPTORS_SPARE))]
    Descriptors { key: &'static str, sockets: u64, limit: u64 },
    #[error("--url {0}: a run of this kind is about one tracker, and {1} are named")]
    OneTracker(Url, usize),
    #[error("--url is there {nodes} times: must be {} to {}",
        limits::NODES.start(), limits::NODES.end())]
    Nodes { nodes: usize },
    #[error("--url {0}: named twice, and a node is one of a cluster once")]
    SameNode(Url),
    #[error("--url {} and {}: nodes of one cluster are all ws:// or all wss://", .0[0], .0[1])]
    Schemes(Box<[Url; 2]>),
    #[error("--server-pid is there {pids} times: one for each --url, and there are {nodes}")]
    ServerPids { pids: usize, nodes: usize },
    #[error("--server-pid {0}: no such process, or no /proc on this system")]
    ServerPid(u32),
    #[error("--server-pid is missing: it is the memory of the tracker's process that is judged")]
    NoServerPid,
    #[error("--{key} {}: no such folder", file.display())]
    Folder { key: &'static str, file: PathBuf },
    #[error("--compare is there {trackers} times: must be {} to {}",
        limits::COMPARE_TRACKERS.start(), limits::COMPARE_TRACKERS.end())]
    Contenders { trackers: usize },
    #[error("--compare {name}: {}", why.to_string().trim_start_matches("--"))]
    Contender { name: String, why: Box<Self> },
    #[error("--compare {0}: two trackers have this name")]
    SameName(String),
    #[error("--tolerate {0}: no --compare has this name")]
    NoContender(String),
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
    /// The one tracker that is named.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn check_one(&self) -> Result<Target, Refused> {
        let mut nodes = self.check()?;
        match nodes.len() {
            1 => Ok(nodes.swap_remove(0)),
            many => Err(Refused::OneTracker(nodes.swap_remove(1).url, many)),
        }
    }

    /// The nodes that are named, in their order; one is a tracker that stands alone.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn check(&self) -> Result<Vec<Target>, Refused> {
        let urls: Vec<&Url> = self.url.iter().flat_map(|urls| &urls.0).collect();
        let (nodes, pids) = (urls.len(), self.server_pid.len());
        if !limits::NODES.contains(&nodes) {
            return Err(Refused::Nodes { nodes });
        }
        if pids > 0 && pids != nodes {
            return Err(Refused::ServerPids { pids, nodes });
        }
        folder("json", self.json.as_deref())?;
        let mut targets: Vec<Target> = Vec::with_capacity(nodes);
        for (at, url) in urls.into_iter().enumerate() {
            let target = self.at(url, self.server_pid.get(at).copied())?;
            if targets.iter().any(|other| other.url == target.url) {
                return Err(Refused::SameNode(target.url));
            }
            if let Some(first) = targets.first()
                && first.url.scheme() != target.url.scheme()
            {
                return Err(Refused::Schemes(Box::new([first.url.clone(), target.url])));
            }
            targets.push(target);
        }
        Ok(targets)
    }

    /// One tracker with this address and process.
    ///
    /// # Errors
    /// What of it cannot be run with.
    fn at(&self, url: &Url, server_pid: Option<u32>) -> Result<Target, Refused> {
        let address = address(url)?;
        if let Some(pid) = server_pid
            && crate::process::usage(pid).is_none()
        {
            return Err(Refused::ServerPid(pid));
        }
        let wire = self.wire.check(url)?;
        Ok(Target { url: url.clone(), address, wire, server_pid })
    }
}

/// One address, or several with commas between them. A comma within one stays: the next begins
/// with its scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Urls(Vec<Url>);

impl FromStr for Urls {
    type Err = url::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut urls: Vec<String> = Vec::new();
        for part in text.split(',') {
            match urls.last_mut() {
                Some(url) if !part.contains("://") => {
                    url.push(',');
                    url.push_str(part);
                }
                _ => urls.push(part.to_owned()),
            }
        }
        urls.iter().map(|url| url.parse()).collect::<Result<_, _>>().map(Self)
    }
}

fn address(url: &Url) -> Result<SocketAddr, Refused> {
    let refused = |why: String| Refused::Address(url.clone(), why);
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    let found = (host, port).to_socket_addrs().map_err(|why| refused(why.to_string()))?;
    choose(&found.collect::<Vec<_>>()).ok_or_else(|| refused("the name has none".into()))
}

/// The first address at which somebody listens: `localhost` has two, and many a tracker has one.
/// Where nobody does, the first of all.
fn choose(found: &[SocketAddr]) -> Option<SocketAddr> {
    let listens =
        |address: &&SocketAddr| TcpStream::connect_timeout(address, limits::REACH_TIME_MAX).is_ok();
    let listening = if found.len() > 1 { found.iter().find(listens) } else { None };
    listening.or(found.first()).copied()
}

/// Sees that `file` can be written where it is asked for, before anything is measured.
pub(crate) fn folder(key: &'static str, file: Option<&Path>) -> Result<(), Refused> {
    let Some(file) = file else {
        return Ok(());
    };
    let is_there = std::path::absolute(file).is_ok_and(|f| f.parent().is_some_and(Path::is_dir));
    if is_there { Ok(()) } else { Err(Refused::Folder { key, file: file.to_owned() }) }
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn addresses_in_a_list_keep_their_own_commas() {
        let urls: Urls = "ws://a:1/x?y=1,2,ws://b:2".parse().expect("two");
        let texts: Vec<_> = urls.0.iter().map(Url::as_str).collect();
        assert_eq!(texts, ["ws://a:1/x?y=1,2", "ws://b:2/"]);
        assert!("ws://a,wss://".parse::<Urls>().is_err());
        assert!("127.0.0.1:8000".parse::<Urls>().is_err());
    }

    #[test]
    fn of_the_addresses_of_a_name_the_first_is_taken_at_which_somebody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let here = listener.local_addr().expect("an address");
        let deaf = SocketAddr::from(([127, 0, 0, 253], here.port()));
        assert_eq!(choose(&[deaf, here]), Some(here));
        assert_eq!(choose(&[here, deaf]), Some(here));
        assert_eq!(choose(&[deaf]), Some(deaf), "what to do about it is said later");
        assert_eq!(choose(&[]), None);
    }
}
