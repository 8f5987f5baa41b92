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

/// How many messages took how long. The buckets grow by the same factor each.
#[derive(Debug, Serialize)]
pub(crate) struct Histogram {
    /// Where each bucket ends, in microseconds; it begins where the one before it ends.
    pub(crate) up_to_us: Vec<f64>,
    pub(crate) reply: Vec<u64>,
    pub(crate) offer: Vec<u64>,
    pub(crate) answer: Vec<u64>,
}

impl Latencies {
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            reply: Quantiles::of(&record.reply),
            offer: Quantiles::of(&record.offer),
            answer: Quantiles::of(&record.answer),
            own_turn: Quantiles::of(&record.turn),
            histogram: Histogram::of([&record.reply, &record.offer, &record.answer]),
        }
    }

    pub(crate) fn of_kind(&self, kind: Kind) -> &Quantiles {
        match kind {
            Kind::Reply => &self.reply,
            Kind::Offer => &self.offer,
            Kind::Answer => &self.answer,
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
    /// The counts of replies, offers or answers.
    pub(crate) fn of_kind(&self, kind: Kind) -> &[u64] {
        match kind {
            Kind::Reply => &self.reply,
            Kind::Offer => &self.offer,
            Kind::Answer => &self.answer,
        }
    }

    fn of(latencies: [&Latency; 3]) -> Self {
        Self::from_buckets(latencies.map(Latency::buckets))
    }

    /// Those of many runs as one.
    pub(crate) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut sums: [Vec<u64>; 3] = Default::default();
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
    fn from_buckets(buckets: [Vec<u64>; 3]) -> Self {
        let end = buckets.iter().map(Vec::len).max().unwrap_or_default();
        let firsts = buckets.iter().filter_map(|counts| counts.iter().position(|n| *n > 0));
        let first = firsts.min().unwrap_or_default();
        let [reply, offer, answer] = buckets.map(|mut counts| {
            counts.resize(end, 0);
            counts.split_off(first)
        });
        let up_to_us = (first..end).map(Latency::bucket_end_us).collect();
        Self { up_to_us, reply, offer, answer }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_histogram_begins_and_ends_with_a_message() {
        let mut record = Record::new();
        record.reply.record(Duration::from_micros(300));
        record.offer.record(Duration::from_micros(250));
        record.offer.record(Duration::from_millis(4));
        let histogram = Histogram::of([&record.reply, &record.offer, &record.answer]);
        let Histogram { up_to_us, reply, offer, answer } = histogram;
        assert!((250.0..300.0).contains(&up_to_us[0]), "{up_to_us:?}");
        assert_eq!((offer[0], offer.last()), (1, Some(&1)));
        let sums = [&reply, &offer, &answer].map(|counts| counts.iter().sum::<u64>());
        assert_eq!(sums, [1, 2, 0]);
        assert!([reply, offer, answer].iter().all(|counts| counts.len() == up_to_us.len()));
    }

    #[test]
    fn histograms_of_many_runs_add_up() {
        let of = |offers: &[u64]| {
            let mut record = Record::new();
            offers.iter().for_each(|us| record.offer.record(Duration::from_micros(*us)));
            Latencies::of(&record).histogram
        };
        let (both, one) = (of(&[90, 2_000, 90, 400_000]), of(&[90, 2_000]));
        let sum = Histogram::sum([&one, &of(&[90, 400_000])].into_iter());
        assert_eq!((sum.up_to_us, sum.offer), (both.up_to_us, both.offer));
        assert!(Histogram::sum([].into_iter()).up_to_us.is_empty());
    }

    #[test]
    fn a_run_without_a_message_has_an_empty_histogram() {
        let record = Record::new();
        let histogram = Histogram::of([&record.reply, &record.offer, &record.answer]);
        assert!(histogram.up_to_us.is_empty() && histogram.reply.is_empty());
    }
}
