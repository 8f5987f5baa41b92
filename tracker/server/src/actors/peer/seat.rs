//! What belongs to a socket's conversation rather than to its place: it goes along when the
//! socket moves to another worker.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use tracker_core::{InfoHash, PeerId, Reason};
use tracker_websocket::PerMessageDeflate;
use tracker_websocket::message::Fragments;

use super::memberships::{Membership, Memberships};
use crate::access::{Admission, Ticket, TokenBucket};
use crate::config::{Limits, ServerConfig};
use crate::directory::{Place, WorkerId};

/// A socket's side of the conversation so far.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The listener that it came in through.
    pub(crate) server: Arc<ServerConfig>,
    /// That it is counted among the open sockets, until it ends.
    pub(crate) admission: Option<Admission>,
    /// What its token allows; everything without one.
    ticket: Option<Box<Ticket>>,
    /// Compression, if its handshake agreed on it.
    pub(crate) deflate: Option<PerMessageDeflate>,
    /// How many announces and scrapes it may still send, and how many frames of any kind.
    announces: TokenBucket,
    frames: TokenBucket,
    /// Bytes that were read and not yet looked at, or don't make a frame yet.
    pub(crate) inbox: BytesMut,
    pub(crate) fragments: Fragments,
    /// What it has announced and not stopped.
    memberships: Memberships,
    /// It has announced something, and so is on the worker where it stays. It moves once: replies
    /// that are on their way to it would not find it after a second move.
    settled: bool,
}

impl Seat {
    /// The seat of a new socket. `read` is what came behind its handshake.
    pub(crate) fn new(
        server: Arc<ServerConfig>,
        admission: Option<Admission>,
        ticket: Option<Box<Ticket>>,
        deflate: Option<PerMessageDeflate>,
        read: BytesMut,
    ) -> Self {
        let mut seat = Self {
            server,
            admission,
            ticket,
            deflate,
            announces: TokenBucket::default(),
            frames: TokenBucket::default(),
            inbox: read,
            fragments: Fragments::default(),
            memberships: Memberships::default(),
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

    /// Counts a frame. `false` when it was one too many.
    pub(crate) fn may_send(&mut self, limits: &Limits, now: Duration) -> bool {
        limits.frames_per_socket.is_none_or(|rate| self.frames.take(rate, now))
    }

    /// Counts an announce or a scrape, or what is neither those nor an answer. Answers are free,
    /// since each has an offer that somebody else was let make.
    ///
    /// # Errors
    ///
    /// [`Reason::TooManyMessages`] or [`Reason::TooManyMessagesOfAddress`].
    pub(crate) fn may_announce(&mut self, limits: &Limits, now: Duration) -> Result<(), Reason> {
        if let Some(rate) = limits.announces_per_socket
            && !self.announces.take(rate, now)
        {
            return Err(Reason::TooManyMessages { bound: rate.bound() });
        }
        if let (Some(rate), Some(admission)) = (limits.announces_per_ip, &self.admission)
            && !admission.may_announce(rate, now)
        {
            return Err(Reason::TooManyMessagesOfAddress { bound: rate.bound() });
        }
        Ok(())
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
        let membership = self.memberships.get(info_hash, peer_id);
        membership.map(|membership| membership.place.worker()).ok_or(Reason::NotAnnounced)
    }

    /// The socket's place in a swarm that one of its peers is in.
    pub(crate) fn place_in(&self, info_hash: InfoHash) -> Option<&Place> {
        let mut places = self.memberships.iter().map(|membership| &membership.place);
        places.find(|place| place.info_hash() == info_hash)
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
        self.memberships.push(membership);
    }

    /// Notes that a peer has announced again, and returns the worker of its swarm; `None` when it
    /// is new.
    pub(crate) fn renew(
        &mut self,
        info_hash: InfoHash,
        peer_id: PeerId,
        expires_at: Duration,
    ) -> Option<WorkerId> {
        let membership = self.memberships.get_mut(info_hash, peer_id)?;
        membership.renew(expires_at);
        Some(membership.place.worker())
    }

    /// Whether the socket may announce one more peer.
    ///
    /// # Errors
    ///
    /// [`Reason::TooManySwarms`] or [`Reason::TooManyPeerIds`] when it has as many as it may.
    pub(crate) fn has_room(&self, peer_id: PeerId, limits: &Limits) -> Result<(), Reason> {
        let bound = limits.swarms_per_socket;
        if self.memberships.len() >= bound {
            return Err(Reason::TooManySwarms { bound });
        }
        let bound = limits.peer_ids_per_socket;
        let peer_ids = self.memberships.iter().map(|membership| membership.peer_id);
        // Mostly it hasn't even announced so many peers.
        let is_full = self.memberships.len() >= bound
            && peer_ids.clone().all(|known| known != peer_id)
            && peer_ids.collect::<BTreeSet<_>>().len() >= bound;
        if is_full { Err(Reason::TooManyPeerIds { bound }) } else { Ok(()) }
    }

    /// Forgets peers that were silent for so long that their swarms do or are about to, and returns
    /// them: a page that changes its quality doesn't say `stopped` for the one before.
    pub(crate) fn take_silent(&mut self, now: Duration) -> Vec<Membership> {
        std::iter::from_fn(|| self.memberships.take(|membership| membership.is_over(now))).collect()
    }

    /// Whether it has announced nothing yet.
    pub(crate) fn is_nowhere(&self) -> bool {
        !self.settled
    }

    /// Forgets a peer that has stopped or may not stay, and returns what it was.
    pub(crate) fn leave(&mut self, info_hash: InfoHash, peer_id: PeerId) -> Option<Membership> {
        self.memberships.take(|membership| membership.is(info_hash, peer_id))
    }

    /// All that the socket has announced, once it is gone.
    pub(crate) fn take_memberships(&mut self) -> Memberships {
        std::mem::take(&mut self.memberships)
    }
}
