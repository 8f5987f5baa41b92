//! The rules of one swarm: who gets in, who is offered to whom, whose answer is passed on. Time
//! and randomness are arguments and what is to be sent goes into an outbox, so every rule can be
//! tested by calling it.

mod members;
mod offers;

use std::ops::Range;
use std::time::Duration;

use rand::Rng;
use rand::seq::index;

use crate::hash::IdHasher;
use crate::id::{ConnId, PeerId};
use crate::limits::Settings;
use crate::shard::Outbox;
use crate::wire::{Announce, Answer, Event, Outgoing, Reason};
use members::Members;

/// A swarm: the viewers of one quality of one stream.
#[derive(Debug)]
pub(crate) struct Swarm {
    members: Members,
    downloaded: u64,
}

/// An announce's peer id belongs to another connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Taken {
    pub(crate) owner: ConnId,
}

/// How large a swarm is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Members that have everything.
    pub complete: usize,
    /// Members that don't.
    pub incomplete: usize,
    /// Members that said `completed` since the swarm began.
    pub downloaded: u64,
}

impl Swarm {
    pub(crate) fn new(hasher: IdHasher) -> Self {
        Self { members: Members::new(hasher), downloaded: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn counts(&self) -> Counts {
        let complete = self.members.seeders();
        let incomplete = self.members.len() - complete;
        Counts { complete, incomplete, downloaded: self.downloaded }
    }

    /// Notes the announcer, replies, and passes its offers on. Returns how many.
    ///
    /// # Errors
    ///
    /// [`Taken`], and nothing is done.
    pub(crate) fn announce(
        &mut self,
        from: ConnId,
        announce: &Announce,
        settings: &Settings,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) -> Result<usize, Taken> {
        let now_s = seconds(now);
        let known = self.members.index_of(&announce.peer_id);
        if let Some(owner) = known.map(|index| self.members.get(index).conn)
            && owner != from
        {
            return Err(Taken { owner });
        }
        if announce.event == Event::Stopped {
            if let Some(index) = known {
                self.members.remove(index);
            }
            self.reply(from, announce, settings, outbox);
            return Ok(0);
        }
        let index = known.unwrap_or_else(|| self.members.insert(announce.peer_id, from, now_s));
        self.members.get_mut(index).announced_s = now_s;
        let was_seeder = self.members.get(index).seeder;
        self.members.set_seeder(index, announce.seeder);
        if announce.event == Event::Completed && !was_seeder {
            self.downloaded += 1;
        }
        self.reply(from, announce, settings, outbox);
        Ok(self.relay_offers(index, announce, settings, now_s, rng, outbox))
    }

    /// Passes an answer on to whoever made the offer.
    ///
    /// # Errors
    ///
    /// When the answerer isn't who it says, the receiver has left, or no such offer waits.
    pub(crate) fn answer(
        &mut self,
        from: ConnId,
        answer: &Answer,
        now: Duration,
        outbox: &mut impl Outbox,
    ) -> Result<(), Reason> {
        let answerer = self
            .members
            .index_of(&answer.peer_id)
            .map(|index| self.members.get(index))
            .filter(|member| member.conn == from)
            .ok_or(Reason::NotAnnounced)?;
        let answerer_serial = answerer.serial;
        let offerer = self.members.index_of(&answer.to_peer_id).ok_or(Reason::ReceiverLeft)?;
        let offerer = self.members.get_mut(offerer);
        if !offerer.pending.take(answer.offer_id, answerer_serial, seconds(now)) {
            return Err(Reason::NoSuchOffer);
        }
        let frame = &answer.frame[..];
        let message = Outgoing::Answer {
            info_hash: answer.info_hash_span.of(frame),
            peer_id: answer.peer_id_span.of(frame),
            offer_id: answer.offer_id_span.of(frame),
            answer: answer.answer.of(frame),
        };
        outbox.send(offerer.conn, &message);
        Ok(())
    }

    /// The connection that announced a peer id, when it is a member.
    pub(crate) fn owner_of(&self, peer_id: &PeerId) -> Option<ConnId> {
        self.members.index_of(peer_id).map(|index| self.members.get(index).conn)
    }

    /// Forgets a member.
    pub(crate) fn leave(&mut self, peer_id: &PeerId) {
        if let Some(index) = self.members.index_of(peer_id) {
            self.members.remove(index);
        }
    }

    /// Forgets those of the members at `places` that have been silent for longer than `lifetime`,
    /// telling `expired`, and offers that nobody answered. Whoever goes from the last places to the first, with any
    /// pauses, sees everybody: only a last member changes its place, to a lower one.
    pub(crate) fn sweep(
        &mut self,
        places: Range<usize>,
        lifetime: Duration,
        now: Duration,
        mut expired: impl FnMut(ConnId, PeerId),
    ) {
        let now_s = seconds(now);
        for index in places.rev() {
            let member = self.members.get_mut(index);
            if u64::from(now_s.saturating_sub(member.announced_s)) > lifetime.as_secs() {
                expired(member.conn, member.peer_id);
                self.members.remove(index);
            } else {
                member.pending.expire(now_s);
            }
        }
    }

    fn reply(
        &self,
        to: ConnId,
        announce: &Announce,
        settings: &Settings,
        outbox: &mut impl Outbox,
    ) {
        let info_hash = announce.info_hash_span.of(&announce.frame);
        let interval_s = settings.announce_interval.as_secs();
        outbox.send(to, &Outgoing::Reply { info_hash, interval_s, counts: self.counts() });
    }

    /// Sends offers to distinct members, chosen at random so that a mesh doesn't fall into
    /// clusters: as many as there are others, offers, and wishes, and as the site allows.
    fn relay_offers(
        &mut self,
        announcer: usize,
        announce: &Announce,
        settings: &Settings,
        now_s: u32,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) -> usize {
        let others = self.members.len() - 1;
        let wanted = announce.offers.len().min(announce.numwant).min(settings.max_offers);
        let amount = others.min(wanted);
        if amount == 0 {
            return 0;
        }
        let frame = &announce.frame[..];
        let info_hash = announce.info_hash_span.of(frame);
        let peer_id = announce.peer_id_span.of(frame);
        // A sample of all but the announcer: those behind it are one further than they look.
        let receivers = index::sample(rng, others, amount);
        for (offered, receiver) in announce.offers.iter().zip(receivers) {
            let receiver = self.members.get(receiver + usize::from(receiver >= announcer));
            let offer_id = offered.id_span.of(frame);
            let offer = offered.offer.of(frame);
            outbox.send(receiver.conn, &Outgoing::Offer { info_hash, peer_id, offer_id, offer });
            let serial = receiver.serial;
            self.members.get_mut(announcer).pending.push(offered.id, serial, now_s);
        }
        amount
    }
}

/// Whole seconds of the caller's clock: 136 years of them.
fn seconds(now: Duration) -> u32 {
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
}
