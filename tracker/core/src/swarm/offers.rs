//! The offers of one member that wait for an answer. They are kept with whoever made them: bounded
//! there, gone with it, and found again among a handful when the answer names the offerer.

use crate::hash::IdHasher;
use crate::id::OfferId;
use crate::limits::{OFFER_LIFETIME, PENDING_OFFERS_MAX};
use crate::partition::ReturnToken;

/// The offers that one member has out, oldest first. Most of the time there are none, or one or two
/// that nobody will answer any more: so there is no room to grow.
#[derive(Debug, Default)]
pub(super) struct PendingOffers(Box<[PendingOffer]>);

#[derive(Debug)]
pub(super) struct PendingOffer {
    key: OfferKey,
    /// The serial of the member that received it, the only one that may answer; of one that crossed
    /// the number of the sibling that did.
    to: u32,
    /// From when on no answer to it is accepted: 0 once there was one.
    until_s: u32,
}

/// An offer's id, hashed under the shard's secret: of 20 bytes that only have to be told from a
/// handful of others, 8 are enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OfferKey(u64);

impl OfferKey {
    pub(super) fn of(id: OfferId, hasher: &IdHasher) -> Self {
        Self(hasher.hash(&id.0))
    }

    /// Of an offer that crosses. No member finds it who has guessed its id, since a token isn't 0;
    /// and no sibling that hasn't received it, since a token is random.
    pub(super) fn crossing(self, token: ReturnToken) -> Self {
        Self(self.0 ^ token.0)
    }
}

impl PendingOffers {
    /// Takes out those that still wait, with room for `amount` new ones, forgetting the oldest at
    /// the bound.
    pub(super) fn reopen(&mut self, amount: usize, now_s: u32) -> Vec<PendingOffer> {
        let is_alive = |offer: &&PendingOffer| offer.is_alive(now_s);
        let alive = self.0.iter().filter(is_alive).count();
        let kept = alive.min(PENDING_OFFERS_MAX.saturating_sub(amount));
        let mut offers = Vec::with_capacity(kept + amount);
        let waiting = std::mem::take(&mut self.0).into_iter();
        offers.extend(waiting.filter(|offer| offer.is_alive(now_s)).skip(alive - kept));
        offers
    }

    /// Puts offers in, which [`reopen`](Self::reopen) took out or are new.
    pub(super) fn close(&mut self, offers: Vec<PendingOffer>) {
        self.0 = offers.into_boxed_slice();
    }

    /// Whether the member or sibling `from` may answer offer `key` now. It may do so once.
    pub(super) fn take(&mut self, key: OfferKey, from: u32, now_s: u32) -> bool {
        let waits = |offer: &&mut PendingOffer| {
            offer.key == key && offer.to == from && offer.is_alive(now_s)
        };
        let Some(offer) = self.0.iter_mut().find(waits) else {
            return false;
        };
        // A sweep takes it out: most of the others will be answered, too, before it comes.
        offer.until_s = 0;
        if self.0.iter().all(|offer| offer.until_s == 0) {
            self.0 = Box::default();
        }
        true
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Forgets what no answer may come for any more, and what was answered.
    pub(super) fn expire(&mut self, now_s: u32) {
        if self.0.iter().any(|offer| !offer.is_alive(now_s)) {
            let left = self.reopen(0, now_s);
            self.close(left);
        }
    }
}

impl PendingOffer {
    /// An offer that went to the member or sibling `to` just now.
    pub(super) fn new(key: OfferKey, to: u32, now_s: u32) -> Self {
        let lifetime_s = OFFER_LIFETIME.as_secs() as u32;
        Self { key, to, until_s: now_s.saturating_add(lifetime_s + 1) }
    }

    fn is_alive(&self, now_s: u32) -> bool {
        now_s < self.until_s
    }
}
