//! The first Discontinuity Sequence Number of a run of the origin. It should be above those of the
//! runs before it (RFC 8216, 6.2.2), and small: hls.js 1.7 takes it for an array's index and
//! copies the array, which takes 18 ns an element, so the Unix time would stop a page for 33 s.
//!
//! So two runs within a minute begin with the same number, which says that they share a timeline.
//! They do: what ffmpeg makes has the time since the beginning of 2026 for timestamps, and what
//! others make has timestamps that know nothing of our runs.

use std::time::{Duration, SystemTime};

/// 2026-01-01T00:00:00Z, before the first release.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);

/// Minutes since the beginning of 2026: each year adds 10 ms to the page's copy, which it makes once
/// a discontinuity. A run with more than one discontinuity a minute (the loop has 7.5) gets ahead of
/// this, and the next run begins below where it ended; hls.js then goes on with the number that it
/// knows.
pub(crate) fn first_timeline(now: SystemTime) -> u64 {
    since_beginning(now).as_secs() / 60
}

/// What the timestamps begin with of what ffmpeg makes from now on.
pub(crate) fn since_beginning(now: SystemTime) -> Duration {
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since_epoch.saturating_sub(BEGINNING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_by_the_minute_and_stays_small_for_decades() {
        let at = |seconds| first_timeline(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), 0);
        assert_eq!(at(1_767_225_660), 1);
        let in_2056 = at(2_713_910_400);
        assert!(in_2056 < 1 << 24, "{in_2056}");
    }
}
