//! All tracks of one live stream, with the window of each. It numbers what a source delivers, so
//! that a number and a name never mean two contents, whichever run or source made them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use thiserror::Error;

use super::segment::{Delivery, Header, Segment};
use super::timeline::first_timeline;
use super::track::{Container, Track};
use super::window::Window;
use crate::limits::TRACKS_MAX;

/// The tracks, in the order in which the source declared them.
#[derive(Debug)]
pub(crate) struct Presentation {
    playlist_segments: usize,
    tracks: Vec<TrackWindow>,
    target: Duration,
    /// The first number of a track whose source leaves numbers to the stream: the epoch's seconds
    /// at the start. As no segment is shorter than one second, numbers given before a restart of
    /// the origin are all smaller.
    first_sequence: u64,
    /// The Discontinuity Sequence Number of the present run's timeline 0.
    first_timeline: u64,
    /// The highest one given.
    last_timeline: Option<u64>,
}

/// A track and its segments.
#[derive(Debug)]
pub(crate) struct TrackWindow {
    pub(crate) track: Track,
    pub(crate) window: Window,
    /// One above the highest number given; kept when the window is emptied.
    next_sequence: u64,
    header: Option<Arc<Header>>,
    /// Of the first segment; it stays, as players read a list of tracks only once.
    first_bits_per_second: Option<u64>,
}

/// Why what a source delivered cannot be taken.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Refusal {
    #[error("{0} tracks, but 1 to {TRACKS_MAX} can be played")]
    TrackCount(usize),
    #[error("two tracks are named {0}")]
    TrackTwice(Arc<str>),
    #[error("a segment of track {0}, which was not declared")]
    NoSuchTrack(usize),
    #[error("segment {sequence} of {track} came again, or late: {newest} was there before")]
    Old { track: Arc<str>, sequence: u64, newest: u64 },
    #[error("a segment of {0} without the header that CMAF needs")]
    NoHeader(Arc<str>),
}

impl Presentation {
    /// An empty one, whose playlists will have that many segments.
    pub(crate) fn new(playlist_segments: usize, now: SystemTime) -> Self {
        Presentation {
            playlist_segments,
            tracks: Vec::new(),
            target: Duration::ZERO,
            first_sequence: now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            first_timeline: first_timeline(now),
            last_timeline: None,
        }
    }

    /// A source starts: its timestamps are others than those of the run before. A run that made
    /// nothing leaves no discontinuity behind.
    pub(crate) fn begin_run(&mut self) {
        if let Some(last) = self.last_timeline {
            self.first_timeline = last + 1;
        }
    }

    /// What the present run consists of, and the length of segment that it aims at. Tracks of the
    /// same name go on, others are gone.
    pub(crate) fn declare(&mut self, tracks: Vec<Track>, target: Duration) -> Result<(), Refusal> {
        if !(1..=TRACKS_MAX).contains(&tracks.len()) {
            return Err(Refusal::TrackCount(tracks.len()));
        }
        let mut before = std::mem::take(&mut self.tracks);
        for track in tracks {
            if self.tracks.iter().any(|other| other.track.name == track.name) {
                return Err(Refusal::TrackTwice(track.name));
            }
            let known = before.iter().position(|old| {
                old.track.name == track.name && old.track.container == track.container
            });
            self.tracks.push(match known {
                Some(known) => TrackWindow { track, ..before.swap_remove(known) },
                None => TrackWindow {
                    track,
                    window: Window::new(self.playlist_segments),
                    next_sequence: self.first_sequence,
                    header: None,
                    first_bits_per_second: None,
                },
            });
        }
        self.target = target;
        Ok(())
    }

    /// Takes the next segment of a track.
    pub(crate) fn push(&mut self, delivery: Delivery) -> Result<&Segment, Refusal> {
        let timeline = self.first_timeline + delivery.timeline;
        let of_track = self.tracks.get_mut(delivery.track);
        let of_track = of_track.ok_or(Refusal::NoSuchTrack(delivery.track))?;
        let segment = of_track.push(delivery, timeline)?;
        self.last_timeline = self.last_timeline.max(Some(timeline));
        Ok(segment)
    }

    /// The newest segments of each track, at most `count`, as they were delivered but for their
    /// timelines, which are the presentation's.
    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = Delivery> {
        let of_track = move |(track, of): (usize, &TrackWindow)| {
            let kept = of.window.kept();
            let old = kept.len().saturating_sub(count);
            let delivery = move |segment: &Segment| Delivery {
                track,
                sequence: Some(segment.sequence),
                timeline: segment.timeline,
                duration: segment.duration,
                recorded_at: segment.recorded_at,
                header: segment.header.as_ref().map(|header| header.bytes.clone()),
                bytes: segment.bytes.clone(),
            };
            kept.skip(old).map(delivery).collect::<Vec<_>>()
        };
        self.tracks.iter().enumerate().flat_map(of_track)
    }

    /// Forgets all segments, but no number: the stream stops, and what it had ages.
    pub(crate) fn clear(&mut self) {
        for of_track in &mut self.tracks {
            of_track.window.clear();
        }
    }

    /// Forgets one track's segments: they age while nobody wants them. What a list of tracks says of
    /// it stays.
    pub(crate) fn clear_track(&mut self, track: usize) {
        if let Some(of_track) = self.tracks.get_mut(track) {
            of_track.window.clear();
        }
    }

    pub(crate) fn tracks(&self) -> &[TrackWindow] {
        &self.tracks
    }

    /// The length of segment that the source aims at.
    pub(crate) fn target(&self) -> Duration {
        self.target
    }
}

impl TrackWindow {
    fn push(&mut self, delivery: Delivery, timeline: u64) -> Result<&Segment, Refusal> {
        let Track { name: track, container, .. } = &self.track;
        let sequence = delivery.sequence.unwrap_or(self.next_sequence);
        if let Some(newest) = self.window.newest().filter(|newest| sequence <= newest.sequence) {
            let newest = newest.sequence;
            return Err(Refusal::Old { track: track.clone(), sequence, newest });
        }
        let header = match (container, delivery.header) {
            (Container::MpegTs, _) => None,
            (Container::Cmaf, None) => return Err(Refusal::NoHeader(track.clone())),
            (Container::Cmaf, Some(bytes)) => match &self.header {
                Some(known) if known.bytes == bytes => Some(known.clone()),
                _ => Some(Arc::new(Header { name: header_name(track, &bytes), bytes })),
            },
        };
        self.header.clone_from(&header);
        let bits = delivery.bytes.len() as f64 * 8.0 / delivery.duration.as_secs_f64().max(0.1);
        self.first_bits_per_second.get_or_insert(bits as u64);
        self.next_sequence = sequence + 1;
        let name = format!("{track}-{sequence}.{}", container.extension()).into();
        let Delivery { duration, recorded_at, bytes, .. } = delivery;
        let segment = Segment { name, sequence, timeline, duration, recorded_at, header, bytes };
        Ok(self.window.push(segment))
    }

    /// What the first segment took; `None` before there was one.
    pub(crate) fn first_bits_per_second(&self) -> Option<u64> {
        self.first_bits_per_second
    }
}

/// A header's name follows from its content, so that origins behind one CDN agree.
fn header_name(track: &str, bytes: &Bytes) -> Arc<str> {
    let digest = digest(&SHA256, bytes);
    let [a, b, c, d, ..] = digest.as_ref() else {
        return format!("{track}-header.mp4").into();
    };
    format!("{track}-header-{a:02x}{b:02x}{c:02x}{d:02x}.mp4").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::Content;

    const AT: SystemTime = SystemTime::UNIX_EPOCH;
    const TARGET: Duration = Duration::from_secs(2);

    fn delivery(track: usize, sequence: Option<u64>, timeline: u64) -> Delivery {
        Delivery {
            track,
            sequence,
            timeline,
            duration: TARGET,
            recorded_at: AT,
            header: None,
            bytes: Bytes::from_static(b"segment"),
        }
    }

    fn muxed() -> Vec<Track> {
        vec![Track::new("main", Content::Muxed, Container::MpegTs)]
    }

    fn cmaf() -> Vec<Track> {
        ["video", "audio"].map(|name| Track::new(name, Content::Video, Container::Cmaf)).into()
    }

    fn presentation(tracks: Vec<Track>) -> Presentation {
        let mut presentation = Presentation::new(3, AT + Duration::from_secs(100));
        presentation.begin_run();
        presentation.declare(tracks, TARGET).expect("tracks that can be played");
        presentation
    }

    #[test]
    fn numbers_go_on_over_runs_and_each_run_that_made_something_is_a_timeline() {
        let mut all = presentation(muxed());
        let pushed = |all: &mut Presentation, timeline| {
            let segment = all.push(delivery(0, None, timeline)).expect("a segment");
            (segment.sequence, segment.timeline, segment.name.to_string())
        };
        assert_eq!(pushed(&mut all, 0), (100, 0, "main-100.ts".to_owned()));
        assert_eq!(pushed(&mut all, 1), (101, 1, "main-101.ts".to_owned()));
        all.begin_run();
        all.begin_run();
        all.declare(muxed(), TARGET).expect("the same tracks");
        assert_eq!(pushed(&mut all, 0), (102, 2, "main-102.ts".to_owned()));
        all.clear();
        assert_eq!(all.tracks()[0].window.kept().len(), 0);
        assert_eq!(pushed(&mut all, 0).0, 103);
    }

    #[test]
    fn a_number_is_never_given_to_other_content() {
        let mut all = presentation(muxed());
        assert_eq!(all.push(delivery(0, Some(7), 0)).map(|segment| segment.sequence), Ok(7));
        for again in [7, 6] {
            let refusal = all.push(delivery(0, Some(again), 0)).map(|_| ());
            assert_eq!(
                refusal,
                Err(Refusal::Old { track: "main".into(), sequence: again, newest: 7 })
            );
        }
        assert_eq!(all.tracks()[0].window.kept().len(), 1);
    }

    #[test]
    fn a_header_is_kept_once_and_named_by_its_content() {
        let mut all = presentation(cmaf());
        let with = |track, header: &'static str| Delivery {
            header: Some(Bytes::from_static(header.as_bytes())),
            ..delivery(track, None, 0)
        };
        let mut header = |track, bytes| {
            let segment = all.push(with(track, bytes)).expect("a segment");
            segment.header.clone().expect("a header")
        };
        let (first, second, third) = (header(0, "one"), header(0, "one"), header(0, "two"));
        assert!(Arc::ptr_eq(&first, &second));
        // SHA-256 of "one" begins with 76 92 c3 ad.
        assert_eq!(first.name.as_ref(), "video-header-7692c3ad.mp4");
        assert_ne!(first.name, third.name);
        assert_eq!(header(1, "one").name.as_ref(), "audio-header-7692c3ad.mp4");
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        let mut all = presentation(cmaf());
        let refused = |all: &mut Presentation, delivery| all.push(delivery).map(|_| ());
        assert_eq!(refused(&mut all, delivery(2, None, 0)), Err(Refusal::NoSuchTrack(2)));
        let no_header = Err(Refusal::NoHeader("video".into()));
        assert_eq!(refused(&mut all, delivery(0, None, 0)), no_header);
        assert_eq!(all.declare(Vec::new(), TARGET), Err(Refusal::TrackCount(0)));
        let twice = [muxed(), muxed()].concat();
        assert_eq!(all.declare(twice, TARGET), Err(Refusal::TrackTwice("main".into())));
    }

    #[test]
    fn a_run_with_other_tracks_forgets_those_that_are_gone() {
        let mut all = presentation(cmaf());
        all.declare(muxed(), TARGET).expect("other tracks");
        let names: Vec<_> = all.tracks().iter().map(|of| of.track.name.to_string()).collect();
        assert_eq!(names, ["main"]);
    }
}
