//! Which swarms a shard has, for whoever may see that: the largest of them, so that the answer is
//! bounded and still says what most viewers watch.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Shard;
use crate::id::InfoHash;
use crate::swarm::Counts;

impl Shard {
    /// The `count` swarms with the most members, the largest first; of equals those whose info
    /// hash comes first. As far as they are here: members of siblings don't count. Looks at all
    /// swarms, some 10 ns each.
    #[must_use]
    pub fn largest(&self, count: usize) -> Vec<(InfoHash, Counts)> {
        // The largest so far, with the smallest of them on top.
        let mut largest = BinaryHeap::new();
        for (key, (info_hash, swarm)) in &self.swarms {
            let rank = Reverse((swarm.len(), Reverse(*info_hash), key));
            if largest.len() < count {
                largest.push(rank);
            } else if let Some(mut smallest) = largest.peek_mut()
                && rank < *smallest
            {
                *smallest = rank;
            }
        }
        let sized = |Reverse((_, Reverse(info_hash), key)): Reverse<(_, _, usize)>| {
            (info_hash, self.swarms[key].1.own_counts())
        };
        largest.into_sorted_vec().into_iter().map(sized).collect()
    }
}
