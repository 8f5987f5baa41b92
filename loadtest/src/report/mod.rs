//! What a run says in the end, as data: the table, the page and the JSON file show the same figures,
//! because all are written from this.

use std::collections::BTreeMap;
use std::time::SystemTime;

use indicatif::HumanCount;
use serde::Serialize;

use crate::client::wire::WireReport;
use crate::engine::Outcome;
use crate::limits::{BUSY_CORE_SHARE, LAG_US_MAX};
use crate::plan::Plan;
use crate::record::{Record, Unrest};
use crate::scenario::{Pace, Scenario};
use crate::verify::{Excused, Mesh};

pub(crate) mod figure;
pub(crate) mod file;
mod latency;
mod nodes;
pub(crate) mod page;
pub(crate) mod plot;
mod remarks;
mod server;
pub(crate) mod table;
mod timeline;

pub(crate) use latency::{Histogram, Latencies, Quantiles};
pub(crate) use nodes::{BetweenNodes, Node, Stretch};
pub(crate) use server::Server;
pub(crate) use timeline::Moment;

/// One run's figures; units are in the names.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// When it ended (RFC 3339).
    pub(crate) ended_at: String,
    /// Of several nodes all, with commas between them.
    pub(crate) url: String,
    pub(crate) wire: WireReport,
    pub(crate) load: Load,
    pub(crate) joined: u64,
    pub(crate) connects_per_s: f64,
    pub(crate) window_s: f64,
    pub(crate) relays: u64,
    pub(crate) relays_per_s: f64,
    pub(crate) announces_per_s: f64,
    pub(crate) latency_us: Latencies,
    /// The tracker's process, or those of all nodes together.
    pub(crate) server: Option<Server>,
    /// Several nodes, one by one; empty for one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) nodes: Vec<Node>,
    /// What they did for each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) between_nodes: Option<BetweenNodes>,
    /// How the viewers of each swarm hung together in the end.
    pub(crate) mesh: Mesh,
    pub(crate) own: Own,
    pub(crate) announce_timeouts: u64,
    /// Their offers came too early for the tracker.
    pub(crate) announces_throttled: u64,
    /// What the tracker asks of its clients, in seconds: then this is no saturation.
    pub(crate) min_interval_s: Option<u64>,
    pub(crate) closes_by_code: BTreeMap<u16, u64>,
    /// Sent late in an open loop because the tracker took nothing, or owed much.
    pub(crate) announces_held_up: u64,
    /// Missing because peers left or were cut off.
    pub(crate) relays_excused: u64,
    pub(crate) excused: Excused,
    pub(crate) unrest: Unrest,
    pub(crate) violations: u64,
    pub(crate) violations_by_kind: BTreeMap<&'static str, u64>,
    pub(crate) first_violations: Vec<String>,
    /// The run from its first connect on.
    pub(crate) timeline: Vec<Moment>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) peers: u32,
    pub(crate) swarms: u32,
    pub(crate) offers: u16,
    pub(crate) sdp_bytes: usize,
    pub(crate) in_flight: u32,
    pub(crate) threads: u8,
    pub(crate) seed: u64,
    /// Every key of the scenario, with the flags that went over it.
    pub(crate) scenario: Option<Scenario>,
}

/// This program.
#[derive(Debug, Serialize)]
pub(crate) struct Own {
    /// Share of a core that each event loop used; empty where that cannot be read.
    pub(crate) cores_used: Vec<f64>,
    pub(crate) bottleneck: Bottleneck,
    /// How much later than due the announces of an open loop were sent, in microseconds; `None` in
    /// a closed one. The latencies have it in them.
    pub(crate) lag_us: Option<Quantiles>,
    /// The lag's 99th percentile is so long that it shows in the latencies.
    pub(crate) is_late: bool,
}

/// Whether the figures are the tracker's or this program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bottleneck {
    /// The tracker was busy, the event loops had time to spare: the figures are the tracker's.
    Tracker,
    /// Neither was busy: few peers at once, or other work on this machine took the time.
    Neither,
    /// An event loop was busy, and so was the tracker.
    Both,
    /// An event loop was busy and the tracker was not: the tracker can do more.
    Loadtest,
    /// The tracker's process was not named, or this system does not tell.
    Unknown,
}

impl Report {
    pub(crate) fn new(plan: &Plan, outcome: Outcome) -> Self {
        let server = Server::new(&outcome);
        let nodes = Node::all(plan, &outcome);
        let Outcome { record, counts, window, join_time, joined, samples, .. } = outcome;
        let window_s = window.as_secs_f64();
        // Of several nodes one that is busy is enough.
        let busiest = nodes.iter().filter_map(|node| node.cores_used).reduce(f64::max);
        let server_cores = busiest.or(server.as_ref().map(|server| server.cores_used));
        let bottleneck = Bottleneck::of(&record.own_cores, server_cores);
        let urls: Vec<_> = plan.nodes.iter().map(|node| node.url.as_str()).collect();
        Self {
            ended_at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            url: urls.join(", "),
            wire: plan.nodes[0].wire.report(record.sockets_deflated),
            load: Load::new(plan),
            joined,
            connects_per_s: joined as f64 / join_time.as_secs_f64(),
            window_s,
            relays: counts.relays(),
            relays_per_s: counts.relays() as f64 / window_s,
            announces_per_s: counts.announces as f64 / window_s,
            latency_us: Latencies::of(&record),
            server,
            nodes,
            between_nodes: BetweenNodes::of(&record),
            mesh: record.mesh,
            own: Own::new(&record, bottleneck),
            announce_timeouts: counts.timeouts,
            announces_throttled: counts.throttled,
            min_interval_s: record.min_interval,
            closes_by_code: record.closes,
            announces_held_up: record.held_up,
            relays_excused: record.excused.offers + record.excused.answers,
            excused: record.excused,
            unrest: record.unrest,
            violations: record.violations.total(),
            violations_by_kind: record.violations.by_kind,
            first_violations: record.violations.first,
            timeline: samples.iter().map(Moment::new).collect(),
        }
    }
}

impl Load {
    fn new(plan: &Plan) -> Self {
        Self {
            peers: plan.peers,
            swarms: plan.swarms,
            offers: plan.offers,
            sdp_bytes: plan.sdp_bytes,
            in_flight: plan.in_flight,
            threads: plan.threads,
            seed: plan.seed,
            scenario: plan.scenario.clone().map(|keys| Scenario { seed: plan.seed, ..keys }),
        }
    }

    /// The load without its tracker.
    pub(crate) fn sentence(&self) -> String {
        format!(
            "{} peers in {} swarms, {} offers of {} bytes, {}, seed {}",
            HumanCount(self.peers.into()),
            HumanCount(self.swarms.into()),
            self.offers,
            HumanCount(self.sdp_bytes as u64),
            self.pace(),
            self.seed
        )
    }

    /// When peers announce.
    fn pace(&self) -> String {
        match &self.scenario {
            Some(keys) if keys.pace == Pace::Interval => "at the tracker's interval".to_owned(),
            Some(keys) if keys.pace == Pace::Rate && keys.relays_per_s > 0.0 => {
                format!("{} relays/s asked for", keys.relays_per_s)
            }
            Some(keys) if keys.pace == Pace::Rate => {
                format!("{} announces/s asked for", keys.announces_per_s)
            }
            _ => format!("{} at once", HumanCount(self.in_flight.into())),
        }
    }
}

impl Own {
    fn new(record: &Record, bottleneck: Bottleneck) -> Self {
        let lag_us = (record.lag.count() > 0).then(|| Quantiles::of(&record.lag));
        let is_late = lag_us.as_ref().is_some_and(|lag| lag.p99 > LAG_US_MAX);
        Self { cores_used: record.own_cores.clone(), bottleneck, lag_us, is_late }
    }

    /// The share of a core that each event loop used, for people.
    pub(crate) fn cores(&self) -> String {
        let cores = self.cores_used.iter().map(|cores| format!("{:.0} %", cores * 100.0));
        cores.collect::<Vec<_>>().join(", ")
    }
}

impl Bottleneck {
    fn of(own_cores: &[f64], server_cores: Option<f64>) -> Self {
        let own_busy = own_cores.iter().any(|cores| *cores > BUSY_CORE_SHARE);
        let server_busy = server_cores.map(|cores| cores > BUSY_CORE_SHARE);
        match (own_busy, server_busy) {
            _ if own_cores.is_empty() => Self::Unknown,
            (_, None) => Self::Unknown,
            (false, Some(true)) => Self::Tracker,
            (false, Some(false)) => Self::Neither,
            (true, Some(true)) => Self::Both,
            (true, Some(false)) => Self::Loadtest,
        }
    }

    pub(crate) fn verdict(self) -> &'static str {
        match self {
            Self::Tracker => "the tracker",
            Self::Neither => "neither: few peers at once, or other work on this machine",
            Self::Both => "both the tracker and loadtest are busy",
            Self::Loadtest => "LOADTEST ITSELF: the tracker has time to spare",
            Self::Unknown => "unknown (--server-pid tells it)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loadtest_says_so_when_it_is_the_bottleneck() {
        let of = |own: &[f64], cores| Bottleneck::of(own, Some(cores));
        assert_eq!(of(&[0.95], 0.5), Bottleneck::Loadtest);
        assert_eq!(of(&[0.2, 0.95], 0.5), Bottleneck::Loadtest);
        assert_eq!(of(&[0.95], 0.99), Bottleneck::Both);
        assert_eq!(of(&[0.7], 0.99), Bottleneck::Tracker);
        assert_eq!(of(&[0.7], 0.5), Bottleneck::Neither);
        assert_eq!(Bottleneck::of(&[0.95], None), Bottleneck::Unknown);
    }
}
