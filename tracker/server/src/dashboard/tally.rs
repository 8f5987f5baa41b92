//! What has been counted up to a moment, as one value: the difference between two of them is what
//! happened in between, which is all that a person can read of counts.

use std::time::Duration;

use tracker_core::Reason;

use crate::close::Close;
use crate::latency::RelayCounts;
use crate::node::Node;
use crate::process;
use crate::transport::turned_away::TurnedAway;

/// All workers' counts, since the start or between two moments.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) announces: u64,
    /// Offers and answers that were passed on.
    pub(super) relays: u64,
    pub(super) scrapes: u64,
    pub(super) undelivered: u64,
    /// Nodes that came under the name of one that lives.
    pub(super) twins: u64,
    pub(super) relay_times: RelayCounts,
    /// By [`Reason::index`].
    pub(super) refusals: [u64; Reason::LABELS.len()],
    /// By [`TurnedAway::index`].
    pub(super) turned_away: [u64; TurnedAway::LABELS.len()],
    /// By [`Close::index`].
    pub(super) closes: [u64; Close::LABELS.len()],
}

/// A tally, and what each worker and the process had done then.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// By the node's clock.
    pub(super) at: Duration,
    /// Processor time of the process so far.
    cpu: Option<Duration>,
    pub(super) tally: Tally,
    pub(super) workers: Box<[WorkerMoment]>,
}

/// One worker at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkerMoment {
    pub(super) relayed: u64,
    /// Share of a core, over some 8 s.
    pub(super) busy: f32,
}

impl Tally {
    fn of(node: &Node) -> Self {
        let metrics = &node.metrics;
        let totals = metrics.totals();
        let mut tally = Self {
            announces: totals.announces,
            relays: totals.offers_relayed + totals.answers_relayed,
            scrapes: totals.scrapes,
            undelivered: totals.undelivered,
            twins: node.cluster.as_ref().map_or(0, |cluster| cluster.counts.twins.get()),
            relay_times: metrics.relay_counts(),
            ..Self::default()
        };
        fill(&mut tally.refusals, metrics.refusals());
        fill(&mut tally.turned_away, metrics.turned_away());
        fill(&mut tally.closes, metrics.closes());
        tally
    }

    /// What has come to it since `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            announces: self.announces.saturating_sub(earlier.announces),
            relays: self.relays.saturating_sub(earlier.relays),
            scrapes: self.scrapes.saturating_sub(earlier.scrapes),
            undelivered: self.undelivered.saturating_sub(earlier.undelivered),
            twins: self.twins.saturating_sub(earlier.twins),
            relay_times: less(&self.relay_times, &earlier.relay_times),
            refusals: less(&self.refusals, &earlier.refusals),
            turned_away: less(&self.turned_away, &earlier.turned_away),
            closes: less(&self.closes, &earlier.closes),
        }
    }

    /// What `tracker_messages_total` counts.
    pub(super) fn messages(&self) -> u64 {
        self.announces + self.relays + self.scrapes
    }
}

impl Moment {
    /// The node now.
    pub(super) fn of(node: &Node) -> Self {
        let worker = |worker: &crate::metrics::WorkerMetrics| WorkerMoment {
            relayed: worker.relayed(),
            busy: worker.busy_ratio() as f32,
        };
        Self {
            at: node.now(),
            cpu: process::cpu_time(),
            tally: Tally::of(node),
            workers: node.metrics.workers().iter().map(worker).collect(),
        }
    }

    /// Seconds since `earlier`.
    pub(super) fn seconds_since(&self, earlier: &Self) -> f64 {
        self.at.saturating_sub(earlier.at).as_secs_f64()
    }

    /// Cores that the process has used since `earlier`. `None` where the system doesn't say.
    pub(super) fn cores_since(&self, earlier: &Self) -> Option<f64> {
        let used = self.cpu?.saturating_sub(earlier.cpu?).as_secs_f64();
        Some(used / self.seconds_since(earlier))
    }
}

fn fill<const N: usize>(into: &mut [u64; N], from: impl Iterator<Item = (&'static str, u64)>) {
    for (count, (_, counted)) in into.iter_mut().zip(from) {
        *count = counted;
    }
}

fn less<const N: usize>(now: &[u64; N], earlier: &[u64; N]) -> [u64; N] {
    std::array::from_fn(|index| now[index].saturating_sub(earlier[index]))
}
