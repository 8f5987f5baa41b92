//! Who is in a swarm: a dense table, so that a random pick is an index, with a hash index from
//! peer ids, so that nothing on the relay path grows with the swarm.

use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::blocks::Blocks;
use super::bucket::TokenBucket;
use super::offers::{OfferKey, PendingOffers};
use crate::hash::IdHasher;
use crate::id::{ConnId, OfferId, PeerId};
use crate::limits::TABLE_KEPT;

/// One viewer in one swarm.
#[derive(Debug, Default)]
pub(super) struct Member {
    pub(super) peer_id: PeerId,
    /// The connection that announced it, which alone may speak for it.
    pub(super) conn: ConnId,
    /// Names this member for as long as the swarm lives, while its index changes.
    pub(super) serial: u32,
    /// When it is forgotten unless it announces, in seconds of the caller's clock.
    pub(super) expires_s: u32,
    /// Until when an announce is early; how many were since one that wasn't; and whether offers of
    /// its were let through since then. See [`pace`](super::pace).
    pub(super) early_until_s: u32,
    pub(super) early: u8,
    pub(super) has_offered: bool,
    pub(super) seeder: bool,
    /// The offers that it may still receive.
    pub(super) intake: TokenBucket,
    pub(super) pending: PendingOffers,
}

/// The members, in no order.
#[derive(Debug)]
pub(super) struct Members {
    dense: Blocks<Member>,
    /// Indexes into `dense`, by peer id.
    by_peer_id: HashTable<u32>,
    hasher: IdHasher,
    next_serial: u32,
    seeders: usize,
}

impl Members {
    pub(super) fn new(hasher: IdHasher) -> Self {
        let (dense, by_peer_id) = (Blocks::default(), HashTable::new());
        Self { dense, by_peer_id, hasher, next_serial: 0, seeders: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.dense.len()
    }

    pub(super) fn seeders(&self) -> usize {
        self.seeders
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let pending = self.dense.iter().map(|member| member.pending.heap_bytes()).sum::<usize>();
        self.dense.heap_bytes() + self.by_peer_id.allocation_size() + pending
    }

    pub(super) fn index_of(&self, peer_id: &PeerId) -> Option<usize> {
        let same = |&index: &u32| self.dense[index as usize].peer_id == *peer_id;
        self.by_peer_id.find(self.hasher.hash(&peer_id.0), same).map(|&index| index as usize)
    }

    /// What an offer of a member is found by.
    pub(super) fn key_of(&self, id: OfferId) -> OfferKey {
        OfferKey::of(id, &self.hasher)
    }

    /// What ids of this swarm are hashed with.
    pub(super) fn hasher(&self) -> &IdHasher {
        &self.hasher
    }

    pub(super) fn get(&self, index: usize) -> &Member {
        &self.dense[index]
    }

    pub(super) fn get_mut(&mut self, index: usize) -> &mut Member {
        &mut self.dense[index]
    }

    /// Adds a member that isn't there yet, and returns its index.
    pub(super) fn insert(&mut self, peer_id: PeerId, conn: ConnId) -> usize {
        let index = self.dense.len();
        let serial = self.next_serial;
        self.next_serial = self.next_serial.wrapping_add(1);
        self.dense.push(Member { peer_id, conn, serial, ..Member::default() });

        let (dense, hasher) = (&self.dense, &self.hasher);
        let hash = |&index: &u32| hasher.hash(&dense[index as usize].peer_id.0);
        #[expect(clippy::cast_possible_truncation, reason = "a member is a socket: under 2^32")]
        self.by_peer_id.insert_unique(hasher.hash(&peer_id.0), index as u32, hash);
        index
    }

    /// Takes a member out. The last one moves into its place.
    pub(super) fn remove(&mut self, index: usize) {
        let last = self.dense.len() - 1;
        if let Some(entry) = self.entry(index) {
            entry.remove();
        }
        if index != last
            && let Some(mut entry) = self.entry(last)
        {
            #[expect(clippy::cast_possible_truncation, reason = "below another u32")]
            let moved = index as u32;
            *entry.get_mut() = moved;
        }
        let removed = self.dense.swap_remove(index);
        self.seeders -= usize::from(removed.seeder);
        self.shrink();
    }

    pub(super) fn set_seeder(&mut self, index: usize, seeder: bool) {
        let was = std::mem::replace(&mut self.dense[index].seeder, seeder);
        self.seeders = self.seeders - usize::from(was) + usize::from(seeder);
    }

    /// The entry of the hash index for the member at `index`.
    fn entry(&mut self, index: usize) -> Option<OccupiedEntry<'_, u32>> {
        let own = self.hasher.hash(&self.dense[index].peer_id.0);
        self.by_peer_id.find_entry(own, |&other| other as usize == index).ok()
    }

    /// Gives memory back when a crowd has left.
    fn shrink(&mut self) {
        let (len, capacity) = (self.dense.len(), self.by_peer_id.capacity());
        if capacity > TABLE_KEPT && len < capacity / 4 {
            let (dense, hasher) = (&self.dense, &self.hasher);
            let hash = |&index: &u32| hasher.hash(&dense[index as usize].peer_id.0);
            self.by_peer_id.shrink_to(len * 2, hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million of them are a node's memory.
    #[test]
    fn a_member_stays_small() {
        assert!(size_of::<Member>() <= 64, "{} bytes", size_of::<Member>());
    }
}
