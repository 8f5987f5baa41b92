//! The clip that ships with the origin, played as live for ever: the picture of last resort, which
//! needs no ffmpeg. Which segment is on air follows from the clock alone, so origins behind one CDN
//! serve the same names with the same content. (Their discontinuities they count each by itself.)

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tokio::task::JoinHandle;

use super::{Closed, Patience, Playing, Sink, Source, Supply};
use crate::playlist::{Container, Content, Delivery, Track};

/// The clip's segments, made by `clip/make.sh`.
const CLIP: [&[u8]; 4] = [
    include_bytes!("../../clip/clip/0.ts"),
    include_bytes!("../../clip/clip/1.ts"),
    include_bytes!("../../clip/clip/2.ts"),
    include_bytes!("../../clip/clip/3.ts"),
];

/// How long each of them plays.
const SEGMENT: Duration = Duration::from_secs(2);

/// Plays the clip.
pub(crate) struct LoopSource {
    playlist_segments: usize,
}

impl LoopSource {
    pub(crate) fn new(playlist_segments: usize) -> Self {
        LoopSource { playlist_segments }
    }
}

impl Source for LoopSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        Box::new(PlayingLoop(actix::spawn(feed(sink, self.playlist_segments as u64))))
    }

    /// It needs nothing but a clock, which may be set back.
    fn patience(&self) -> Patience {
        Patience { first: None, next: None }
    }
}

struct PlayingLoop(JoinHandle<Closed>);

impl Playing for PlayingLoop {
    fn stop(self: Box<Self>) -> LocalBoxFuture<'static, Option<String>> {
        self.0.abort();
        Box::pin(async move {
            // An error here is the abort.
            let _ = self.0.await;
            None
        })
    }
}

async fn feed(sink: Sink, playlist_segments: u64) -> Closed {
    match try_feed(sink, playlist_segments).await {
        Ok(never) => match never {},
        Err(closed) => closed,
    }
}

/// Delivers a whole playlist at once, then each segment as it ends. A clock that jumps forward
/// skips what nobody could see any more; one that jumps back makes the loop wait for it.
async fn try_feed(sink: Sink, playlist_segments: u64) -> Result<Infallible, Closed> {
    let tracks = vec![Track::new("loop", Content::Muxed, Container::MpegTs)];
    sink.deliver(Supply::Tracks { tracks, target: SEGMENT }).await?;
    let since_round = round_of(on_air_at(SystemTime::now()).saturating_sub(playlist_segments));
    let mut next = 0;
    loop {
        let now = SystemTime::now();
        let on_air = on_air_at(now);
        next = next.max(on_air.saturating_sub(playlist_segments));
        while next < on_air {
            sink.deliver(Supply::Segment(segment(next, since_round))).await?;
            next += 1;
        }
        let ends_at = starts_at(next + 1);
        let pause = ends_at.duration_since(now).unwrap_or_default();
        // Asks the clock again within a segment's length, in case it is set meanwhile.
        tokio::time::sleep(pause.min(SEGMENT)).await;
    }
}

/// The number of the segment that plays at `now`, counted from the epoch.
fn on_air_at(now: SystemTime) -> u64 {
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since_epoch.as_secs() / SEGMENT.as_secs()
}

fn starts_at(sequence: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(sequence * SEGMENT.as_secs())
}

/// How often the clip has played before segment `sequence`, counted from the epoch.
fn round_of(sequence: u64) -> u64 {
    sequence / CLIP.len() as u64
}

/// Each round of the clip has timestamps of its own.
fn segment(sequence: u64, since_round: u64) -> Delivery {
    Delivery {
        track: 0,
        sequence: Some(sequence),
        timeline: round_of(sequence).saturating_sub(since_round),
        duration: SEGMENT,
        recorded_at: starts_at(sequence),
        header: None,
        bytes: Bytes::from_static(CLIP[(sequence % CLIP.len() as u64) as usize]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::{Presentation, media_playlist};

    fn playlist_at(unix_seconds: u64, playlist_segments: usize) -> String {
        let on_air = on_air_at(SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds));
        let mut presentation = Presentation::new(playlist_segments, SystemTime::UNIX_EPOCH);
        let tracks = vec![Track::new("loop", Content::Muxed, Container::MpegTs)];
        presentation.declare(tracks, SEGMENT).expect("a track");
        for sequence in on_air - playlist_segments as u64..on_air {
            presentation.push(segment(sequence, 0)).expect("a segment");
        }
        media_playlist(&presentation.tracks()[0].window, SEGMENT)
    }

    #[test]
    fn the_playlist_follows_from_the_clock() {
        // 1,000,005 s: segment 500,002 is on air, and 500,000 was the start of round 125,000.
        assert_eq!(
            playlist_at(1_000_005, 3),
            "#EXTM3U\n\
             #EXT-X-VERSION:6\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-TARGETDURATION:2\n\
             #EXT-X-MEDIA-SEQUENCE:499999\n\
             #EXT-X-DISCONTINUITY-SEQUENCE:124999\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-12T13:46:38.000Z\n\
             #EXTINF:2.000000,\n\
             loop-499999.ts\n\
             #EXT-X-DISCONTINUITY\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-12T13:46:40.000Z\n\
             #EXTINF:2.000000,\n\
             loop-500000.ts\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-12T13:46:42.000Z\n\
             #EXTINF:2.000000,\n\
             loop-500001.ts\n"
        );
        assert_eq!(playlist_at(1_000_004, 3), playlist_at(1_000_005, 3));
    }

    #[test]
    fn each_wrap_is_one_discontinuity_and_is_counted_when_it_leaves() {
        for start in 1_000_000..1_000_016 {
            let text = playlist_at(start, 8);
            let number = |tag: &str| -> u64 {
                let line = text.lines().find_map(|line| line.strip_prefix(tag)).expect(tag);
                line.parse().expect(tag)
            };
            let first = number("#EXT-X-MEDIA-SEQUENCE:");
            assert_eq!(number("#EXT-X-DISCONTINUITY-SEQUENCE:"), first / 4, "{text}");
            let expected = (first + 7) / 4 - first / 4;
            let tags = text.matches("#EXT-X-DISCONTINUITY\n").count() as u64;
            assert_eq!(tags, expected, "{text}");
        }
    }

    #[test]
    fn a_name_means_the_same_content_for_ever() {
        let [seventh, eighth, eleventh] = [7, 8, 11].map(|number| segment(number, 0));
        assert_eq!(seventh.bytes, eleventh.bytes);
        assert_ne!(seventh.bytes, eighth.bytes);
        assert_ne!(seventh.sequence, eleventh.sequence);
    }

    #[test]
    fn the_clip_is_small_enough_to_ship() {
        assert!(CLIP.iter().map(|part| part.len()).sum::<usize>() < 400_000);
        assert!(CLIP.iter().all(|part| part.len() % 188 == 0 && part[0] == 0x47), "not MPEG-TS");
    }
}
