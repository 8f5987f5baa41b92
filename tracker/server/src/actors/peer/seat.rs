//! What belongs to a socket's conversation rather than to its place: it goes along when the
//! socket moves to another worker.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use tracker_core::{InfoHash, PeerId, Reason};
use tracker_websocket::PerMessageDeflate;
use tracker_websocket::message::Fragments;

use crate::access::Ticket;
use crate::config::ServerConfig;
use crate::directory::{Place, WorkerId};
use crate::limits::MEMBERSHIPS_PER_SOCKET_MAX;

/// A socket's side of the conversation so far.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The listener that it came in through.
    pub(crate) server: Arc<ServerConfig>,
    /// What its token allows; everything without one.
    ticket: Option<Box<Ticket>>,
    /// Compression, if its handshake agreed on it.
    pub(crate) deflate: Option<PerMessageDeflate>,
    /// Bytes that were read and not yet looked at, or don't make a frame yet.
    pub(crate) inbox: BytesMut,
    pub(crate) fragments: Fragments,
    /// What it has announced and not stopped.
    memberships: Vec<Membership>,
    /// It has announced something, and so is on the worker where it stays. It moves once: replies
    /// that are on their way to it would not find it after a second move.
    settled: bool,
}

/// A peer that a socket has announced.
#[derive(Debug)]
pub(crate) struct Membership {
    /// The swarm, and where it is.
    pub(crate) place: Place,
    pub(crate) peer_id: PeerId,
    /// When it announced last, by the node's clock.
    pub(crate) announced_at: Duration,
}

impl Seat {
    /// The seat of a new socket. `read` is what came behind its handshake.
    pub(crate) fn new(
        server: Arc<ServerConfig>,
        ticket: Option<Box<Ticket>>,
        deflate: Option<PerMessageDeflate>,
        read: BytesMut,
    ) -> Self {
        let mut seat = Self {
            server,
            ticket,
            deflate,
            inbox: read,
            fragments: Fragments::default(),
            memberships: Vec::new(),
            settled: false,
        };
        // HTTP's buffer is 8 KiB, and usually empty.
        seat.keep_rest();
        seat
    }

    /// Copies what is left in the inbox into memory of its own.
    pub(crate) fn keep_rest(&mut self) {
        self.inbox = BytesMut::from(&self.inbox[..]);
    }

    /// Gives the inbox's memory back when all of it is read.
    pub(crate) fn forget_read(&mut self) {
        if self.inbox.is_empty() {
            self.inbox = BytesMut::new();
        }
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
            .map(|membership| membership.place.worker())
            .ok_or(Reason::NotAnnounced)
    }

    /// Whether the socket's token lets it join a swarm now.
    ///
    /// # Errors
    ///
    /// [`Reason::TokenExpired`] or [`Reason::NotInToken`].
    pub(crate) fn may_join(&self, info_hash: &InfoHash) -> Result<(), Reason> {
        let ticket = self.ticket.as_ref();
        ticket.map_or(Ok(()), |ticket| ticket.admit(info_hash, SystemTime::now()))
    }

    /// Notes a peer that this socket announces for the first time.
    pub(crate) fn join(&mut self, membership: Membership) {
        self.settled = true;
        if self.memberships.is_empty() {
            // Most sockets have one; a vector would begin with room for four.
            self.memberships.reserve_exact(1);
        }
        self.memberships.push(membership);
    }

    /// Notes that a peer has announced again, and returns the worker of its swarm; `None` when it
    /// is new.
    pub(crate) fn renew(
        &mut self,
        info_hash: InfoHash,
        peer_id: PeerId,
        now: Duration,
    ) -> Option<WorkerId> {
        let mut memberships = self.memberships.iter_mut();
        let membership = memberships.find(|membership| membership.is(info_hash, peer_id))?;
        membership.announced_at = now;
        Some(membership.place.worker())
    }

    /// Whether the socket may announce one more peer. At the bound, peers that the swarms have
    /// forgotten or are about to, because they were silent for `lifetime`, are forgotten here, and
    /// returned: a page that changes its streams doesn't say `stopped`.
    ///
    /// # Errors
    ///
    /// [`Reason::TooManySwarms`] when it has as many as it may.
    pub(crate) fn makes_room(
        &mut self,
        now: Duration,
        lifetime: Duration,
    ) -> Result<Vec<Membership>, Reason> {
        let bound = MEMBERSHIPS_PER_SOCKET_MAX;
        if self.memberships.len() < bound {
            return Ok(Vec::new());
        }
        let is_over = |membership: &mut Membership| now > membership.announced_at + lifetime;
        let over: Vec<_> = self.memberships.extract_if(.., is_over).collect();
        if over.is_empty() { Err(Reason::TooManySwarms { bound }) } else { Ok(over) }
    }

    /// Whether it has announced nothing yet.
    pub(crate) fn is_nowhere(&self) -> bool {
        !self.settled
    }

    /// Forgets a peer that has stopped or may not stay, and returns what it was.
    pub(crate) fn leave(&mut self, info_hash: InfoHash, peer_id: PeerId) -> Option<Membership> {
        let mut memberships = self.memberships.iter();
        let place = memberships.position(|membership| membership.is(info_hash, peer_id))?;
        Some(self.memberships.remove(place))
    }

    /// All that the socket has announced, once it is gone.
    pub(crate) fn take_memberships(&mut self) -> Vec<Membership> {
        std::mem::take(&mut self.memberships)
    }
}

impl Membership {
    fn is(&self, info_hash: InfoHash, peer_id: PeerId) -> bool {
        self.place.info_hash() == info_hash && self.peer_id == peer_id
    }
}
