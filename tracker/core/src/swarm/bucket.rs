//! A token bucket in four bytes, since each member has one: it remembers only when it will be full
//! again, on a clock that ticks once a token (the generic cell rate algorithm, as ATM has it).

use std::time::Duration;

use crate::limits::RECEIVER_BURST;

/// The tokens of one member. A new one is full.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TokenBucket {
    /// The tick at which it is full, modulo 2^32.
    full_at: u32,
}

/// How fast all buckets fill, and the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refill {
    /// Tokens that a bucket would have got since the clock began, modulo 2^32.
    tick: u32,
    /// Tokens in a full bucket.
    burst: u32,
}

impl Refill {
    /// `per_second` tokens, and a burst of [`RECEIVER_BURST`]. `None` when it is 0: no limit.
    pub(super) fn at(now: Duration, per_second: u32) -> Option<Self> {
        if per_second == 0 {
            return None;
        }
        let per_second = u64::from(per_second);
        let ticks = now.as_secs().wrapping_mul(per_second)
            + u64::from(now.subsec_millis()) * per_second / 1000;
        let burst = per_second.saturating_mul(RECEIVER_BURST.as_secs());
        // Half of the clock's circle at most, or the past could not be told from the future.
        Some(Self { tick: ticks as u32, burst: burst.min(1 << 31) as u32 })
    }
}

impl TokenBucket {
    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, refill: Refill) -> bool {
        let missing = self.full_at.wrapping_sub(refill.tick);
        // More than there can be means that it has been full for a while, or that the rate was
        // changed. Once around the circle this is wrong, for a burst's 10 s: every 6.8 years at
        // 20 a second, every 72 minutes at a million, where nobody comes near the limit.
        let missing = if missing > refill.burst { 0 } else { missing };
        if missing == refill.burst {
            return false;
        }
        self.full_at = refill.tick.wrapping_add(missing + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refill(millis: u64, per_second: u32) -> Refill {
        Refill::at(Duration::from_millis(millis), per_second).expect("a limit")
    }

    /// How many tokens there are for the taking.
    fn drain(bucket: &mut TokenBucket, refill: Refill) -> usize {
        (0..1000).take_while(|_| bucket.take(refill)).count()
    }

    #[test]
    fn no_limit_is_no_refill() {
        assert!(Refill::at(Duration::from_secs(7), 0).is_none());
    }

    #[test]
    fn it_gives_a_burst_and_then_what_flows_in() {
        for per_second in [1, 3, 20] {
            for start in [0, 12_345, 1_000_000_000] {
                let mut bucket = TokenBucket::default();
                let burst = 10 * per_second as usize;
                assert_eq!(drain(&mut bucket, refill(start, per_second)), burst);
                assert_eq!(drain(&mut bucket, refill(start, per_second)), 0);
                assert_eq!(drain(&mut bucket, refill(start + 4000, per_second)), burst * 4 / 10);
                assert_eq!(drain(&mut bucket, refill(start + 14_000, per_second)), burst);
                assert_eq!(drain(&mut bucket, refill(start + 99_000, per_second)), burst);
            }
        }
    }

    #[test]
    fn less_than_a_second_counts() {
        let mut bucket = TokenBucket::default();
        drain(&mut bucket, refill(0, 20));
        for tick in 1..100 {
            assert_eq!(drain(&mut bucket, refill(tick * 50, 20)), 1, "{tick}");
        }
    }

    /// The clock's circle ends after 2^32 tokens: 6.8 years at 20 a second.
    #[test]
    fn it_goes_on_when_its_clock_wraps() {
        let wrap = (1 << 32) / 20 * 1000;
        let mut bucket = TokenBucket::default();
        for millis in (wrap - 30_000..wrap + 30_000).step_by(1000) {
            bucket.take(refill(millis, 20));
            assert!(bucket.take(refill(millis, 20)), "{millis}");
        }
        assert_eq!(drain(&mut bucket, refill(wrap + 60_000, 20)), 200);
    }

    /// A site sets another limit while it runs.
    #[test]
    fn a_changed_rate_neither_locks_a_bucket_nor_opens_it() {
        for (before, after) in [(1, 1000), (1000, 1), (20, 21), (20, u32::MAX)] {
            let mut bucket = TokenBucket::default();
            drain(&mut bucket, refill(5_000_000, before));
            let burst = Refill { ..refill(5_000_000, after) }.burst as usize;
            assert!(drain(&mut bucket, refill(5_000_000, after)) <= burst);
            assert!(bucket.take(refill(5_011_000, after)), "{before} to {after}");
        }
    }
}
