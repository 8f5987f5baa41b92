//! Who is in a swarm: a dense table, so that a random pick is an index, with a hash index from
//! peer ids, so that nothing on the relay path grows with the swarm.

use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::bucket::TokenBucket;
use super::offers::PendingOffers;
use crate::hash::IdHasher;
use crate::id::{ConnId, PeerId};
use crate::limits::TABLE_KEPT;

/// One viewer in one swarm.
#[derive(Debug)]
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
    dense: Vec<Member>,
    /// Indexes into `dense`, by peer id.
    by_peer_id: HashTable<u32>,
    hasher: IdHasher,
    next_serial: u32,
    seeders: usize,
    /// The most that there were since [`fit`](Self::fit).
    peak: usize,
}

impl Members {
    pub(super) fn new(hasher: IdHasher) -> Self {
        let (dense, by_peer_id) = (Vec::new(), HashTable::new());
        Self { dense, by_peer_id, hasher, next_serial: 0, seeders: 0, peak: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.dense.len()
    }

    pub(super) fn seeders(&self) -> usize {
        self.seeders
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let pending = self.dense.iter().map(|member| member.pending.heap_bytes()).sum::<usize>();
        self.dense.capacity() * size_of::<Member>() + self.by_peer_id.allocation_size() + pending
    }

    pub(super) fn index_of(&self, peer_id: &PeerId) -> Option<usize> {
        let same = |&index: &u32| self.dense[index as usize].peer_id == *peer_id;
        self.by_peer_id.find(self.hasher.hash(&peer_id.0), same).map(|&index| index as usize)
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
        if index == self.dense.capacity() {
            // By a quarter, where a vector doubles: a member is 64 bytes, and swarms are most of what
            // a tracker holds.
            self.dense.reserve_exact(index / 4 + 4);
        }
        self.dense.push(Member {
            peer_id,
            conn,
            serial,
            expires_s: 0,
            early_until_s: 0,
            early: 0,
            has_offered: false,
            seeder: false,
            intake: TokenBucket::default(),
            pending: PendingOffers::default(),
        });

        let (dense, hasher) = (&self.dense, &self.hasher);
        let hash = |&index: &u32| hasher.hash(&dense[index as usize].peer_id.0);
        #[expect(clippy::cast_possible_truncation, reason = "a member is a socket: under 2^32")]
        self.by_peer_id.insert_unique(hasher.hash(&peer_id.0), index as u32, hash);
        self.peak = self.peak.max(index + 1);
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

    /// Gives back the room that nobody has needed since the last call. Swarms breathe, and what a
    /// table had at its largest would stay for as long as the swarm.
    pub(super) fn fit(&mut self) {
        let needed = std::mem::replace(&mut self.peak, self.dense.len());
        // It grows by a quarter: what is less than that above is not given back to be taken again.
        if self.dense.capacity() > TABLE_KEPT.max(needed + needed / 4 + 4) {
            self.shrink_to(needed + needed / 8);
        }
    }

    /// Gives memory back at once when a crowd leaves.
    fn shrink(&mut self) {
        let len = self.dense.len();
        if self.dense.capacity() > TABLE_KEPT && len < self.dense.capacity() / 4 {
            self.shrink_to(len * 2);
        }
    }

    fn shrink_to(&mut self, members: usize) {
        self.dense.shrink_to(members);
        let (dense, hasher) = (&self.dense, &self.hasher);
        let hash = |&index: &u32| hasher.hash(&dense[index as usize].peer_id.0);
        self.by_peer_id.shrink_to(members, hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_follows_its_swarm_down_and_doesnt_breathe_with_it() {
        let mut members = Members::new(IdHasher::new(1));
        let fill = |members: &mut Members, len: usize| {
            while members.len() < len {
                let mut id = [0; 20];
                id[..8].copy_from_slice(&members.next_serial.to_le_bytes().repeat(2));
                members.insert(PeerId(id), ConnId(7));
            }
            while members.len() > len {
                members.remove(0);
            }
            members.fit();
            members.dense.capacity()
        };
        let full = fill(&mut members, 100);
        assert_eq!(fill(&mut members, 80), full, "it was full since the last look");
        let fits = fill(&mut members, 80);
        assert!((80..=100).contains(&fits), "{fits}");
        for len in [74, 81, 76, 88, 70, 80] {
            assert_eq!(fill(&mut members, len), fits, "at {len}");
        }
    }

    /// A million of them are a node's memory.
    #[test]
    fn a_member_stays_small() {
        assert!(size_of::<Member>() <= 64, "{} bytes", size_of::<Member>());
    }
}
