//! What a run amounts to: counts that the main thread reads while workers count, and latencies that
//! each worker keeps to itself until the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::limits::{LATENCY_BUCKETS_PER_DECADE, LATENCY_US_MAX, VIOLATIONS_SHOWN_MAX};
use crate::verify::{Took, Violation};

/// What one worker has done so far. The worker alone adds; once a turn it publishes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Peers whose first announce was replied to.
    pub(crate) joined: u64,
    /// Peers that were cut off, or never got in.
    pub(crate) gone: u64,
    pub(crate) announces: u64,
    pub(crate) replies: u64,
    /// Offers delivered.
    pub(crate) offers: u64,
    /// Answers delivered.
    pub(crate) answers: u64,
    /// Announces given up before everything had arrived.
    pub(crate) timeouts: u64,
    /// Announces whose offers the tracker did not pass on, because they came too early.
    pub(crate) throttled: u64,
    /// Offers of strangers that were answered.
    pub(crate) strangers_answered: u64,
}

/// Number of counts.
const FIELDS: usize = 9;

impl Counts {
    /// An offer or an answer delivered is one relay.
    pub(crate) fn relays(&self) -> u64 {
        self.offers + self.answers
    }

    fn fields(&self) -> [u64; FIELDS] {
        let Self {
            joined,
            gone,
            announces,
            replies,
            offers,
            answers,
            timeouts,
            throttled,
            strangers_answered,
        } = *self;
        [joined, gone, announces, replies, offers, answers, timeouts, throttled, strangers_answered]
    }

    fn from_fields(fields: [u64; FIELDS]) -> Self {
        let [
            joined,
            gone,
            announces,
            replies,
            offers,
            answers,
            timeouts,
            throttled,
            strangers_answered,
        ] = fields;
        Self {
            joined,
            gone,
            announces,
            replies,
            offers,
            answers,
            timeouts,
            throttled,
            strangers_answered,
        }
    }

    /// What happened since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let earlier = earlier.fields();
        let mut fields = self.fields();
        for (field, earlier) in fields.iter_mut().zip(earlier) {
            *field -= earlier;
        }
        Self::from_fields(fields)
    }

    /// These and those.
    pub(crate) fn and(&self, more: &Self) -> Self {
        let more = more.fields();
        let mut fields = self.fields();
        for (field, more) in fields.iter_mut().zip(more) {
            *field += more;
        }
        Self::from_fields(fields)
    }
}

/// One worker's counts where the main thread can see them.
#[derive(Debug, Default)]
pub(crate) struct Board {
    fields: [AtomicU64; FIELDS],
}

impl Board {
    pub(crate) fn publish(&self, counts: &Counts) {
        for (shown, field) in self.fields.iter().zip(counts.fields()) {
            shown.store(field, Relaxed);
        }
    }

    /// All workers' counts together.
    pub(crate) fn total<'a>(boards: impl Iterator<Item = &'a Self>) -> Counts {
        let mut total = [0; FIELDS];
        for board in boards {
            for (sum, shown) in total.iter_mut().zip(&board.fields) {
                *sum += shown.load(Relaxed);
            }
        }
        Counts::from_fields(total)
    }
}

/// What can arrive for an announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Reply,
    Offer,
    Answer,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Reply, Self::Offer, Self::Answer];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Offer => "offer",
            Self::Answer => "answer",
        }
    }
}

/// What one worker hands over at the end; [`Record::merge`] joins two.
#[derive(Debug)]
pub(crate) struct Record {
    /// From an announce to its reply.
    pub(crate) reply: Latency,
    /// From an announce to the arrival of one of its offers.
    pub(crate) offer: Latency,
    /// From an answer to its arrival.
    pub(crate) answer: Latency,
    /// One turn of this program's own event loop: how much of the latencies may be its own.
    pub(crate) turn: Latency,
    /// The longest `min interval` that the tracker asked for, in seconds.
    pub(crate) min_interval: Option<u64>,
    /// Close codes that the tracker sent; 1006 for none (RFC 6455, section 7.1.5).
    pub(crate) closes: BTreeMap<u16, u64>,
    /// Relays that are missing in swarms whose members were cut off.
    pub(crate) excused: u64,
    pub(crate) violations: Violations,
    /// By number; empty unless windows were opened.
    pub(crate) windows: Vec<Window>,
    /// Share of a core that each worker used while measuring.
    pub(crate) own_cores: Vec<f64>,
}

/// What was announced while one window was open, and what became of it.
#[derive(Debug)]
pub(crate) struct Window {
    /// Offers, from when their announce was due, and answers.
    pub(crate) relay: Latency,
    pub(crate) announces: u64,
    /// Offers that reached a peer of this run.
    pub(crate) offers: u64,
}

/// Violations by kind, and the first few in full.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    pub(crate) by_kind: BTreeMap<&'static str, u64>,
    pub(crate) first: Vec<String>,
}

/// Durations between 1 us and [`LATENCY_US_MAX`], to three digits.
#[derive(Debug)]
pub(crate) struct Latency(Histogram<u64>);

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            reply: Latency::new(),
            offer: Latency::new(),
            answer: Latency::new(),
            turn: Latency::new(),
            min_interval: None,
            closes: BTreeMap::new(),
            excused: 0,
            violations: Violations::default(),
            windows: Vec::new(),
            own_cores: Vec::new(),
        }
    }

    /// Something arrived as it should, while measuring or not.
    pub(crate) fn arrived(&mut self, kind: Kind, took: Took, measures: bool) {
        if measures {
            let latency = match kind {
                Kind::Reply => &mut self.reply,
                Kind::Offer => &mut self.offer,
                Kind::Answer => &mut self.answer,
            };
            latency.record(took.latency);
        }
        if let Some(number) = took.window
            && kind != Kind::Reply
        {
            let window = self.window(number);
            window.relay.record(took.latency);
            window.offers += u64::from(kind == Kind::Offer);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.reply.merge(&other.reply);
        self.offer.merge(&other.offer);
        self.answer.merge(&other.answer);
        self.turn.merge(&other.turn);
        for (code, count) in other.closes {
            *self.closes.entry(code).or_default() += count;
        }
        self.min_interval = self.min_interval.max(other.min_interval);
        self.excused += other.excused;
        for (kind, count) in other.violations.by_kind {
            *self.violations.by_kind.entry(kind).or_default() += count;
        }
        self.violations.first.extend(other.violations.first);
        self.violations.first.truncate(VIOLATIONS_SHOWN_MAX);
        self.own_cores.extend(other.own_cores);
        for (number, window) in (0..).zip(other.windows) {
            let into = self.window(number);
            into.relay.merge(&window.relay);
            into.announces += window.announces;
            into.offers += window.offers;
        }
    }

    /// Window `number`, which begins empty.
    pub(crate) fn window(&mut self, number: u16) -> &mut Window {
        while self.windows.len() <= number.into() {
            let relay = Latency::new();
            self.windows.push(Window { relay, announces: 0, offers: 0 });
        }
        &mut self.windows[usize::from(number)]
    }
}

impl Violations {
    pub(crate) fn add(&mut self, violation: &Violation) {
        *self.by_kind.entry(violation.kind()).or_default() += violation.count();
        if self.first.len() < VIOLATIONS_SHOWN_MAX {
            self.first.push(violation.to_string());
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.by_kind.values().sum()
    }
}

impl Latency {
    #[expect(clippy::expect_used, reason = "the bounds are constants, and any test runs this line")]
    fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("valid constant bounds"))
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        self.0.saturating_record((latency.as_micros() as u64).max(1));
    }

    /// How many were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that the given share of all stayed at or below, in microseconds.
    pub(crate) fn quantile_us(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    /// How many took how long: bucket `n` holds those of at most [`Latency::bucket_end_us`]`(n)`
    /// that are in none before it. The last bucket is the last that has any.
    pub(crate) fn buckets(&self) -> Vec<u64> {
        let mut buckets = Vec::new();
        for value in self.0.iter_recorded() {
            let us = value.value_iterated_to() as f64;
            let bucket = (us.log10() * f64::from(LATENCY_BUCKETS_PER_DECADE)).ceil() as usize;
            if buckets.len() <= bucket {
                buckets.resize(bucket + 1, 0);
            }
            buckets[bucket] += value.count_since_last_iteration();
        }
        buckets
    }

    /// Where a bucket of [`Latency::buckets`] ends, in microseconds.
    pub(crate) fn bucket_end_us(bucket: usize) -> f64 {
        10_f64.powf(bucket as f64 / f64::from(LATENCY_BUCKETS_PER_DECADE))
    }

    fn merge(&mut self, other: &Self) {
        // Same bounds on both sides, so nothing can be out of range.
        let _ = self.0.add(&other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_is_in_the_bucket_that_ends_behind_it() {
        let mut latency = Latency::new();
        let recorded = [1, 2, 90, 100, 101, 5_000, 70_000_000].map(Duration::from_micros);
        recorded.into_iter().for_each(|took| latency.record(took));
        let buckets = latency.buckets();
        assert_eq!(buckets.iter().sum::<u64>(), 7);
        let up_to = |us: f64| -> u64 {
            let within = |bucket: usize| Latency::bucket_end_us(bucket) <= us * 1.000_001;
            (0..buckets.len()).take_while(|bucket| within(*bucket)).map(|b| buckets[b]).sum()
        };
        assert_eq!([up_to(1.0), up_to(10.0), up_to(100.0), up_to(1e4)], [1, 2, 4, 6]);
        // What is longer than the bound counts as the bound.
        assert!(Latency::bucket_end_us(buckets.len() - 2) < LATENCY_US_MAX as f64);
        assert!(Latency::new().buckets().is_empty());
    }
}
