//! Where the streams' actors put what they have, and where HTTP reads it from. An edition is
//! published whole, playlists and segments at once, so no request ever sees half of one; it lives
//! in memory within the windows' bounds, so no request waits for a disk.

mod demand;
mod edition;
mod file;
#[cfg(target_os = "linux")]
mod pages;
mod status;
mod traffic;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::fetch::Pseudonym;
use crate::limits::{FIRST_PLAYLIST_WAIT, FIRST_PLAYLIST_WAITERS_MAX};

pub(crate) use demand::{Demand, Wanted};
pub(crate) use edition::{Edition, INDEX, MANIFEST, TrackSummary};
pub(crate) use file::{Coding, File, Freshness};
#[cfg(target_os = "linux")]
pub(crate) use pages::{Written, pages_bytes};
pub(crate) use status::{State, Status};
pub(crate) use traffic::{Kind, Traffic};

/// The streams of one origin by name. What it holds never changes; the shelves' content does.
#[derive(Debug)]
pub(crate) struct Store {
    /// Of the origin, by which it knows requests of its own.
    pub(crate) pseudonym: Pseudonym,
    shelves: HashMap<String, Arc<Shelf>>,
    /// Requests for streams that there are not.
    pub(crate) strays: Traffic,
}

impl Store {
    /// A store with an empty shelf for each name.
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        let shelves = names.map(|name| (name, Arc::new(Shelf::new()))).collect();
        Store { pseudonym: Pseudonym::new(), shelves, strays: Traffic::default() }
    }

    /// All streams, in no order.
    pub(crate) fn shelves(&self) -> impl Iterator<Item = (&str, &Arc<Shelf>)> {
        self.shelves.iter().map(|(name, shelf)| (name.as_str(), shelf))
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
    /// Who asks for the stream, for sources that run only as long as somebody does.
    pub(crate) demand: Arc<Demand>,
    pub(crate) traffic: Traffic,
    status: watch::Sender<Status>,
}

/// What a request finds.
#[derive(Debug)]
pub(crate) enum Found {
    Here(File),
    /// The stream is about to have it: ask again.
    Starting,
    Nothing,
}

impl Shelf {
    fn new() -> Self {
        Shelf {
            edition: watch::Sender::new(None),
            waiting: Semaphore::new(FIRST_PLAYLIST_WAITERS_MAX),
            demand: Arc::default(),
            traffic: Traffic::default(),
            status: watch::Sender::new(Status::default()),
        }
    }

    pub(crate) fn publish(&self, edition: Edition) {
        self.edition.send_replace(Some(Arc::new(edition)));
    }

    /// What was published last.
    pub(crate) fn edition(&self) -> Option<Arc<Edition>> {
        self.edition.borrow().clone()
    }

    /// The stream has stopped, and has nothing any more.
    pub(crate) fn withdraw(&self) {
        self.edition.send_replace(None);
    }

    /// The file of that name. A request for a playlist that the stream is about to have waits for
    /// it, unless too many do.
    pub(crate) async fn file(&self, name: &str) -> Found {
        match self.look(name, self.edition().as_deref()) {
            Found::Starting => self.wait_for(name).await.unwrap_or(Found::Starting),
            found => found,
        }
    }

    async fn wait_for(&self, name: &str) -> Option<Found> {
        let _waiting = self.waiting.try_acquire().ok()?;
        let mut editions = self.edition.subscribe();
        // Looks at what it is given: the lock of the edition is held meanwhile.
        let is_settled = |edition: &Option<Arc<Edition>>| {
            !matches!(self.look(name, edition.as_deref()), Found::Starting)
        };
        let settled = timeout(FIRST_PLAYLIST_WAIT, editions.wait_for(is_settled)).await.ok()?;
        // An error would be a sender that is gone, which is this shelf's own.
        Some(self.look(name, settled.ok()?.as_deref()))
    }

    /// What an edition has of that name. Looking for it is asking for it: who waits goes on asking.
    fn look(&self, name: &str, edition: Option<&Edition>) -> Found {
        let wanted = edition.map_or(Wanted::NoTrack, |edition| edition.wanted_by(name));
        self.demand.ask(wanted);
        match edition {
            Some(edition) => match edition.file(name) {
                Some(file) => Found::Here(file.clone()),
                None if edition.expects(name) => Found::Starting,
                None => Found::Nothing,
            },
            None if edition::is_playlist(name) => Found::Starting,
            None => Found::Nothing,
        }
    }

    /// Changes what is known of the stream's health.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(change);
    }

    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// How long ago the newest segment came.
    pub(crate) fn segment_age(&self) -> Option<Duration> {
        let ago = |at: SystemTime| at.elapsed().unwrap_or(Duration::ZERO);
        self.status.borrow().last_segment_at.map(ago)
    }

    /// The tracks of the present edition.
    pub(crate) fn tracks(&self) -> Vec<TrackSummary> {
        self.edition.borrow().as_ref().map(|edition| edition.tracks().to_vec()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn a_playlist_is_waited_for_and_anything_else_is_not() {
        let shelf = Arc::new(Shelf::new());
        assert!(matches!(shelf.file("main-1.ts").await, Found::Nothing));
        let waiting = actix::spawn({
            let shelf = shelf.clone();
            async move { shelf.file(INDEX).await }
        });
        tokio::task::yield_now().await;
        shelf.publish(edition::tests::edition(0));
        assert!(matches!(waiting.await, Ok(Found::Here(_))));
        assert!(matches!(shelf.file("other.m3u8").await, Found::Nothing));
    }

    /// Who waits looks at an edition while its lock is held: taking that a second time would never
    /// end when somebody wants to publish in between.
    #[test]
    fn those_who_wait_and_those_who_publish_do_not_stop_each_other() {
        let shelf = Arc::new(Shelf::new());
        shelf.publish(edition::tests::starting());
        let (tell, told) = std::sync::mpsc::channel();
        for _ in 0..4 {
            let (shelf, tell) = (shelf.clone(), tell.clone());
            std::thread::spawn(move || {
                let found = actix::System::new().block_on(async { shelf.file(INDEX).await });
                tell.send(matches!(found, Found::Here(_))).expect("a test that listens");
            });
        }
        let publisher = std::thread::spawn(move || {
            for _ in 0..20_000 {
                shelf.publish(edition::tests::starting());
            }
            shelf.publish(edition::tests::edition(0));
        });
        for _ in 0..4 {
            let found = told.recv_timeout(Duration::from_secs(60)).expect("an answer in time");
            assert!(found);
        }
        publisher.join().expect("a publisher that ends well");
    }

    #[actix::test]
    async fn beyond_their_bound_those_who_wait_are_told_at_once() {
        let shelf = Shelf::new();
        let _all = shelf.waiting.try_acquire_many(FIRST_PLAYLIST_WAITERS_MAX as u32);
        assert!(matches!(shelf.file(INDEX).await, Found::Starting));
    }
}
