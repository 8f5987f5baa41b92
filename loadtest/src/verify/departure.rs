//! What those excuse who leave. A tracker may have picked somebody for an offer who was gone before
//! it arrived; so each departure excuses one offer, at most, of an announce that the tracker may
//! have handled around it, and no more.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::round::{Round, Slot};
use crate::limits::{DEPARTURES_MAX, JUDGE_AFTER, NOTICE_MIN, STRAGGLE_MIN};

/// One peer's end in one swarm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Departure {
    pub(crate) peer: u32,
    pub(crate) life: u16,
    /// Everything that had arrived until then was read.
    pub(crate) read_until: Instant,
    /// When it left.
    pub(crate) left: Instant,
    /// When the tracker said that it knows; `None` when it cannot.
    pub(crate) noticed: Option<Instant>,
}

/// The latest departures of a swarm.
#[derive(Debug, Default)]
pub(super) struct Departures {
    latest: VecDeque<Departure>,
}

/// How slow the tracker has been so far, which says how long a departure may matter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slowness {
    /// The longest that an announce took until its reply.
    pub(super) reply: Duration,
    /// The longest that an offer arrived behind the reply to its announce.
    pub(super) straggle: Duration,
    /// The longest that an announce took until it was answered in full.
    pub(super) whole: Duration,
}

/// What of a round is excused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Excuse {
    pub(super) offers: u16,
    pub(super) answers: u16,
    /// Answers that would have come from another node.
    pub(super) answers_far: u16,
}

impl Slowness {
    /// How long behind the reply an offer may be on its way.
    fn straggle_max(&self) -> Duration {
        STRAGGLE_MIN.max(self.straggle * 2)
    }

    /// How long the tracker may take to notice an end.
    pub(super) fn notice_max(&self) -> Duration {
        NOTICE_MIN.max(self.reply * 3)
    }

    /// How old a round must be, so that nothing more is going to be known.
    pub(super) fn judge_after(&self) -> Duration {
        JUDGE_AFTER.max(self.whole * 4)
    }
}

impl Departures {
    /// Remembers one, and `all` others or those that something undecided may need.
    pub(super) fn push(&mut self, departure: Departure, all: bool, slowness: &Slowness) {
        let keep = slowness.judge_after() * 2;
        let is_old =
            |other: &Departure| !all && departure.left.saturating_duration_since(other.left) > keep;
        while let Some(oldest) = self.latest.front()
            && (is_old(oldest) || self.latest.len() == DEPARTURES_MAX)
        {
            self.latest.pop_front();
        }
        self.latest.push_back(departure);
    }

    /// The tracker knows of the end of `peer` in its `life`.
    pub(super) fn notice(&mut self, peer: u32, life: u16, now: Instant) {
        let is = |departure: &&mut Departure| departure.peer == peer && departure.life == life;
        if let Some(departure) = self.latest.iter_mut().rev().find(is) {
            departure.noticed.get_or_insert(now);
        }
    }

    /// How much of what `round` is missing these excuse.
    pub(super) fn excuse(&self, round: &Round, slowness: &Slowness) -> Excuse {
        let missing = round.missing_offers();
        let handled_until = round.replied.map(|at| at + slowness.straggle_max());
        let may_have_taken = |departure: &&Departure| {
            let until = departure.noticed.unwrap_or(departure.left + slowness.notice_max());
            handled_until.is_none_or(|handled| departure.read_until <= handled)
                && until >= round.sent
                && !round.was_received_by(departure.peer, departure.life)
        };
        let offers = if missing == 0 {
            0
        } else {
            self.latest.iter().filter(may_have_taken).count().min(missing.into()) as u16
        };
        let mut excuse = Excuse { offers, ..Excuse::default() };
        for slot in &round.slots {
            let Slot::Delivered { to, life, is_far, at } = *slot else {
                continue;
            };
            let is = |gone: &Departure| gone.peer == to && gone.life == life && gone.left >= at;
            if self.latest.iter().any(is) {
                *if is_far { &mut excuse.answers_far } else { &mut excuse.answers } += 1;
            }
        }
        excuse
    }
}
