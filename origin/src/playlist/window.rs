//! The segments of one live stream, oldest first, as numbered by its source. The newest make the
//! playlist; older ones stay for the viewers and caches that still hold an older playlist.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::limits::STREAM_BYTES_MAX;

/// One finished segment. A clone shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Its file name in URLs, never given to other content.
    pub(crate) name: Arc<str>,
    /// Its Media Sequence Number (RFC 8216, 3): one more than that of the segment before.
    pub(crate) sequence: u64,
    /// Its Discontinuity Sequence Number (RFC 8216, 6.2.1): segments that share it share one
    /// run of timestamps. Each new run adds one.
    pub(crate) timeline: u64,
    /// How long it plays.
    pub(crate) duration: Duration,
    /// The wall clock at its first frame.
    pub(crate) recorded_at: SystemTime,
    /// The whole file.
    pub(crate) bytes: Bytes,
}

/// What one stream holds.
#[derive(Debug)]
pub(crate) struct Window {
    playlist_segments: usize,
    segments: VecDeque<Segment>,
    bytes: usize,
}

impl Window {
    pub(crate) fn new(playlist_segments: usize) -> Self {
        Window { playlist_segments, segments: VecDeque::new(), bytes: 0 }
    }

    /// Adds the newest segment. One that isn't newer is refused with `false`: a number once given
    /// must keep its content. After a gap in the numbers the window starts anew, since a playlist
    /// cannot show a gap.
    pub(crate) fn push(&mut self, segment: Segment) -> bool {
        if let Some(newest) = self.segments.back() {
            if segment.sequence <= newest.sequence {
                return false;
            }
            if segment.sequence != newest.sequence + 1 {
                self.segments.clear();
                self.bytes = 0;
            }
        }
        self.bytes += segment.bytes.len();
        self.segments.push_back(segment);
        while self.is_over_its_bounds() {
            self.bytes -= self.segments.pop_front().map_or(0, |oldest| oldest.bytes.len());
        }
        true
    }

    /// RFC 8216, 6.2.2: a segment stays available for its own duration and that of the longest
    /// playlist which showed it.
    fn is_over_its_bounds(&self) -> bool {
        let kept_max = 2 * self.playlist_segments + 1;
        self.segments.len() > kept_max || (self.bytes > STREAM_BYTES_MAX && self.segments.len() > 1)
    }

    /// The segments that the playlist shows.
    pub(crate) fn shown(&self) -> impl ExactSizeIterator<Item = &Segment> {
        let hidden = self.segments.len().saturating_sub(self.playlist_segments);
        self.segments.range(hidden..)
    }

    /// All segments that can be fetched.
    pub(crate) fn kept(&self) -> impl ExactSizeIterator<Item = &Segment> {
        self.segments.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(sequence: u64) -> Segment {
        Segment {
            name: format!("s-{sequence}.ts").into(),
            sequence,
            timeline: 0,
            duration: Duration::from_secs(2),
            recorded_at: SystemTime::UNIX_EPOCH,
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
            assert!(window.push(segment(sequence)));
        }
        assert_eq!(sequences(window.shown()), [18, 19, 20]);
        assert_eq!(sequences(window.kept()), [14, 15, 16, 17, 18, 19, 20]);
    }

    #[test]
    fn a_number_is_never_given_to_other_content() {
        let mut window = Window::new(3);
        assert!(window.push(segment(5)));
        assert!(!window.push(segment(5)));
        assert!(!window.push(segment(4)));
        assert_eq!(sequences(window.kept()), [5]);
    }

    #[test]
    fn after_a_gap_in_the_numbers_the_window_starts_anew() {
        let mut window = Window::new(3);
        for sequence in [1, 2, 9, 10] {
            assert!(window.push(segment(sequence)));
        }
        assert_eq!(sequences(window.kept()), [9, 10]);
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
