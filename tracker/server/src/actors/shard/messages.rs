//! What a `ShardActor` hears, from whom, and what happens when its mailbox is full. What has happened
//! in a swarm is heard through it by another worker only; an actor of its own applies it at once.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracker_core::{ConnId, Counts, InfoHash, Input, Outgoing, SiblingId};

use crate::actors::peer::memberships::Membership;
use crate::actors::peer::seat::Seat;
use crate::bus::Batch;
use crate::directory::WorkerId;
use crate::latency::RelayTimes;
use crate::swarm_list::Snapshot;
use crate::transport::stream::Detached;
use crate::worker::Worker;

/// What has happened in a swarm, for the worker that has it.
pub(crate) trait Apply {
    /// Lets the rules of `worker` handle it. What the message holds is given up behind that.
    fn apply(self, worker: &Worker);
}

/// From a `PeerActor` of another worker: its client announces. When the mailbox is full it waits.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct Announce {
    pub(crate) from: ConnId,
    pub(crate) announce: tracker_core::Announce,
    /// When it was read, by the node's clock.
    pub(crate) read_at: Duration,
    /// What the socket gives up with it, if it is a stop: the swarm stays here until then.
    pub(crate) left: Option<Membership>,
}

/// From a `PeerActor` of another worker: its client answers an offer. When the mailbox is full it
/// waits.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct RelayAnswer {
    pub(crate) from: ConnId,
    pub(crate) answer: tracker_core::Answer,
    /// When it was read, by the node's clock.
    pub(crate) read_at: Duration,
}

/// From a `PeerActor`: how large are these swarms? The peer waits for the answer.
#[derive(Message, Debug)]
#[rtype(result = "Vec<(InfoHash, Counts)>")]
pub(crate) struct Scrape(pub(crate) Vec<InfoHash>);

/// From a `PeerActor` whose client may scrape everything, or from the operators' page: which are
/// your largest swarms? Whoever asks waits for the answer.
#[derive(Message, Debug)]
#[rtype(result = "Snapshot")]
pub(crate) struct LargestSwarms;

/// From a `PeerActor` of another worker: a peer that its socket had announced is there no more, or
/// the socket is gone. It is taken whether the mailbox is full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct PeerLeft {
    pub(crate) from: ConnId,
    pub(crate) membership: Membership,
}

/// From a `PeerActor` of another worker: a socket that belongs here, since its swarm does, and the
/// announce that says so. It is taken whether the mailbox is full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct Adopt {
    pub(crate) stream: Detached,
    pub(crate) seat: Seat,
    /// Frames that it hadn't been sent yet.
    pub(crate) unsent: Vec<u8>,
    pub(crate) announce: tracker_core::Announce,
    /// When that was read, by the node's clock.
    pub(crate) read_at: Duration,
}

/// From another worker's `ShardActor`: messages for sockets of this worker, which knows who of them
/// understands compressed ones. They are dropped and counted when the mailbox is full.
#[derive(Message, Debug, Default)]
#[rtype(result = "()")]
pub(crate) struct Deliver {
    /// Their texts, one behind the other.
    pub(super) texts: Vec<u8>,
    /// Whose they are, and their lengths in bytes.
    pub(super) receivers: Vec<(ConnId, usize)>,
    pub(super) relay_times: RelayTimes,
}

/// From another worker's `ShardActor`: what its partitions say to those of this worker. Dropped and
/// counted when the mailbox is full.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct FromSiblings(pub(crate) Batch);

/// From the link to other nodes: what their partitions say is in this worker's inbox, which was
/// empty. It isn't needed when the mailbox is full: each round looks there.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct NodesSpoke;

/// From the link to other nodes: some have come, and shall hear of all swarms. It is taken whether
/// the mailbox is full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct NodesCame;

/// From the link to other nodes: all that these have is gone. In order. It is taken whether the
/// mailbox is full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct SiblingsGone(pub(crate) Arc<[SiblingId]>);

/// From another worker's `ShardActor`: ping this socket, and close it unless it answers. Dropped
/// when the mailbox is full: the claim to its peer id is refused after a while.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct Probe {
    pub(super) owner: ConnId,
    /// Whose shard wants to know.
    pub(super) asker: WorkerId,
}

/// From the `PeerActor` of a socket that this shard has probed, or from the shard of its worker:
/// it lives. At most one for each probe, and taken whether the mailbox is full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct OwnerLives(pub(super) ConnId);

/// From the tracker's handle, once: close all sockets, evenly over `window`. It is taken whether the
/// mailbox is full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct Drain {
    pub(crate) window: Duration,
}

/// From the tracker's handle: the node's policy is another one. It is taken whether the mailbox is
/// full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct PolicyChanged;

impl Apply for Announce {
    fn apply(self, worker: &Worker) {
        let Self { from, announce, read_at, left } = self;
        worker.apply(Input::Announce { from, announce: &announce }, Some(read_at));
        drop(left);
    }
}

impl Apply for RelayAnswer {
    fn apply(self, worker: &Worker) {
        let Self { from, answer, read_at } = self;
        worker.apply(Input::Answer { from, answer: &answer }, Some(read_at));
    }
}

impl Apply for PeerLeft {
    fn apply(self, worker: &Worker) {
        let (info_hash, peer_id) = (self.membership.place.info_hash(), self.membership.peer_id);
        worker.apply(Input::PeerLeft { from: self.from, info_hash, peer_id }, None);
    }
}

impl Deliver {
    /// Adds a message for a socket.
    pub(super) fn push(&mut self, to: ConnId, message: &Outgoing<'_>) {
        let start = self.texts.len();
        message.write(&mut self.texts);
        self.receivers.push((to, self.texts.len() - start));
    }
}
