//! What may be asked of a soak, and what of it holds.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rand::Rng;

use crate::args::{Refused, Target, TargetArgs, bounded, count, descriptors};
use crate::limits;

/// Many viewers that hold their sockets, while some join, leave, and change their quality.
#[derive(Debug, Args)]
pub(crate) struct SoakArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Viewers at a time, one socket each
    #[arg(long, default_value_t = 18_000, value_parser = count(&limits::PEERS))]
    connections: u64,
    /// Swarms that they are in
    #[arg(long, default_value_t = 360, value_parser = count(&limits::SWARMS))]
    swarms: u64,
    /// Offers in each announce
    #[arg(long, default_value_t = 5, value_parser = count(&limits::OFFERS))]
    offers: u64,
    /// Size of each session description as written in JSON
    #[arg(long, default_value_t = 1_500, value_parser = count(&limits::SDP_BYTES))]
    sdp_bytes: u64,
    /// How long viewers change their swarms before growth counts: until their first old swarms
    /// forget them, after two announce intervals, there are more members every second
    #[arg(long, default_value = "4m", value_parser = humantime::parse_duration)]
    settle: Duration,
    /// How long they are held after that
    #[arg(long, default_value = "10m", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Viewers that leave in a second, each replaced by a new one
    #[arg(long, default_value_t = 30, value_parser = count(&limits::SOAK_CHURN_PER_S))]
    leaves_per_s: u64,
    /// Viewers that change their swarm in a second
    #[arg(long, default_value_t = 30, value_parser = count(&limits::SOAK_CHURN_PER_S))]
    switches_per_s: u64,
}

/// A soak in full.
#[derive(Debug)]
pub(crate) struct SoakPlan {
    pub(crate) target: Target,
    pub(crate) json: Option<PathBuf>,
    pub(crate) server_pid: u32,
    pub(crate) connections: u64,
    pub(crate) swarms: u32,
    pub(crate) offers: u16,
    pub(crate) sdp_bytes: usize,
    pub(crate) settle: Duration,
    pub(crate) duration: Duration,
    pub(crate) leaves_per_s: u64,
    pub(crate) switches_per_s: u64,
    pub(crate) seed: u64,
}

impl SoakArgs {
    /// What holds. Raises this process's soft limit of descriptors on the way.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn plan(self) -> Result<SoakPlan, Refused> {
        let target = self.target.check_one()?;
        let server_pid = target.server_pid.ok_or(Refused::NoServerPid)?;
        bounded("settle", self.settle, limits::SOAK_SETTLE)?;
        bounded("duration", self.duration, limits::DURATION)?;
        descriptors("connections", self.connections)?;
        Ok(SoakPlan {
            target,
            json: self.target.json,
            server_pid,
            connections: self.connections,
            swarms: self.swarms as u32,
            offers: self.offers as u16,
            sdp_bytes: self.sdp_bytes as usize,
            settle: self.settle,
            duration: self.duration,
            leaves_per_s: self.leaves_per_s,
            switches_per_s: self.switches_per_s,
            seed: rand::rng().next_u64(),
        })
    }
}
