//! What a simulation amounts to, as data: the same for the same seed, whatever the machine.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use tracker_core::Counters;

use super::limits::{FIRST_PEER_MS_MAX, SAMPLE_INTERVAL};
use super::mesh::Connectedness;
use super::offload::Flows;
use super::tracker::{BusTraffic, Traffic};

/// What viewers have done, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) viewers_came: u64,
    pub(super) viewers_left: u64,
    pub(super) switches: u64,
    pub(super) announces: u64,
    pub(super) offers_made: u64,
    /// Offers that the tracker passed on; the others found nobody, came too early, or met somebody
    /// who had received too many.
    pub(super) offers_delivered: u64,
    /// Of these, to viewers who had left.
    pub(super) offers_to_gone: u64,
    /// Of these, to what viewers were before they changed their quality.
    pub(super) offers_to_former: u64,
    /// Of these, to viewers who have all the peers that they may have.
    pub(super) offers_to_full: u64,
    /// Of these, those for which a viewer began to make an answer; some leave meanwhile.
    pub(super) answers_begun: u64,
    pub(super) answers: u64,
    pub(super) answers_delivered: u64,
    /// Messages that the tracker refused: answers, mostly because the offer's maker had left.
    pub(super) refused: u64,
    /// Hole punching failed.
    pub(super) connections_failed: u64,
    /// Its two ends were connected already.
    pub(super) connections_again: u64,
    /// One end left before it was there, or had all its peers by then.
    pub(super) connections_late: u64,
    pub(super) connections: u64,
}

/// What the tracker counts of the same, all nodes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Heard {
    pub(super) announces: u64,
    pub(super) offers_relayed: u64,
    pub(super) offers_early: u64,
    pub(super) offers_over_rate: u64,
    pub(super) answers_relayed: u64,
    /// Offers that went to another node, and those of them that somebody there got.
    pub(super) cross_offers_sent: u64,
    pub(super) cross_offers_relayed: u64,
    pub(super) cross_answers_sent: u64,
    pub(super) cross_answers_relayed: u64,
    pub(super) refusals: u64,
}

/// A minute.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Sample {
    /// The minute's end. What isn't a rate is as of then.
    pub(super) at_s: u64,
    pub(super) viewers: u32,
    /// Members that the tracker believes to be there; it learns late of some that aren't.
    pub(super) tracker_members: usize,
    pub(super) tracker_heap_bytes: usize,
    pub(super) per_s: Rates,
    pub(super) mesh: Connectedness,
    pub(super) flows: Flows,
}

/// What the tracker hears and says in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Rates {
    pub(super) messages_in: f64,
    pub(super) messages_out: f64,
    pub(super) bytes_in: f64,
    pub(super) bytes_out: f64,
}

/// What all nodes tell each other in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct BusRates {
    pub(super) digests_sent: f64,
    pub(super) digests_arrived: f64,
    pub(super) offers: f64,
    pub(super) answers: f64,
    pub(super) bytes_sent: f64,
    pub(super) bytes_arrived: f64,
}

/// How one node fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct NodeRecord {
    /// Of its clients, over the whole run.
    pub(super) messages_in: u64,
    pub(super) messages_out: u64,
    /// At the end.
    pub(super) members: usize,
}

/// How long viewers waited for the first peer of their video.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct FirstPeer {
    pub(super) p50_ms: u64,
    pub(super) p90_ms: u64,
    pub(super) p99_ms: u64,
    /// Viewers who never had one: of those who have left, and those who were there for an announce
    /// interval when the run ended.
    pub(super) never: u64,
    /// Of these, those whose network lets them connect to nobody.
    pub(super) never_could: u64,
    /// Share of the viewers who never had one.
    pub(super) never_share: f64,
}

/// Bytes of the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Bytes {
    pub(super) watched: f64,
    /// What the CDN was spared.
    pub(super) from_peers: f64,
    pub(super) share: f64,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// Share of pairs of viewers that connect, by the population's NATs.
    pub(super) pairs_that_connect: f64,
    pub(super) counts: Counts,
    pub(super) tracker: Heard,
    pub(super) nodes: Vec<NodeRecord>,
    pub(super) bus: BusTraffic,
    /// The second in which the bus carried most.
    pub(super) bus_peak_per_s: BusRates,
    /// By reason.
    pub(super) refusals: BTreeMap<String, u64>,
    pub(super) peak_viewers: u32,
    /// The second in which the tracker heard and said most.
    pub(super) peak_per_s: Rates,
    pub(super) peak_at_s: u64,
    pub(super) first_peer: FirstPeer,
    pub(super) bytes: Bytes,
    pub(super) samples: Vec<Sample>,
}

/// Times until the first peer, to three digits.
#[derive(Debug)]
pub(super) struct Waits(Histogram<u64>);

impl AddAssign<Counters> for Heard {
    fn add_assign(&mut self, counters: Counters) {
        self.announces += counters.announces;
        self.offers_relayed += counters.offers_relayed;
        self.offers_early += counters.offers_early;
        self.offers_over_rate += counters.offers_over_rate;
        self.answers_relayed += counters.answers_relayed;
        self.cross_offers_sent += counters.cross_offers_sent;
        self.cross_offers_relayed += counters.cross_offers_relayed;
        self.cross_answers_sent += counters.cross_answers_sent;
        self.cross_answers_relayed += counters.cross_answers_relayed;
        self.refusals += counters.refusals;
    }
}

impl Heard {
    /// Share of the offers that went to another node.
    pub(super) fn cross_share(&self) -> f64 {
        let all = self.offers_relayed + self.cross_offers_sent;
        self.cross_offers_sent as f64 / all.max(1) as f64
    }
}

impl BusRates {
    pub(super) fn of(traffic: &BusTraffic, time: Duration) -> Self {
        let per_s = |count: u64| count as f64 / time.as_secs_f64();
        Self {
            digests_sent: per_s(traffic.digests_sent),
            digests_arrived: per_s(traffic.digests_arrived),
            offers: per_s(traffic.offers),
            answers: per_s(traffic.answers),
            bytes_sent: per_s(traffic.bytes_sent),
            bytes_arrived: per_s(traffic.bytes_arrived),
        }
    }

    /// As they arrive.
    pub(super) fn messages(&self) -> f64 {
        self.digests_arrived + self.offers + self.answers
    }
}

impl Rates {
    pub(super) fn of(traffic: &Traffic, time: Duration) -> Self {
        let per_s = |count: u64| count as f64 / time.as_secs_f64();
        Self {
            messages_in: per_s(traffic.messages_in),
            messages_out: per_s(traffic.messages_out),
            bytes_in: per_s(traffic.bytes_in),
            bytes_out: per_s(traffic.bytes_out),
        }
    }

    pub(super) fn messages(&self) -> f64 {
        self.messages_in + self.messages_out
    }
}

impl Bytes {
    /// Each sample's flows stand for the time since the sample before.
    pub(super) fn of(samples: &[Sample]) -> Self {
        let bytes = |bps: fn(&Flows) -> f64| {
            let bits = samples.iter().map(|sample| bps(&sample.flows)).sum::<f64>();
            bits * SAMPLE_INTERVAL.as_secs_f64() / 8.0
        };
        let (watched, from_peers) = (bytes(|f| f.watched_bps), bytes(|f| f.from_peers_bps));
        let share = if watched > 0.0 { from_peers / watched } else { 0.0 };
        Self { watched, from_peers, share }
    }
}

impl Waits {
    /// # Errors
    /// Never: its bounds are constants.
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, FIRST_PEER_MS_MAX, 3)?))
    }

    pub(super) fn record(&mut self, wait: Duration) {
        self.0.saturating_record((wait.as_millis() as u64).max(1));
    }

    /// With those who never had a peer.
    pub(super) fn first_peer(&self, never: u64, never_could: u64) -> FirstPeer {
        FirstPeer {
            p50_ms: self.0.value_at_quantile(0.5),
            p90_ms: self.0.value_at_quantile(0.9),
            p99_ms: self.0.value_at_quantile(0.99),
            never,
            never_could,
            never_share: never as f64 / (never + self.0.len()).max(1) as f64,
        }
    }
}
