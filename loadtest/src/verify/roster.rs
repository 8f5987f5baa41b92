//! Who is who: the swarm and the id that each peer has at present, and those that it had before on
//! the same socket. Peers come, go and change their swarm while messages are on their way, so what
//! arrives is held against what its maker was, and its receiver is.

use std::collections::VecDeque;

use crate::client::id::{Id, Ids};
use crate::limits::FORMER_SWARMS_MAX;
use crate::plan::{Role, Share};

/// Lives of a peer from which an offer may be on its way, the present one among them.
const RECENT_LIVES: u16 = 1 + FORMER_SWARMS_MAX as u16;

/// All peers of a worker.
#[derive(Debug)]
pub(crate) struct Roster {
    ids: Ids,
    places: Vec<Place>,
}

/// One peer.
#[derive(Debug)]
struct Place {
    role: Role,
    now: Membership,
    /// Place in the plan's nodes of the one that its socket leads to.
    node: u8,
    /// Left without a word on the socket that is open, so that offers may still come; latest last.
    former: VecDeque<Membership>,
    /// Says goodbye: reads on, and answers no more.
    is_leaving: bool,
}

/// Who a peer is in one swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Place in [`Share::swarms`].
    pub(crate) swarm: u32,
    /// Counts the ids that the peer has had.
    pub(crate) life: u16,
    pub(crate) id: Id,
}

impl Roster {
    pub(crate) fn new(share: &Share) -> Self {
        let place = |peer: &crate::plan::PeerPlan| Place {
            role: peer.role,
            now: Membership { swarm: peer.swarm, life: 0, id: peer.id },
            node: peer.node,
            former: VecDeque::new(),
            is_leaving: false,
        };
        Self { ids: share.ids.clone(), places: share.peers.iter().map(place).collect() }
    }

    pub(crate) fn role(&self, peer: u32) -> Role {
        self.places[peer as usize].role
    }

    pub(crate) fn now(&self, peer: u32) -> Membership {
        self.places[peer as usize].now
    }

    /// The node that `peer` is on, or comes to.
    pub(crate) fn node(&self, peer: u32) -> u8 {
        self.places[peer as usize].node
    }

    /// What `peer` was in its `life`, in whichever swarm.
    pub(super) fn id_in(&self, share: &Share, peer: u32, life: u16) -> Id {
        let now = self.now(peer);
        if now.life == life { now.id } else { self.ids.peer_id_in(share.number(peer), life) }
    }

    /// The membership that `peer` has or had, on the socket that is open, in the swarm of
    /// `info_hash`.
    pub(super) fn in_swarm(
        &self,
        share: &Share,
        peer: u32,
        info_hash: &[u8],
    ) -> Option<Membership> {
        let place = &self.places[peer as usize];
        let is = |member: &&Membership| share.swarms[member.swarm as usize].info_hash == info_hash;
        Some(&place.now).filter(is).or_else(|| place.former.iter().rev().find(is)).copied()
    }

    /// All swarms in which the socket of `peer` may be still.
    pub(super) fn memberships(&self, peer: u32) -> impl Iterator<Item = Membership> + '_ {
        let place = &self.places[peer as usize];
        std::iter::once(place.now).chain(place.former.iter().copied())
    }

    /// Whether `peer` answers offers of the swarm that it is in.
    pub(super) fn answers(&self, peer: u32) -> bool {
        let place = &self.places[peer as usize];
        place.role == Role::Viewer && !place.is_leaving
    }

    /// `peer` says goodbye.
    pub(super) fn begins_to_leave(&mut self, peer: u32) {
        self.places[peer as usize].is_leaving = true;
    }

    /// `peer` comes to `node` on a new socket, under a new id unless it comes back.
    pub(super) fn comes(&mut self, share: &Share, peer: u32, node: u8, comes_back: bool) {
        let place = &mut self.places[peer as usize];
        place.node = node;
        place.former.clear();
        place.is_leaving = false;
        if !comes_back {
            place.now.life = place.now.life.wrapping_add(1);
            place.now.swarm = share.peers[peer as usize].swarm;
            place.now.id = self.ids.peer_id_in(share.number(peer), place.now.life);
        }
    }

    /// `peer` is in another swarm from now on, under another id.
    pub(super) fn switches(&mut self, share: &Share, peer: u32, swarm: u32) {
        let place = &mut self.places[peer as usize];
        place.former.push_back(place.now);
        if place.former.len() > FORMER_SWARMS_MAX {
            place.former.pop_front();
        }
        let life = place.now.life.wrapping_add(1);
        let id = self.ids.peer_id_in(share.number(peer), life);
        place.now = Membership { swarm, life, id };
    }

    /// Whether the socket of `peer` may be in `swarm` still: a tracker would take it for two.
    pub(crate) fn may_be_in(&self, peer: u32, swarm: u32) -> bool {
        self.memberships(peer).any(|member| member.swarm == swarm)
    }

    /// The former membership that `peer` should leave with a `stopped`, before there are so many
    /// that one is forgotten.
    pub(crate) fn overstayed(&self, peer: u32) -> Option<Membership> {
        let former = &self.places[peer as usize].former;
        former.len().checked_sub(FORMER_SWARMS_MAX / 2 + 1).map(|at| former[at])
    }

    /// The tracker has said that `peer` is out of a former swarm; nothing more comes from there.
    pub(super) fn is_out_of(&mut self, share: &Share, peer: u32, info_hash: &[u8]) {
        let is_other =
            |member: &Membership| share.swarms[member.swarm as usize].info_hash != info_hash;
        self.places[peer as usize].former.retain(is_other);
    }

    /// `id`, when `peer` has or had it a short while ago.
    pub(super) fn recent_id(&self, share: &Share, peer: u32, id: &[u8]) -> Option<Id> {
        let life = self.now(peer).life;
        let ids = (0..RECENT_LIVES).map(|ago| self.id_in(share, peer, life.wrapping_sub(ago)));
        ids.into_iter().find(|had| had == id)
    }
}
