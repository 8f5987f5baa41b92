//! Film that is cut into segments and plays over and over. Which segment is on air follows from the
//! clock alone, so origins behind one CDN serve the same names with the same content. (Their
//! discontinuities they count each by itself.)

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::film::Film;
use crate::playlist::{Container, Content, Delivery, Track};

/// Tracks that begin together, and begin again when the first of them has ended.
#[derive(Debug)]
pub(super) struct Clip {
    /// The length of segment that it aims at.
    pub(super) target: Duration,
    /// How long it plays: as long as its first track.
    round: Duration,
    /// How many runs of timestamps it has.
    runs: u64,
    tracks: Vec<Reel>,
}

/// One track of a clip.
#[derive(Debug)]
pub(super) struct Reel {
    track: Track,
    parts: Vec<Part>,
}

/// What a reel is made of: a segment, and how long it plays.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) duration: Duration,
    /// Which of the clip's runs of timestamps it belongs to.
    pub(super) run: u64,
    /// What CMAF needs before the segment.
    pub(super) header: Option<Bytes>,
    pub(super) film: Film,
}

/// A segment, and when it plays, counted from the clip's beginning.
#[derive(Debug)]
struct Part {
    start: Duration,
    end: Duration,
    /// Which of the clip's runs of timestamps it belongs to.
    run: u64,
    header: Option<Bytes>,
    film: Film,
}

/// One of the segments of a track that ever play, numbered from the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Showing {
    pub(super) track: usize,
    pub(super) sequence: u64,
}

/// What `clip/make.sh` made: one file, or the four of a track.
macro_rules! shipped {
    ($file:literal) => {
        Bytes::from_static(include_bytes!(concat!("../../clip/", $file)))
    };
    ($stem:literal, $ending:literal) => {
        [
            Bytes::from_static(include_bytes!(concat!("../../clip/", $stem, "0", $ending))),
            Bytes::from_static(include_bytes!(concat!("../../clip/", $stem, "1", $ending))),
            Bytes::from_static(include_bytes!(concat!("../../clip/", $stem, "2", $ending))),
            Bytes::from_static(include_bytes!(concat!("../../clip/", $stem, "3", $ending))),
        ]
    };
}

/// How long the segments of `clip/make.sh` play: 50 frames of 25 a second, or 10 of 5 ...
const PICTURE: Duration = Duration::from_secs(2);
/// ... and 94 frames of sound, but for the last with 93.
const SOUND: [Duration; 4] = [frames(94), frames(94), frames(94), frames(93)];

/// AAC has 1,024 samples in a frame, here of 48,000 a second.
const fn frames(count: u64) -> Duration {
    Duration::from_nanos(count * 1_024 * 1_000_000_000 / 48_000)
}

impl Clip {
    /// A test card with a tone: the picture of last resort, which ships with the origin.
    pub(super) fn testcard() -> Self {
        let pictures = shipped!("clip/video-", ".m4s");
        let sounds = shipped!("clip/audio-", ".m4s");
        let headers = [shipped!("clip/video-header.mp4"), shipped!("clip/audio-header.mp4")];
        Self::cmaf(25.0, headers, pictures, sounds)
    }

    /// A quiet sign that the stream is away, in every way that a stream can be played in: picture
    /// and sound apart, and both in one.
    pub(super) fn slate() -> Self {
        let pictures = shipped!("slate/video-", ".m4s");
        let sounds = shipped!("slate/audio-", ".m4s");
        let both = shipped!("slate/", ".ts");
        let headers = [shipped!("slate/video-header.mp4"), shipped!("slate/audio-header.mp4")];
        let muxed = Track::new("main", Content::Muxed, Container::MpegTs);
        let mut slate = Self::cmaf(5.0, headers, pictures, sounds);
        slate
            .tracks
            .push(Reel::of(muxed, both.map(|segment| Cut::shipped(PICTURE, None, segment))));
        slate
    }

    fn cmaf(
        frames_per_second: f64,
        [video_header, audio_header]: [Bytes; 2],
        pictures: [Bytes; 4],
        sounds: [Bytes; 4],
    ) -> Self {
        let video = Track {
            frames_per_second: Some(frames_per_second),
            ..Track::new("video", Content::Video, Container::Cmaf)
        };
        let audio = Track::new("audio", Content::Audio, Container::Cmaf);
        let picture = |bytes| Cut::shipped(PICTURE, Some(video_header.clone()), bytes);
        let sound = |(length, bytes)| Cut::shipped(length, Some(audio_header.clone()), bytes);
        Clip::of(vec![
            Reel::of(video, pictures.map(picture)),
            Reel::of(audio, SOUND.into_iter().zip(sounds).map(sound)),
        ])
    }

    /// Of one track at least, with a segment at least each.
    pub(super) fn of(tracks: Vec<Reel>) -> Self {
        let parts = || tracks.iter().flat_map(|reel| &reel.parts);
        let longest = parts().map(|part| part.end - part.start).max().unwrap_or_default();
        let target = Duration::from_secs_f64(longest.as_secs_f64().round().max(1.0));
        let runs = parts().map(|part| part.run + 1).max().unwrap_or(1);
        let round = tracks.first().map_or(Duration::ZERO, Reel::end);
        Clip { target, round, runs, tracks }
    }

    pub(super) fn tracks(&self) -> Vec<Track> {
        self.tracks.iter().map(|reel| reel.track.clone()).collect()
    }

    /// For each track the number of the segment that is on air at a time: those before have ended.
    pub(super) fn on_air_at(&self, time: SystemTime) -> Vec<u64> {
        let round = self.round.as_nanos().max(1);
        let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let (rounds, within) = ((since_epoch / round) as u64, since_epoch % round);
        let on_air = |reel: &Reel| {
            let ended = reel.parts.iter().filter(|part| part.end.as_nanos() <= within).count();
            rounds * reel.parts.len() as u64 + ended as u64
        };
        self.tracks.iter().map(on_air).collect()
    }

    /// For each track the first segment of a playlist that long, at that time.
    pub(super) fn first_shown_at(&self, time: SystemTime, playlist_segments: u64) -> Vec<u64> {
        let leading = self.on_air_at(time).first().copied().unwrap_or_default();
        let first = Showing { track: 0, sequence: leading.saturating_sub(playlist_segments) };
        self.on_air_at(self.starts_at(first))
    }

    /// When the first of the segments ends that come next in each track.
    pub(super) fn next_end(&self, next: &[u64]) -> SystemTime {
        let showings = next.iter().enumerate();
        let ends =
            showings.map(|(track, sequence)| self.ends_at(Showing { track, sequence: *sequence }));
        ends.min().unwrap_or(UNIX_EPOCH)
    }

    /// Where a segment's bytes are.
    pub(super) fn film(&self, showing: Showing) -> Option<Film> {
        Some(self.part(showing)?.film.clone())
    }

    /// The segment as a source delivers it. Each round has timestamps of its own, counted from the
    /// round `since`.
    pub(super) fn delivery(&self, showing: Showing, since: u64, bytes: Bytes) -> Option<Delivery> {
        let part = self.part(showing)?;
        let round = self.round_of(showing).saturating_sub(since);
        Some(Delivery {
            track: showing.track,
            sequence: Some(showing.sequence),
            timeline: round * self.runs + part.run,
            duration: part.end - part.start,
            recorded_at: self.starts_at(showing),
            header: part.header.clone(),
            bytes,
        })
    }

    /// How often the clip has played before, counted from the epoch.
    pub(super) fn round_of(&self, showing: Showing) -> u64 {
        let parts = self.tracks.get(showing.track).map_or(1, |reel| reel.parts.len() as u64);
        showing.sequence / parts.max(1)
    }

    fn part(&self, showing: Showing) -> Option<&Part> {
        let parts = &self.tracks.get(showing.track)?.parts;
        parts.get((showing.sequence % (parts.len() as u64).max(1)) as usize)
    }

    fn starts_at(&self, showing: Showing) -> SystemTime {
        self.at(showing, self.part(showing).map_or(Duration::ZERO, |part| part.start))
    }

    pub(super) fn ends_at(&self, showing: Showing) -> SystemTime {
        self.at(showing, self.part(showing).map_or(Duration::ZERO, |part| part.end))
    }

    /// A track that is longer than the first ends with it.
    fn at(&self, showing: Showing, within: Duration) -> SystemTime {
        let rounds = u128::from(self.round_of(showing)) * self.round.as_nanos();
        let since_epoch = rounds + within.min(self.round).as_nanos();
        let seconds = u64::try_from(since_epoch / 1_000_000_000).unwrap_or(u64::MAX);
        let since_epoch = Duration::new(seconds, (since_epoch % 1_000_000_000) as u32);
        UNIX_EPOCH.checked_add(since_epoch).unwrap_or(UNIX_EPOCH)
    }
}

impl Reel {
    /// A track of segments that play one after the other.
    pub(super) fn of(track: Track, cuts: impl IntoIterator<Item = Cut>) -> Self {
        let mut start = Duration::ZERO;
        let part = |Cut { duration, run, header, film }| {
            let part = Part { start, end: start + duration, run, header, film };
            start = part.end;
            part
        };
        let parts = cuts.into_iter().map(part).collect::<Vec<_>>();
        let bits = |part: &Part| {
            let seconds = (part.end - part.start).as_secs_f64().max(0.001);
            (part.film.len() as f64 * 8.0 / seconds) as u64
        };
        let bits_per_second = track.bits_per_second.or(parts.iter().map(bits).max());
        Reel { track: Track { bits_per_second, ..track }, parts }
    }

    /// The same with more told of its track.
    pub(super) fn described(self, tell: impl FnOnce(Track) -> Track) -> Self {
        Reel { track: tell(self.track), parts: self.parts }
    }

    fn end(&self) -> Duration {
        self.parts.last().map_or(Duration::ZERO, |part| part.end)
    }
}

impl Cut {
    fn shipped(duration: Duration, header: Option<Bytes>, bytes: Bytes) -> Self {
        Cut { duration, run: 0, header, film: Film::Memory(bytes) }
    }
}

#[cfg(test)]
mod tests;
