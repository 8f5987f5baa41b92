//! How often something may happen: so many times a second, and ten seconds' worth at once, since
//! clients do much when they begin and little afterwards. A bucket is one number, the moment at
//! which it is full again (the generic cell rate algorithm, ITU-T I.371, Annex A), so that a
//! socket pays eight bytes for it and no timer fills it up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a full bucket holds: that long at its rate.
const BURST: Duration = Duration::from_secs(10);

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u32,
    /// The time in which one token comes back, in nanoseconds.
    token_ns: u64,
}

/// What is left to one socket. It begins full.
#[derive(Debug, Default)]
pub(crate) struct TokenBucket {
    /// When it is full again, in nanoseconds of the node's clock.
    full_at: u64,
}

/// What is left to all sockets of an address, on whatever worker they are. It begins full.
#[derive(Debug, Default)]
pub(crate) struct SharedTokenBucket {
    full_at: AtomicU64,
}

impl Rate {
    /// `per_second` times a second; `None`, which is no limit, for 0.
    #[must_use]
    pub fn per_second(per_second: u32) -> Option<Self> {
        let token_ns = 1_000_000_000_u64.checked_div(u64::from(per_second))?;
        Some(Self { per_second, token_ns })
    }

    /// How often a second it is.
    pub(crate) fn bound(self) -> u32 {
        self.per_second
    }

    /// When a bucket that is full at `full_at` is full if a token is taken from it now; `None`
    /// when that is further away than `most` nanoseconds.
    fn take(self, full_at: u64, now: u64, most: u64) -> Option<u64> {
        let full_at = full_at.max(now) + self.token_ns;
        (full_at - now <= most).then_some(full_at)
    }
}

impl TokenBucket {
    /// Takes a token. `false` when there is none.
    pub(crate) fn take(&mut self, rate: Rate, now: Duration) -> bool {
        let taken = rate.take(self.full_at, nanoseconds(now), nanoseconds(BURST));
        self.full_at = taken.unwrap_or(self.full_at);
        taken.is_some()
    }
}

impl SharedTokenBucket {
    /// Takes a token. `false` when there is none.
    pub(crate) fn take(&self, rate: Rate, now: Duration) -> bool {
        self.reserve(rate, now, Duration::ZERO).is_some()
    }

    /// Takes a token that comes back within `patience`, and tells how long that takes: who is late
    /// for a full bucket's worth waits in line. `None` when the line is longer.
    pub(crate) fn reserve(
        &self,
        rate: Rate,
        now: Duration,
        patience: Duration,
    ) -> Option<Duration> {
        let (now, burst) = (nanoseconds(now), nanoseconds(BURST));
        let most = burst + nanoseconds(patience);
        let mut full_at = now;
        let reserve = |before| rate.take(before, now, most).inspect(|after| full_at = *after);
        self.full_at.fetch_update(Relaxed, Relaxed, reserve).ok()?;
        Some(Duration::from_nanos((full_at - now).saturating_sub(burst)))
    }

    /// Whether nothing is missing from it.
    pub(crate) fn is_full(&self, now: Duration) -> bool {
        self.full_at.load(Relaxed) <= nanoseconds(now)
    }
}

/// The node's clock as one number: enough for 584 years.
fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn ten_seconds_worth_may_come_at_once_and_then_what_time_brings_back() {
        for per_second in [1, 3, 7, 10, 200, 4096] {
            let rate = Rate::per_second(per_second).expect("a rate");
            let (mut bucket, shared) = (TokenBucket::default(), SharedTokenBucket::default());
            let mut now = 77 * SECOND;
            let mut takes = |now| {
                let taken = bucket.take(rate, now);
                assert_eq!(shared.take(rate, now), taken);
                taken
            };
            let burst = (0..100_000).take_while(|_| takes(now)).count();
            assert_eq!(burst, 10 * per_second as usize);
            for _ in 0..3 {
                now += SECOND;
                let taken = (0..100_000).take_while(|_| takes(now)).count();
                assert_eq!(taken, per_second as usize);
            }
            now += 1000 * SECOND;
            assert!(shared.is_full(now));
            let burst = (0..100_000).take_while(|_| takes(now)).count();
            assert_eq!(burst, 10 * per_second as usize, "no more for having waited longer");
            assert!(!shared.is_full(now));
            assert!(shared.is_full(now + BURST));
        }
    }

    #[test]
    fn who_comes_after_the_burst_waits_in_line_and_beyond_its_patience_not_at_all() {
        let rate = Rate::per_second(2).expect("a rate");
        let (bucket, now) = (SharedTokenBucket::default(), 77 * SECOND);
        let line: Vec<_> = (0..100).map_while(|_| bucket.reserve(rate, now, 3 * SECOND)).collect();
        assert_eq!(line[..20], [Duration::ZERO; 20]);
        assert_eq!(line[20..], [1, 2, 3, 4, 5, 6].map(|halves| halves * SECOND / 2));
        assert_eq!(bucket.reserve(rate, now + SECOND, 3 * SECOND), Some(5 * SECOND / 2));
    }

    #[test]
    fn a_rate_of_0_is_no_limit() {
        assert_eq!(Rate::per_second(0), None);
    }
}
