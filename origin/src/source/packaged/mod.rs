//! Streams that somebody else packages as HLS, and puts somewhere as files: a playlist says which
//! segments there are, and each is delivered once it is there and whole. Where the files are, whether
//! in a folder or in what an encoder has uploaded, is the sources' own.

mod followed;
mod follower;
mod listing;
mod path;
mod whole;

use std::time::Duration;

use bytes::Bytes;

pub(crate) use followed::Now;
pub(crate) use follower::Change;
pub(crate) use listing::{Listing, ListingError};
pub(crate) use path::{FilePath, PathError};

use super::{Closed, Sink, Supply};
use crate::limits::{PACKAGER_STALL_TARGETS, STALL_MIN};
use crate::playlist::Delivery;
use followed::Wanted;
use follower::Follower;
use whole::{HeaderCache, check};

/// Where a packager's files are.
pub(crate) trait Files {
    /// Whether there is a file of this name, whole or not, that came after `since`.
    async fn has(&mut self, file: &FilePath, since: u64) -> bool;

    /// The file, when it is there and nobody writes to it any more. An error is one that may pass.
    async fn read(&mut self, file: &FilePath, since: u64) -> Result<Option<Bytes>, String>;

    /// A segment has been delivered, or is of no use: the file is not read again.
    fn let_go(&mut self, file: &FilePath);
}

/// Delivers what one packager's playlists name.
#[derive(Debug)]
pub(crate) struct Packager {
    /// The stream's name, for the log.
    stream: String,
    pub(crate) follower: Follower,
    headers: HeaderCache,
    /// Why the next segment does not come; it may pass.
    obstacle: Option<String>,
    /// What has been wrong since the last segment.
    problem: Option<String>,
}

/// What a round of deliveries came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    GoesOn,
    /// The packager has said that nothing more comes.
    Over,
}

/// What became of one wanted segment.
enum Got {
    Whole { bytes: Bytes, header: Option<Bytes> },
    NotYet,
}

/// After a round of a run: whether there is another one. A packager that has ended ends the run.
pub(crate) async fn goes_on(round: Result<Round, Closed>, sink: &Sink, over: &str) -> bool {
    match round {
        Ok(Round::GoesOn) => true,
        Ok(Round::Over) => {
            // Where nobody listens any more, nobody wants another run.
            let _ = sink.deliver(Supply::Ended(over.to_owned())).await;
            false
        }
        Err(Closed) => false,
    }
}

/// How long a packager may be silent whose segments are at most this long.
pub(crate) fn patience(target: Duration) -> Duration {
    STALL_MIN.max(target * PACKAGER_STALL_TARGETS)
}

impl Packager {
    /// `first_segments` are wanted of a playlist that is seen for the first time.
    pub(crate) fn new(stream: &str, main: FilePath, first_segments: usize) -> Self {
        Packager {
            stream: stream.to_owned(),
            follower: Follower::new(main, first_segments),
            headers: HeaderCache::default(),
            obstacle: None,
            problem: None,
        }
    }

    /// Something is wrong with what the packager does.
    pub(crate) fn note(&mut self, problem: String) {
        // The same again is no news.
        if self.problem.as_ref() != Some(&problem) {
            tracing::warn!(stream = self.stream, "{problem}");
            self.problem = Some(problem);
        }
    }

    /// Why nothing has come of late, as far as that is known.
    pub(crate) fn last_words(&self) -> Option<String> {
        self.problem.clone().or(self.obstacle.clone())
    }

    /// Delivers all that is named and whole, in the order of each track.
    pub(crate) async fn deliver(
        &mut self,
        files: &mut impl Files,
        sink: &Sink,
    ) -> Result<Round, Closed> {
        if let Some((tracks, target)) = self.follower.begin(Now::read()) {
            sink.deliver(Supply::Tracks { tracks, target }).await?;
        }
        let mut track = 0;
        while track < self.follower.track_count() {
            self.begin_with_what_is_there(track, files).await;
            let Some(wanted) = self.follower.wanted(track).next().cloned() else {
                track += 1;
                continue;
            };
            match self.get(&wanted, self.follower.since(track), files).await {
                Got::Whole { bytes, header } => {
                    if let Some((sequence, timeline)) = self.follower.took(track) {
                        let Wanted { duration, recorded_at, file, .. } = wanted;
                        file.iter().for_each(|file| files.let_go(file));
                        sink.deliver(Supply::Segment(Delivery {
                            track,
                            sequence,
                            timeline,
                            duration,
                            recorded_at,
                            header,
                            bytes,
                        }))
                        .await?;
                        (self.problem, self.obstacle) = (None, None);
                    }
                }
                Got::NotYet if self.follower.is_overdue(track, Now::read()) => {
                    self.give_up(track, &wanted);
                    if let Some((tracks, target)) = self.follower.begin(Now::read()) {
                        sink.deliver(Supply::Tracks { tracks, target }).await?;
                        track = 0;
                    }
                }
                Got::NotYet => track += 1,
            }
        }
        Ok(if self.follower.is_over() { Round::Over } else { Round::GoesOn })
    }

    /// What has left before this origin came is not waited for.
    async fn begin_with_what_is_there(&mut self, track: usize, files: &mut impl Files) {
        if !self.follower.is_fresh(track) {
            return;
        }
        let since = self.follower.since(track);
        let named: Vec<_> = self.follower.wanted(track).map(|of| of.file.clone()).collect();
        for (index, file) in named.iter().enumerate() {
            if let Some(file) = file
                && files.has(file, since).await
            {
                return self.follower.skip(track, index);
            }
        }
    }

    async fn get(&mut self, wanted: &Wanted, since: u64, files: &mut impl Files) -> Got {
        let Some(file) = &wanted.file else {
            return Got::NotYet;
        };
        let bytes = match files.read(file, since).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Got::NotYet,
            Err(problem) => return self.not_yet(file, problem),
        };
        let header = match &wanted.header {
            None => None,
            // Encoders may put it once for many starts.
            Some(header) => match files.read(header, 0).await {
                Ok(Some(bytes)) => Some(bytes),
                Ok(None) => return self.not_yet(header, "it is named as a header, and not there"),
                Err(problem) => return self.not_yet(header, problem),
            },
        };
        match check(&bytes, header.as_ref(), wanted.duration, &mut self.headers) {
            Ok(()) => Got::Whole { bytes, header },
            Err(problem) => {
                files.let_go(file);
                self.not_yet(file, problem)
            }
        }
    }

    fn not_yet(&mut self, file: &FilePath, problem: impl Into<String>) -> Got {
        self.obstacle = Some(format!("{file}: {}", problem.into()));
        Got::NotYet
    }

    fn give_up(&mut self, track: usize, wanted: &Wanted) {
        self.follower.give_up(track);
        if let Some(file) = &wanted.file {
            let why = self.obstacle.take();
            self.note(why.unwrap_or_else(|| format!("{file}: it is named, and did not come")));
        }
    }

    /// The longest segment that is to be expected; none before there was a playlist.
    pub(crate) fn target(&self) -> Option<Duration> {
        self.follower.target()
    }
}
