//! Where each timeline of a stream lies on the wall clock, for DASH: its periods. A timeline's
//! place is decided once, with its first segment, and stays when that one has left the window: a
//! player that finds a period elsewhere than before plays some of it twice, or none of it.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cmaf::Times;
use crate::limits::{PERIOD_OVERHANG_MAX, PERIOD_OVERLAP_MAX};

/// The periods whose segments can still be shown, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Periods {
    known: VecDeque<Period>,
}

/// One timeline, with times since the epoch, which is when all presentations here begin
/// (`MPD@availabilityStartTime`): so neither a restart nor another origin moves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) timeline: u64,
    /// When it begins, in whole milliseconds.
    pub(crate) start: Duration,
    /// What its timestamps say then.
    pub(crate) media_start: Duration,
    /// When the last segment that it has by now ends.
    end: Duration,
}

impl Periods {
    /// The stream's leading track has a further segment.
    pub(crate) fn extend(&mut self, timeline: u64, recorded_at: SystemTime, times: Times) {
        let media = times.presentation();
        match self.known.back_mut().filter(|last| last.timeline >= timeline) {
            Some(last) => last.extend(media.saturating_add(times.duration())),
            None => {
                let wall = recorded_at.duration_since(UNIX_EPOCH).unwrap_or_default();
                let mut period = self.begin(timeline, wall, media);
                period.extend(media.saturating_add(times.duration()));
                self.known.push_back(period);
            }
        }
    }

    /// A period begins when its timestamps are 0, if that is after the one before: any of its
    /// segments then tells the same, also to an origin that has not seen the first. The one before
    /// may be a few frames longer; players cut it off. Otherwise a period begins with its first
    /// segment, but never before the other's end.
    fn begin(&mut self, timeline: u64, wall: Duration, media: Duration) -> Period {
        let before = self.known.back().map_or(Duration::ZERO, |last| last.end);
        if before > wall.saturating_add(PERIOD_OVERLAP_MAX) {
            // The clock was set back. What was before would be played before what is live.
            self.known.clear();
            return self.begin(timeline, wall, media);
        }
        let at_zero = wall.checked_sub(media).map(milliseconds);
        let at_zero = at_zero.filter(|start| start.saturating_add(PERIOD_OVERHANG_MAX) >= before);
        let (start, media_start) = match at_zero {
            Some(start) => (start, Duration::ZERO),
            None => (milliseconds(wall.max(before)), media),
        };
        Period { timeline, start, media_start, end: start }
    }

    /// Forgets those before this timeline.
    pub(crate) fn drop_before(&mut self, timeline: u64) {
        while self.known.front().is_some_and(|first| first.timeline < timeline) {
            self.known.pop_front();
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Period> {
        self.known.iter()
    }
}

impl Period {
    fn extend(&mut self, media_end: Duration) {
        self.end =
            self.end.max(self.start.saturating_add(media_end.saturating_sub(self.media_start)));
    }
}

/// To the nearest: what is told in decimals, and divided, comes out alike each time.
fn milliseconds(time: Duration) -> Duration {
    let millis = (time.as_nanos() + 500_000) / 1_000_000;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 2 s, whose first picture is shown at that many milliseconds.
    fn times(at: u64) -> Times {
        Times {
            decode_time: at,
            presentation_time: at,
            ticks: 2_000,
            timescale: 1_000,
            starts_with_sync_sample: true,
        }
    }

    /// Segments of 2 s as (timeline, wall clock, timestamp), the latter two in milliseconds;
    /// returns the periods as (timeline, start, timestamp at the start).
    fn periods(segments: &[(u64, u64, u64)]) -> Vec<(u64, u64, u64)> {
        let mut periods = Periods::default();
        for (timeline, wall, at) in segments {
            periods.extend(*timeline, UNIX_EPOCH + Duration::from_millis(*wall), times(*at));
        }
        let of = |period: &Period| {
            let millis = |time: Duration| time.as_millis() as u64;
            (period.timeline, millis(period.start), millis(period.media_start))
        };
        periods.iter().map(of).collect()
    }

    #[test]
    fn a_period_begins_where_its_timestamps_are_zero_whichever_segment_is_seen_first() {
        let all = [(7, 8_000, 0), (7, 10_000, 2_000), (8, 12_000, 0), (8, 14_000, 2_000)];
        assert_eq!(periods(&all), [(7, 8_000, 0), (8, 12_000, 0)]);
        assert_eq!(periods(&all[1..]), periods(&all));
        assert_eq!(periods(&all[3..]), [(8, 12_000, 0)]);
    }

    #[test]
    fn a_period_keeps_its_place_when_the_clock_of_a_later_segment_disagrees() {
        assert_eq!(periods(&[(1, 8_000, 0), (1, 10_700, 2_000)]), [(1, 8_000, 0)]);
    }

    #[test]
    fn timestamps_that_begin_anywhere_begin_with_the_first_segment() {
        // The first knows of none before it; the second would begin within the first.
        let segments = [(1, 8_000, 0), (2, 11_000, 5_000)];
        assert_eq!(periods(&segments), [(1, 8_000, 0), (2, 11_000, 5_000)]);
        // As old as the epoch, and a little older than the wall clock.
        assert_eq!(periods(&[(1, 8_000, 8_100)]), [(1, 8_000, 8_100)]);
    }

    #[test]
    fn a_period_never_begins_before_the_end_of_the_one_before() {
        let segments = [(1, 8_000, 0), (1, 10_000, 2_000), (2, 11_500, 0)];
        assert_eq!(periods(&segments), [(1, 8_000, 0), (2, 12_000, 0)]);
    }

    #[test]
    fn a_round_that_is_a_frame_too_long_does_not_move_those_behind_it() {
        // Each has 2 s of timestamps, but follows 1.979 s after the one before.
        let rounds: Vec<_> = (0..100).map(|round| (round, 8_000 + 1_979 * round, 0)).collect();
        assert_eq!(periods(&rounds), rounds);
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_nothing_before_what_is_live() {
        let hour = 3_600_000;
        let segments = [(1, hour, 0), (2, hour + 2_000, 0), (3, 5_000, 0), (3, 7_000, 2_000)];
        assert_eq!(periods(&segments), [(3, 5_000, 0)]);
    }

    #[test]
    fn what_has_left_the_window_is_forgotten() {
        let mut known = Periods::default();
        for timeline in 0..10 {
            known.extend(timeline, UNIX_EPOCH + Duration::from_secs(2 * timeline), times(0));
            known.drop_before(timeline.saturating_sub(2));
        }
        assert_eq!(known.iter().map(|period| period.timeline).collect::<Vec<_>>(), [7, 8, 9]);
    }
}
