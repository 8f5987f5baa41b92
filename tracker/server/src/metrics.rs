//! What is counted, in one typed struct. Each worker writes its own row and nobody else's, so
//! counting costs no cache line that another core wants; readers add the rows up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use tracker_core::Counters;

use crate::close::Close;
use crate::directory::WorkerId;

/// The counts of all workers.
#[derive(Debug)]
pub(crate) struct Metrics(Box<[WorkerMetrics]>);

/// The counts of one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WorkerMetrics {
    /// Open WebSockets.
    pub(crate) connections: AtomicUsize,
    /// Members of all swarms; a viewer of two swarms counts twice.
    peers: AtomicUsize,
    /// Announces that were replied to.
    announces: AtomicU64,
    /// Offers that were passed on.
    offers_relayed: AtomicU64,
    /// Answers that were passed on.
    answers_relayed: AtomicU64,
    /// Messages that the swarms' rules refused.
    refusals: AtomicU64,
    /// Messages that were refused before they reached a swarm: what could not be read, and what
    /// a socket has no part in.
    pub(crate) unread: AtomicU64,
    /// Sockets that came from another worker to be with their swarm.
    pub(crate) relocated: AtomicU64,
    /// Frames for another worker's sockets, which was too busy to take them.
    pub(crate) undelivered: AtomicU64,
    /// Sockets that ended, by [`Close::index`].
    closes: [AtomicU64; Close::LABELS.len()],
}

/// All workers' counts added up. The names are what `/stats.json` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    pub(crate) announces: u64,
    pub(crate) offers_relayed: u64,
    pub(crate) answers_relayed: u64,
    pub(crate) refusals: u64,
    pub(crate) relocated: u64,
    pub(crate) undelivered: u64,
    /// Sockets that ended, by why.
    pub(crate) closes: BTreeMap<&'static str, u64>,
}

impl Metrics {
    pub(crate) fn new(workers: WorkerId) -> Self {
        Self((0..workers).map(|_| WorkerMetrics::default()).collect())
    }

    pub(crate) fn of(&self, worker: WorkerId) -> &WorkerMetrics {
        &self.0[usize::from(worker)]
    }

    /// Open WebSockets of all workers.
    pub(crate) fn connections(&self) -> usize {
        self.0.iter().map(|worker| worker.connections.load(Relaxed)).sum()
    }

    /// Members of all swarms.
    pub(crate) fn peers(&self) -> usize {
        self.0.iter().map(|worker| worker.peers.load(Relaxed)).sum()
    }

    pub(crate) fn totals(&self) -> Totals {
        let sum = |count: fn(&WorkerMetrics) -> &AtomicU64| {
            self.0.iter().map(|worker| count(worker).load(Relaxed)).sum()
        };
        let closes = |index: usize| -> u64 {
            self.0.iter().map(|worker| worker.closes[index].load(Relaxed)).sum()
        };
        Totals {
            announces: sum(|worker| &worker.announces),
            offers_relayed: sum(|worker| &worker.offers_relayed),
            answers_relayed: sum(|worker| &worker.answers_relayed),
            refusals: sum(|worker| &worker.refusals) + sum(|worker| &worker.unread),
            relocated: sum(|worker| &worker.relocated),
            undelivered: sum(|worker| &worker.undelivered),
            closes: Close::LABELS.into_iter().zip((0..).map(closes)).collect(),
        }
    }
}

impl WorkerMetrics {
    /// Shows what the worker's shard has counted, once a round.
    pub(crate) fn publish(&self, counters: Counters, peers: usize) {
        self.announces.store(counters.announces, Relaxed);
        self.offers_relayed.store(counters.offers_relayed, Relaxed);
        self.answers_relayed.store(counters.answers_relayed, Relaxed);
        self.refusals.store(counters.refusals, Relaxed);
        self.peers.store(peers, Relaxed);
    }

    /// Counts the end of a socket.
    pub(crate) fn closed(&self, close: Close) {
        self.closes[close.index()].fetch_add(1, Relaxed);
    }
}
