//! How many members each sibling has, by its last digest. Whom a cross offer goes to is chosen by
//! that, and replies add it to what is here.

use rand::Rng;
use rand::seq::index;

use super::{Digest, SiblingId};
use crate::limits::SIBLINGS_MAX;

/// The siblings of one partition, in no order.
#[derive(Debug, Default)]
pub(crate) struct Siblings {
    heard: Vec<Heard>,
    complete: usize,
    incomplete: usize,
}

/// A digest, and when it came, in seconds of the caller's clock.
#[derive(Clone, Copy, Debug)]
struct Heard {
    from: SiblingId,
    digest: Digest,
    at_s: u32,
}

/// There are [`SIBLINGS_MAX`] others already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

impl Siblings {
    /// Takes a digest in the place of the last one of this sibling.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub(crate) fn hear(&mut self, from: SiblingId, digest: Digest, now_s: u32) -> Result<(), Full> {
        self.forget(from);
        if digest.members() == 0 {
            return Ok(());
        }
        if self.heard.len() == SIBLINGS_MAX {
            return Err(Full);
        }
        self.heard.push(Heard { from, digest, at_s: now_s });
        self.complete += digest.complete as usize;
        self.incomplete += digest.incomplete as usize;
        Ok(())
    }

    fn forget(&mut self, sibling: SiblingId) {
        if let Some(place) = self.heard.iter().position(|heard| heard.from == sibling) {
            self.remove(place);
        }
    }

    /// Forgets those that are `gone`, which are in order.
    pub(crate) fn forget_all(&mut self, gone: &[SiblingId]) {
        for place in (0..self.heard.len()).rev() {
            if gone.binary_search(&self.heard[place].from).is_ok() {
                self.remove(place);
            }
        }
    }

    /// Forgets those that haven't been heard of for more than `silence_s` seconds.
    pub(crate) fn expire(&mut self, silence_s: u32, now_s: u32) {
        for place in (0..self.heard.len()).rev() {
            if now_s.saturating_sub(self.heard[place].at_s) > silence_s {
                self.remove(place);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heard.is_empty()
    }

    pub(crate) fn complete(&self) -> usize {
        self.complete
    }

    pub(crate) fn incomplete(&self) -> usize {
        self.incomplete
    }

    pub(crate) fn members(&self) -> usize {
        self.complete + self.incomplete
    }

    /// Those that have `amount` members, distinct ones and chosen at random among all: one by one,
    /// and a sibling as often as it has some. There must be as many.
    pub(crate) fn sample(
        &self,
        amount: usize,
        rng: &mut impl Rng,
    ) -> impl Iterator<Item = SiblingId> {
        let numbers = index::sample(rng, self.members(), amount).into_iter();
        numbers.filter_map(|number| self.with_member(number))
    }

    /// The sibling that has the member with this number, when all are numbered one after another.
    fn with_member(&self, number: usize) -> Option<SiblingId> {
        let mut left = number;
        let holds = |heard: &&Heard| {
            let members = heard.digest.members();
            let holds = left < members;
            left = left.wrapping_sub(members);
            holds
        };
        self.heard.iter().find(holds).map(|heard| heard.from)
    }

    fn remove(&mut self, place: usize) {
        let Heard { digest, .. } = self.heard.swap_remove(place);
        self.complete -= digest.complete as usize;
        self.incomplete -= digest.incomplete as usize;
        if self.heard.is_empty() {
            self.heard = Vec::new();
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.heard.capacity() * size_of::<Heard>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    fn digest(complete: u32, incomplete: u32) -> Digest {
        Digest { complete, incomplete, opening: false }
    }

    #[test]
    fn the_last_digest_of_each_counts_and_none_of_who_is_gone() {
        let mut siblings = Siblings::default();
        let mut hear = |from, heard| siblings.hear(SiblingId(from), heard, 0);
        assert_eq!(hear(1, digest(1, 5)), Ok(()));
        assert_eq!(hear(2, digest(2, 7)), Ok(()));
        assert_eq!(hear(1, digest(0, 3)), Ok(()));
        assert_eq!((siblings.complete(), siblings.incomplete()), (2, 10));
        siblings.forget(SiblingId(2));
        siblings.forget(SiblingId(9));
        assert_eq!((siblings.complete(), siblings.incomplete()), (0, 3));
        assert_eq!(siblings.hear(SiblingId(1), Digest::GOODBYE, 0), Ok(()));
        assert!(siblings.is_empty());
        assert_eq!((siblings.members(), siblings.heap_bytes()), (0, 0));
    }

    #[test]
    fn a_silent_one_expires() {
        let mut siblings = Siblings::default();
        for (from, at_s) in [(1, 10), (2, 12), (3, 11)] {
            assert_eq!(siblings.hear(SiblingId(from), digest(0, from), at_s), Ok(()));
        }
        siblings.expire(15, 25);
        assert_eq!(siblings.members(), 6);
        siblings.expire(15, 27);
        assert_eq!(siblings.members(), 2);
    }

    #[test]
    fn there_are_so_many_and_no_more_and_known_ones_are_heard_still() {
        let mut siblings = Siblings::default();
        for from in 0..SIBLINGS_MAX as u32 {
            assert_eq!(siblings.hear(SiblingId(from), digest(0, 1), 0), Ok(()));
        }
        let another = SiblingId(SIBLINGS_MAX as u32);
        assert_eq!(siblings.hear(another, digest(0, 1), 0), Err(Full));
        assert_eq!(siblings.hear(SiblingId(7), digest(0, 2), 0), Ok(()));
        assert_eq!(siblings.members(), SIBLINGS_MAX + 1);
    }

    #[test]
    fn each_is_chosen_as_often_as_it_has_members_and_never_more_often_at_once() {
        let mut siblings = Siblings::default();
        for (from, members) in [(1, 1), (2, 2), (3, 7)] {
            assert_eq!(siblings.hear(SiblingId(from), digest(1, members - 1), 0), Ok(()));
        }
        let mut rng = SmallRng::seed_from_u64(7);
        let mut chosen = BTreeMap::<_, usize>::new();
        for _ in 0..10_000 {
            siblings.sample(1, &mut rng).for_each(|id| *chosen.entry(id.0).or_default() += 1);
        }
        for (from, members) in [(1, 1), (2, 2), (3, 7)] {
            let share = chosen[&from] as f64 / 1000.0;
            assert!((share - f64::from(members)).abs() < 0.3, "{from}: {share}");
        }
        let all: Vec<_> = siblings.sample(10, &mut rng).map(|id| id.0).collect();
        let times = [1, 2, 3].map(|from| all.iter().filter(|id| **id == from).count());
        assert_eq!(times, [1, 2, 7]);
    }
}
