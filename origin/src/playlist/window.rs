//! The segments of one track, oldest first. The newest make the playlist; older ones stay for the
//! viewers and caches that still hold an older playlist.

use std::collections::VecDeque;

use super::segment::Segment;
use crate::limits::{STREAM_BYTES_MAX, TIMELINES_SKIPPED_MAX};

/// What one track holds.
#[derive(Debug)]
pub(crate) struct Window {
    playlist_segments: usize,
    segments: VecDeque<Segment>,
    /// How many of them lie before the last gap.
    before_gap: usize,
    bytes: usize,
}

impl Window {
    pub(crate) fn new(playlist_segments: usize) -> Self {
        Window { playlist_segments, segments: VecDeque::new(), before_gap: 0, bytes: 0 }
    }

    /// Adds the newest segment, whose number is above all others. After a gap in the numbers the
    /// playlist starts anew, since it cannot show a gap; and after one in the timelines, each of
    /// which would be a line.
    pub(crate) fn push(&mut self, segment: Segment) -> &Segment {
        let gap = self.newest().is_some_and(|newest| {
            let skipped = segment.timeline.saturating_sub(newest.timeline);
            segment.sequence != newest.sequence + 1 || skipped > TIMELINES_SKIPPED_MAX
        });
        if gap {
            self.before_gap = self.segments.len();
        }
        self.bytes += segment.bytes.len();
        self.segments.push_back(segment);
        while self.is_over_its_bounds() {
            self.bytes -= self.segments.pop_front().map_or(0, |oldest| oldest.bytes.len());
            self.before_gap = self.before_gap.saturating_sub(1);
        }
        &self.segments[self.segments.len() - 1]
    }

    /// RFC 8216, 6.2.2: a segment stays available for its own duration and that of the longest
    /// playlist which showed it.
    fn is_over_its_bounds(&self) -> bool {
        let kept_max = 2 * self.playlist_segments + 1;
        self.segments.len() > kept_max || (self.bytes > STREAM_BYTES_MAX && self.segments.len() > 1)
    }

    pub(crate) fn clear(&mut self) {
        self.segments.clear();
        (self.before_gap, self.bytes) = (0, 0);
    }

    pub(crate) fn newest(&self) -> Option<&Segment> {
        self.segments.back()
    }

    /// The segments that the playlist shows.
    pub(crate) fn shown(&self) -> impl ExactSizeIterator<Item = &Segment> {
        let hidden = self.segments.len().saturating_sub(self.playlist_segments);
        self.segments.range(hidden.max(self.before_gap)..)
    }

    /// All segments that can be fetched.
    pub(crate) fn kept(&self) -> impl ExactSizeIterator<Item = &Segment> {
        self.segments.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;

    use super::*;

    fn segment(sequence: u64) -> Segment {
        Segment {
            name: format!("s-{sequence}.ts").into(),
            sequence,
            timeline: 0,
            duration: Duration::from_secs(2),
            recorded_at: SystemTime::UNIX_EPOCH,
            header: None,
            times: None,
            digest: [0; 32],
            bytes: Bytes::from_static(b"segment"),
        }
    }

    fn sequences<'a>(segments: impl Iterator<Item = &'a Segment>) -> Vec<u64> {
        segments.map(|segment| segment.sequence).collect()
    }

    #[test]
    fn a_segment_that_left_the_playlist_stays_for_another_playlist_and_its_own_length() {
        let mut window = Window::new(3);
        for sequence in 1..=20 {
            window.push(segment(sequence));
        }
        assert_eq!(sequences(window.shown()), [18, 19, 20]);
        assert_eq!(sequences(window.kept()), [14, 15, 16, 17, 18, 19, 20]);
    }

    #[test]
    fn after_a_gap_in_the_numbers_the_playlist_starts_anew_and_what_older_ones_name_stays() {
        let mut window = Window::new(3);
        for sequence in [1, 2, 9, 10] {
            window.push(segment(sequence));
        }
        assert_eq!(sequences(window.shown()), [9, 10]);
        assert_eq!(sequences(window.kept()), [1, 2, 9, 10]);
        for sequence in 11..=15 {
            window.push(segment(sequence));
        }
        assert_eq!(sequences(window.shown()), [13, 14, 15]);
        assert_eq!(sequences(window.kept()), [9, 10, 11, 12, 13, 14, 15]);
    }

    #[test]
    fn after_a_gap_in_the_timelines_the_playlist_starts_anew() {
        let mut window = Window::new(3);
        let most = TIMELINES_SKIPPED_MAX;
        for (sequence, timeline) in [(1, 0), (2, most), (3, 2 * most + 1), (4, 100_000)] {
            window.push(Segment { timeline, ..segment(sequence) });
            let shown = sequences(window.shown());
            assert_eq!(shown, if sequence == 2 { vec![1, 2] } else { vec![sequence] });
        }
        assert_eq!(sequences(window.kept()), [1, 2, 3, 4]);
    }

    #[test]
    fn the_oldest_go_when_the_bytes_reach_their_bound() {
        let third = Bytes::from(vec![0; STREAM_BYTES_MAX / 3]);
        let mut window = Window::new(12);
        for sequence in 1..=5 {
            window.push(Segment { bytes: third.clone(), ..segment(sequence) });
        }
        assert_eq!(sequences(window.kept()), [3, 4, 5]);
    }
}
