//! What is relayed: each offer and each answer is held against the announce that it belongs to, and
//! against what its maker and its receiver are at that moment.

use std::time::Instant;

use super::{Ledger, Membership, Slot, Took, Violation};
use crate::client::id::{Id, OfferNumber};
use crate::client::incoming::Incoming;
use crate::plan::{Role, Share};

/// An offer that is as it should be.
#[derive(Debug)]
pub(crate) struct GoodOffer {
    pub(crate) number: OfferNumber,
    pub(crate) maker_id: Id,
    /// Whom it was for.
    pub(crate) to: Membership,
    /// Whether that one answers; then the ledger waits for it.
    pub(crate) is_answered: bool,
    /// How long it was on its way; `None` where that tells about the receiver, or nobody waits.
    pub(crate) took: Option<Took>,
    /// Whoever made it has left: an answer may be refused.
    pub(crate) is_late: bool,
}

impl Ledger {
    /// An offer arrived at `peer`. When it is right, the caller answers it at once if that is what
    /// it says.
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
    ) -> Result<GoodOffer, Violation> {
        let number =
            made_by(share, message).ok_or_else(|| Violation::offer_unknown(peer, message))?;
        let maker = &mut self.makers[number.maker.place as usize];
        if number.announce >= maker.announces {
            return Err(Violation::offer_unknown(peer, message));
        }
        let member = self.roster.in_swarm(share, peer, message.info_hash);
        if number.announce < maker.first {
            return self.late_offer(share, peer, member, message, sdp, number);
        }
        let is_slow = self.roster.role(peer) == Role::Slow;
        let is_far = self.roster.node(number.maker.place) != self.roster.node(peer);
        let may_be_late = is_slow || (is_far && Some(number.announce) <= maker.forgotten);
        if may_be_late && maker.round(number.announce).is_none() {
            return self.late_offer(share, peer, member, message, sdp, number);
        }
        let made_as = self.roster.now(number.maker.place);
        let is_current = member == Some(self.roster.now(peer));
        let answers = is_current && self.roster.answers(peer);
        let maker = &mut self.makers[number.maker.place as usize];
        let round = maker.round(number.announce).ok_or(Violation::OfferTwice { peer, number })?;
        match round.slots.get(usize::from(number.slot)) {
            None => return Err(Violation::offer_unknown(peer, message)),
            Some(Slot::Made) => {}
            Some(_) => return Err(Violation::OfferTwice { peer, number }),
        }
        let life = member.map_or(0, |member| member.life);
        let judged = if number.maker.place == peer {
            Err(Violation::OfferToSender { peer, number })
        } else if message.peer_id != made_as.id {
            Err(Violation::OfferOtherName { peer, number })
        } else if !share.offer_sdp.is(sdp, &number.id(), &made_as.id) {
            Err(Violation::OfferChanged { peer, number })
        } else if round.was_received_by(peer, life) && !is_far {
            Err(Violation::OfferCrowded { peer, number })
        } else {
            let in_same = member.filter(|member| member.swarm == made_as.swarm);
            in_same.ok_or(Violation::OfferOtherSwarm { peer, number })
        };
        let is_answered = judged.is_ok() && answers;
        if let Some(between) = &mut self.between {
            between.crowded += u64::from(is_far && round.was_received_by(peer, life));
            between.offer_arrived(round, is_far);
        }
        round.delivered += 1;
        round.answered += u16::from(!is_answered);
        round.slots[usize::from(number.slot)] = if is_answered {
            Slot::Delivered { to: peer, life, is_far, at: now }
        } else {
            Slot::Done { to: peer, life }
        };
        let took = Took { is_far, ..round.took(now.saturating_duration_since(round.at)) };
        if let Some(replied) = round.replied.filter(|_| !is_slow && !is_far) {
            let straggled = now.saturating_duration_since(replied);
            self.slowness.straggle = self.slowness.straggle.max(straggled);
        }
        self.makers[peer as usize].far_answers += u32::from(is_answered && is_far);
        if !is_answered {
            self.settle(number.maker.place, number.announce, now);
        }
        let (maker_id, took) = (made_as.id, (!is_slow).then_some(took));
        judged.map(|to| GoodOffer { number, maker_id, to, is_answered, took, is_late: false })
    }

    /// An offer whose maker has left, or which nobody waits for from so slow a reader or so far a
    /// node, arrived at `peer`: who else got it isn't known any more, and its bytes are.
    fn late_offer(
        &mut self,
        share: &Share,
        peer: u32,
        member: Option<Membership>,
        message: &Incoming<'_>,
        sdp: &[u8],
        number: OfferNumber,
    ) -> Result<GoodOffer, Violation> {
        let to = member.ok_or(Violation::OfferOtherSwarm { peer, number })?;
        let maker_id = self.roster.recent_id(share, number.maker.place, message.peer_id);
        let maker_id = maker_id.ok_or(Violation::OfferOtherName { peer, number })?;
        if !share.offer_sdp.is(sdp, &number.id(), &maker_id) {
            return Err(Violation::OfferChanged { peer, number });
        }
        self.excused.late += 1;
        let is_answered = to == self.roster.now(peer) && self.roster.answers(peer);
        Ok(GoodOffer { number, maker_id, to, is_answered, took: None, is_late: true })
    }

    /// An answer arrived at `peer`. `None` when it is to an offer of an earlier life, which nobody
    /// waits for.
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
    ) -> Result<Option<Took>, Violation> {
        let number =
            made_by(share, message).ok_or_else(|| Violation::answer_unknown(peer, message))?;
        if number.maker.place != peer {
            return Err(Violation::AnswerOtherPeer { peer, number });
        }
        if number.announce < self.makers[peer as usize].first {
            self.excused.late += 1;
            return Ok(None);
        }
        let maker = &mut self.makers[peer as usize];
        let is_late = Some(number.announce) <= maker.forgotten;
        let Some(round) = maker.round(number.announce) else {
            self.excused.late += u64::from(is_late);
            return if is_late { Ok(None) } else { Err(Violation::AnswerTwice { peer, number }) };
        };
        let slot = round.slots.get_mut(usize::from(number.slot));
        let slot = slot.ok_or_else(|| Violation::answer_unknown(peer, message))?;
        let (to, life, is_far, at) = match *slot {
            Slot::Made => return Err(Violation::AnswerUnasked { peer, number }),
            Slot::Done { .. } => return Err(Violation::AnswerTwice { peer, number }),
            Slot::Delivered { to, life, is_far, at } => (to, life, is_far, at),
        };
        *slot = Slot::Done { to, life };
        round.answered += 1;
        let took = Took { is_far, ..round.took(now.saturating_duration_since(at)) };
        if let Some(between) = &mut self.between {
            between.answer_arrived(round, is_far);
        }
        if is_far {
            let answers = &mut self.makers[to as usize].far_answers;
            *answers = answers.saturating_sub(1);
        }
        self.settle(peer, number.announce, now);
        let info_hash = &share.swarms[self.roster.now(peer).swarm as usize].info_hash;
        let answerer = self.roster.id_in(share, to, life);
        if message.info_hash != info_hash {
            return Err(Violation::AnswerOtherSwarm { peer, number });
        }
        if message.peer_id != answerer {
            return Err(Violation::AnswerOtherName { peer, number });
        }
        if !share.answer_sdp.is(sdp, &number.id(), &answerer) {
            return Err(Violation::AnswerChanged { peer, number });
        }
        self.meet(peer, to, life);
        Ok(Some(took))
    }

    /// Whether a refusal that `peer` got may be one of an answer to an offer from another node: it
    /// may be lost on its way there, and its own node may know no way. Each of them excuses one.
    pub(crate) fn excuses_far_refusal(&mut self, peer: u32) -> bool {
        let answers = &mut self.makers[peer as usize].far_answers;
        let excuses = *answers > 0;
        *answers -= u32::from(excuses);
        if let Some(between) = &mut self.between {
            between.refused += u64::from(excuses);
        }
        excuses
    }

    /// Whether a refusal that `peer` got is excused, because the maker of an offer that it has
    /// answered may have left meanwhile.
    pub(crate) fn excuses_refusal(&mut self, peer: u32, now: Instant) -> bool {
        let Some(since) = now.checked_sub(self.slowness.notice_max()) else {
            return false;
        };
        let last_quit = |member: Membership| self.swarms[member.swarm as usize].last_quit;
        let mut memberships = self.roster.memberships(peer);
        let excuses = memberships.any(|member| last_quit(member).is_some_and(|at| at >= since));
        drop(memberships);
        self.excused.refusals += u64::from(excuses);
        excuses
    }
}

/// The offer that a message is about; `None` when nobody here made it.
fn made_by(share: &Share, message: &Incoming<'_>) -> Option<OfferNumber> {
    let number = OfferNumber::read(message.offer_id)?;
    let is_here = (number.maker.place as usize) < share.peers.len();
    (is_here && number.maker.worker == share.worker).then_some(number)
}
