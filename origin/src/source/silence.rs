//! How long one ffmpeg may be silent. An encoder on a busy machine starts slowly, and who listens
//! waits for ever until somebody sends.

use std::time::{Duration, Instant};

use crate::limits::{STALL_FIRST, STALL_MIN, STALL_SEGMENTS};

/// What has been seen of one ffmpeg.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silence {
    pub(super) began: Instant,
    /// How long it may take from there to its first segment; `None` when somebody has to send.
    pub(super) first_within: Option<Duration>,
    /// When its input was open.
    pub(super) opened: Option<Instant>,
    pub(super) last_segment: Option<Instant>,
    /// The length of segment that it aims at.
    pub(super) target: Duration,
}

impl Silence {
    /// How long it may be silent, if it has been so for longer.
    pub(super) fn is_too_long(&self, now: Instant) -> Option<Duration> {
        let (since, patience) = match (self.last_segment, self.first_within) {
            (Some(last), _) => (last, STALL_MIN.max(self.target * STALL_SEGMENTS)),
            (None, Some(within)) => (self.began, within),
            (None, None) => (self.opened?, first_patience(self.target)),
        };
        (now.saturating_duration_since(since) > patience).then_some(patience)
    }
}

/// How long an ffmpeg may take to its first segment of this length, once its input is open.
pub(super) fn first_patience(target: Duration) -> Duration {
    STALL_FIRST.max(target * STALL_SEGMENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn silence(began: Instant, first_within: Option<Duration>) -> Silence {
        Silence { began, first_within, opened: None, last_segment: None, target: SECOND * 2 }
    }

    #[test]
    fn the_first_segment_may_take_longer_than_the_next() {
        let began = Instant::now();
        let mut silence = silence(began, Some(first_patience(SECOND * 2)));
        assert_eq!(silence.is_too_long(began + SECOND * 15), None);
        assert_eq!(silence.is_too_long(began + SECOND * 16), Some(SECOND * 15));
        silence.last_segment = Some(began + SECOND * 20);
        assert_eq!(silence.is_too_long(began + SECOND * 26), None);
        assert_eq!(silence.is_too_long(began + SECOND * 27), Some(SECOND * 6));
        silence.target = SECOND * 10;
        assert_eq!(silence.is_too_long(began + SECOND * 50), None);
    }

    #[test]
    fn who_waits_does_so_for_ever_until_somebody_sends() {
        let began = Instant::now();
        let mut silence = silence(began, None);
        assert_eq!(silence.is_too_long(began + SECOND * 1_000_000), None);
        silence.opened = Some(began + SECOND * 100);
        assert_eq!(silence.is_too_long(began + SECOND * 115), None);
        assert_eq!(silence.is_too_long(began + SECOND * 116), Some(SECOND * 15));
    }
}
