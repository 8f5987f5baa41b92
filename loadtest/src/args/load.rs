//! The run without a subcommand: a scenario, and the flags that go over its keys.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use rand::Rng;

use super::{Comparison, Refused, Target, TargetArgs, descriptors};
use crate::client::source;
use crate::limits;
use crate::plan::{Churn, Oddities, Pace, Plan, Storm};
use crate::scenario::{self, Keys, Pace as PaceKey, Scenario, Time};

/// Joins, offers and answers, as a scenario has them.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// A scenario that comes with this program, or a file of its keys. Each key is a flag, too,
    /// which goes over the scenario
    #[arg(long, value_name = "FILE|NAME", default_value = scenario::DEFAULT)]
    scenario: String,
    /// Shows the scenarios that come with this program and ends
    #[arg(long)]
    pub(crate) list_scenarios: bool,
    /// Addresses of this machine to connect from, in turn; on loopback there are enough by default
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    source_addresses: Vec<IpAddr>,
    #[command(flatten)]
    keys: Keys,
}

impl LoadArgs {
    /// What holds, on the first of the trackers if some are compared. Raises this process's soft
    /// limit of descriptors on the way.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn plan(self, comparison: Option<&Comparison>) -> Result<Plan, Refused> {
        let scenario = scenario::load(&self.scenario, self.keys)?;
        let nodes = match comparison.and_then(|comparison| comparison.contenders.first()) {
            None => self.target.check()?,
            Some((_, first)) => vec![first.clone()],
        };
        let Scenario { peers, swarms, .. } = scenario;
        if peers < 2 * swarms {
            return Err(Refused::FewPeers { peers, swarms });
        }
        let threads = threads(&scenario)?;
        possible(&scenario, threads)?;
        sources(&self.source_addresses, &nodes)?;
        descriptors("peers", peers)?;
        let seed = if scenario.seed == 0 { rand::rng().next_u64() } else { scenario.seed };
        let in_flight = if scenario.in_flight == 0 { peers } else { scenario.in_flight.min(peers) };
        let settle = settle(&scenario, nodes.len());
        Ok(Plan {
            nodes,
            cross_share: scenario.cross_share as f64 / 100.0,
            peers: peers as u32,
            swarms: swarms as u32,
            zipf_exponent: scenario.zipf_exponent,
            offers: scenario.offers as u16,
            sdp_bytes: scenario.sdp_bytes as usize,
            in_flight: in_flight as u32,
            threads: threads as u8,
            settle,
            warmup: scenario.warmup.0,
            duration: scenario.duration.0,
            seed,
            pace: pace(&scenario),
            connects_per_s: scenario.connects_per_s,
            churn: Churn {
                leaves_per_s: scenario.leaves_per_s,
                broken_share: scenario.broken_share,
                switches_per_s: scenario.switches_per_s,
                stopped_share: scenario.stopped_share,
            },
            storm: (scenario.storm_share > 0.0).then_some(Storm {
                share: scenario.storm_share,
                every: scenario.storm_every.0,
                window: scenario.storm_window.0,
            }),
            oddities: Oddities {
                slow_share: scenario.slow_share,
                slow_pause: (!scenario.slow_pause.0.is_zero()).then_some(scenario.slow_pause.0),
                misbehaving_share: scenario.misbehaving_share,
                misbehaving_per_s: scenario.misbehaving_per_s,
            },
            sources: self.source_addresses,
            scenario: Some(Scenario { seed, threads, in_flight, settle: Time(settle), ..scenario }),
        })
    }
}

/// The event loops: half of the cores, or as many as were asked for.
fn threads(scenario: &Scenario) -> Result<u64, Refused> {
    let Scenario { threads, swarms, .. } = *scenario;
    if threads > swarms {
        return Err(Refused::Threads { threads, swarms });
    }
    if threads > 0 {
        return Ok(threads);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    Ok((cores / 2).clamp(1, *limits::LOAD_THREADS.end()).min(swarms))
}

/// What excludes what.
fn possible(scenario: &Scenario, threads: u64) -> Result<(), Refused> {
    let Scenario { swarms, slow_share, misbehaving_share, switches_per_s, .. } = *scenario;
    if scenario.pace == PaceKey::Closed && slow_share + misbehaving_share > 0.0 {
        return Err(Refused::ClosedLoop(slow_share, misbehaving_share));
    }
    if switches_per_s > 0.0 && swarms < 2 * threads {
        return Err(Refused::NoOtherSwarm { switches_per_s, swarms, threads });
    }
    Ok(())
}

/// Whether these are addresses of this machine from which the trackers can be reached.
fn sources(addresses: &[IpAddr], nodes: &[Target]) -> Result<(), Refused> {
    for address in addresses {
        if nodes.iter().any(|node| address.is_ipv4() != node.address.is_ipv4()) {
            return Err(Refused::Source(*address, "the tracker's address is of another kind"));
        }
        if source::find(*address).is_err() {
            return Err(Refused::Source(*address, "this machine doesn't have it"));
        }
    }
    Ok(())
}

/// How long nobody offers after all have joined: trackers hear of each other's viewers some seconds
/// late.
fn settle(scenario: &Scenario, nodes: usize) -> Duration {
    match scenario.settle.0 {
        Duration::ZERO if nodes > 1 => limits::SETTLE_DEFAULT,
        asked => asked,
    }
}

fn pace(scenario: &Scenario) -> Pace {
    match scenario.pace {
        PaceKey::Closed => Pace::Closed,
        PaceKey::Interval => Pace::Interval,
        PaceKey::Rate => {
            let ramp = scenario.rate_ramp.0;
            if scenario.relays_per_s == 0.0 {
                return Pace::Rate { announces_per_s: scenario.announces_per_s, ramp };
            }
            // An announce is relayed to as many others as there are, and answered by each.
            let others = (scenario.peers as f64 / scenario.swarms as f64 - 1.0).max(1.0);
            let relays = 2.0 * others.min(scenario.offers as f64);
            Pace::Rate { announces_per_s: scenario.relays_per_s / relays, ramp }
        }
    }
}
