//! Where the streams' actors put what they have, and where HTTP reads it from. An edition is
//! published whole, playlist and segments at once, so no request ever sees half of one; it lives in
//! memory within the window's bounds, so no request waits for a disk.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::limits::{FIRST_PLAYLIST_WAIT, FIRST_PLAYLIST_WAITERS_MAX};
use crate::playlist::{Segment, Window, render};

/// The streams of one origin by name. What it holds never changes; the shelves' content does.
#[derive(Debug)]
pub(crate) struct Store {
    shelves: HashMap<String, Arc<Shelf>>,
}

impl Store {
    /// A store with an empty shelf for each name.
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        Store { shelves: names.map(|name| (name, Arc::new(Shelf::new()))).collect() }
    }

    pub(crate) fn shelf(&self, stream: &str) -> Option<&Arc<Shelf>> {
        self.shelves.get(stream)
    }
}

/// The current edition of one stream: written by its `StreamActor`, read by HTTP's workers.
#[derive(Debug)]
pub(crate) struct Shelf {
    edition: watch::Sender<Option<Arc<Edition>>>,
    waiting: Semaphore,
}

/// What a stream has at one moment.
#[derive(Debug)]
pub(crate) struct Edition {
    pub(crate) playlist: Bytes,
    /// What the playlist follows from: the numbers of the first and last segment shown, and of the
    /// first one's timeline, which another run, or another origin behind the same CDN, counts
    /// differently.
    pub(crate) etag: String,
    pub(crate) target: Duration,
    segments: HashMap<Arc<str>, Segment>,
}

impl Shelf {
    fn new() -> Self {
        Shelf {
            edition: watch::Sender::new(None),
            waiting: Semaphore::new(FIRST_PLAYLIST_WAITERS_MAX),
        }
    }

    pub(crate) fn publish(&self, edition: Edition) {
        self.edition.send_replace(Some(Arc::new(edition)));
    }

    pub(crate) fn edition(&self) -> Option<Arc<Edition>> {
        self.edition.borrow().clone()
    }

    /// The current edition, or the first one when the stream is about to have it. `None` when that
    /// took too long, or too many are waiting already.
    pub(crate) async fn first_edition(&self) -> Option<Arc<Edition>> {
        if let Some(edition) = self.edition() {
            return Some(edition);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        let mut editions = self.edition.subscribe();
        let first = timeout(FIRST_PLAYLIST_WAIT, editions.wait_for(Option::is_some)).await;
        first.ok()?.ok()?.clone()
    }
}

impl Edition {
    /// The edition of a window that is not empty, from a source that cuts segments of `segment`.
    pub(crate) fn of(window: &Window, segment: Duration) -> Self {
        let mut shown = window.shown().map(|segment| (segment.sequence, segment.timeline));
        let (first, timeline) = shown.next().unwrap_or_default();
        let (last, _) = shown.last().unwrap_or((first, timeline));
        Edition {
            playlist: render(window, segment).into(),
            etag: format!("{first}-{last}-{timeline}"),
            target: segment,
            segments: window.kept().map(|kept| (kept.name.clone(), kept.clone())).collect(),
        }
    }

    pub(crate) fn segment(&self, name: &str) -> Option<&Segment> {
        self.segments.get(name)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn edition(timeline: u64) -> Edition {
        let mut window = Window::new(3);
        for sequence in 5..8 {
            window.push(Segment {
                name: format!("s-{sequence}.ts").into(),
                sequence,
                timeline,
                duration: Duration::from_secs(2),
                recorded_at: SystemTime::UNIX_EPOCH,
                bytes: Bytes::from_static(b"segment"),
            });
        }
        Edition::of(&window, Duration::from_secs(2))
    }

    #[test]
    fn two_playlists_have_one_etag_only_when_they_are_the_same() {
        assert_eq!(edition(4).etag, edition(4).etag);
        assert_ne!(edition(4).playlist, edition(5).playlist);
        assert_ne!(edition(4).etag, edition(5).etag);
    }
}
