//! Plays a clip as live for ever, without any ffmpeg: the one that ships with the origin, or what
//! an operator has in a folder.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::clip::{Clip, Showing};
use super::film::Film;
use super::running::Running;
use super::{Closed, Playing, Sink, Source, Supply, prepared};

/// Plays a clip.
pub(crate) struct LoopSource {
    clip: Place,
    playlist_segments: u64,
}

/// Where a clip comes from.
#[derive(Debug, Clone)]
enum Place {
    Here(Arc<Clip>),
    /// Read anew by each run.
    Folder(PathBuf),
}

impl LoopSource {
    /// The test card that ships with the origin.
    pub(crate) fn testcard(playlist_segments: usize) -> Self {
        Self::of(Place::Here(Arc::new(Clip::testcard())), playlist_segments)
    }

    /// The sign that a stream is away, which ships, too.
    pub(crate) fn slate(playlist_segments: usize) -> Self {
        Self::of(Place::Here(Arc::new(Clip::slate())), playlist_segments)
    }

    /// What a folder has, by its `index.m3u8`.
    pub(crate) fn folder(folder: PathBuf, playlist_segments: usize) -> Self {
        Self::of(Place::Folder(folder), playlist_segments)
    }

    fn of(clip: Place, playlist_segments: usize) -> Self {
        LoopSource { clip, playlist_segments: playlist_segments as u64 }
    }
}

impl Source for LoopSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        let (clip, playlist_segments) = (self.clip.clone(), self.playlist_segments);
        Running::start(|stopped| async move {
            tokio::select! {
                // Resolves with an error, as it is dropped and never sent.
                _ = stopped => {}
                () = run(clip, sink, playlist_segments) => {}
            }
            None
        })
    }
}

/// Why a run is over.
enum End {
    Closed,
    Failed(String),
}

async fn run(clip: Place, sink: Sink, playlist_segments: u64) {
    let Err(end) = feed(clip, &sink, playlist_segments).await;
    if let End::Failed(reason) = end {
        // An error here is a stream that doesn't want to know any more.
        let _ = sink.deliver(Supply::Ended(reason)).await;
    }
}

/// Delivers a whole playlist at once, then each segment as it ends. A clock that jumps forward
/// skips what nobody could see any more; one that jumps back makes the loop wait for it.
async fn feed(clip: Place, sink: &Sink, playlist_segments: u64) -> Result<Infallible, End> {
    let clip = match clip {
        Place::Here(clip) => clip,
        Place::Folder(folder) => Arc::new(blocking(move || prepared::read(&folder)).await?),
    };
    sink.deliver(Supply::Tracks { tracks: clip.tracks(), target: clip.target }).await?;
    let mut next = clip.first_shown_at(SystemTime::now(), playlist_segments);
    let first = Showing { track: 0, sequence: next.first().copied().unwrap_or_default() };
    let since = clip.round_of(first);
    loop {
        let now = SystemTime::now();
        let shown = clip.first_shown_at(now, playlist_segments);
        next.iter_mut().zip(shown).for_each(|(next, shown)| *next = shown.max(*next));
        // Track by track, so that the list of tracks, which waits for all, finds whole playlists.
        for (track, sequence) in next.iter_mut().enumerate() {
            let showing = |sequence: &u64| Showing { track, sequence: *sequence };
            while clip.ends_at(showing(sequence)) <= now {
                let bytes = match clip.film(showing(sequence)) {
                    Some(film) => bytes_of(film).await?,
                    None => Bytes::new(),
                };
                if let Some(delivery) = clip.delivery(showing(sequence), since, bytes) {
                    sink.deliver(Supply::Segment(delivery)).await?;
                }
                *sequence += 1;
            }
        }
        let pause = clip.next_end(&next).duration_since(now).unwrap_or_default();
        // Asks the clock again within a segment's length, in case it is set meanwhile.
        tokio::time::sleep(pause.min(clip.target)).await;
    }
}

async fn bytes_of(film: Film) -> Result<Bytes, End> {
    match film {
        Film::Memory(bytes) => Ok(bytes),
        on_disk => blocking(move || on_disk.read()).await,
    }
}

/// Where files may be waited for.
async fn blocking<T: Send + 'static, E: ToString + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, End> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| End::Failed(error.to_string())),
        Err(panicked) => Err(End::Failed(panicked.to_string())),
    }
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        End::Closed
    }
}
