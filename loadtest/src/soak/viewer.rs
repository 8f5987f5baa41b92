//! One viewer: a socket, the peer that it is at present, and the peers that it was before.

use std::time::Instant;

use crate::client::id::{Id, PeerNumber};
use crate::client::socket::Socket;
use crate::limits::FORMER_SWARMS_MAX;

/// One viewer.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) socket: Socket,
    pub(super) stage: Stage,
    pub(super) peer: Peer,
    /// When it announces next.
    pub(super) due: Instant,
    pub(super) is_dirty: bool,
    /// Left without a word, so the tracker may still send something for them; latest last.
    former: Vec<Peer>,
}

/// Who a viewer is in one swarm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) number: PeerNumber,
    pub(super) id: Id,
    pub(super) swarm: u32,
    pub(super) announces: u32,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Upgrading,
    /// The first announce was sent.
    Joining,
    Present,
}

impl Viewer {
    pub(super) fn new(socket: Socket, peer: Peer, due: Instant) -> Self {
        let (stage, former) = (Stage::Connecting, Vec::new());
        Self { socket, stage, peer, due, is_dirty: false, former }
    }

    /// Becomes another peer, in another swarm.
    pub(super) fn switch(&mut self, to: Peer) {
        if self.former.len() == FORMER_SWARMS_MAX {
            self.former.remove(0);
        }
        self.former.push(self.peer);
        self.peer = to;
    }

    /// Whether it was once the peer that `is` says.
    pub(super) fn was(&self, is: impl Fn(&Peer) -> bool) -> bool {
        self.former.iter().any(is)
    }
}
