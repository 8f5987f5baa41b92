//! Another origin's stream, HLS or DASH: its playlists are read, and each segment is taken once and
//! whole, however many ask here. Playlists are this origin's own; numbers are the upstream's, so
//! that all who pull it give its segments the same names.

mod dash;
mod hls;
mod listing;
mod memory;
mod names;
mod survey;
mod taking;
mod track;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::select_all;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::running::Running;
use super::{Playing, Sink, Source, Supply};
use crate::config::Upstream;
use crate::fetch::{Fetcher, Place, Pseudonym};
use crate::limits::UPSTREAM_FETCHES_MAX;
use crate::store::Demand;
pub(crate) use memory::Memory;
use survey::{Survey, survey};
use track::TrackTask;

/// Pulls one upstream.
pub(crate) struct UpstreamSource {
    upstream: Upstream,
    pseudonym: Pseudonym,
    demand: Arc<Demand>,
    memory: Rc<RefCell<Memory>>,
}

impl UpstreamSource {
    /// `demand` tells which tracks somebody plays: the others are not taken. `memory` is the
    /// stream's, however often it starts.
    pub(crate) fn new(
        upstream: Upstream,
        pseudonym: Pseudonym,
        demand: Arc<Demand>,
        memory: Rc<RefCell<Memory>>,
    ) -> Self {
        UpstreamSource { upstream, pseudonym, demand, memory }
    }
}

impl Source for UpstreamSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        let Upstream { place, headers } = self.upstream.clone();
        let fetcher = Fetcher::new(&place, headers, self.pseudonym.clone());
        let (demand, memory) = (self.demand.clone(), self.memory.clone());
        // Each track watches itself, since one that nobody wants is silent.
        Running::start(|stopped| async move {
            tokio::select! {
                // Resolves with an error, as it is dropped and never sent.
                _ = stopped => {}
                reason = pull(fetcher, &place, demand, memory, sink.clone()) => {
                    // Where nobody listens any more, nobody wants another run.
                    let _ = sink.deliver(Supply::Ended(reason)).await;
                }
            }
            None
        })
    }
}

/// What the tracks of one run share.
struct Run {
    fetcher: Fetcher,
    sink: Sink,
    demand: Arc<Demand>,
    memory: Rc<RefCell<Memory>>,
    /// Held from a fetch's start until what came has been delivered: this bounds what is in flight.
    permits: Arc<Semaphore>,
    /// When a segment of any track was last taken.
    last_progress: Cell<Instant>,
    /// The upstream's number of what is timeline 0 of this run.
    first_timeline: u64,
    /// Which tracks have come to their end.
    over: RefCell<Vec<bool>>,
}

/// Why a run, or a track's part in it, is over.
#[derive(Debug)]
struct End(String);

/// One run: returns why it ended.
async fn pull(
    fetcher: Result<Fetcher, String>,
    place: &Place,
    demand: Arc<Demand>,
    memory: Rc<RefCell<Memory>>,
    sink: Sink,
) -> String {
    let fetcher = match fetcher {
        Ok(fetcher) => fetcher,
        Err(reason) => return reason,
    };
    let Survey { tracks, feeds, target } = match survey(&fetcher, place).await {
        Ok(survey) => survey,
        Err(reason) => return reason,
    };
    let newest = feeds.iter().zip(&tracks).map(|(feed, of)| (of.name.clone(), feed.newest()));
    let is_new = memory.borrow_mut().begin_run(newest);
    if !is_new && feeds.iter().all(|feed| feed.is_over()) {
        return "the upstream's stream has ended".to_owned();
    }
    if sink.deliver(Supply::Tracks { tracks: tracks.clone(), target }).await.is_err() {
        return CLOSED.to_owned();
    }
    let run = Rc::new(Run {
        fetcher,
        sink,
        demand,
        memory,
        permits: Arc::new(Semaphore::new(UPSTREAM_FETCHES_MAX)),
        last_progress: Cell::new(Instant::now()),
        first_timeline: feeds.iter().filter_map(|feed| feed.first_timeline()).min().unwrap_or(0),
        over: RefCell::new(vec![false; tracks.len()]),
    });
    let is_alone = tracks.len() == 1;
    let tasks = tracks.into_iter().zip(feeds).enumerate().map(|(index, (of, feed))| {
        Box::pin(TrackTask::new(run.clone(), index, of, is_alone, feed).follow())
    });
    let (End(reason), ..) = select_all(tasks).await;
    reason
}

/// Told to nobody: who would hear it has gone.
const CLOSED: &str = "nobody takes segments any more";
