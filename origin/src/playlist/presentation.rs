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
use crate::integrity::{Digest, hex, sha256};
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
        for (index, track) in tracks.iter().enumerate() {
            if tracks[..index].iter().any(|other| other.name == track.name) {
                return Err(Refusal::TrackTwice(track.name.clone()));
            }
        }
        let mut before = std::mem::take(&mut self.tracks);
        for track in tracks {
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
        // One that comes back begins above all numbers that it has given.
        let given = before.iter().map(|gone| gone.next_sequence).max();
        self.first_sequence = self.first_sequence.max(given.unwrap_or_default());
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
            whole.map_err(|reason| Refusal::Ts { track: track(), reason })?;
            return match mpegts::plays(bytes) {
                Some(here) if here < told / 2 => Err(Refusal::Short { track: track(), here, told }),
                _ => Ok(None),
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
    format!("{track}-header-{}.mp4", hex(&digest[..4])).into()
}

#[cfg(test)]
mod tests;
