//! The ways back of offers that came from siblings. An answer names the offerer and the offer, and
//! what it finds here is the sibling that knows more. They are forgotten in two generations: a
//! table that is a lifetime old is dropped as a whole, and nobody looks for what has expired.

use hashbrown::HashTable;

use super::{ReturnToken, SiblingId};
use crate::hash::IdHasher;
use crate::id::{OfferId, PeerId};
use crate::limits::OFFER_LIFETIME;

/// The offers from siblings that members of one partition may answer.
#[derive(Debug, Default)]
pub(crate) struct Returns {
    current: HashTable<Waiting>,
    earlier: HashTable<Waiting>,
    /// Until when offers are put into `current`, in seconds of the caller's clock.
    current_until_s: u32,
}

/// Where the answer to an offer goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ReturnPath {
    pub(crate) sibling: SiblingId,
    pub(crate) token: ReturnToken,
}

/// An offer that one member of this partition has received, of somebody elsewhere.
#[derive(Debug)]
struct Waiting {
    pair: Pair,
    /// Its id, hashed under the shard's secret.
    offer: u64,
    path: ReturnPath,
    /// From when on no answer to it is accepted.
    until_s: u32,
}

/// Who received it and who made it, hashed under the shard's secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pair(u64);

impl Pair {
    /// The member with this serial, and the offerer.
    pub(crate) fn of(receiver: u32, offerer: &PeerId, hasher: &IdHasher) -> Self {
        // Odd, so that no two receivers meet; the golden ratio, so that their low bits differ.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        Self(hasher.hash(&offerer.0).wrapping_add(u64::from(receiver).wrapping_mul(SPREAD)))
    }
}

impl Returns {
    /// Whether the receiver has an offer of that offerer that it hasn't answered.
    pub(crate) fn contains(&self, pair: Pair, now_s: u32) -> bool {
        let waits = |offer: &Waiting| offer.pair == pair && now_s < offer.until_s;
        [&self.current, &self.earlier].iter().any(|table| table.find(pair.0, waits).is_some())
    }

    /// Takes note of an offer; of `room` or fewer, forgetting the older half of them when there
    /// would be more. One that comes again is answered where it came from last.
    pub(crate) fn insert(
        &mut self,
        pair: Pair,
        offer: OfferId,
        path: ReturnPath,
        room: usize,
        hasher: &IdHasher,
        now_s: u32,
    ) {
        let offer = hasher.hash(&offer.0);
        self.remove(pair, |waiting| waiting.offer == offer);
        self.age(now_s);
        if self.current.len() >= room.div_ceil(2) {
            self.begin_generation(now_s);
        }
        let lifetime_s = OFFER_LIFETIME.as_secs() as u32;
        let until_s = now_s.saturating_add(lifetime_s + 1);
        let waiting = Waiting { pair, offer, path, until_s };
        self.current.insert_unique(pair.0, waiting, |waiting| waiting.pair.0);
    }

    /// The way back of the answer to this offer. There is one answer.
    pub(crate) fn take(
        &mut self,
        pair: Pair,
        offer: OfferId,
        hasher: &IdHasher,
        now_s: u32,
    ) -> Option<ReturnPath> {
        let offer = hasher.hash(&offer.0);
        let waiting = self.remove(pair, |waiting| waiting.offer == offer)?;
        (now_s < waiting.until_s).then_some(waiting.path)
    }

    /// Forgets what no answer may come for any more, a lifetime later at most.
    pub(crate) fn age(&mut self, now_s: u32) {
        if now_s >= self.current_until_s {
            self.begin_generation(now_s);
        }
    }

    fn begin_generation(&mut self, now_s: u32) {
        self.earlier = std::mem::take(&mut self.current);
        self.current_until_s = now_s.saturating_add(OFFER_LIFETIME.as_secs() as u32 + 1);
    }

    fn remove(&mut self, pair: Pair, is_meant: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let same = |waiting: &Waiting| waiting.pair == pair && is_meant(waiting);
        let mut tables = [&mut self.current, &mut self.earlier].into_iter();
        tables.find_map(|table| Some(table.find_entry(pair.0, same).ok()?.remove().0))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.current.allocation_size() + self.earlier.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 100;

    fn path(number: u64) -> ReturnPath {
        ReturnPath { sibling: SiblingId(3), token: ReturnToken(number) }
    }

    fn offer(number: u8) -> OfferId {
        OfferId([number; 20])
    }

    /// Offers of one peer, by the serials of their receivers.
    struct Kept {
        returns: Returns,
        hasher: IdHasher,
    }

    impl Kept {
        fn new() -> Self {
            Self { returns: Returns::default(), hasher: IdHasher::new(1) }
        }

        fn pair(&self, receiver: u32) -> Pair {
            Pair::of(receiver, &PeerId([7; 20]), &self.hasher)
        }

        fn insert(&mut self, receiver: u32, number: u8, now_s: u32) {
            let (pair, path) = (self.pair(receiver), path(u64::from(number)));
            self.returns.insert(pair, offer(number), path, ROOM, &self.hasher, now_s);
        }

        fn take(&mut self, receiver: u32, number: u8, now_s: u32) -> Option<ReturnPath> {
            self.returns.take(self.pair(receiver), offer(number), &self.hasher, now_s)
        }
    }

    #[test]
    fn an_answer_finds_its_way_back_once() {
        let mut kept = Kept::new();
        kept.insert(1, 5, 1000);
        assert_eq!(kept.take(2, 5, 1000), None, "another member's");
        assert_eq!(kept.take(1, 6, 1000), None, "another offer");
        assert_eq!(kept.take(1, 5, 1060), Some(path(5)));
        assert_eq!(kept.take(1, 5, 1060), None);
    }

    #[test]
    fn a_way_back_is_closed_after_the_offers_lifetime() {
        for age_s in [61, 100, 1000] {
            let mut kept = Kept::new();
            kept.insert(1, 5, 1000);
            assert!(kept.returns.contains(kept.pair(1), 1060));
            assert!(!kept.returns.contains(kept.pair(1), 1000 + age_s));
            assert_eq!(kept.take(1, 5, 1000 + age_s), None);
        }
    }

    #[test]
    fn each_of_several_offers_of_one_peer_to_one_member_is_answered() {
        let mut kept = Kept::new();
        kept.insert(1, 5, 1000);
        kept.returns.begin_generation(1010);
        for number in [6, 7, 6] {
            kept.insert(1, number, 1010);
        }
        for number in [6, 5, 7] {
            assert_eq!(kept.take(1, number, 1010), Some(path(u64::from(number))));
            assert_eq!(kept.take(1, number, 1010), None);
        }
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for_and_the_newest_are() {
        let mut kept = Kept::new();
        for receiver in 0..1000 {
            kept.insert(receiver, 5, 1000);
            let (current, earlier) = (kept.returns.current.len(), kept.returns.earlier.len());
            assert!(current + earlier <= ROOM, "{current} and {earlier}");
        }
        assert!((950..1000).all(|receiver| kept.take(receiver, 5, 1000).is_some()));
    }

    #[test]
    fn nothing_is_left_of_what_has_expired() {
        let mut kept = Kept::new();
        kept.insert(1, 5, 1000);
        for now_s in [1061, 1122] {
            kept.returns.age(now_s);
        }
        assert_eq!(kept.returns.heap_bytes(), 0);
    }
}
