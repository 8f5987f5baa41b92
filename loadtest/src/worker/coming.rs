//! Who connects when: all at first, as fast as the tracker goes or at a rate, and later whoever
//! comes back or comes instead of somebody who has left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use mio::Token;

use super::{Link, Worker};
use crate::client::socket::Socket;
use crate::client::source::source;
use crate::conversation::Stage;
use crate::limits::{CONNECTS_IN_FLIGHT_MAX, SLOW_RECEIVE_BYTES};
use crate::phase::Phase;
use crate::plan::{Plan, Role, Share};

/// When each peer of a worker first connects.
pub(super) fn arrivals(
    plan: &Plan,
    share: &Share,
    now: Instant,
) -> BinaryHeap<Reverse<(Instant, u32)>> {
    let per_s = plan.connects_per_s * share.part;
    let due = |place: u32| {
        if per_s == 0.0 { now } else { now + Duration::from_secs_f64(f64::from(place) / per_s) }
    };
    (0..share.peers.len() as u32).map(|place| Reverse((due(place), place))).collect()
}

impl Link {
    /// A peer without a connection.
    pub(super) fn absent(now: Instant) -> Self {
        Self {
            socket: None,
            stage: Stage::Gone,
            is_dirty: false,
            is_paused: false,
            due: now,
            read_until: now,
            has_joined: false,
            is_open: false,
            session: 0,
            is_ready: false,
        }
    }
}

impl Worker<'_> {
    /// Lets those connect who want to, as many at a time as a tracker takes.
    pub(super) fn connect_more(&mut self, now: Instant) {
        while self.joining < CONNECTS_IN_FLIGHT_MAX
            && let Some(&Reverse((due, peer))) = self.absent.peek()
            && due <= now
        {
            self.absent.pop();
            // As fast as it goes, the wait for one's turn is nobody's delay.
            let is_first = !self.links[peer as usize].has_joined;
            let is_unpaced = is_first && self.plan.connects_per_s == 0.0;
            let due = if is_unpaced { Instant::now() } else { due };
            self.connect(peer, due);
        }
    }

    fn connect(&mut self, peer: u32, due: Instant) {
        let node = &self.plan.nodes[usize::from(self.talk.ledger.roster.node(peer))];
        let to = node.address;
        // Counted through all workers, so that no address has more than its share.
        let from = source(&self.plan.sources, to, self.talk.share.worker_first + peer);
        let tls = node.wire.tls.as_ref();
        let socket = Socket::connect(from, to, tls, self.poll.registry(), Token(peer as usize));
        let link = &mut self.links[peer as usize];
        self.talk.record.unrest.rejoins += u64::from(link.has_joined);
        let Link { has_joined, session, is_ready, .. } = *link;
        let (stage, session) = (Stage::Connecting, session.wrapping_add(1));
        *link = Link { stage, has_joined, session, is_ready, ..Link::absent(due) };
        self.joining += 1;
        match socket {
            Ok(socket) => {
                if self.talk.ledger.roster.role(peer) == Role::Slow {
                    socket.keep_unread(SLOW_RECEIVE_BYTES);
                }
                link.socket = Some(socket);
            }
            Err(error) => self.cut_off(peer, &error.into()),
        }
    }

    /// A peer that has no connection any more comes at `due`: as the one that it was, or instead of
    /// it as another one. Of several nodes it comes to the next.
    pub(super) fn come_again(&mut self, peer: u32, due: Instant, as_it_was: bool) {
        let node = self.plan.node_after(self.talk.ledger.roster.node(peer));
        self.talk.ledger.come(self.talk.share, peer, node, as_it_was);
        if matches!(self.phase, Phase::Load | Phase::Measure) {
            self.absent.push(Reverse((due, peer)));
        }
    }
}
