//! How long offers and answers take through the tracker: from the read that brought them to the
//! write that sends them on. Most of it is waiting, for the end of a round or in a mailbox, so
//! this is where an overload shows first.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::limits::RELAY_TIMES_MAX;

/// When the messages that a round passes on were read. A moment stands for all messages of one
/// read, so a time is noted once an announce, not once an offer.
#[derive(Debug, Default)]
pub(crate) struct RelayTimes(Vec<(Duration, u32)>);

impl RelayTimes {
    /// Notes a message that was read at `read_at`. Beyond the bound it counts with the last one.
    pub(crate) fn add(&mut self, read_at: Duration) {
        let full = self.0.len() >= RELAY_TIMES_MAX;
        match self.0.last_mut() {
            Some((at, messages)) if *at == read_at || full => *messages += 1,
            _ => self.0.push((read_at, 1)),
        }
    }

    /// Takes over what another worker has passed on to this one's sockets.
    pub(crate) fn append(&mut self, mut other: Self) {
        let room = RELAY_TIMES_MAX.saturating_sub(self.0.len());
        let rest = other.0.split_off(room.min(other.0.len()));
        self.0.append(&mut other.0);
        if let Some((_, messages)) = self.0.last_mut() {
            *messages += rest.iter().map(|(_, more)| more).sum::<u32>();
        }
    }

    /// All of it has been written.
    pub(crate) fn written(&mut self, now: impl FnOnce() -> Duration, to: &Histogram) {
        if self.0.is_empty() {
            return;
        }
        let now = now();
        for (read_at, messages) in self.0.drain(..) {
            to.observe(now.saturating_sub(read_at), messages.into());
        }
    }
}

/// Times by how long they took, as Prometheus counts them.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// By the first of [`Histogram::BOUNDS`] that they don't exceed, and those that exceed all.
    counts: [AtomicU64; Histogram::BOUNDS.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Upper bounds of the buckets, and how Prometheus reads them, in seconds. From what an idle
    /// node needs to what a viewer would call broken; an offer is worthless after 50 s.
    pub(crate) const BOUNDS: [(Duration, &str); 16] = [
        (Duration::from_micros(50), "0.00005"),
        (Duration::from_micros(100), "0.0001"),
        (Duration::from_micros(250), "0.00025"),
        (Duration::from_micros(500), "0.0005"),
        (Duration::from_millis(1), "0.001"),
        (Duration::from_micros(2500), "0.0025"),
        (Duration::from_millis(5), "0.005"),
        (Duration::from_millis(10), "0.01"),
        (Duration::from_millis(25), "0.025"),
        (Duration::from_millis(50), "0.05"),
        (Duration::from_millis(100), "0.1"),
        (Duration::from_millis(250), "0.25"),
        (Duration::from_millis(500), "0.5"),
        (Duration::from_secs(1), "1"),
        (Duration::from_millis(2500), "2.5"),
        (Duration::from_secs(5), "5"),
    ];

    /// Counts something that happened `times` times and took this long each time.
    pub(crate) fn observe(&self, took: Duration, times: u64) {
        let bucket = Self::BOUNDS.partition_point(|(bound, _)| *bound < took);
        self.counts[bucket].fetch_add(times, Relaxed);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_us.fetch_add(took_us.saturating_mul(times), Relaxed);
    }

    /// How often it took no longer than each bound, and the last of them how often at all.
    pub(crate) fn cumulated(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let bounds = Self::BOUNDS.iter().map(|(_, text)| *text).chain(["+Inf"]);
        bounds.zip(&self.counts).scan(0, |sum, (bound, count)| {
            *sum += count.load(Relaxed);
            Some((bound, *sum))
        })
    }

    /// How often it took no longer than each bound and longer than the one before, and at the end how
    /// often longer than all.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().map(|count| count.load(Relaxed))
    }

    /// All times added up, in seconds.
    pub(crate) fn sum_s(&self) -> f64 {
        Duration::from_micros(self.sum_us.load(Relaxed)).as_secs_f64()
    }
}

/// The time in seconds that a share of `counts` of a [`Histogram`] doesn't exceed, by a straight line
/// within its bucket, as Prometheus's `histogram_quantile` has it. `None` when nothing was counted.
pub(crate) fn quantile(counts: &RelayCounts, share: f64) -> Option<f64> {
    let all: u64 = counts.iter().sum();
    let wanted = share * all as f64;
    let (mut below, mut lower_s) = (0.0, 0.0);
    for (count, (bound, _)) in counts.iter().zip(Histogram::BOUNDS) {
        let (count, upper_s) = (*count as f64, bound.as_secs_f64());
        if count > 0.0 && below + count >= wanted {
            return Some(lower_s + (upper_s - lower_s) * (wanted - below) / count);
        }
        (below, lower_s) = (below + count, upper_s);
    }
    // Of what exceeds all bounds it is known that it does.
    (all > 0).then_some(lower_s)
}

/// A histogram's counts at one moment, or their growth between two.
pub(crate) type RelayCounts = [u64; Histogram::BOUNDS.len() + 1];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_where_prometheus_would_say() {
        let mut counts = RelayCounts::default();
        assert_eq!(quantile(&counts, 0.5), None);
        // 90 within 1 ms to 2.5 ms, 10 within 10 ms to 25 ms.
        (counts[5], counts[8]) = (90, 10);
        let near = |share, seconds: f64| {
            let is = quantile(&counts, share).unwrap_or(f64::NAN);
            assert!((is - seconds).abs() < 1e-9, "{share}: {is}");
        };
        near(0.5, 0.001 + 0.0015 * 50.0 / 90.0);
        near(0.9, 0.0025);
        near(0.99, 0.01 + 0.015 * 0.9);
        near(1.0, 0.025);
        let mut slow = RelayCounts::default();
        slow[16] = 1;
        assert_eq!(quantile(&slow, 0.5), Some(5.0));
    }

    const MS: Duration = Duration::from_millis(1);

    fn counts(histogram: &Histogram) -> Vec<u64> {
        histogram.counts.iter().map(|count| count.load(Relaxed)).collect()
    }

    #[test]
    fn a_time_is_counted_at_the_first_bound_that_it_does_not_exceed() {
        for (index, (bound, _)) in Histogram::BOUNDS.into_iter().enumerate() {
            for (took, place) in [(bound, index), (bound + Duration::from_nanos(1), index + 1)] {
                let histogram = Histogram::default();
                histogram.observe(took, 3);
                assert_eq!(counts(&histogram)[place], 3, "{took:?}");
            }
        }
        let histogram = Histogram::default();
        histogram.observe(MS * 2, 3);
        histogram.observe(Duration::ZERO, 1);
        assert_eq!(histogram.sum_s(), 0.006);
        assert_eq!(histogram.cumulated().next(), Some(("0.00005", 1)));
        assert_eq!(histogram.cumulated().last(), Some(("+Inf", 4)));
    }

    #[test]
    fn bounds_grow_and_read_as_what_they_are() {
        assert!(Histogram::BOUNDS.is_sorted_by(|(a, _), (b, _)| a < b));
        for (bound, text) in Histogram::BOUNDS {
            assert_eq!(text.parse(), Ok(bound.as_secs_f64()));
        }
    }

    #[test]
    fn each_message_counts_and_none_makes_the_list_longer_than_its_bound() {
        let (mut times, histogram) = (RelayTimes::default(), Histogram::default());
        // Five messages of each read.
        let reads = RELAY_TIMES_MAX as u32 + 100;
        for read in 0..reads * 5 {
            times.add(MS * (read / 5));
        }
        assert_eq!(times.0.len(), RELAY_TIMES_MAX);
        let mut other = RelayTimes::default();
        other.add(MS);
        other.add(MS * 2);
        times.append(other);
        assert_eq!(times.0.len(), RELAY_TIMES_MAX);
        times.written(|| MS * reads, &histogram);
        assert_eq!(counts(&histogram).iter().sum::<u64>(), u64::from(reads) * 5 + 2);
        times.written(|| unreachable!("nothing is left"), &histogram);
    }

    #[test]
    fn what_another_worker_passed_on_counts_from_its_own_read() {
        let (mut times, histogram) = (RelayTimes::default(), Histogram::default());
        let mut other = RelayTimes::default();
        other.add(MS * 90);
        times.add(MS * 99);
        times.append(other);
        times.written(|| MS * 100, &histogram);
        assert_eq!(histogram.sum_s(), 0.011);
    }
}
