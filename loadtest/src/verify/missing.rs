//! What has not arrived: how long it is waited for, what those excuse who left, and when it counts
//! as lost.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::departure::{Departure, Excuse};
use super::round::{Loss, Round};
use super::{Between, Ledger, Swarm};
use crate::limits::OVERDUE_ROUNDS_MAX;
use crate::plan::Role;

/// What is missing or refused because somebody left, and is nobody's fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Excused {
    /// Offers that went to somebody who was gone.
    pub(crate) offers: u64,
    /// Answers that somebody gave who was gone before they were relayed.
    pub(crate) answers: u64,
    /// Answers that were refused, because the maker of the offer was gone.
    pub(crate) refusals: u64,
    /// Offers and answers that arrived behind the departure of whoever made the offer.
    pub(crate) late: u64,
}

impl Ledger {
    /// Gives up announces that are older than `patience`: their peers may announce again, what was
    /// accepted must still arrive. Returns how many.
    pub(crate) fn give_up(&mut self, patience: Duration, now: Instant) -> u64 {
        let mut given_up = 0;
        for peer in 0..self.makers.len() as u32 {
            let late = |round: &mut Round| now.saturating_duration_since(round.sent) > patience;
            if let Some(round) = self.makers[peer as usize].current.take_if(late) {
                given_up += 1;
                self.completed.push(peer);
                self.overtake(peer, round);
            }
            self.decide(peer, now);
        }
        given_up
    }

    /// Decides what is excused of the overdue announces of `peer` that are old enough, while it is
    /// remembered who left.
    fn decide(&mut self, peer: u32, now: Instant) {
        let judge_after = self.slowness.judge_after();
        let Swarm { slow, departures, .. } = &self.swarms[self.roster.now(peer).swarm as usize];
        if *slow > 0 {
            // At the end they read what they have, and it is known.
            return;
        }
        for round in &mut self.makers[peer as usize].overdue {
            let is_old = now.saturating_duration_since(round.sent) > judge_after;
            if is_old && round.excuse.is_none() && !round.is_settled {
                let excuse = departures.excuse(round, &self.slowness);
                round.excuse = Some(excuse);
                if !own_loss(round, excuse, self.between.as_ref()).any() {
                    if let Some(between) = &mut self.between {
                        between.write_off(round, excuse);
                    }
                    round.is_settled = true;
                    self.open_rounds -= 1;
                    self.excused.add_excuse(excuse);
                }
            }
        }
    }

    /// Waits on for an announce whose peer goes on. At the bound the oldest one is judged, unless
    /// there is one that nobody waits for.
    pub(super) fn overtake(&mut self, peer: u32, round: Round) {
        let overdue = &mut self.makers[peer as usize].overdue;
        overdue.push_back(round);
        if overdue.len() <= OVERDUE_ROUNDS_MAX {
            return;
        }
        let settled = overdue.iter().position(|round| round.is_settled);
        let Some(mut oldest) = overdue.remove(settled.unwrap_or(0)) else {
            return;
        };
        if settled.is_none() {
            self.open_rounds -= 1;
            let slow = self.swarms[self.roster.now(peer).swarm as usize].slow;
            let loss = self.judge(peer, &mut oldest, slow);
            if loss.any() {
                self.lost.push((peer, loss));
            }
        }
        self.forget(peer, &oldest);
    }

    /// Keeps of a round that nobody waits for that something of it may come from another node.
    fn forget(&mut self, peer: u32, round: &Round) {
        if round.has_lost_far() {
            let forgotten = &mut self.makers[peer as usize].forgotten;
            *forgotten = (*forgotten).max(Some(round.announce));
        }
    }

    /// Whether `peer` may announce without a judgement on what may still arrive.
    pub(crate) fn has_room(&self, peer: u32, now: Instant) -> bool {
        let maker = &self.makers[peer as usize];
        let slow = self.swarms[self.roster.now(peer).swarm as usize].slow;
        let waits = |round: &&Round| !round.is_settled && !round.waits_for_few(slow);
        let waiting = || maker.overdue.iter().chain(&maker.current).filter(waits);
        let is_old =
            |round: &Round| now.saturating_duration_since(round.sent) > self.slowness.judge_after();
        waiting().count() < OVERDUE_ROUNDS_MAX || waiting().next().is_none_or(is_old)
    }

    /// What `round` has lost for good; what is excused of it is counted. So many of its offers may
    /// still be `unread` by slow readers.
    fn judge(&mut self, peer: u32, round: &mut Round, unread: u16) -> Loss {
        if round.is_settled {
            return Loss::default();
        }
        let departures = &self.swarms[self.roster.now(peer).swarm as usize].departures;
        let mut excuse = round.excuse.unwrap_or_else(|| departures.excuse(round, &self.slowness));
        excuse.offers = round.missing_offers().min(excuse.offers.saturating_add(unread));
        self.excused.add_excuse(excuse);
        let loss = own_loss(round, excuse, self.between.as_ref());
        if let Some(between) = &mut self.between {
            between.write_off(round, excuse);
        }
        loss
    }

    /// What is lost for good since the last call, and whose it was.
    pub(crate) fn take_lost(&mut self) -> Vec<(u32, Loss)> {
        std::mem::take(&mut self.lost)
    }

    /// The longest that any announce took until it was answered in full.
    pub(crate) fn slowest(&self) -> Duration {
        self.slowness.whole
    }

    /// A peer is going: it hears on until its socket ends, and is owed nothing from now on.
    pub(crate) fn begin_to_leave(&mut self, peer: u32, now: Instant) {
        self.depart(peer, now, now, None);
        self.roster.begins_to_leave(peer);
    }

    /// The tracker has said goodbye to a peer that was going.
    pub(crate) fn finish_leaving(&mut self, peer: u32, now: Instant) {
        for member in self.roster.memberships(peer) {
            let swarm = &mut self.swarms[member.swarm as usize];
            swarm.departures.notice(peer, member.life, now);
            swarm.last_quit = Some(now);
        }
    }

    /// A peer's socket has ended. `read_until` is until when it has read all that had arrived,
    /// `noticed` when the tracker knew, where that is known.
    pub(crate) fn leave(
        &mut self,
        peer: u32,
        read_until: Instant,
        now: Instant,
        noticed: Option<Instant>,
    ) {
        if !self.makers[peer as usize].gone {
            self.depart(peer, read_until, now, noticed);
        }
    }

    fn depart(&mut self, peer: u32, read_until: Instant, left: Instant, noticed: Option<Instant>) {
        self.forsake(peer);
        self.makers[peer as usize].gone = true;
        for member in self.roster.memberships(peer) {
            let departure = Departure { peer, life: member.life, read_until, left, noticed };
            let swarm = &mut self.swarms[member.swarm as usize];
            swarm.departures.push(departure, swarm.slow > 0, &self.slowness);
            swarm.last_quit = Some(left);
        }
    }

    /// Nothing that a peer has announced is waited for any more.
    pub(super) fn forsake(&mut self, peer: u32) {
        let maker = &mut self.makers[peer as usize];
        let open = |round: &&Round| !round.is_settled;
        self.open_rounds -= maker.overdue.iter().chain(&maker.current).filter(open).count();
        maker.overdue.clear();
        maker.current = None;
        maker.forgotten = None;
        maker.far_answers = 0;
        maker.neighbours.clear();
        maker.first = maker.announces;
        maker.goodbyes = 0;
        if std::mem::take(&mut maker.is_present) && self.roster.role(peer) == Role::Viewer {
            *self.present(peer) -= 1;
        }
    }

    /// Whether nothing is waited for.
    pub(crate) fn is_settled(&self) -> bool {
        self.open_rounds == 0
    }

    /// At the end: what never arrived and nobody excuses.
    pub(crate) fn missing(&mut self) -> Vec<(u32, Loss)> {
        let mut lost = Vec::new();
        for peer in 0..self.makers.len() as u32 {
            let maker = &mut self.makers[peer as usize];
            let mut rounds = std::mem::take(&mut maker.overdue);
            rounds.extend(maker.current.take());
            let mut loss = Loss::default();
            for round in &mut rounds {
                loss.add(self.judge(peer, round, 0));
                self.forget(peer, round);
            }
            if loss.any() {
                lost.push((peer, loss));
            }
        }
        lost
    }
}

/// What `round` has lost that its own node promises: of a cluster not its offers, since nobody
/// knows of one whether it was for somebody there. [`Between::lost_near`] judges all of them.
fn own_loss(round: &Round, excuse: Excuse, between: Option<&Between>) -> Loss {
    let loss = round.loss(excuse);
    if between.is_some() { Loss { offers: 0, ..loss } } else { loss }
}

impl Excused {
    pub(crate) fn add(&mut self, other: Self) {
        self.offers += other.offers;
        self.answers += other.answers;
        self.refusals += other.refusals;
        self.late += other.late;
    }

    fn add_excuse(&mut self, excuse: Excuse) {
        self.offers += u64::from(excuse.offers);
        self.answers += u64::from(excuse.answers) + u64::from(excuse.answers_far);
    }
}
