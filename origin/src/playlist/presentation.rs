//! All tracks of one live stream, with the window of each. It numbers what a source delivers, so
//! that a number and a name never mean two contents, whichever run or source made them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use thiserror::Error;

use super::periods::{Period, Periods};
use super::segment::{Delivery, Header, Segment};
use super::timeline::first_timeline;
use super::track::{Container, Content, Track};
use super::window::Window;
use crate::cmaf::{self, CmafError, Kind, Times};
use crate::integrity::{Digest, sha256};
use crate::limits::TRACKS_MAX;
use crate::mpegts::{self, TsError};

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
    periods: Periods,
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
    #[error("a header of {track}: {reason}")]
    Header { track: Arc<str>, reason: CmafError },
    #[error("a segment of {track}, which is not whole: {reason}")]
    Cmaf { track: Arc<str>, reason: CmafError },
    #[error("a segment of {track}, which is not whole: {reason}")]
    Ts { track: Arc<str>, reason: TsError },
    #[error("a segment of {track}, which plays {here:?} instead of {told:?}")]
    Short { track: Arc<str>, here: Duration, told: Duration },
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
            periods: Periods::default(),
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

    /// Takes the next segment of a track, if it is whole.
    pub(crate) fn push(&mut self, delivery: Delivery) -> Result<Segment, Refusal> {
        let (timeline, track) = (self.first_timeline + delivery.timeline, delivery.track);
        let leads = self.leading() == track;
        let of_track = self.tracks.get_mut(track).ok_or(Refusal::NoSuchTrack(track))?;
        let segment = of_track.push(delivery, timeline)?.clone();
        self.last_timeline = self.last_timeline.max(Some(timeline));
        if let (true, Some(times)) = (leads, segment.times) {
            self.periods.extend(timeline, segment.recorded_at, times);
            let shown = self.tracks[track].window.shown().next();
            self.periods.drop_before(shown.map_or(timeline, |oldest| oldest.timeline));
        }
        Ok(segment)
    }

    /// The track whose times are the stream's: the first picture, where there is one.
    fn leading(&self) -> usize {
        let seen = |of: &TrackWindow| of.track.content != Content::Audio;
        self.tracks.iter().position(seen).unwrap_or(0)
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

    /// How many of them a playlist shows.
    pub(crate) fn playlist_segments(&self) -> usize {
        self.playlist_segments
    }

    /// The timelines that are shown, for DASH; none of MPEG-TS.
    pub(crate) fn periods(&self) -> impl Iterator<Item = &Period> {
        self.periods.iter()
    }

    /// The digests of all segments and headers that can be fetched, by file name; those of headers
    /// come once for each segment that needs them.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&str, &Digest)> {
        let segments = self.tracks.iter().flat_map(|of| of.window.kept());
        segments.flat_map(|segment| {
            let header = segment.header.as_ref().map(|header| (&*header.name, &header.digest));
            header.into_iter().chain([(&*segment.name, &segment.digest)])
        })
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
            (Container::Cmaf, Some(bytes)) => Some(self.header_of(bytes)?),
        };
        let times = self.times_of(&delivery.bytes, header.as_deref(), delivery.duration)?;
        let duration = times.map_or(delivery.duration, |times| times.duration());
        self.header.clone_from(&header);
        let bits = delivery.bytes.len() as f64 * 8.0 / duration.as_secs_f64().max(0.1);
        self.first_bits_per_second.get_or_insert(bits as u64);
        self.next_sequence = sequence + 1;
        let Track { name: track, container, .. } = &self.track;
        let name = format!("{track}-{sequence}.{}", container.extension()).into();
        let Delivery { recorded_at, bytes, .. } = delivery;
        let digest = sha256(&bytes);
        Ok(self.window.push(Segment {
            name,
            sequence,
            timeline,
            duration,
            recorded_at,
            header,
            times,
            digest,
            bytes,
        }))
    }

    /// A header is read when it comes first, and says what the source did not.
    fn header_of(&mut self, bytes: Bytes) -> Result<Arc<Header>, Refusal> {
        let Track { name, codecs, pixels, .. } = &mut self.track;
        let header = match self.header.as_ref().filter(|known| known.bytes == bytes) {
            Some(known) => known.clone(),
            None => {
                let said = cmaf::Header::read(&bytes);
                let said =
                    said.map_err(|reason| Refusal::Header { track: name.clone(), reason })?;
                let digest = sha256(&bytes);
                Arc::new(Header { name: header_name(name, &digest), said, digest, bytes })
            }
        };
        codecs.get_or_insert_with(|| header.said.codecs());
        if let Kind::Video { pixels: seen } = header.said.leading.kind {
            pixels.get_or_insert(seen);
        }
        Ok(header)
    }

    /// When a segment plays, for CMAF. One that is not whole is refused, and so is one that plays
    /// less than half of what was told: it has been cut where nothing else shows.
    fn times_of(
        &self,
        bytes: &[u8],
        header: Option<&Header>,
        told: Duration,
    ) -> Result<Option<Times>, Refusal> {
        let track = || self.track.name.clone();
        let Some(header) = header else {
            let whole = mpegts::starts_with_key_frame(bytes);
            return match whole {
                Ok(_) => Ok(None),
                Err(reason) => Err(Refusal::Ts { track: track(), reason }),
            };
        };
        let times = header.said.times(bytes);
        let times = times.map_err(|reason| Refusal::Cmaf { track: track(), reason })?;
        match times.duration() {
            here if here < told / 2 => Err(Refusal::Short { track: track(), here, told }),
            _ => Ok(Some(times)),
        }
    }

    /// What the first segment took; `None` before there was one.
    pub(crate) fn first_bits_per_second(&self) -> Option<u64> {
        self.first_bits_per_second
    }
}

/// A header's name follows from its content, so that origins behind one CDN agree.
fn header_name(track: &str, digest: &Digest) -> Arc<str> {
    let [a, b, c, d, ..] = digest;
    format!("{track}-header-{a:02x}{b:02x}{c:02x}{d:02x}.mp4").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::samples::{self, TARGET, aac, h264, h265, ts};

    const AT: SystemTime = SystemTime::UNIX_EPOCH;

    fn delivery(track: usize, sequence: Option<u64>, timeline: u64) -> Delivery {
        Delivery { track, sequence, timeline, ..samples::delivery(Container::MpegTs) }
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
        let mut header = |track, (header, bytes): (Bytes, Bytes)| {
            let header = Some(header);
            let duration = Duration::from_secs(1);
            let delivery = Delivery { header, bytes, duration, ..delivery(track, None, 0) };
            let segment = all.push(delivery).expect("a segment");
            segment.header.expect("a header")
        };
        let (first, second, third) = (header(0, h264()), header(0, h264()), header(0, h265()));
        assert!(Arc::ptr_eq(&first, &second));
        let [a, b, c, d, ..] = sha256(&h264().0);
        let digits = format!("{a:02x}{b:02x}{c:02x}{d:02x}");
        assert_eq!(*first.name, *format!("video-header-{digits}.mp4"));
        assert_ne!(first.name, third.name);
        assert_eq!(*header(1, h264()).name, *format!("audio-header-{digits}.mp4"));
    }

    #[test]
    fn what_a_source_does_not_say_is_read_from_the_header() {
        let mut all = presentation(cmaf());
        let declared = Track { codecs: Some("avc1.other".to_owned()), ..cmaf()[0].clone() };
        let of = |(header, bytes): (Bytes, Bytes), track| Delivery {
            header: Some(header),
            bytes,
            ..delivery(track, None, 0)
        };
        let video = all.push(of(h264(), 0)).expect("a segment");
        let audio = all.push(of(aac(), 1)).expect("a segment");
        assert_eq!(video.duration, Duration::from_secs(1));
        assert_eq!(audio.times.map(|times| times.timescale), Some(48_000));
        let told =
            |of: &TrackWindow| (of.track.codecs.clone().unwrap_or_default(), of.track.pixels);
        assert_eq!(told(&all.tracks()[0]), ("avc1.64000a".to_owned(), Some((64, 48))));
        assert_eq!(told(&all.tracks()[1]), ("mp4a.40.2".to_owned(), None));
        all.declare(vec![declared], TARGET).expect("a track");
        all.push(of(h264(), 0)).expect("a segment");
        assert_eq!(told(&all.tracks()[0]).0, "avc1.other");
    }

    #[test]
    fn what_is_not_whole_is_refused_and_takes_no_number() {
        let mut all = presentation(muxed());
        let half = Delivery { bytes: ts().slice(..1_000), ..delivery(0, None, 0) };
        let refusal = all.push(half).expect_err("half a segment").to_string();
        assert!(
            refusal.starts_with("a segment of main, which is not whole: 1000 bytes"),
            "{refusal}"
        );
        assert_eq!(all.push(delivery(0, None, 0)).map(|segment| segment.sequence), Ok(100));

        let mut all = presentation(cmaf());
        let with = |header: Bytes, bytes: Bytes, duration| Delivery {
            header: Some(header),
            bytes,
            duration,
            ..delivery(0, None, 0)
        };
        let (header, bytes) = h264();
        let half = with(header.clone(), bytes.slice(..bytes.len() / 2), TARGET);
        let refusal = all.push(half).expect_err("half a segment").to_string();
        assert!(refusal.starts_with("a segment of video, which is not whole: "), "{refusal}");
        let short = with(header.clone(), bytes.clone(), Duration::from_secs(3));
        let refusal = all.push(short).expect_err("too short").to_string();
        assert_eq!(refusal, "a segment of video, which plays 1s instead of 3s");
        let no_header = with(bytes.clone(), bytes, TARGET);
        let refusal = all.push(no_header).expect_err("no header").to_string();
        assert_eq!(refusal, "a header of video: mdat: a header holds no samples");
        assert_eq!(all.tracks()[0].window.kept().len(), 0);
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
