//! The ledger of one worker: every offer from the announce that made it to the answer that ends it.
//! A tracker's speed means nothing if what it delivers is wrong, so each delivery is judged here
//! before it is counted.

use std::collections::VecDeque;
use std::time::Instant;

use crate::client::incoming::{Incoming, Reply};
use crate::plan::{Plan, Role, Share};

mod between;
mod departure;
mod mesh;
mod missing;
mod relayed;
mod roster;
mod round;
#[cfg(test)]
mod tests;
mod violation;
pub(crate) use between::{Between, Delivered, Kept, Second};
use departure::{Departures, Slowness};
pub(crate) use mesh::Mesh;
use mesh::Neighbours;
pub(crate) use missing::Excused;
pub(crate) use relayed::GoodOffer;
pub(crate) use roster::{Membership, Roster};
pub(crate) use round::{Loss, Took};
use round::{LostFar, Round, Slot};
pub(crate) use violation::{Violation, shown};

/// All announces of a worker's peers that are not done, and what may still arrive for them.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) roster: Roster,
    makers: Vec<Maker>,
    swarms: Vec<Swarm>,
    /// Peers whose current announce was answered in full since the last look.
    completed: Vec<u32>,
    /// Announces that still wait for something.
    open_rounds: usize,
    slowness: Slowness,
    offers: u16,
    /// Peers come and go, so that more of an announce's offers may arrive than were expected.
    is_restless: bool,
    /// Of announces that too many later ones have overtaken, since the last look.
    lost: Vec<(u32, Loss)>,
    pub(crate) excused: Excused,
    /// What nodes of a cluster do for each other; `None` for a tracker that stands alone.
    pub(crate) between: Option<Between>,
    /// So many offers of an announce may go to peers that are not of this run.
    pub(crate) strangers: u16,
    /// There may be such peers, or have been.
    pub(crate) expects_strangers: bool,
    /// The window that is open.
    pub(crate) window: Option<u16>,
}

/// One peer as the maker of offers.
#[derive(Debug, Default)]
struct Maker {
    announces: u32,
    /// The first announce of its present life.
    first: u32,
    current: Option<Round>,
    /// Given up, but still to be delivered; oldest first.
    overdue: VecDeque<Round>,
    /// Up to this announce there are some that are forgotten of which something may come from
    /// another node.
    forgotten: Option<u32>,
    /// Its answers to offers from other nodes that have not arrived there.
    far_answers: u32,
    neighbours: Neighbours,
    /// Replies to a `stopped` in a former swarm that may come.
    goodbyes: u8,
    /// Joined, and has not left.
    is_present: bool,
    gone: bool,
}

#[derive(Debug, Default)]
struct Swarm {
    /// By node: viewers that the tracker has said it has.
    present: Box<[u32]>,
    /// Members that read slowly, and may have what has not arrived until the end.
    slow: u16,
    departures: Departures,
    /// When somebody left, or was known to have left.
    last_quit: Option<Instant>,
}

impl Maker {
    /// An announce that something may still arrive for.
    fn round(&mut self, announce: u32) -> Option<&mut Round> {
        let mut rounds = self.current.iter_mut().chain(&mut self.overdue);
        rounds.find(|round| round.announce == announce)
    }
}

impl Ledger {
    pub(crate) fn new(plan: &Plan, share: &Share) -> Self {
        let swarm = |_| Swarm { present: vec![0; plan.nodes.len()].into(), ..Swarm::default() };
        let mut swarms: Vec<_> = share.swarms.iter().map(swarm).collect();
        for slow in share.peers.iter().filter(|peer| peer.role == Role::Slow) {
            let count = &mut swarms[slow.swarm as usize].slow;
            *count = count.saturating_add(1);
        }
        Self {
            roster: Roster::new(share),
            makers: share.peers.iter().map(|_| Maker::default()).collect(),
            swarms,
            completed: Vec::new(),
            open_rounds: 0,
            slowness: Slowness::default(),
            offers: plan.offers,
            is_restless: plan.is_restless(),
            lost: Vec::new(),
            excused: Excused::default(),
            between: Between::of(plan),
            strangers: 0,
            expects_strangers: false,
            window: None,
        }
    }

    /// A peer comes to `node` on a new socket; one that comes back is the one that it was.
    pub(crate) fn come(&mut self, share: &Share, peer: u32, node: u8, comes_back: bool) {
        self.makers[peer as usize].gone = false;
        self.roster.comes(share, peer, node, comes_back);
    }

    /// A peer joins: an announce without offers. Returns the announce's number.
    pub(crate) fn join(&mut self, peer: u32, now: Instant) -> u32 {
        self.open(peer, 0, 0, [now, now])
    }

    /// A peer has joined: from now on offers must reach it.
    pub(crate) fn joined(&mut self, peer: u32) {
        let maker = &mut self.makers[peer as usize];
        if !maker.gone && !maker.is_present {
            maker.is_present = true;
            if self.roster.role(peer) == Role::Viewer {
                *self.present(peer) += 1;
            }
        }
    }

    /// Viewers in the swarm of `peer`, on its node.
    fn present(&mut self, peer: u32) -> &mut u32 {
        let swarm = &mut self.swarms[self.roster.now(peer).swarm as usize];
        &mut swarm.present[usize::from(self.roster.node(peer))]
    }

    /// A peer changes its swarm on the socket that it has. Its answerers may be refused from now
    /// on, as if it had left; it reads on, and loses nothing.
    pub(crate) fn switch(&mut self, share: &Share, peer: u32, swarm: u32, now: Instant) {
        self.forsake(peer);
        self.swarms[self.roster.now(peer).swarm as usize].last_quit = Some(now);
        self.roster.switches(share, peer, swarm);
    }

    /// A peer has said `stopped` in a former swarm; some trackers reply to that.
    pub(crate) fn stopped(&mut self, peer: u32) {
        let goodbyes = &mut self.makers[peer as usize].goodbyes;
        *goodbyes = goodbyes.saturating_add(1);
    }

    /// A peer announces with offers that were `due` for it; they reach as many others as there are.
    /// What has not arrived of its last announce may still come.
    pub(crate) fn announce(&mut self, peer: u32, due: Instant, now: Instant) -> u32 {
        let present: u32 = self.swarms[self.roster.now(peer).swarm as usize].present.iter().sum();
        let others = present.saturating_sub(1);
        let expected = u32::from(self.offers).min(others) as u16;
        if let Some(unfinished) = self.makers[peer as usize].current.take() {
            self.overtake(peer, unfinished);
        }
        self.open(peer, self.offers, expected, [due, now])
    }

    fn open(&mut self, peer: u32, offers: u16, expected: u16, [at, sent]: [Instant; 2]) -> u32 {
        let others_near = self.present(peer).saturating_sub(1).min(u16::MAX.into()) as u16;
        let maker = &mut self.makers[peer as usize];
        let announce = maker.announces;
        maker.announces = announce.wrapping_add(1);
        self.open_rounds += 1;
        maker.current = Some(Round {
            announce,
            at,
            sent,
            replied: None,
            expected,
            strangers: if offers == 0 { 0 } else { self.strangers },
            window: self.window,
            delivered: 0,
            answered: 0,
            others_near: if offers == 0 { 0 } else { others_near },
            near: 0,
            lost_far: LostFar::default(),
            is_closed: false,
            slots: vec![Slot::Made; offers.into()].into(),
            is_settled: false,
            excuse: None,
        });
        announce
    }

    /// Whether all replies have come that `peer` waits for.
    pub(crate) fn is_replied(&self, peer: u32) -> bool {
        let maker = &self.makers[peer as usize];
        maker.overdue.iter().chain(&maker.current).all(|round| round.replied.is_some())
    }

    /// A reply arrived at `peer`. It names no announce, so it belongs to the oldest without one.
    /// `None` for one to a goodbye.
    ///
    /// # Errors
    /// The violation, if it is one.
    pub(crate) fn reply(
        &mut self,
        share: &Share,
        peer: u32,
        message: &Incoming<'_>,
        reply: Reply,
        now: Instant,
    ) -> Result<Option<Took>, Violation> {
        let maker = &mut self.makers[peer as usize];
        let info_hash = &share.swarms[self.roster.now(peer).swarm as usize].info_hash;
        let is_current = message.info_hash == info_hash;
        if maker.goodbyes > 0 && !is_current {
            maker.goodbyes -= 1;
            self.roster.is_out_of(share, peer, message.info_hash);
            return Ok(None);
        }
        let round = maker.overdue.iter_mut().chain(&mut maker.current);
        let round = round.into_iter().find(|round| round.replied.is_none());
        let round = round.ok_or(Violation::ReplyUnasked { peer })?;
        round.replied = Some(now);
        if reply.is_warned {
            // Told in time that its offers were not passed on, so nobody waits for them.
            (round.expected, round.others_near) = (round.delivered, 0);
        }
        let latency = now.saturating_duration_since(round.at);
        let (announce, took) = (round.announce, round.took(latency));
        let slow = now.saturating_duration_since(round.sent);
        self.slowness.reply = self.slowness.reply.max(slow);
        self.settle(peer, announce, now);
        if !is_current {
            return Err(Violation::ReplyOtherSwarm { peer });
        }
        match reply.interval {
            Some(1..) => Ok(Some(took)),
            _ => Err(Violation::ReplyWithoutInterval { peer }),
        }
    }

    /// A peer whose announce is done since the last call; each is told once.
    pub(crate) fn next_completed(&mut self) -> Option<u32> {
        self.completed.pop()
    }

    /// Closes an announce for which everything has arrived.
    fn settle(&mut self, peer: u32, announce: u32, now: Instant) {
        let maker = &mut self.makers[peer as usize];
        let done =
            |round: &Round| round.announce == announce && !round.is_settled && round.is_done();
        let mut round = if let Some(round) = maker.current.take_if(|round| done(round)) {
            self.completed.push(peer);
            self.slowness.whole =
                self.slowness.whole.max(now.saturating_duration_since(round.sent));
            round
        } else if let Some(round) =
            maker.overdue.iter().position(done).and_then(|at| maker.overdue.remove(at))
        {
            round
        } else {
            return;
        };
        self.open_rounds -= 1;
        if let Some(between) = &mut self.between {
            between.close(&mut round, 0);
        }
        if self.is_restless && !round.is_full() {
            // Somebody who joins just now may be sent another of its offers.
            self.overtake(peer, Round { is_settled: true, ..round });
        }
    }
}
