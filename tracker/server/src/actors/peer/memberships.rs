//! What a socket has announced. Most are in one swarm, or in two for a while, since a page that
//! changes its quality says nothing to its old swarm, which forgets it later: so many lie in the
//! socket's task. Few are in more, and these take what they need.

use std::time::Duration;

use tracker_core::{InfoHash, PeerId};

use crate::directory::Place;

/// The peers that a socket has announced and not stopped, in no order.
#[derive(Debug, Default)]
pub(crate) struct Memberships {
    near: [Option<Membership>; 2],
    /// Empty while there is room in `near`.
    far: Box<[Membership]>,
}

/// A peer that a socket has announced.
#[derive(Debug)]
pub(crate) struct Membership {
    /// The swarm, and where it is.
    pub(crate) place: Place,
    pub(crate) peer_id: PeerId,
    /// When its swarm forgets it unless it announces again, in seconds of the node's clock.
    expires_s: u32,
}

// Each socket has two of them.
const _: () = assert!(size_of::<Option<Membership>>() == 32);

impl Memberships {
    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Membership> + Clone {
        self.near.iter().flatten().chain(&self.far)
    }

    /// The peer in a swarm, if the socket has announced it.
    pub(crate) fn get(&self, info_hash: InfoHash, peer_id: PeerId) -> Option<&Membership> {
        self.iter().find(|membership| membership.is(info_hash, peer_id))
    }

    /// The same, to change it.
    pub(crate) fn get_mut(
        &mut self,
        info_hash: InfoHash,
        peer_id: PeerId,
    ) -> Option<&mut Membership> {
        let mut all = self.near.iter_mut().flatten().chain(&mut self.far);
        all.find(|membership| membership.is(info_hash, peer_id))
    }

    pub(crate) fn push(&mut self, membership: Membership) {
        match self.near.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(membership),
            None => self.change_far(|far| {
                far.reserve_exact(1);
                far.push(membership);
            }),
        }
    }

    /// Takes out one that `is` holds for, if there is one.
    pub(crate) fn take(&mut self, is: impl Fn(&Membership) -> bool) -> Option<Membership> {
        if let Some(index) = self.far.iter().position(&is) {
            return Some(self.change_far(|far| far.swap_remove(index)));
        }
        let index = self.near.iter().position(|place| place.as_ref().is_some_and(&is))?;
        let last = self.change_far(Vec::pop);
        std::mem::replace(&mut self.near[index], last)
    }

    fn change_far<T>(&mut self, change: impl FnOnce(&mut Vec<Membership>) -> T) -> T {
        let mut far = std::mem::take(&mut self.far).into_vec();
        let changed = change(&mut far);
        self.far = far.into_boxed_slice();
        changed
    }
}

impl IntoIterator for Memberships {
    type Item = Membership;
    type IntoIter = std::iter::Chain<
        std::iter::Flatten<std::array::IntoIter<Option<Membership>, 2>>,
        std::vec::IntoIter<Membership>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.near.into_iter().flatten().chain(self.far.into_vec())
    }
}

impl Membership {
    pub(crate) fn new(place: Place, peer_id: PeerId, expires_at: Duration) -> Self {
        Self { place, peer_id, expires_s: expires_at.as_secs() as u32 }
    }

    /// Notes that it has announced again.
    pub(crate) fn renew(&mut self, expires_at: Duration) {
        self.expires_s = expires_at.as_secs() as u32;
    }

    /// Whether its swarm has forgotten it, or is about to.
    pub(crate) fn is_over(&self, now: Duration) -> bool {
        now.as_secs() > u64::from(self.expires_s)
    }

    pub(crate) fn is(&self, info_hash: InfoHash, peer_id: PeerId) -> bool {
        self.place.info_hash() == info_hash && self.peer_id == peer_id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::directory::{Directory, Wish};

    #[test]
    fn it_is_a_set_that_holds_places_only_for_its_members() {
        let directory = Arc::new(Directory::default());
        let mut rng = SmallRng::seed_from_u64(7);
        let (mut memberships, mut model) = (Memberships::default(), BTreeSet::new());
        let ids = |byte: u8| (InfoHash([byte; 20]), PeerId([byte; 20]));
        for step in 0..1000 {
            let byte = rng.random_range(0..6);
            let (info_hash, peer_id) = ids(byte);
            if model.remove(&byte) {
                let taken = memberships.take(|membership| membership.is(info_hash, peer_id));
                assert_eq!(taken.expect("a member").peer_id, peer_id, "step {step}");
            } else {
                model.insert(byte);
                let place = directory.place(info_hash, Wish::anywhere()).expect("room");
                memberships.push(Membership::new(place, peer_id, Duration::ZERO));
            }
            assert_eq!(memberships.len(), model.len(), "step {step}");
            assert_eq!(memberships.far.len(), model.len().saturating_sub(2), "step {step}");
            for byte in 0..6 {
                let (info_hash, peer_id) = ids(byte);
                let is_there = model.contains(&byte);
                assert_eq!(memberships.get(info_hash, peer_id).is_some(), is_there, "step {step}");
                assert_eq!(!directory.workers_of(&info_hash).is_empty(), is_there, "step {step}");
            }
        }
        let left: BTreeSet<_> = memberships.into_iter().map(|left| left.peer_id.0[0]).collect();
        assert_eq!(left, model);
    }
}
