//! The run without a subcommand: peers in a closed loop, as fast as the tracker goes.

use std::time::Duration;

use clap::Args;
use rand::Rng;

use super::{Refused, TargetArgs, bounded, count, descriptors};
use crate::limits;
use crate::plan::{Pace, Plan};

/// Joins, offers and answers in a closed loop.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
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
    /// Event loops; half of the cores by default. A swarm stays on one of them
    #[arg(long, value_parser = count(&limits::THREADS))]
    threads: Option<u64>,
}

impl LoadArgs {
    /// What holds. Raises this process's soft limit of descriptors on the way.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn plan(self) -> Result<Plan, Refused> {
        let target = self.target.check()?;
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
        descriptors("peers", peers)?;
        Ok(Plan {
            target,
            peers: peers as u32,
            swarms: swarms as u32,
            offers: self.offers as u16,
            sdp_bytes: self.sdp_bytes as usize,
            in_flight: self.in_flight.unwrap_or(peers).min(peers) as u32,
            threads: threads as u8,
            warmup: self.warmup,
            duration: self.duration,
            seed: self.seed.unwrap_or_else(|| rand::rng().next_u64()),
            pace: Pace::Closed,
        })
    }
}
