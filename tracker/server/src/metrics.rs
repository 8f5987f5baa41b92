//! What is counted, in one typed struct. Each worker writes its own row and nobody else's, so
//! counting costs no cache line that another core wants; readers add the rows up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use tracker_core::{Reason, Shard};

use crate::close::Close;
use crate::directory::WorkerId;
use crate::latency::{Histogram, RelayCounts};
use crate::transport::accept::Handshake;
use crate::transport::turned_away::TurnedAway;

/// The counts of all workers.
#[derive(Debug)]
pub(crate) struct Metrics(Box<[WorkerMetrics]>);

/// The counts of one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WorkerMetrics {
    /// Open WebSockets.
    pub(crate) connections: AtomicUsize,
    /// The same, by the listener that they came in through.
    by_listener: Box<[AtomicUsize]>,
    /// Members of all swarms; a viewer of two swarms counts twice.
    pub(crate) peers: AtomicUsize,
    /// Swarms with a member.
    swarms: AtomicUsize,
    /// The bits of an `f64`: how much of a core the thread uses.
    busy: AtomicU64,
    /// Announces that were replied to.
    announces: AtomicU64,
    /// Offers that were passed on.
    offers_relayed: AtomicU64,
    /// Offers that weren't, because they came too early.
    offers_early: AtomicU64,
    /// Offers that weren't, because those who were picked had received too many.
    offers_over_rate: AtomicU64,
    /// Answers that were passed on.
    answers_relayed: AtomicU64,
    /// Scrapes that were answered.
    pub(crate) scrapes: AtomicU64,
    /// How long offers and answers took, from the read to the write.
    pub(crate) relay_times: Histogram,
    /// Messages that were refused, by [`Reason::index`].
    refusals: [AtomicU64; Reason::LABELS.len()],
    /// Sockets that came from another worker to be with their swarm.
    pub(crate) relocated: AtomicU64,
    /// Frames for another worker's sockets, and messages for its partitions, that it was too busy to
    /// take.
    pub(crate) undelivered: AtomicU64,
    /// Messages to clients whose sockets other workers serve.
    pub(crate) elsewhere: AtomicU64,
    /// Messages for partitions of this node's other workers.
    pub(crate) crossed_workers: AtomicU64,
    /// What was said to siblings, and heard of them, by [`CROSSED`].
    crossed: [AtomicU64; CROSSED.len()],
    /// Handshakes that were refused, by [`TurnedAway::index`].
    turned_away: [AtomicU64; TurnedAway::LABELS.len()],
    /// Connections that waited, because their network connects too fast.
    pub(crate) arrivals_delayed: AtomicU64,
    /// Times that a socket's reading paused, because it sent too many frames.
    pub(crate) read_pauses: AtomicU64,
    /// Messages that came compressed.
    pub(crate) received_deflated: DeflatedBytes,
    /// Messages that were compressed to be sent.
    pub(crate) sent_deflated: DeflatedBytes,
    /// Sockets that ended, by [`Close::index`].
    closes: [AtomicU64; Close::LABELS.len()],
    /// TLS handshakes that ended, by [`Handshake::index`].
    handshakes: [AtomicU64; Handshake::LABELS.len()],
}

/// What partitions say to each other, and what becomes of it where it arrives.
const CROSSED: [&str; 8] = [
    "offer_sent",
    "offer_relayed",
    "offer_dropped",
    "answer_sent",
    "answer_relayed",
    "answer_dropped",
    "digest_sent",
    "digest_dropped",
];

/// Bytes of compressed messages, as they are and on the wire.
#[derive(Debug, Default)]
pub(crate) struct DeflatedBytes {
    plain: AtomicU64,
    deflated: AtomicU64,
}

/// All workers' counts added up. The names are what `/stats.json` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    pub(crate) announces: u64,
    pub(crate) offers_relayed: u64,
    pub(crate) offers_early: u64,
    pub(crate) offers_over_rate: u64,
    pub(crate) answers_relayed: u64,
    pub(crate) scrapes: u64,
    pub(crate) refusals: u64,
    pub(crate) relocated: u64,
    pub(crate) undelivered: u64,
    /// Sockets that ended, by why.
    pub(crate) closes: BTreeMap<&'static str, u64>,
}

impl Metrics {
    pub(crate) fn new(workers: WorkerId, listeners: usize) -> Self {
        let row = |_| WorkerMetrics {
            by_listener: (0..listeners).map(|_| AtomicUsize::new(0)).collect(),
            ..WorkerMetrics::default()
        };
        Self((0..workers).map(row).collect())
    }

    pub(crate) fn of(&self, worker: WorkerId) -> &WorkerMetrics {
        &self.0[usize::from(worker)]
    }

    /// The rows, in the workers' order.
    pub(crate) fn workers(&self) -> &[WorkerMetrics] {
        &self.0
    }

    /// Open WebSockets of all workers.
    pub(crate) fn connections(&self) -> usize {
        self.0.iter().map(|worker| worker.connections.load(Relaxed)).sum()
    }

    /// Open WebSockets of each listener.
    pub(crate) fn connections_by_listener(&self) -> Vec<usize> {
        let mut sums = Vec::new();
        for worker in &self.0 {
            sums.resize(worker.by_listener.len(), 0);
            for (sum, count) in sums.iter_mut().zip(&worker.by_listener) {
                *sum += count.load(Relaxed);
            }
        }
        sums
    }

    /// Members of all swarms.
    pub(crate) fn peers(&self) -> usize {
        self.0.iter().map(|worker| worker.peers.load(Relaxed)).sum()
    }

    /// Partitions with a member; nearly always as many as swarms.
    pub(crate) fn partitions(&self) -> usize {
        self.0.iter().map(|worker| worker.swarms.load(Relaxed)).sum()
    }

    pub(crate) fn totals(&self) -> Totals {
        let sum = |count: fn(&WorkerMetrics) -> &AtomicU64| self.sum(count);
        Totals {
            announces: sum(|worker| &worker.announces),
            offers_relayed: sum(|worker| &worker.offers_relayed),
            offers_early: sum(|worker| &worker.offers_early),
            offers_over_rate: sum(|worker| &worker.offers_over_rate),
            answers_relayed: sum(|worker| &worker.answers_relayed),
            scrapes: sum(|worker| &worker.scrapes),
            refusals: self.refusals().map(|(_, count)| count).sum(),
            relocated: sum(|worker| &worker.relocated),
            undelivered: sum(|worker| &worker.undelivered),
            closes: self.closes().collect(),
        }
    }

    /// How long offers and answers took, of all workers.
    pub(crate) fn relay_counts(&self) -> RelayCounts {
        let mut sums = RelayCounts::default();
        for worker in &self.0 {
            for (sum, count) in sums.iter_mut().zip(worker.relay_times.counts()) {
                *sum += count;
            }
        }
        sums
    }

    /// Refused messages by the reason's label.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let count = |index: usize| self.sum(|worker| &worker.refusals[index]);
        Reason::LABELS.into_iter().enumerate().map(move |(index, label)| (label, count(index)))
    }

    /// Refused handshakes by the reason's label.
    pub(crate) fn turned_away(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let count = |index: usize| self.sum(|worker| &worker.turned_away[index]);
        TurnedAway::LABELS.into_iter().enumerate().map(move |(index, label)| (label, count(index)))
    }

    /// What partitions have said to each other, by what and what became of it.
    pub(crate) fn crossed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let count = |index: usize| self.sum(|worker| &worker.crossed[index]);
        CROSSED.into_iter().enumerate().map(move |(index, label)| (label, count(index)))
    }

    /// Messages to clients whose sockets were another worker's than their swarm.
    pub(crate) fn elsewhere(&self) -> u64 {
        self.sum(|worker| &worker.elsewhere)
    }

    /// Messages between partitions of this node's workers.
    pub(crate) fn crossed_workers(&self) -> u64 {
        self.sum(|worker| &worker.crossed_workers)
    }

    /// Connections that waited.
    pub(crate) fn arrivals_delayed(&self) -> u64 {
        self.sum(|worker| &worker.arrivals_delayed)
    }

    /// Times that a socket's reading paused.
    pub(crate) fn read_pauses(&self) -> u64 {
        self.sum(|worker| &worker.read_pauses)
    }

    /// Bytes of compressed messages by what was counted.
    pub(crate) fn deflate_bytes(&self) -> [(&'static str, u64); 4] {
        [
            ("received_deflated", self.sum(|worker| &worker.received_deflated.deflated)),
            ("received_plain", self.sum(|worker| &worker.received_deflated.plain)),
            ("sent_deflated", self.sum(|worker| &worker.sent_deflated.deflated)),
            ("sent_plain", self.sum(|worker| &worker.sent_deflated.plain)),
        ]
    }

    /// Ended sockets by the end's label.
    pub(crate) fn closes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let count = |index: usize| self.sum(|worker| &worker.closes[index]);
        Close::LABELS.into_iter().enumerate().map(move |(index, label)| (label, count(index)))
    }

    /// Ended TLS handshakes by the end's label.
    pub(crate) fn handshakes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let count = |index: usize| self.sum(|worker| &worker.handshakes[index]);
        Handshake::LABELS.into_iter().enumerate().map(move |(index, label)| (label, count(index)))
    }

    fn sum(&self, count: impl Fn(&WorkerMetrics) -> &AtomicU64) -> u64 {
        self.0.iter().map(|worker| count(worker).load(Relaxed)).sum()
    }
}

impl DeflatedBytes {
    /// Counts one message.
    pub(crate) fn add(&self, plain: usize, deflated: usize) {
        self.plain.fetch_add(plain as u64, Relaxed);
        self.deflated.fetch_add(deflated as u64, Relaxed);
    }
}

impl WorkerMetrics {
    /// Shows what the worker's shard has and has counted, once a round.
    pub(crate) fn publish(&self, shard: &Shard) {
        let counters = shard.counters();
        self.announces.store(counters.announces, Relaxed);
        self.offers_relayed.store(counters.offers_relayed, Relaxed);
        self.offers_early.store(counters.offers_early, Relaxed);
        self.offers_over_rate.store(counters.offers_over_rate, Relaxed);
        self.answers_relayed.store(counters.answers_relayed, Relaxed);
        let crossed = [
            counters.cross_offers_sent,
            counters.cross_offers_relayed,
            counters.cross_offers_dropped,
            counters.cross_answers_sent,
            counters.cross_answers_relayed,
            counters.cross_answers_dropped,
            counters.digests_sent,
            counters.digests_dropped,
        ];
        for (shown, count) in self.crossed.iter().zip(crossed) {
            shown.store(count, Relaxed);
        }
        self.peers.store(shard.peers(), Relaxed);
        self.swarms.store(shard.swarms(), Relaxed);
    }

    /// Counts a socket that the worker takes, through a listener.
    pub(crate) fn opened(&self, listener: usize) {
        self.connections.fetch_add(1, Relaxed);
        if let Some(count) = self.by_listener.get(listener) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Counts one that the worker has no more.
    pub(crate) fn gone(&self, listener: usize) {
        self.connections.fetch_sub(1, Relaxed);
        if let Some(count) = self.by_listener.get(listener) {
            count.fetch_sub(1, Relaxed);
        }
    }

    /// Offers and answers that the worker's swarms passed on.
    pub(crate) fn relayed(&self) -> u64 {
        self.offers_relayed.load(Relaxed) + self.answers_relayed.load(Relaxed)
    }

    /// How much of a core the worker's thread uses, of 0 to 1.
    pub(crate) fn busy_ratio(&self) -> f64 {
        f64::from_bits(self.busy.load(Relaxed))
    }

    /// Shows how much that is.
    pub(crate) fn set_busy_ratio(&self, ratio: f64) {
        self.busy.store(ratio.to_bits(), Relaxed);
    }

    /// Counts a refused message.
    pub(crate) fn refused(&self, reason: Reason) {
        self.refusals[reason.index()].fetch_add(1, Relaxed);
    }

    /// Counts a refused handshake.
    pub(crate) fn turned_away(&self, why: &TurnedAway) {
        self.turned_away[why.index()].fetch_add(1, Relaxed);
    }

    /// Counts the end of a socket.
    pub(crate) fn closed(&self, close: Close) {
        self.closes[close.index()].fetch_add(1, Relaxed);
    }

    /// Counts the end of a TLS handshake.
    pub(crate) fn shook_hands(&self, handshake: Handshake) {
        self.handshakes[handshake.index()].fetch_add(1, Relaxed);
    }
}
