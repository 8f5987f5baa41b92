//! What one ffmpeg has cut, as deliveries. ffmpeg says nothing when a disk is full and goes on after
//! half a segment, and it lets timestamps jump: either ends its run before anybody sees it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::Supply;
use super::wall_clock::WallClock;
use crate::cmaf;
use crate::ffmpeg::{Job, Row, header, take};
use crate::limits::{JUMP_MIN, JUMP_SEGMENTS};
use crate::playlist::{Delivery, Track};

/// Takes over the segments of one ffmpeg.
pub(super) struct Cuttings {
    folder: PathBuf,
    tracks: Vec<Track>,
    target: Duration,
    /// By track.
    headers: Vec<Option<(Bytes, cmaf::Header)>>,
    /// The number of the next row.
    next: u64,
    declared: bool,
    clock: WallClock,
}

impl Cuttings {
    pub(super) fn new(job: &Job) -> Self {
        Cuttings {
            folder: job.folder.clone(),
            tracks: job.tracks.clone(),
            target: job.segment,
            headers: job.tracks.iter().map(|_| None).collect(),
            next: 1,
            declared: false,
            clock: WallClock::default(),
        }
    }

    /// The length of segment that it aims at, as far as it is known yet.
    pub(super) fn target(&self) -> Duration {
        self.target
    }

    /// What it has finished since the last call: first of all its tracks. The last row stays out as
    /// long as a track is missing, so that all tracks have the same numbers.
    pub(super) async fn take(&mut self, now: SystemTime) -> Result<Vec<Supply>, String> {
        let (folder, tracks, next) = (self.folder.clone(), self.tracks.len(), self.next);
        let rows = spawn_blocking(move || take(&folder, tracks, next)).await;
        let rows = rows.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let mut supplies = Vec::new();
        for row in rows {
            self.next = row.number + 1;
            let deliveries = self.read(row, now).await?;
            if !self.declared {
                // What is copied is cut where its encoder made key frames.
                let longest = deliveries.iter().map(|of| of.duration).max().unwrap_or_default();
                let seconds = longest.as_secs_f64().round() as u64;
                self.target = self.target.max(Duration::from_secs(seconds));
                let (tracks, target) = (self.tracks.clone(), self.target);
                supplies.push(Supply::Tracks { tracks, target });
                self.declared = true;
            }
            supplies.extend(deliveries.into_iter().map(Supply::Segment));
        }
        Ok(supplies)
    }

    async fn read(&mut self, row: Row, now: SystemTime) -> Result<Vec<Delivery>, String> {
        let mut deliveries = Vec::with_capacity(row.segments.len());
        let longest = self.target * JUMP_SEGMENTS + JUMP_MIN;
        let mut zero = None;
        for (track, bytes) in row.segments {
            let name = self.tracks[track].name.clone();
            let (header, read) = self.header(track).await?;
            let times = read.times(&bytes).map_err(|error| error.to_string());
            let times = times.and_then(|times| match times.duration() {
                duration if duration > longest => {
                    Err(format!("it plays {duration:?}, more than {longest:?}"))
                }
                _ => Ok(times),
            });
            let times = times.map_err(|error| {
                format!(
                    "segment {} of {name} is cut off, as when the disk is full, or the input's \
                     clock has jumped: {error}",
                    row.number
                )
            })?;
            let duration = times.duration();
            let clock = &mut self.clock;
            let start = times.presentation();
            let zero = *zero.get_or_insert_with(|| clock.zero(start, duration, now));
            deliveries.push(Delivery {
                track,
                sequence: None,
                timeline: 0,
                duration,
                recorded_at: zero.checked_add(start).unwrap_or(now),
                header: Some(header),
                bytes,
            });
        }
        Ok(deliveries)
    }

    /// A track's header, which is read once.
    async fn header(&mut self, track: usize) -> Result<(Bytes, &cmaf::Header), String> {
        if self.headers[track].is_none() {
            let folder = self.folder.clone();
            let bytes = spawn_blocking(move || header(&folder, track)).await;
            let bytes = bytes.map_err(|error| error.to_string())?;
            let bytes = bytes.map_err(|error| error.to_string())?.unwrap_or_default();
            let read = cmaf::Header::read(&bytes);
            let read = read.map_err(|error| {
                format!("the header of {} is not whole: {error}", self.tracks[track].name)
            })?;
            self.headers[track] = Some((bytes, read));
        }
        match &self.headers[track] {
            Some((bytes, read)) => Ok((bytes.clone(), read)),
            None => Err("the header has gone".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ffmpeg::{Ability, Args, Secrets};
    use crate::playlist::{Container, Content};

    const HEADER: &[u8] = include_bytes!("../../tests/samples/h264.header.mp4");
    /// It plays 1 s.
    const SEGMENT: &[u8] = include_bytes!("../../tests/samples/h264.m4s");

    struct Fixture {
        folder: tempfile::TempDir,
        cuttings: Cuttings,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("0-header.mp4"), HEADER).expect("a file");
        let cuttings = Cuttings::new(&Job {
            stream: "test".to_owned(),
            args: Args(Vec::new()),
            tracks: vec![Track::new("video", Content::Video, Container::Cmaf)],
            segment: Duration::from_millis(10),
            first_within: None,
            ability: Ability::NONE,
            folder: folder.path().to_owned(),
            secrets: Secrets::default(),
        });
        Fixture { folder, cuttings }
    }

    impl Fixture {
        fn write(&self, name: &str, bytes: &[u8]) {
            fs::write(self.folder.path().join(name), bytes).expect("a file");
        }

        async fn take(&mut self) -> Result<Vec<Supply>, String> {
            self.cuttings.take(SystemTime::UNIX_EPOCH + Duration::from_secs(100)).await
        }
    }

    #[actix::test]
    async fn tracks_come_first_and_with_the_length_that_segments_have() {
        let mut fixture = fixture();
        assert!(fixture.take().await.expect("nothing yet").is_empty());
        fixture.write("0-1.m4s", SEGMENT);
        let supplies = fixture.take().await.expect("a segment");
        let [Supply::Tracks { target, .. }, Supply::Segment(delivery)] = supplies.as_slice() else {
            panic!("{supplies:?}");
        };
        assert_eq!(*target, Duration::from_secs(1));
        assert_eq!(delivery.duration, Duration::from_secs(1));
        assert_eq!(delivery.header.as_deref(), Some(HEADER));
        fixture.write("0-2.m4s", SEGMENT);
        assert!(matches!(fixture.take().await.as_deref(), Ok([Supply::Segment(_)])));
    }

    #[actix::test]
    async fn half_a_segment_ends_the_run_and_is_never_delivered() {
        for length in [0, 100, SEGMENT.len() / 2, SEGMENT.len() - 1] {
            let mut fixture = fixture();
            fixture.write("0-1.m4s", &SEGMENT[..length]);
            let reason = fixture.take().await.expect_err("half a segment");
            assert!(
                reason.starts_with("segment 1 of video is cut off, as when the disk is full"),
                "{reason}"
            );
        }
        let mut fixture = fixture();
        fixture.write("0-header.mp4", &HEADER[..100]);
        fixture.write("0-1.m4s", SEGMENT);
        let reason = fixture.take().await.expect_err("half a header");
        assert!(reason.starts_with("the header of video is not whole"), "{reason}");
    }
}
