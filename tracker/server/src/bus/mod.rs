//! How partitions of one swarm reach each other. The core says something to a sibling by an id, or
//! a digest to all of them, and a [`Bus`] carries it as a record: [`Local`] to another worker of this
//! node, [`Outgoing`] to other nodes through NATS. Both collect a round's records and send them on
//! together at its end, so that a message costs little more than its bytes. Nothing is sent twice and
//! nothing is waited for: an offer is worthless after 50 s, and what is lost is made good by the next
//! announce or digest.
//!
//! ```text
//!   core (Outbox) --> Crossing --> Local ------------------------------> another worker's ShardActor
//!                              \-> Outgoing --> Queue --> NatsActor --> NATS --> other nodes
//!                                               Inbox <-- NatsActor <-- NATS
//!                                                   \-----------------> a worker's ShardActor
//! ```

mod bucket;
mod counts;
mod inbox;
mod local;
mod nats;
mod outgoing;
mod presence;
mod queue;
pub(crate) mod records;
mod room;
pub(crate) mod wire;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tracker_core::{Digest, InfoHash, Input, SiblingId};

use crate::config::ClusterConfig;
use crate::directory::WorkerId;
use crate::worker::Worker;
pub(crate) use counts::BusCounts;
pub(crate) use inbox::Inbox;
use local::Local;
pub(crate) use nats::{NatsActor, StopNats};
use outgoing::Outgoing;
pub(crate) use presence::NodeSlot;
use presence::Presence;
use queue::Queue;
use records::{Record, Said};
use room::Room;
use wire::{Incarnation, Records};

/// Carries what partitions of this worker say to their siblings.
trait Bus {
    /// Whether it may lead to another partition of this swarm.
    fn may_reach(&self, worker: &Worker, info_hash: &InfoHash) -> bool;

    /// Takes a message for one sibling, to which it leads.
    fn say(&mut self, worker: &Worker, to: SiblingId, said: &Said<'_>);

    /// Takes a digest for all siblings to which it leads.
    fn say_to_all(&mut self, worker: &Worker, info_hash: InfoHash, digest: Digest);

    /// Sends on what it has taken, at the end of a round.
    fn end_round(&mut self, worker: &Worker);
}

/// The ways to siblings of a worker's partitions.
#[derive(Debug)]
pub(crate) struct Crossing {
    local: Local,
    /// `None` on a node that is alone.
    nodes: Option<Outgoing>,
}

impl Crossing {
    pub(crate) fn new(workers: WorkerId, cluster: bool) -> Self {
        Self { local: Local::new(workers), nodes: cluster.then(Outgoing::default) }
    }

    /// See [`tracker_core::Outbox::is_shared`].
    pub(crate) fn is_shared(&self, worker: &Worker, info_hash: &InfoHash) -> bool {
        self.nodes.is_some() || self.local.may_reach(worker, info_hash)
    }

    /// Takes a digest, for one sibling or for all.
    pub(crate) fn digest(
        &mut self,
        worker: &Worker,
        to: Option<SiblingId>,
        info_hash: InfoHash,
        digest: Digest,
    ) {
        match to {
            Some(to) => self.say(worker, to, &Said::Digest(info_hash, digest)),
            None => {
                self.local.say_to_all(worker, info_hash, digest);
                if let Some(nodes) = &mut self.nodes {
                    nodes.say_to_all(worker, info_hash, digest);
                }
            }
        }
    }

    /// Takes a message for one sibling.
    pub(crate) fn say(&mut self, worker: &Worker, to: SiblingId, said: &Said<'_>) {
        match (parts(to).0, &mut self.nodes) {
            (NodeSlot::OWN, _) => self.local.say(worker, to, said),
            (_, Some(nodes)) => nodes.say(worker, to, said),
            (_, None) => {}
        }
    }

    /// Sends on what was taken in this round.
    pub(crate) fn end_round(&mut self, worker: &Worker) {
        self.local.end_round(worker);
        if let Some(nodes) = &mut self.nodes {
            nodes.end_round(worker);
        }
    }
}

/// What workers and the link to other nodes share.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) config: ClusterConfig,
    /// This run of the node.
    own: Incarnation,
    presence: Mutex<Presence>,
    queue: Queue,
    /// For what has come and the link hasn't looked at.
    unheard: Room,
    /// By worker.
    inboxes: Box<[Inbox]>,
    pub(crate) counts: BusCounts,
}

impl Cluster {
    pub(crate) fn new(config: ClusterConfig, workers: WorkerId) -> Self {
        let own = Incarnation(rand::random());
        let presence = Mutex::new(Presence::new(config.node.clone()));
        let queue = Queue::new(config.queue_bytes);
        let inboxes = (0..workers).map(|_| Inbox::default()).collect();
        let (unheard, counts) = (Room::default(), BusCounts::default());
        Self { config, own, presence, queue, unheard, inboxes, counts }
    }

    /// What other nodes have said to a worker.
    pub(crate) fn inbox(&self, worker: WorkerId) -> Option<&Inbox> {
        self.inboxes.get(usize::from(worker))
    }

    /// The other nodes. The link hears them, and whoever shows them looks.
    pub(crate) fn presence(&self) -> MutexGuard<'_, Presence> {
        // Each change of it is whole before anything can panic.
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that wait for NATS.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }
}

/// Messages of partitions, as they come from one node.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Records of what was said.
    records: Vec<u8>,
    /// How many they are.
    count: u32,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Number of messages.
    pub(crate) fn count(&self) -> u64 {
        u64::from(self.count)
    }

    /// Tells `hear` each of them, as the core hears it.
    pub(crate) fn each(&self, from: NodeSlot, mut hear: impl FnMut(Input<'_>)) {
        for (kind, body) in Records(&self.records).map_while(Result::ok) {
            let Ok(Some(Record::Said(route, said))) = Record::read(kind, body) else {
                continue;
            };
            let from = sibling(from, route.from);
            hear(match &said {
                Said::Digest(info_hash, digest) => {
                    Input::Digest { from, info_hash: *info_hash, digest: *digest }
                }
                Said::Offer(offer) => Input::CrossOffer { from, offer },
                Said::Answer(answer) => Input::CrossAnswer { from, answer },
            });
        }
    }
}

/// A worker's partitions, as the core names them.
pub(crate) fn sibling(node: NodeSlot, worker: WorkerId) -> SiblingId {
    SiblingId(node.0 << 8 | u32::from(worker & 0xff))
}

fn parts(SiblingId(id): SiblingId) -> (NodeSlot, WorkerId) {
    (NodeSlot(id >> 8), (id & 0xff) as WorkerId)
}
