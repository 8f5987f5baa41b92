//! The ledger of one worker: every offer from the announce that made it to the answer that ends it.
//! A tracker's speed means nothing if what it delivers is wrong, so each delivery is judged here
//! before it is counted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::client::id::{Id, OfferNumber};
use crate::client::incoming::{Incoming, Reply};
use crate::plan::Share;

mod missing;
mod round;
#[cfg(test)]
mod tests;
mod violation;
pub(crate) use round::{Loss, Took};
use round::{Round, Slot};
pub(crate) use violation::{Violation, shown};

/// All announces of a worker's peers that are not done, and what may still arrive for them.
#[derive(Debug)]
pub(crate) struct Ledger {
    makers: Vec<Maker>,
    swarms: Vec<Swarm>,
    /// Peers whose current announce was answered in full since the last look.
    completed: Vec<u32>,
    /// Announces that still wait for something.
    open_rounds: usize,
    slowest: Duration,
    offers: u16,
    /// Of announces that too many later ones have overtaken, since the last look.
    lost: Vec<(u32, Loss)>,
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
    current: Option<Round>,
    /// Given up, but still to be delivered; oldest first.
    overdue: VecDeque<Round>,
    gone: bool,
}

#[derive(Debug, Default)]
struct Swarm {
    present: u32,
    /// A member was cut off: the tracker may have lost what was on its way to or from it.
    disturbed: bool,
}

impl Ledger {
    pub(crate) fn new(share: &Share, offers: u16) -> Self {
        let swarm = |members| Swarm { present: members, disturbed: false };
        Self {
            makers: share.peers.iter().map(|_| Maker::default()).collect(),
            swarms: share.swarms.iter().map(|plan| swarm(plan.members)).collect(),
            completed: Vec::new(),
            open_rounds: 0,
            slowest: Duration::ZERO,
            offers,
            lost: Vec::new(),
            strangers: 0,
            expects_strangers: false,
            window: None,
        }
    }

    /// A peer joins: an announce without offers. Returns the announce's number.
    pub(crate) fn join(&mut self, peer: u32, now: Instant) -> u32 {
        self.open(peer, 0, 0, now)
    }

    /// A peer announces with offers; they reach as many others as there are. What has not arrived
    /// of its last announce may still come.
    pub(crate) fn announce(&mut self, peer: u32, swarm: u32, now: Instant) -> u32 {
        let others = self.swarms[swarm as usize].present.saturating_sub(1);
        let expected = u32::from(self.offers).min(others) as u16;
        if let Some(unfinished) = self.makers[peer as usize].current.take() {
            self.overtake(peer, unfinished);
        }
        self.open(peer, self.offers, expected, now)
    }

    fn open(&mut self, peer: u32, offers: u16, expected: u16, now: Instant) -> u32 {
        let maker = &mut self.makers[peer as usize];
        let announce = maker.announces;
        maker.announces = announce.wrapping_add(1);
        self.open_rounds += 1;
        maker.current = Some(Round {
            announce,
            at: now,
            replied: false,
            expected,
            strangers: if offers == 0 { 0 } else { self.strangers },
            window: self.window,
            delivered: 0,
            answered: 0,
            slots: vec![Slot::Made; offers.into()].into(),
        });
        announce
    }

    /// A reply arrived at `peer`. It names no announce, so it belongs to the oldest without one.
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
    ) -> Result<Took, Violation> {
        let maker = &mut self.makers[peer as usize];
        let round = maker.overdue.iter_mut().chain(&mut maker.current).find(|r| !r.replied);
        let round = round.ok_or(Violation::ReplyUnasked { peer })?;
        round.replied = true;
        if reply.is_warned {
            // Told in time that its offers were not passed on, so nobody waits for them.
            round.expected = round.delivered;
        }
        let (announce, took) = (round.announce, round.took(now.duration_since(round.at)));
        self.settle(peer, announce, now);
        if message.info_hash != info_hash(share, peer) {
            return Err(Violation::ReplyOtherSwarm { peer });
        }
        match reply.interval {
            Some(1..) => Ok(took),
            _ => Err(Violation::ReplyWithoutInterval { peer }),
        }
    }

    /// An offer arrived at `peer`. When it is right, the caller answers it at once.
    ///
    /// # Errors
    /// The violation, if it is one. A wrong offer is settled, so that it is not also called lost.
    pub(crate) fn offer(
        &mut self,
        share: &Share,
        peer: u32,
        message: &Incoming<'_>,
        sdp: &[u8],
        now: Instant,
    ) -> Result<(OfferNumber, Took), Violation> {
        let (number, maker_id) =
            made_by(share, message).ok_or_else(|| Violation::offer_unknown(peer, message))?;
        if number.announce >= self.makers[number.maker.place as usize].announces {
            return Err(Violation::offer_unknown(peer, message));
        }
        let round = self.round(number).ok_or(Violation::OfferTwice { peer, number })?;
        let slots = &mut round.slots;
        let seen_one = slots.iter().any(|slot| slot.receiver() == Some(peer));
        let slot = slots.get_mut(usize::from(number.slot));
        let slot = slot.ok_or_else(|| Violation::offer_unknown(peer, message))?;
        if !matches!(slot, Slot::Made) {
            return Err(Violation::OfferTwice { peer, number });
        }
        let wrong = if number.maker.place == peer {
            Some(Violation::OfferToSender { peer, number })
        } else if share.peers[number.maker.place as usize].swarm != share.peers[peer as usize].swarm
            || message.info_hash != info_hash(share, peer)
        {
            Some(Violation::OfferOtherSwarm { peer, number })
        } else if message.peer_id != maker_id {
            Some(Violation::OfferOtherName { peer, number })
        } else if !share.offer_sdp.is(sdp, &number.id(), maker_id) {
            Some(Violation::OfferChanged { peer, number })
        } else if seen_one {
            Some(Violation::OfferCrowded { peer, number })
        } else {
            None
        };
        round.delivered += 1;
        let Some(wrong) = wrong else {
            *slot = Slot::Delivered { to: peer, at: now };
            return Ok((number, round.took(now.duration_since(round.at))));
        };
        *slot = Slot::Done { to: peer };
        round.answered += 1;
        self.settle(number.maker.place, number.announce, now);
        Err(wrong)
    }

    /// An answer arrived at `peer`.
    ///
    /// # Errors
    /// The violation, if it is one.
    pub(crate) fn answer(
        &mut self,
        share: &Share,
        peer: u32,
        message: &Incoming<'_>,
        sdp: &[u8],
        now: Instant,
    ) -> Result<Took, Violation> {
        let (number, _) =
            made_by(share, message).ok_or_else(|| Violation::answer_unknown(peer, message))?;
        if number.maker.place != peer {
            return Err(Violation::AnswerOtherPeer { peer, number });
        }
        let round = self.round(number).ok_or(Violation::AnswerTwice { peer, number })?;
        let slot = round.slots.get_mut(usize::from(number.slot));
        let slot = slot.ok_or_else(|| Violation::answer_unknown(peer, message))?;
        let (to, at) = match *slot {
            Slot::Made => return Err(Violation::AnswerUnasked { peer, number }),
            Slot::Done { .. } => return Err(Violation::AnswerTwice { peer, number }),
            Slot::Delivered { to, at } => (to, at),
        };
        *slot = Slot::Done { to };
        round.answered += 1;
        let took = round.took(now.duration_since(at));
        self.settle(peer, number.announce, now);
        let answerer = &share.peers[to as usize].id;
        if message.info_hash != info_hash(share, peer) {
            return Err(Violation::AnswerOtherSwarm { peer, number });
        }
        if message.peer_id != answerer {
            return Err(Violation::AnswerOtherName { peer, number });
        }
        if !share.answer_sdp.is(sdp, &number.id(), answerer) {
            return Err(Violation::AnswerChanged { peer, number });
        }
        Ok(took)
    }

    /// A peer whose announce is done since the last call; each is told once.
    pub(crate) fn next_completed(&mut self) -> Option<u32> {
        self.completed.pop()
    }

    fn round(&mut self, number: OfferNumber) -> Option<&mut Round> {
        let maker = &mut self.makers[number.maker.place as usize];
        let mut rounds = maker.current.iter_mut().chain(&mut maker.overdue);
        rounds.find(|round| round.announce == number.announce)
    }

    /// Closes an announce for which everything has arrived.
    fn settle(&mut self, peer: u32, announce: u32, now: Instant) {
        let maker = &mut self.makers[peer as usize];
        let done = |round: &Round| round.announce == announce && round.is_done();
        if let Some(round) = maker.current.take_if(|round| done(round)) {
            self.slowest = self.slowest.max(now.duration_since(round.at));
            self.completed.push(peer);
            self.open_rounds -= 1;
        } else if let Some(at) = maker.overdue.iter().position(done) {
            maker.overdue.remove(at);
            self.open_rounds -= 1;
        }
    }
}

fn info_hash(share: &Share, peer: u32) -> &Id {
    &share.swarms[share.peers[peer as usize].swarm as usize].info_hash
}

/// The offer that a message is about, and its maker's id; `None` when nobody here made it.
fn made_by<'a>(share: &'a Share, message: &Incoming<'_>) -> Option<(OfferNumber, &'a Id)> {
    let number = OfferNumber::read(message.offer_id)?;
    let maker = share.peers.get(number.maker.place as usize)?;
    (number.maker.worker == share.worker).then_some((number, &maker.id))
}
