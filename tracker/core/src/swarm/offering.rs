//! Whom the offers of an announce go to: members at random who may still receive one, and siblings.
//! What was sent waits with the announcer for its answer.

use std::time::Duration;

use rand::seq::index;
use rand::{Rng, RngExt};

use super::bucket::Refill;
use super::offers::PendingOffer;
use super::window::Others;
use super::{Offered, Swarm};
use crate::limits::{SUBSTITUTE_PICKS_MAX, Settings, seconds};
use crate::shard::Outbox;
use crate::wire::{Announce, Outgoing};

impl Swarm {
    /// Passes the first offers of an announce on, `staying` of them to members here and as many as
    /// are `crossing` to siblings. There are as many others in both places.
    #[expect(clippy::too_many_arguments, reason = "an announce and what it is judged by")]
    pub(super) fn offer(
        &mut self,
        announcer: usize,
        announce: &Announce,
        [staying, crossing]: [usize; 2],
        settings: &Settings,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) -> Offered {
        if staying + crossing == 0 {
            return Offered::default();
        }
        let now_s = seconds(now);
        let pending = &mut self.members.get_mut(announcer).pending;
        let mut pending = pending.reopen(staying + crossing, now_s);
        let out = &mut pending;
        let relayed =
            self.relay_offers(announcer, announce, staying, settings, now, rng, outbox, out);
        if crossing > 0 {
            let siblings = self.choose_siblings(crossing, rng);
            let offers = announce.offers[staying..].iter().zip(siblings);
            self.send_across(announce, offers, now_s, rng, outbox, out);
        }
        self.members.get_mut(announcer).pending.close(pending);
        Offered { relayed, crossed: crossing, over_rate: staying - relayed, early: 0 }
    }

    /// Sends the first `amount` offers to distinct members, chosen at random so that a mesh doesn't
    /// fall into clusters: of all members, or of those of the [`Window`]. There are as many others.
    /// Returns how many were sent.
    #[expect(clippy::too_many_arguments, reason = "an announce and what it is judged by")]
    fn relay_offers(
        &mut self,
        announcer: usize,
        announce: &Announce,
        amount: usize,
        settings: &Settings,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
        pending: &mut Vec<PendingOffer>,
    ) -> usize {
        if amount == 0 {
            return 0;
        }
        let frame = &announce.frame[..];
        let info_hash = announce.info_hash_span.of(frame);
        let peer_id = announce.peer_id_span.of(frame);
        let refill = Refill::at(now, settings.limits.offers_per_second_per_receiver);
        let members = self.members.len();
        let others = self.window.others(outbox.round(), Some(announcer), members, amount, rng);
        let sample = index::sample(rng, others.count, amount);
        let now_s = seconds(now);
        let mut substitutes = Vec::new();
        let mut sent = 0;
        for (offered, sampled) in announce.offers.iter().zip(sample.iter()) {
            let mut receiver = others.place(sampled);
            if let Some(refill) = refill
                && !self.members.get_mut(receiver).intake.take(refill)
            {
                let is_free = |place: usize| {
                    !substitutes.contains(&place)
                        && sample.iter().all(|sampled| others.place(sampled) != place)
                };
                let Some(place) = self.substitute(Some(announcer), is_free, refill, rng) else {
                    continue;
                };
                substitutes.push(place);
                receiver = place;
            }
            let receiver = self.members.get(receiver);
            let offer_id = offered.id_span.of(frame);
            let offer = offered.offer.of(frame);
            outbox.send(receiver.conn, &Outgoing::Offer { info_hash, peer_id, offer_id, offer });
            let key = self.members.key_of(offered.id);
            pending.push(PendingOffer::new(key, receiver.serial, now_s));
            sent += 1;
        }
        sent
    }

    /// Another receiver where the one that was sampled has had enough, if a few picks find one among
    /// all members but the `offerer`. There is another.
    pub(super) fn substitute(
        &mut self,
        offerer: Option<usize>,
        is_free: impl Fn(usize) -> bool,
        refill: Refill,
        rng: &mut impl Rng,
    ) -> Option<usize> {
        let others = Others::all(offerer, self.members.len());
        let mut picks =
            (0..SUBSTITUTE_PICKS_MAX).map(|_| others.place(rng.random_range(..others.count)));
        picks.find(|&place| is_free(place) && self.members.get_mut(place).intake.take(refill))
    }
}
