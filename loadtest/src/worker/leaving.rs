//! Who leaves, how, and who changes the swarm: as pages do that are closed, that crash, or that
//! choose another quality; and storms, in which many sockets break at once.

use std::time::Instant;

use rand::RngExt;

use super::Worker;
use crate::client::socket::ReadEnd;
use crate::conversation::Stage;
use crate::limits::{GOODBYE_TIME_MAX, LAST_READS_MAX, PICKS_MAX};
use crate::plan::{Role, Storm};

/// What of the churn is due and not done.
#[derive(Debug, Default)]
pub(super) struct Unease {
    leaves: f64,
    switches: f64,
    looked: Option<Instant>,
    storm: Option<Instant>,
}

impl Unease {
    pub(super) fn start(&mut self, now: Instant) {
        self.looked = Some(now);
        self.storm = Some(now);
    }
}

impl Worker<'_> {
    /// Lets as many leave, and change their swarm, as are due.
    pub(super) fn churn(&mut self, now: Instant) {
        let Some(looked) = self.unease.looked.replace(now) else {
            return;
        };
        let churn = &self.plan.churn;
        let part = self.talk.share.part * now.saturating_duration_since(looked).as_secs_f64();
        self.unease.leaves += churn.leaves_per_s * part;
        self.unease.switches += churn.switches_per_s * part;
        while self.unease.leaves >= 1.0 {
            self.unease.leaves -= 1.0;
            let Some(peer) = self.anybody() else {
                continue;
            };
            if self.rng.random_bool(churn.broken_share) {
                self.break_off(peer);
                self.come_again(peer, now, false);
            } else {
                self.say_goodbye(peer, now);
            }
        }
        while self.unease.switches >= 1.0 {
            self.unease.switches -= 1.0;
            if let Some(peer) = self.anybody() {
                self.switch(peer, now);
            }
        }
        if let Some(storm) = self.plan.storm {
            self.storm(storm, now);
        }
    }

    /// A viewer that is there and waits for no reply; now and then none is found.
    fn anybody(&mut self) -> Option<u32> {
        for _ in 0..PICKS_MAX {
            let peer = self.rng.random_range(0..self.links.len()) as u32;
            let is_there =
                matches!(self.links[peer as usize].stage, Stage::Idle | Stage::Announcing);
            let ledger = &self.talk.ledger;
            if is_there && ledger.roster.role(peer) == Role::Viewer && ledger.is_replied(peer) {
                return Some(peer);
            }
        }
        None
    }

    /// Leaves as a page does that is closed: it reads on until the tracker has closed, too.
    fn say_goodbye(&mut self, peer: u32, now: Instant) {
        let says_stopped = self.rng.random_bool(self.plan.churn.stopped_share);
        let link = &mut self.links[peer as usize];
        let Some(socket) = &mut link.socket else {
            return;
        };
        self.announcing -= usize::from(link.stage == Stage::Announcing);
        link.stage = Stage::Leaving;
        let out = socket.outbox(&mut self.buffers);
        if says_stopped {
            self.talk.stop(self.talk.ledger.roster.now(peer), out);
            self.talk.record.unrest.stops += 1;
        }
        self.talk.leave(out);
        self.leaving.push_back((now, peer, link.session));
        self.talk.ledger.begin_to_leave(peer, now);
        self.talk.record.unrest.goodbyes += 1;
        self.touch(peer);
    }

    /// The tracker has closed a socket whose peer has said goodbye, or has had the time to.
    pub(super) fn part(&mut self, peer: u32, now: Instant) {
        self.hang_up(peer);
        self.talk.ledger.finish_leaving(peer, now);
        self.come_again(peer, now, false);
    }

    /// Waits no longer for trackers that don't say goodbye.
    pub(super) fn end_goodbyes(&mut self, now: Instant) {
        while let Some(&(began, peer, session)) = self.leaving.front()
            && now.saturating_duration_since(began) > GOODBYE_TIME_MAX
        {
            self.leaving.pop_front();
            let link = &self.links[peer as usize];
            if link.stage == Stage::Leaving && link.session == session {
                self.part(peer, now);
            }
        }
    }

    /// A connection just ends. What has arrived is read before: it is not lost.
    fn break_off(&mut self, peer: u32) {
        for _ in 0..LAST_READS_MAX {
            if self.links[peer as usize].socket.is_none() || self.read_once(peer) != ReadEnd::More {
                break;
            }
        }
        let link = &self.links[peer as usize];
        if link.socket.is_none() {
            return;
        }
        self.announcing -= usize::from(link.stage == Stage::Announcing);
        self.hang_up(peer);
        let now = Instant::now();
        self.talk.ledger.leave(peer, now, now, None);
        self.talk.record.unrest.breaks += 1;
    }

    /// Joins another swarm on the same socket, as for another quality.
    fn switch(&mut self, peer: u32, now: Instant) {
        let swarms = self.talk.share.swarms.len() as u32;
        let roster = &self.talk.ledger.roster;
        let (first, former) = (self.rng.random_range(0..swarms), roster.now(peer));
        let mut others = (0..swarms).map(|step| (first + step) % swarms);
        let Some(to) = others.find(|swarm| !roster.may_be_in(peer, *swarm)) else {
            return;
        };
        let says_stopped = self.rng.random_bool(self.plan.churn.stopped_share);
        let link = &mut self.links[peer as usize];
        let Some(socket) = &mut link.socket else {
            return;
        };
        let out = socket.outbox(&mut self.buffers);
        self.announcing -= usize::from(link.stage == Stage::Announcing);
        (link.stage, link.due) = (Stage::Joining, now);
        link.session = link.session.wrapping_add(1);
        self.joining += 1;
        let talk = &mut self.talk;
        talk.ledger.switch(talk.share, peer, to, now);
        let left = if says_stopped { Some(former) } else { talk.ledger.roster.overstayed(peer) };
        if let Some(left) = left {
            talk.stop(left, out);
            talk.ledger.stopped(peer);
            talk.record.unrest.stops += 1;
        }
        talk.join(peer, now, out);
        talk.record.unrest.switches += 1;
        self.touch(peer);
    }

    /// Breaks the share of all sockets that a storm breaks, when it is due. They come back as the
    /// ones that they were, over its window.
    fn storm(&mut self, storm: Storm, now: Instant) {
        let Some(last) = self.unease.storm else {
            return;
        };
        if now.saturating_duration_since(last) < storm.every {
            return;
        }
        self.unease.storm = Some(last + storm.every);
        for peer in 0..self.links.len() as u32 {
            let is_there =
                matches!(self.links[peer as usize].stage, Stage::Idle | Stage::Announcing);
            let is_viewer = self.talk.ledger.roster.role(peer) == Role::Viewer;
            if is_there && is_viewer && self.rng.random_bool(storm.share) {
                self.break_off(peer);
                if self.links[peer as usize].stage == Stage::Gone {
                    let back = storm.window.mul_f64(self.rng.random());
                    // An id that is free for a moment may be taken by those who misbehave.
                    let as_it_was = self.plan.oddities.misbehaving_share == 0.0;
                    self.come_again(peer, now + back, as_it_was);
                }
            }
        }
    }
}
