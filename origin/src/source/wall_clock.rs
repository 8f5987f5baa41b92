//! When a segment was recorded, by this machine's clock. ffmpeg counts from when it started, and an
//! encoder's clock runs a little faster or slower than this one, which may itself be set.

use std::time::{Duration, SystemTime};

use crate::limits::WALL_CLOCK_DRIFT_MAX;

/// What the time was when a run's timestamps were 0.
#[derive(Debug, Default)]
pub(super) struct WallClock {
    zero: Option<SystemTime>,
}

impl WallClock {
    /// A segment has just ended, `now`, that began at `start` by its timestamps. Returns what the
    /// time was when these were 0: always the same, so that segments follow each other without a
    /// gap, unless either clock has gone too far from the other.
    pub(super) fn zero(
        &mut self,
        start: Duration,
        length: Duration,
        now: SystemTime,
    ) -> SystemTime {
        let zero_now =
            now.checked_sub(start.saturating_add(length)).unwrap_or(SystemTime::UNIX_EPOCH);
        let zero = match self.zero {
            Some(zero) if apart(zero, zero_now) <= WALL_CLOCK_DRIFT_MAX.max(length) => zero,
            _ => zero_now,
        };
        self.zero = Some(zero);
        zero
    }
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn segments_follow_each_other_whenever_they_are_noticed() {
        let mut clock = WallClock::default();
        for (index, now) in [(0, 101_000), (1, 102_090), (2, 102_950), (3, 105_500)] {
            assert_eq!(clock.zero(SECOND * index, SECOND, at(now)), at(100_000));
        }
    }

    #[test]
    fn a_clock_that_is_set_forth_or_back_is_followed() {
        let mut clock = WallClock::default();
        assert_eq!(clock.zero(SECOND * 9, SECOND, at(110_000)), at(100_000));
        for now in [3_600_000_000, 50_000] {
            assert_eq!(clock.zero(SECOND * 10, SECOND, at(now)), at(now - 11_000));
            assert_eq!(clock.zero(SECOND * 11, SECOND, at(now + 1100)), at(now - 11_000));
        }
    }

    #[test]
    fn a_clock_before_the_epoch_is_no_trouble() {
        let zero = WallClock::default().zero(SECOND * 9, SECOND, at(0));
        assert_eq!(zero + SECOND * 10, at(0));
    }
}
