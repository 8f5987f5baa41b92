//! What a shard and its siblings tell each other: how many members each has of the swarms that they
//! share, offers for somebody over there, and the answers.

use std::collections::VecDeque;
use std::time::Duration;

use rand::Rng;

use super::{Outbox, Shard};
use crate::id::{ConnId, InfoHash};
use crate::limits::{TABLE_KEPT, seconds};
use crate::partition::{CrossAnswer, CrossOffer, Digest, Partition, SiblingId};
use crate::wire::Announce;

/// The swarms that have siblings, or may, in the order in which their next digest is due: each an
/// interval after its last, so that a sweep looks only at those whose time has come. By the time in
/// seconds of the caller's clock, and the swarm's key, which may be another swarm's by then.
#[derive(Debug, Default)]
pub(super) struct DigestsDue(VecDeque<(u32, usize)>);

impl DigestsDue {
    /// Gives memory back after many swarms have closed.
    fn shrink(&mut self) {
        let (len, capacity) = (self.0.len(), self.0.capacity());
        if capacity > TABLE_KEPT && len < capacity / 4 {
            self.0.shrink_to(len * 2);
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<(u32, usize)>()
    }
}

impl Shard {
    /// A swarm has its first member: siblings shall know, and its offers shall reach theirs.
    pub(super) fn say_hello(
        &mut self,
        key: usize,
        from: ConnId,
        announce: &Announce,
        now: Duration,
        outbox: &mut impl Outbox,
    ) {
        let (info_hash, swarm) = &mut self.swarms[key];
        if swarm.is_empty() || swarm.partition().is_some() || !outbox.is_shared(info_hash) {
            return;
        }
        let (info_hash, digest) = (*info_hash, swarm.digest());
        self.partition_of(key, now).told = Some(digest);
        self.counters.digests_sent += 1;
        outbox.digest(None, &info_hash, Digest { opening: true, ..digest });
        self.unmet.hold(from, announce, &self.settings, now);
    }

    /// A swarm closes here. Who has heard of it shall know: all, or the sibling whose opening was
    /// answered.
    pub(super) fn say_goodbye(&mut self, key: usize, outbox: &mut impl Outbox) {
        let (info_hash, swarm) = &mut self.swarms[key];
        let partition = swarm.partition().take();
        if partition.is_some_and(|of| of.told.is_some() || !of.siblings.is_empty()) {
            self.counters.digests_sent += 1;
            outbox.digest(None, info_hash, Digest::GOODBYE);
        }
        self.unmet.forget(info_hash);
    }

    /// A sibling has said how many members it has.
    pub(super) fn hear_digest(
        &mut self,
        from: SiblingId,
        info_hash: InfoHash,
        digest: Digest,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) {
        let Some(key) = self.key_of(&info_hash) else { return };
        if self.partition_of(key, now).siblings.hear(from, digest, seconds(now)).is_err() {
            self.counters.digests_dropped += 1;
            return;
        }
        if digest.opening {
            self.counters.digests_sent += 1;
            outbox.digest(Some(from), &info_hash, self.swarms[key].1.digest());
        }
        self.send_unmet(key, from, digest, now, rng, outbox);
    }

    /// Offers that found nobody when their partition opened go to the sibling that has just said
    /// that it has members.
    fn send_unmet(
        &mut self,
        key: usize,
        sibling: SiblingId,
        digest: Digest,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) {
        let (info_hash, swarm) = &mut self.swarms[key];
        let Some(mut unmet) = self.unmet.take(info_hash, now) else { return };
        if swarm.owner_of(&unmet.announce.peer_id) != Some(unmet.from) {
            return;
        }
        let offers = unmet.next(digest.members());
        self.counters.cross_offers_sent += offers.len() as u64;
        let announce = &unmet.announce;
        swarm.send_later(announce, &announce.offers[offers], sibling, now, rng, outbox);
        self.unmet.put_back(unmet);
    }

    /// Looks once at all swarms that may have these siblings.
    pub(super) fn forget_siblings(&mut self, gone: &[SiblingId]) {
        for (_, (_, swarm)) in &mut self.swarms {
            if let Some(partition) = swarm.partition() {
                partition.siblings.forget_all(gone);
            }
        }
    }

    /// The bus has been away. All say their next digest when it is due, so that not all do at once.
    /// Nobody asks to be answered: those who were out of reach say theirs, too, and a hundred nodes
    /// that come back together would answer each other ten thousand times for each swarm.
    pub(super) fn reconnect(&mut self) {
        for (_, (_, swarm)) in &mut self.swarms {
            if let Some(partition) = swarm.partition() {
                partition.reconnect();
            }
        }
    }

    pub(super) fn deliver(
        &mut self,
        from: SiblingId,
        offer: &CrossOffer<'_>,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) {
        let delivered = self.key_of(&offer.info_hash).is_some_and(|key| {
            self.partition_of(key, now);
            self.swarms[key].1.deliver(from, offer, &self.settings, now, rng, outbox)
        });
        self.counters.cross_offers_relayed += u64::from(delivered);
        self.counters.cross_offers_dropped += u64::from(!delivered);
    }

    pub(super) fn take_back(
        &mut self,
        from: SiblingId,
        answer: &CrossAnswer<'_>,
        now: Duration,
        outbox: &mut impl Outbox,
    ) {
        let relayed = self
            .key_of(&answer.info_hash)
            .is_some_and(|key| self.swarms[key].1.take_back(from, answer, now, outbox));
        self.counters.cross_answers_relayed += u64::from(relayed);
        self.counters.cross_answers_dropped += u64::from(!relayed);
    }

    /// Says the digests that are due, and forgets siblings that have said none.
    pub(super) fn say_digests(&mut self, now: Duration, outbox: &mut impl Outbox) {
        let now_s = seconds(now);
        let interval_s = self.settings.digest_interval_s();
        while let Some((due_s, key)) = self.digests_due.0.pop_front_if(|(due_s, _)| *due_s <= now_s)
        {
            let Some((info_hash, swarm)) = self.swarms.get_mut(key) else { continue };
            let digest = swarm.digest();
            let Some(partition) = swarm.partition().as_mut().filter(|part| part.due_s == due_s)
            else {
                continue;
            };
            partition.siblings.expire(self.settings.sibling_silence_s(), now_s);
            partition.returns.age(now_s);
            if partition.siblings.is_empty() && !outbox.is_shared(info_hash) {
                *swarm.partition() = None;
                continue;
            }
            partition.due_s = now_s.saturating_add(interval_s);
            self.digests_due.0.push_back((partition.due_s, key));
            if let Some(digest) = partition.tell(digest) {
                self.counters.digests_sent += 1;
                outbox.digest(None, info_hash, digest);
            }
        }
        self.digests_due.shrink();
        self.unmet.expire(now);
    }

    /// What is known of the rest of a swarm: nothing, when nothing was before.
    fn partition_of(&mut self, key: usize, now: Duration) -> &mut Partition {
        let due_s = seconds(now).saturating_add(self.settings.digest_interval_s());
        let due = &mut self.digests_due.0;
        self.swarms[key].1.partition().get_or_insert_with(|| {
            due.push_back((due_s, key));
            Box::new(Partition::new(due_s))
        })
    }
}
