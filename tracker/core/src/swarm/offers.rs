//! The offers of one member that wait for an answer. They are kept with whoever made them: bounded
//! there, gone with it, and found again among a handful when the answer names the offerer.

use crate::id::OfferId;
use crate::limits::{OFFER_LIFETIME, PENDING_OFFERS_MAX};

/// The offers that one member has out.
#[derive(Debug, Default)]
pub(super) struct PendingOffers(Vec<PendingOffer>);

#[derive(Debug)]
struct PendingOffer {
    id: OfferId,
    /// The serial of the member that received it, the only one that may answer.
    to: u32,
    made_s: u32,
}

impl PendingOffers {
    /// Remembers that offer `id` went to member `to`, forgetting the oldest at the bound.
    pub(super) fn push(&mut self, id: OfferId, to: u32, now_s: u32) {
        if self.0.len() == PENDING_OFFERS_MAX {
            self.0.remove(0);
        }
        self.0.push(PendingOffer { id, to, made_s: now_s });
    }

    /// Whether member `from` may answer offer `id` now. It may do so once.
    pub(super) fn take(&mut self, id: OfferId, from: u32, now_s: u32) -> bool {
        let waits =
            |offer: &PendingOffer| offer.id == id && offer.to == from && offer.is_alive(now_s);
        let Some(index) = self.0.iter().position(waits) else {
            return false;
        };
        self.0.remove(index);
        if self.0.is_empty() {
            // Most of the time a member has nothing out; then it holds no memory for it.
            self.0 = Vec::new();
        }
        true
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<PendingOffer>()
    }

    /// Forgets what no answer may come for any more.
    pub(super) fn expire(&mut self, now_s: u32) {
        if self.0.iter().any(|offer| !offer.is_alive(now_s)) {
            self.0.retain(|offer| offer.is_alive(now_s));
            self.0.shrink_to_fit();
        }
    }
}

impl PendingOffer {
    fn is_alive(&self, now_s: u32) -> bool {
        u64::from(now_s.saturating_sub(self.made_s)) <= OFFER_LIFETIME.as_secs()
    }
}
