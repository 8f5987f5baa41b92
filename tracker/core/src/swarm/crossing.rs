//! What crosses between partitions of a swarm. Offers go to members here first, and a share of them
//! to siblings, so that the swarm stays one mesh; where too few are here, all that find nobody do.

use std::time::Duration;

use rand::seq::index;
use rand::{Rng, RngExt};

use super::Swarm;
use super::bucket::Refill;
use super::offers::PendingOffer;
use crate::id::{InfoHash, OfferId, PeerId};
use crate::limits::{
    CROSS_OFFERS_PER_MEMBER_MAX, CROSS_OFFERS_REMEMBERED_MAX, SUBSTITUTE_PICKS_MAX, Settings,
    seconds,
};
use crate::partition::{
    CrossAnswer, CrossOffer, Digest, Pair, Partition, ReturnPath, ReturnToken, SiblingId,
};
use crate::shard::Outbox;
use crate::wire::{Announce, Answer, Offered, Outgoing};

impl Swarm {
    /// What is known of the rest of the swarm.
    pub(crate) fn partition(&mut self) -> &mut Option<Box<Partition>> {
        &mut self.partition
    }

    /// How many members are here.
    pub(crate) fn digest(&self) -> Digest {
        let counts = self.own_counts();
        let members = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let (complete, incomplete) = (members(counts.complete), members(counts.incomplete));
        Digest { complete, incomplete, opening: false }
    }

    /// Members of siblings.
    pub(super) fn others_elsewhere(&self) -> usize {
        self.partition.as_ref().map_or(0, |partition| partition.siblings.members())
    }

    /// How many of the `wanted` offers of an announce cross: each by chance, and those that find
    /// none of the `others` that are here.
    pub(super) fn share_of_siblings(
        &self,
        wanted: usize,
        others: usize,
        settings: &Settings,
        rng: &mut impl Rng,
    ) -> usize {
        let elsewhere = self.others_elsewhere();
        if elsewhere == 0 {
            return 0;
        }
        let percent = settings.cross_share_percent.min(100);
        let by_chance = (0..wanted).filter(|_| rng.random_ratio(percent, 100)).count();
        let stay = (wanted - by_chance).min(others);
        (wanted - stay).min(elsewhere)
    }

    /// Siblings for `amount` offers of one announce, by how many members they have. There must be
    /// as many members there.
    pub(super) fn choose_siblings(&self, amount: usize, rng: &mut impl Rng) -> Vec<SiblingId> {
        let siblings = self.partition.as_ref().map(|partition| &partition.siblings);
        siblings.map_or_else(Vec::new, |siblings| siblings.sample(amount, rng).collect())
    }

    /// Sends offers of an announce to siblings, each to one, which then wait among those that are
    /// `pending`.
    pub(super) fn send_across<'a>(
        &self,
        announce: &Announce,
        offers: impl Iterator<Item = (&'a Offered, SiblingId)>,
        now_s: u32,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
        pending: &mut Vec<PendingOffer>,
    ) {
        for (offered, sibling) in offers {
            // Never 0: see `OfferKey::crossing`.
            let token = ReturnToken(rng.random::<u64>() | 1);
            let offer = CrossOffer {
                info_hash: announce.info_hash,
                peer_id: announce.peer_id,
                offer_id: offered.id,
                offer: offered.offer.of(&announce.frame),
                token,
            };
            outbox.cross_offer(sibling, &offer);
            let key = self.members.key_of(offered.id).crossing(token);
            pending.push(PendingOffer::new(key, sibling.0, now_s));
        }
    }

    /// Sends offers of an earlier announce of a member, which met nobody then, to one sibling.
    pub(crate) fn send_later(
        &mut self,
        announce: &Announce,
        offers: &[Offered],
        sibling: SiblingId,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) {
        let Some(index) = self.members.index_of(&announce.peer_id) else { return };
        let now_s = seconds(now);
        let mut pending = self.members.get_mut(index).pending.reopen(offers.len(), now_s);
        let offers = offers.iter().map(|offered| (offered, sibling));
        self.send_across(announce, offers, now_s, rng, outbox, &mut pending);
        self.members.get_mut(index).pending.close(pending);
    }

    /// Passes an offer of a sibling on to somebody here who may still receive one, and takes note
    /// of its way back. Whether there was anybody.
    pub(crate) fn deliver(
        &mut self,
        from: SiblingId,
        offer: &CrossOffer<'_>,
        settings: &Settings,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) -> bool {
        let place = self.receiver_of(&offer.peer_id, outbox.round(), settings, now, rng);
        let (Some(place), Some(partition)) = (place, &mut self.partition) else {
            return false;
        };
        let room = self.members.len() * CROSS_OFFERS_PER_MEMBER_MAX;
        let room = room.min(CROSS_OFFERS_REMEMBERED_MAX);
        let (receiver, hasher) = (self.members.get(place), self.members.hasher());
        let pair = Pair::of(receiver.serial, &offer.peer_id, hasher);
        let path = ReturnPath { sibling: from, token: offer.token };
        partition.returns.insert(pair, offer.offer_id, path, room, hasher, seconds(now));
        let [info_hash, peer_id, offer_id] =
            &spelled(offer.info_hash, offer.peer_id, offer.offer_id);
        let offer = offer.offer;
        outbox.send(receiver.conn, &Outgoing::Offer { info_hash, peer_id, offer_id, offer });
        true
    }

    /// The place of somebody for an offer of a peer elsewhere, by the same [`Window`] as for offers
    /// from here: never one with the same peer id, which is the same viewer on another connection,
    /// and rather not one who has an offer of that peer already.
    ///
    /// [`Window`]: super::window::Window
    fn receiver_of(
        &mut self,
        offerer: &PeerId,
        round: Option<u64>,
        settings: &Settings,
        now: Duration,
        rng: &mut impl Rng,
    ) -> Option<usize> {
        let partition = self.partition.as_ref()?;
        let twin = self.members.index_of(offerer);
        let others = self.window.others(round, twin, self.members.len(), 1, rng);
        if others.count == 0 {
            return None;
        }
        let picks = index::sample(rng, others.count, others.count.min(1 + SUBSTITUTE_PICKS_MAX));
        let mut places: Vec<_> = picks.iter().map(|number| others.place(number)).collect();
        places.sort_by_cached_key(|&place| {
            let serial = self.members.get(place).serial;
            let pair = Pair::of(serial, offerer, self.members.hasher());
            partition.returns.contains(pair, seconds(now))
        });
        let Some(refill) = Refill::at(now, settings.limits.offers_per_second_per_receiver) else {
            return places.first().copied();
        };
        let may_receive = |place: &usize| self.members.get_mut(*place).intake.take(refill);
        let receiver = places.into_iter().find(may_receive);
        // The few of a window may have had enough, and others not.
        receiver.or_else(|| self.substitute(twin, |_| true, refill, rng))
    }

    /// Gives the answer of the member with this serial to the sibling that the offer came from, if
    /// one waits for it.
    pub(super) fn answer_across(
        &mut self,
        answerer: u32,
        answer: &Answer,
        now: Duration,
        outbox: &mut impl Outbox,
    ) -> bool {
        let Some(partition) = &mut self.partition else { return false };
        let hasher = self.members.hasher();
        let pair = Pair::of(answerer, &answer.to_peer_id, hasher);
        let path = partition.returns.take(pair, answer.offer_id, hasher, seconds(now));
        let Some(ReturnPath { sibling, token }) = path else { return false };
        let message = CrossAnswer {
            info_hash: answer.info_hash,
            peer_id: answer.peer_id,
            to_peer_id: answer.to_peer_id,
            offer_id: answer.offer_id,
            answer: answer.answer.of(&answer.frame),
            token,
        };
        outbox.cross_answer(sibling, &message);
        true
    }

    /// Passes an answer that a sibling has brought back on to whoever made the offer, if it still
    /// waits for one.
    pub(crate) fn take_back(
        &mut self,
        from: SiblingId,
        answer: &CrossAnswer<'_>,
        now: Duration,
        outbox: &mut impl Outbox,
    ) -> bool {
        let key = self.members.key_of(answer.offer_id).crossing(answer.token);
        let Some(index) = self.members.index_of(&answer.to_peer_id) else { return false };
        let offerer = self.members.get_mut(index);
        if !offerer.pending.take(key, from.0, seconds(now)) {
            return false;
        }
        let [info_hash, peer_id, offer_id] =
            &spelled(answer.info_hash, answer.peer_id, answer.offer_id);
        let answer = answer.answer;
        outbox.send(offerer.conn, &Outgoing::Answer { info_hash, peer_id, offer_id, answer });
        true
    }
}

/// Ids as they stand in a message.
fn spelled(info_hash: InfoHash, peer_id: PeerId, offer_id: OfferId) -> [Vec<u8>; 3] {
    let mut texts = [Vec::new(), Vec::new(), Vec::new()];
    info_hash.encode(&mut texts[0]);
    peer_id.encode(&mut texts[1]);
    offer_id.encode(&mut texts[2]);
    texts
}
