//! What may be asked for on the command line, and what of it holds. A refusal names the flag, the
//! value and the bound, before any socket opens.

use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use rand::Rng;
use url::Url;

use crate::limits;
use crate::plan::Plan;

/// Simulated WebTorrent peers against any tracker: joins, offers, answers, in a closed loop as fast
/// as the tracker goes. Every message is verified; a violation makes the exit code 1.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// The tracker's WebSocket address (ws only)
    #[arg(long, default_value = "ws://127.0.0.1:8000")]
    url: Url,
    /// Peers, one socket each
    #[arg(long, default_value_t = 2_000, value_parser = count(&limits::PEERS))]
    peers: u64,
    /// Swarms, of equal size
    #[arg(long, default_value_t = 20, value_parser = count(&limits::SWARMS))]
    swarms: u64,
    /// Offers in each announce; keep it within the tracker's own limit, or the rest counts as lost
    #[arg(long, default_value_t = 10, value_parser = count(&limits::OFFERS))]
    offers: u64,
    /// Size of each session description as written in JSON
    #[arg(long, default_value_t = 1_500, value_parser = count(&limits::SDP_BYTES))]
    sdp_bytes: u64,
    /// Peers that announce at the same time; fewer than all shows latency instead of queueing
    #[arg(long, value_name = "PEERS", value_parser = count(&limits::PEERS))]
    in_flight: Option<u64>,
    /// How long to measure
    #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// How long to run before measuring
    #[arg(long, default_value = "3s", value_parser = humantime::parse_duration)]
    warmup: Duration,
    /// Makes the ids and descriptions of a run the same again; random by default
    #[arg(long)]
    seed: Option<u64>,
    /// The tracker's process on this machine: adds its CPU time and memory to the report
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Where to write the report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Event loops; half of the cores by default. A swarm stays on one of them
    #[arg(long, value_parser = count(&limits::THREADS))]
    threads: Option<u64>,
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
    Duration { key: &'static str, value: Duration, bound: std::ops::RangeInclusive<Duration> },
    #[error("--peers {peers}: needs {} file descriptors, this process may open {limit} \
        (see `ulimit -Hn`): at most {}", peers + limits::DESCRIPTORS_SPARE,
        limit.saturating_sub(limits::DESCRIPTORS_SPARE))]
    Descriptors { peers: u64, limit: u64 },
    #[error("--server-pid {0}: no such process, or no /proc on this system")]
    ServerPid(u32),
    #[error("--json {}: no such folder", .0.display())]
    Folder(PathBuf),
}

impl Args {
    /// What holds. Raises this process's soft limit of descriptors on the way.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn plan(self) -> Result<Plan, Refused> {
        let address = self.address()?;
        let (peers, swarms) = (self.peers, self.swarms);
        if peers < 2 * swarms {
            return Err(Refused::FewPeers { peers, swarms });
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let default_threads = (cores / 2).clamp(1, *limits::THREADS.end()).min(swarms);
        let threads = self.threads.unwrap_or(default_threads);
        if threads > swarms {
            return Err(Refused::Threads { threads, swarms });
        }
        bounded("duration", self.duration, limits::DURATION)?;
        bounded("warmup", self.warmup, limits::WARMUP)?;
        let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(0);
        if peers + limits::DESCRIPTORS_SPARE > limit {
            return Err(Refused::Descriptors { peers, limit });
        }
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
        Ok(Plan {
            url: self.url,
            address,
            peers: peers as u32,
            swarms: swarms as u32,
            offers: self.offers as u16,
            sdp_bytes: self.sdp_bytes as usize,
            in_flight: self.in_flight.unwrap_or(peers).min(peers) as u32,
            threads: threads as u8,
            warmup: self.warmup,
            duration: self.duration,
            seed: self.seed.unwrap_or_else(|| rand::rng().next_u64()),
            server_pid: self.server_pid,
            json: self.json,
        })
    }

    fn address(&self) -> Result<std::net::SocketAddr, Refused> {
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

fn count(bound: &std::ops::RangeInclusive<u64>) -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(bound.clone())
}

fn bounded(
    key: &'static str,
    value: Duration,
    bound: std::ops::RangeInclusive<Duration>,
) -> Result<(), Refused> {
    if bound.contains(&value) { Ok(()) } else { Err(Refused::Duration { key, value, bound }) }
}
