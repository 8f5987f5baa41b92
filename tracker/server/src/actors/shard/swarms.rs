//! A worker's swarms, as all actors of its thread use them: whoever has read a message applies it at
//! once, while its bytes are in the core's cache. What it sends waits in the outboxes for the end of
//! the round, so that each socket is written once.

use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::{Input, Shard};

use super::messages::Deliver;
use super::outboxes::Outboxes;
use crate::bus::Crossing;
use crate::latency::RelayTimes;
use crate::node::Node;
use crate::worker::Worker;

/// A worker's swarms, and what they have sent in this round.
#[derive(Debug)]
pub(crate) struct Swarms {
    pub(super) shard: Shard,
    rng: SmallRng,
    /// Messages for the sockets of other workers, by worker.
    elsewhere: Vec<Deliver>,
    /// Messages for partitions on other workers and nodes.
    crossing: Crossing,
    /// When the messages for sockets of this worker were read.
    pub(super) relay_times: RelayTimes,
    /// Wakes the `ShardActor`, who ends rounds; `None` before it has begun, when none is needed.
    ender: Option<Waker>,
    /// Counts rounds.
    round: u64,
    /// Something has happened since the last round ended.
    open: bool,
}

impl Swarms {
    pub(crate) fn new(node: &Node) -> Self {
        Self {
            shard: Shard::new(node.policy().settings.clone(), node.hash_seed),
            rng: SmallRng::seed_from_u64(rand::random()),
            elsewhere: (0..node.workers()).map(|_| Deliver::default()).collect(),
            crossing: Crossing::new(node.workers(), node.cluster.is_some()),
            relay_times: RelayTimes::default(),
            ender: None,
            round: 0,
            open: false,
        }
    }

    /// Lets the core handle what has happened: by a message that was read at `read_at`, or by time.
    pub(crate) fn apply(&mut self, worker: &Worker, input: Input<'_>, read_at: Option<Duration>) {
        let Self { shard, rng, elsewhere, crossing, relay_times, round, .. } = self;
        let round = *round;
        let mut outboxes = Outboxes { worker, elsewhere, crossing, round, read_at, relay_times };
        shard.handle(input, worker.node.now(), rng, &mut outboxes);
        if !self.open {
            self.open = true;
            if let Some(ender) = &self.ender {
                ender.wake_by_ref();
            }
        }
    }

    /// Whether what was sent will be written at the end of a round.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Wakes `ender`'s task for the end of each round.
    pub(super) fn end_with(&mut self, ender: &Waker) {
        if !self.ender.as_ref().is_some_and(|known| known.will_wake(ender)) {
            self.ender = Some(ender.clone());
        }
    }

    /// Ends a round: each socket that something was sent to is written to once.
    pub(super) fn end_round(&mut self, worker: &Worker) {
        self.open = false;
        self.round += 1;
        // First, so that who has read a reply finds it counted.
        worker.metrics().publish(&self.shard);
        worker.flush();
        self.relay_times.written(|| worker.node.now(), &worker.metrics().relay_times);
        for (to, deliver) in (0..).zip(&mut self.elsewhere) {
            if deliver.receivers.is_empty() {
                continue;
            }
            let deliver = std::mem::take(deliver);
            let messages = deliver.receivers.len() as u64;
            worker.metrics().elsewhere.fetch_add(messages, Relaxed);
            let taken = worker.node.shard(to).is_some_and(|to| to.try_send(deliver).is_ok());
            if !taken {
                worker.metrics().undelivered.fetch_add(messages, Relaxed);
            }
        }
        self.crossing.end_round(worker);
    }
}
