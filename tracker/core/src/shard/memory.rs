//! What a shard weighs, for whoever plans a node: the bytes that its tables have asked the
//! allocator for, which one seed repeats where resident memory never does.

use super::Shard;
use crate::id::InfoHash;
use crate::swarm::Swarm;

impl Shard {
    /// Bytes on the heap for all swarms and members, with the room that tables keep to grow, for
    /// offers that wait for an answer or a sibling, and for what is known of siblings. Without what the allocator rounds up, and without claims,
    /// which have a bound of their own ([`CLAIM_BYTES_MAX`](crate::limits::CLAIM_BYTES_MAX)). Looks
    /// at all members, some 10 ns each.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let swarms = self.swarms.capacity() * size_of::<(InfoHash, Swarm)>();
        let members = self.swarms.iter().map(|(_, (_, swarm))| swarm.heap_bytes()).sum::<usize>();
        let siblings = self.digests_due.heap_bytes() + self.unmet.bytes();
        swarms + self.by_info_hash.allocation_size() + members + siblings
    }
}
