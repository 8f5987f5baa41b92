//! Durations of which only the distribution is kept.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::limits::{LATENCY_BUCKETS_PER_DECADE, LATENCY_US_MAX};

/// Durations between 1 us and [`LATENCY_US_MAX`], to three digits.
#[derive(Debug)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    #[expect(clippy::expect_used, reason = "the bounds are constants, and any test runs this line")]
    pub(super) fn new() -> Self {
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

    pub(super) fn merge(&mut self, other: &Self) {
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
