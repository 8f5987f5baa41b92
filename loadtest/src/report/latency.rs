//! How long messages took, as quantiles and as a histogram.

use serde::Serialize;

use crate::limits::LATENCY_BUCKETS_PER_DECADE;
use crate::record::{Kind, Latency, Record};

/// In microseconds. At saturation these hold the tracker's queue, and `own_turn`, the time that
/// one round over this program's own sockets takes.
#[derive(Debug, Serialize)]
pub(crate) struct Latencies {
    pub(crate) reply: Quantiles,
    pub(crate) offer: Quantiles,
    pub(crate) answer: Quantiles,
    pub(crate) join: Quantiles,
    pub(crate) own_turn: Quantiles,
    pub(crate) histogram: Histogram,
}

/// The latency that this share of all stayed within.
#[derive(Debug, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p99_9: u64,
}

/// How many messages, or joins, took how long. The buckets grow by the same factor each.
#[derive(Debug, Serialize)]
pub(crate) struct Histogram {
    /// Where each bucket ends, in microseconds; it begins where the one before it ends.
    pub(crate) up_to_us: Vec<f64>,
    pub(crate) reply: Vec<u64>,
    pub(crate) offer: Vec<u64>,
    pub(crate) answer: Vec<u64>,
    pub(crate) join: Vec<u64>,
}

impl Latencies {
    pub(crate) fn of(record: &Record) -> Self {
        let [reply, offer, answer, join] =
            Kind::ALL.map(|kind| Quantiles::of(record.latency(kind)));
        let own_turn = Quantiles::of(&record.turn);
        Self { reply, offer, answer, join, own_turn, histogram: Histogram::of(record) }
    }

    pub(crate) fn of_kind(&self, kind: Kind) -> &Quantiles {
        match kind {
            Kind::Reply => &self.reply,
            Kind::Offer => &self.offer,
            Kind::Answer => &self.answer,
            Kind::Join => &self.join,
        }
    }
}

impl Quantiles {
    pub(crate) fn of(latency: &Latency) -> Self {
        Self {
            p50: latency.quantile_us(0.5),
            p90: latency.quantile_us(0.9),
            p99: latency.quantile_us(0.99),
            p99_9: latency.quantile_us(0.999),
        }
    }
}

impl Histogram {
    /// The counts of one kind.
    pub(crate) fn of_kind(&self, kind: Kind) -> &[u64] {
        match kind {
            Kind::Reply => &self.reply,
            Kind::Offer => &self.offer,
            Kind::Answer => &self.answer,
            Kind::Join => &self.join,
        }
    }

    fn of(record: &Record) -> Self {
        Self::from_buckets(Kind::ALL.map(|kind| record.latency(kind).buckets()))
    }

    /// Those of many runs as one.
    pub(crate) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut sums: [Vec<u64>; 4] = Default::default();
        for histogram in all {
            for (sum, kind) in sums.iter_mut().zip(Kind::ALL) {
                for (up_to_us, count) in histogram.up_to_us.iter().zip(histogram.of_kind(kind)) {
                    let bucket = up_to_us.log10() * f64::from(LATENCY_BUCKETS_PER_DECADE);
                    let bucket = bucket.round() as usize;
                    sum.resize(sum.len().max(bucket + 1), 0);
                    sum[bucket] += count;
                }
            }
        }
        Self::from_buckets(sums)
    }

    /// Without the empty buckets before the first message and behind the last.
    fn from_buckets(buckets: [Vec<u64>; 4]) -> Self {
        let end = buckets.iter().map(Vec::len).max().unwrap_or_default();
        let firsts = buckets.iter().filter_map(|counts| counts.iter().position(|n| *n > 0));
        let first = firsts.min().unwrap_or_default();
        let [reply, offer, answer, join] = buckets.map(|mut counts| {
            counts.resize(end, 0);
            counts.split_off(first)
        });
        let up_to_us = (first..end).map(Latency::bucket_end_us).collect();
        Self { up_to_us, reply, offer, answer, join }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_histogram_begins_and_ends_with_a_message() {
        let mut record = Record::new();
        record.took(Kind::Reply, Duration::from_micros(300));
        record.took(Kind::Offer, Duration::from_micros(250));
        record.took(Kind::Offer, Duration::from_millis(4));
        let Histogram { up_to_us, reply, offer, answer, join } = Histogram::of(&record);
        assert!((250.0..300.0).contains(&up_to_us[0]), "{up_to_us:?}");
        assert_eq!((offer[0], offer.last()), (1, Some(&1)));
        let sums = [&reply, &offer, &answer, &join].map(|counts| counts.iter().sum::<u64>());
        assert_eq!(sums, [1, 2, 0, 0]);
        assert!([reply, offer, answer, join].iter().all(|counts| counts.len() == up_to_us.len()));
    }

    #[test]
    fn histograms_of_many_runs_add_up() {
        let of = |offers: &[u64]| {
            let mut record = Record::new();
            offers.iter().for_each(|us| record.took(Kind::Offer, Duration::from_micros(*us)));
            Latencies::of(&record).histogram
        };
        let (both, one) = (of(&[90, 2_000, 90, 400_000]), of(&[90, 2_000]));
        let sum = Histogram::sum([&one, &of(&[90, 400_000])].into_iter());
        assert_eq!((sum.up_to_us, sum.offer), (both.up_to_us, both.offer));
        assert!(Histogram::sum([].into_iter()).up_to_us.is_empty());
    }

    #[test]
    fn a_run_without_a_message_has_an_empty_histogram() {
        let histogram = Histogram::of(&Record::new());
        assert!(histogram.up_to_us.is_empty() && histogram.reply.is_empty());
    }
}
