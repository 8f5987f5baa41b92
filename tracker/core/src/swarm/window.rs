//! Among whom an announce's offers are dealt out: all members, or a few of them while a worker has
//! so much to do that a round of it holds many announces. Then each of the few receives several
//! offers in one write, which costs little more than one offer does.

use rand::{Rng, RngExt};

use crate::limits::{OFFERS_RELAYED_MAX, WINDOW_MEMBERS, WINDOW_OFFERS};

/// The few members that a large swarm's offers go to in the round in hand. The next round, and
/// each [`WINDOW_OFFERS`], have others.
#[derive(Debug, Default)]
pub(super) struct Window {
    round: Option<u64>,
    /// The place of the first of them.
    start: usize,
    /// Offers that may still go to them.
    offers_left: usize,
}

/// Members other than an announcer, numbered: those from the place `start` on, as far as there are
/// any, and then from the first on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Others {
    pub(super) count: usize,
    /// The number that the announcer would have.
    announcer: usize,
    start: usize,
    members: usize,
}

// Every announce finds as many others in a window as it has offers.
const _: () = assert!(OFFERS_RELAYED_MAX <= WINDOW_MEMBERS && WINDOW_MEMBERS <= WINDOW_OFFERS);

impl Window {
    /// Among whom the member at the place `announcer` of so many deals out `amount` offers, in a
    /// `round` of messages that are written together, or in none.
    pub(super) fn others(
        &mut self,
        round: Option<u64>,
        announcer: usize,
        members: usize,
        amount: usize,
        rng: &mut impl Rng,
    ) -> Others {
        // A worker that keeps up has one announce a round, and nothing to gain.
        let is_first = round.is_none() || self.round != round;
        if is_first || members <= WINDOW_MEMBERS + 1 {
            *self = Self { round, ..Self::default() };
            return Others::all(announcer, members);
        }
        if self.offers_left < amount {
            // Anywhere: fixed groups would be clusters of the mesh.
            self.start = rng.random_range(..members);
            self.offers_left = WINDOW_OFFERS;
        }
        self.offers_left -= amount;
        // Members may have left since.
        let start = self.start.min(members - 1);
        let announcer = (announcer + members - start) % members;
        Others { count: WINDOW_MEMBERS, announcer, start, members }
    }
}

impl Others {
    /// All of so many members but the one at the place `announcer`.
    pub(super) fn all(announcer: usize, members: usize) -> Self {
        Self { count: members - 1, announcer, start: 0, members }
    }

    /// So many members, where the announcer is none of them.
    pub(super) fn everybody(members: usize) -> Self {
        Self { count: members, announcer: members, start: 0, members }
    }

    /// The place of the one with this number.
    pub(super) fn place(self, number: usize) -> usize {
        let behind = self.start + number + usize::from(number >= self.announcer);
        if behind < self.members { behind } else { behind - self.members }
    }
}
