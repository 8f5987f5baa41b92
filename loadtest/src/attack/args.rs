//! What may be asked of the attack test, and what of it holds.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rand::Rng;

use super::scripts::{self, Attack, Manner};
use crate::args::{Refused, Target, TargetArgs, bounded, count, descriptors};
use crate::client::source::{find, outward};
use crate::limits;
use crate::plan::{Pace, Plan};

/// One hostile socket beside a good swarm.
#[derive(Debug, Args)]
pub(crate) struct AttackArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Peers of the good swarm; each announces once in peers / announces per second, which must be
    /// longer than the tracker's `min interval`
    #[arg(long, default_value_t = 1_000, value_parser = count(&limits::PEERS))]
    peers: u64,
    /// Announces per second of the good swarm, far below what the tracker can do
    #[arg(long, default_value_t = 25, value_parser = count(&limits::ANNOUNCES_PER_S))]
    announces_per_s: u64,
    /// Offers in each of its announces
    #[arg(long, default_value_t = 5, value_parser = count(&limits::OFFERS))]
    offers: u64,
    /// Size of each session description as written in JSON
    #[arg(long, default_value_t = 1_500, value_parser = count(&limits::SDP_BYTES))]
    sdp_bytes: u64,
    /// How long the attack is off and on in turn
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    window: Duration,
    /// How many times it is off and on; the median of each counts
    #[arg(long, default_value_t = 9, value_parser = count(&limits::ATTACK_ROUNDS))]
    rounds: u64,
    /// A p99 below this is the machine's scheduler, and a baseline below it counts as this much
    #[arg(long, default_value = "1ms", value_parser = humantime::parse_duration)]
    noise: Duration,
    /// How often an attack is tried whose latency is above the bound, on a machine with other work
    #[arg(long, default_value_t = 1, value_parser = count(&limits::ATTACK_ATTEMPTS))]
    attempts: u64,
    /// Only these attacks
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// The tracker's STUN address, which is attacked too if it is named
    #[arg(long, value_name = "ADDRESS")]
    stun: Option<SocketAddr>,
    /// The address of this machine that the hostile socket comes from. On the tracker's own machine
    /// it is the one that leads outwards, since 127.0.0.1 is under no limit per address
    #[arg(long, value_name = "ADDRESS")]
    hostile_from: Option<IpAddr>,
    /// Shows the attacks' names and ends
    #[arg(long)]
    pub(crate) list: bool,
}

/// An attack test in full.
#[derive(Debug)]
pub(crate) struct AttackPlan {
    pub(crate) target: Target,
    pub(crate) json: Option<PathBuf>,
    /// The good swarm.
    pub(crate) swarm: Plan,
    pub(crate) announces_per_s: u64,
    pub(crate) window: Duration,
    pub(crate) rounds: u16,
    pub(crate) noise: Duration,
    pub(crate) attempts: u64,
    pub(crate) attacks: Vec<&'static Attack>,
    pub(crate) stun: Option<SocketAddr>,
    /// Where the hostile socket comes from, if that isn't left to the system.
    pub(crate) hostile_from: Option<IpAddr>,
}

impl AttackArgs {
    /// What holds. Raises this process's soft limit of descriptors on the way.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn plan(self) -> Result<AttackPlan, Refused> {
        let target = self.target.check_one()?;
        bounded("window", self.window, limits::ATTACK_WINDOW)?;
        bounded("noise", self.noise, limits::ATTACK_NOISE)?;
        descriptors("peers", self.peers + limits::HELD_SOCKETS_MAX as u64)?;
        let known = |name: &&String| scripts::all().any(|attack| attack.name == **name);
        if let Some(unknown) = self.only.iter().find(|name| !known(name)) {
            return Err(Refused::Attack(unknown.clone()));
        }
        let (only, stun) = (&self.only, self.stun);
        let is_asked_for = |attack: &&Attack| {
            (only.is_empty() || only.iter().any(|name| name == attack.name))
                && (stun.is_some() || attack.manner != Manner::Datagrams)
        };
        let hostile_from = self.hostile_from.or_else(|| outward(target.address));
        if let Some(from) = hostile_from {
            find(from).map_err(|why| Refused::HostileFrom(from, why.to_string()))?;
        }
        Ok(AttackPlan {
            hostile_from,
            swarm: Plan {
                peers: self.peers as u32,
                swarms: 1,
                offers: self.offers as u16,
                sdp_bytes: self.sdp_bytes as usize,
                in_flight: self.peers as u32,
                threads: 1,
                warmup: Duration::ZERO,
                duration: self.window,
                seed: rand::rng().next_u64(),
                pace: Pace::Rate {
                    announces_per_s: self.announces_per_s as f64,
                    ramp: Duration::ZERO,
                },
                ..Plan::calm(target.clone())
            },
            target,
            json: self.target.json,
            announces_per_s: self.announces_per_s,
            window: self.window,
            rounds: self.rounds as u16,
            noise: self.noise,
            attempts: self.attempts,
            attacks: scripts::all().filter(is_asked_for).collect(),
            stun,
        })
    }
}
