//! What belongs to a socket's conversation rather than to its place: it goes along when the
//! socket moves to another worker.

use std::sync::Arc;

use bytes::BytesMut;
use tracker_core::{InfoHash, PeerId, Reason};

use crate::config::ServerConfig;
use crate::directory::WorkerId;
use crate::limits::MEMBERSHIPS_PER_SOCKET_MAX;
use crate::transport::message::Fragments;

/// A socket's side of the conversation so far.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The listener that it came in through.
    pub(crate) server: Arc<ServerConfig>,
    /// Bytes that were read and not yet looked at, or don't make a frame yet.
    pub(crate) inbox: BytesMut,
    pub(crate) fragments: Fragments,
    /// What it has announced and not stopped.
    memberships: Vec<Membership>,
}

/// A peer that a socket has announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Membership {
    pub(crate) info_hash: InfoHash,
    pub(crate) peer_id: PeerId,
    /// The worker of the swarm, as the directory said at the first announce.
    pub(crate) worker: WorkerId,
}

impl Seat {
    /// The seat of a new socket. `read` is what came behind its handshake.
    pub(crate) fn new(server: Arc<ServerConfig>, read: BytesMut) -> Self {
        let (fragments, memberships) = (Fragments::default(), Vec::new());
        Self {
            server,
            inbox: read,
            fragments,
            memberships,
        }
    }

    /// Copies what is left in the inbox into memory of its own.
    pub(crate) fn keep_rest(&mut self) {
        self.inbox = BytesMut::from(&self.inbox[..]);
    }

    /// The worker of the swarm in which this socket announced this peer.
    ///
    /// # Errors
    ///
    /// [`Reason::NotAnnounced`] when it hasn't.
    pub(crate) fn worker_of(
        &self,
        info_hash: InfoHash,
        peer_id: PeerId,
    ) -> Result<WorkerId, Reason> {
        self.memberships
            .iter()
            .find(|membership| membership.is(info_hash, peer_id))
            .map(|membership| membership.worker)
            .ok_or(Reason::NotAnnounced)
    }

    /// Notes a peer that this socket announces for the first time.
    pub(crate) fn join(&mut self, membership: Membership) {
        self.memberships.push(membership);
    }

    /// Whether the socket may announce one more peer.
    ///
    /// # Errors
    ///
    /// [`Reason::TooManySwarms`] when it has as many as it may.
    pub(crate) fn has_room(&self) -> Result<(), Reason> {
        let bound = MEMBERSHIPS_PER_SOCKET_MAX;
        if self.memberships.len() < bound {
            Ok(())
        } else {
            Err(Reason::TooManySwarms { bound })
        }
    }

    /// Whether it has announced nothing yet, or stopped everything.
    pub(crate) fn is_nowhere(&self) -> bool {
        self.memberships.is_empty()
    }

    /// Forgets a peer that has stopped.
    pub(crate) fn leave(&mut self, info_hash: InfoHash, peer_id: PeerId) {
        self.memberships
            .retain(|membership| !membership.is(info_hash, peer_id));
    }

    /// All that the socket has announced, once it is gone.
    pub(crate) fn take_memberships(&mut self) -> Vec<Membership> {
        std::mem::take(&mut self.memberships)
    }
}

impl Membership {
    fn is(&self, info_hash: InfoHash, peer_id: PeerId) -> bool {
        self.info_hash == info_hash && self.peer_id == peer_id
    }
}
