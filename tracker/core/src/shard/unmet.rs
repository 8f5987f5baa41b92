//! Offers that met nobody because their partition had just opened. Siblings answer its first digest
//! within a round trip, and then the offers still go to them: a swarm of two, one on each node,
//! meets with the second one's first announce.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use crate::id::{ConnId, InfoHash};
use crate::limits::{Settings, UNMET_BYTES_MAX, UNMET_LIFETIME, UNMET_MAX};
use crate::wire::Announce;

/// The announces of one shard whose offers wait so, one for each swarm at most.
#[derive(Debug, Default)]
pub(super) struct Unmet {
    by_swarm: BTreeMap<InfoHash, UnmetOffers>,
    bytes: usize,
}

/// The offers of whoever opened a partition.
#[derive(Debug)]
pub(super) struct UnmetOffers {
    pub(super) from: ConnId,
    pub(super) announce: Announce,
    /// Those of `announce.offers` that still wait.
    left: Range<usize>,
    until: Duration,
}

impl Unmet {
    /// Keeps the offers of an announce that are wanted, if any are. The oldest of all make room.
    pub(super) fn hold(
        &mut self,
        from: ConnId,
        announce: &Announce,
        settings: &Settings,
        now: Duration,
    ) {
        let wanted = announce.wanted(settings.max_offers);
        if wanted == 0 || announce.frame.len() > UNMET_BYTES_MAX {
            return;
        }
        self.forget(&announce.info_hash);
        while self.by_swarm.len() >= UNMET_MAX
            || self.bytes + announce.frame.len() > UNMET_BYTES_MAX
        {
            let oldest = self.by_swarm.iter().min_by_key(|(_, unmet)| unmet.until);
            let Some((&oldest, _)) = oldest else { break };
            self.forget(&oldest);
        }
        // A copy: the frame is a slice of a buffer that would be held as a whole for it.
        let frame = Bytes::copy_from_slice(&announce.frame);
        let announce = Announce { frame, ..announce.clone() };
        self.put_back(UnmetOffers { from, announce, left: 0..wanted, until: now + UNMET_LIFETIME });
    }

    /// Takes out the offers of this swarm that still wait.
    pub(super) fn take(&mut self, info_hash: &InfoHash, now: Duration) -> Option<UnmetOffers> {
        let unmet = self.by_swarm.remove(info_hash)?;
        self.bytes -= unmet.announce.frame.len();
        (now <= unmet.until).then_some(unmet)
    }

    /// Forgets the offers of this swarm.
    pub(super) fn forget(&mut self, info_hash: &InfoHash) {
        if let Some(unmet) = self.by_swarm.remove(info_hash) {
            self.bytes -= unmet.announce.frame.len();
        }
    }

    /// Puts in what was taken out, if any of it still waits.
    pub(super) fn put_back(&mut self, unmet: UnmetOffers) {
        if !unmet.left.is_empty() {
            self.bytes += unmet.announce.frame.len();
            self.by_swarm.insert(unmet.announce.info_hash, unmet);
        }
    }

    /// Bytes of the announces that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets those that have waited for too long.
    pub(super) fn expire(&mut self, now: Duration) {
        let expired = self.by_swarm.extract_if(.., |_, unmet| unmet.until < now);
        self.bytes -= expired.map(|(_, unmet)| unmet.announce.frame.len()).sum::<usize>();
    }
}

impl UnmetOffers {
    /// The next of `announce.offers`, up to `amount`, which don't wait any more.
    pub(super) fn next(&mut self, amount: usize) -> Range<usize> {
        let next = self.left.start..self.left.end.min(self.left.start.saturating_add(amount));
        self.left.start = next.end;
        next
    }
}
