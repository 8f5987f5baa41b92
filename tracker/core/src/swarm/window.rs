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

/// Members other than an offerer, numbered: those from the place `start` on, as far as there are
/// any, and then from the first on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Others {
    pub(super) count: usize,
    /// The number that the offerer would have; `members` if it is none of them.
    offerer: usize,
    start: usize,
    members: usize,
}

// Every announce finds as many others in a window as it has offers.
const _: () = assert!(OFFERS_RELAYED_MAX <= WINDOW_MEMBERS && WINDOW_MEMBERS <= WINDOW_OFFERS);

impl Window {
    /// Among whom of so many members `amount` offers are dealt out, of the member at the place
    /// `offerer` or of somebody elsewhere, in a `round` of messages that are written together, or in
    /// none.
    pub(super) fn others(
        &mut self,
        round: Option<u64>,
        offerer: Option<usize>,
        members: usize,
        amount: usize,
        rng: &mut impl Rng,
    ) -> Others {
        // A worker that keeps up has one announce a round, and nothing to gain.
        let is_first = round.is_none() || self.round != round;
        if is_first || members <= WINDOW_MEMBERS + 1 {
            *self = Self { round, ..Self::default() };
            return Others::all(offerer, members);
        }
        if self.offers_left < amount {
            // Anywhere: fixed groups would be clusters of the mesh.
            self.start = rng.random_range(..members);
            self.offers_left = WINDOW_OFFERS;
        }
        self.offers_left -= amount;
        // Members may have left since.
        let start = self.start.min(members - 1);
        let number = |place: usize| (place + members - start) % members;
        let offerer = offerer.map_or(members, number);
        Others { count: WINDOW_MEMBERS, offerer, start, members }
    }
}

impl Others {
    /// All of so many members but the one at the place `offerer`.
    pub(super) fn all(offerer: Option<usize>, members: usize) -> Self {
        let count = members - usize::from(offerer.is_some());
        Self { count, offerer: offerer.unwrap_or(members), start: 0, members }
    }

    /// The place of the one with this number.
    pub(super) fn place(self, number: usize) -> usize {
        let behind = self.start + number + usize::from(number >= self.offerer);
        if behind < self.members { behind } else { behind - self.members }
    }
}
