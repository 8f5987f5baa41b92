//! The sweep forgets who has been silent for too long. A call looks at a part of the shard, so that
//! no worker stands still for a large swarm, and a round of calls looks at all of it.

use std::time::Duration;

use rand::Rng;

use super::{Outbox, Shard};
use crate::limits::{SWEEP_MEMBERS_MIN, SWEEP_TICKS};

/// How far a round has come.
#[derive(Debug)]
pub(super) struct Round {
    /// The key in `swarms` at which the next call goes on.
    from: usize,
    /// How many of that swarm's members are left to look at: more than it has when it wasn't begun
    /// yet.
    left: usize,
    /// Members that a call of this round looks at. It never falls within a round: a sweep that
    /// empties the shard would slow itself down.
    share: usize,
}

impl Default for Round {
    fn default() -> Self {
        Self { from: 0, left: usize::MAX, share: 0 }
    }
}

impl Shard {
    pub(super) fn sweep(&mut self, now: Duration, rng: &mut impl Rng, outbox: &mut impl Outbox) {
        self.round.share = self.round.share.max(self.share_of_peers());
        let mut budget = self.round.share;
        // One swarm may be looked at twice: its second part first, and its first part at the end.
        for _ in 0..=self.swarms.len() {
            let Some(key) = self.next_swarm() else { return };
            let (info_hash, swarm) = &mut self.swarms[key];
            let info_hash = *info_hash;
            let before = swarm.len();
            let end = self.round.left.min(before);
            let start = end.saturating_sub(budget);
            let mut freed = Vec::new();
            let has_claims = !self.claims.is_empty();
            swarm.sweep(start..end, now, |owner, peer_id| {
                if has_claims {
                    freed.push((owner, peer_id));
                }
            });
            self.peers = self.peers - before + swarm.len();
            for (owner, peer_id) in freed {
                self.pass_on(owner, info_hash, peer_id, now, rng, outbox);
            }
            self.close_if_empty(key, outbox);
            budget -= end - start;
            self.round.left = start;
            if start == 0 {
                self.round.from = key + 1;
                self.round.left = usize::MAX;
            }
            if budget == 0 {
                return;
            }
        }
    }

    /// The swarm at the sweep's position or behind it; behind the last begins the next round.
    fn next_swarm(&mut self) -> Option<usize> {
        // Keys of a slab are dense but for holes, and holes are filled first: this is short.
        let mut keys = (self.round.from..self.slots()).chain(0..self.round.from);
        let key = keys.find(|&key| self.swarms.contains(key))?;
        if key < self.round.from {
            self.round.share = self.share_of_peers();
        }
        if key != self.round.from {
            self.round.from = key;
            self.round.left = usize::MAX;
        }
        Some(key)
    }

    fn share_of_peers(&self) -> usize {
        SWEEP_MEMBERS_MIN.max(self.peers.div_ceil(SWEEP_TICKS))
    }

    fn slots(&self) -> usize {
        self.swarms.capacity()
    }
}
