//! The rules of one swarm: who gets in, who is offered to whom, whose answer is passed on. Time
//! and randomness are arguments and what is to be sent goes into an outbox, so every rule can be
//! tested by calling it.

mod blocks;
mod bucket;
mod crossing;
mod members;
mod offering;
mod offers;
mod pace;
mod window;

use std::ops::Range;
use std::time::Duration;

use rand::Rng;

use crate::hash::IdHasher;
use crate::id::{ConnId, PeerId};
use crate::limits::{Settings, seconds};
use crate::partition::Partition;
use crate::shard::Outbox;
use crate::wire::{Announce, Answer, Event, Outgoing, Reason, Warning};
use members::Members;
use window::Window;

/// A swarm: the viewers of one quality of one stream.
#[derive(Debug)]
pub(crate) struct Swarm {
    members: Members,
    window: Window,
    downloaded: u64,
    /// What is known of the rest of the swarm; `None` while all of it is here.
    partition: Option<Box<Partition>>,
}

/// Why an announce is not heard, or not yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unheard {
    /// Its peer id belongs to another connection.
    Taken { owner: ConnId },
    /// It breaks a rule.
    Refused(Reason),
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

/// Where an answer went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answered {
    /// To a member.
    Here,
    /// To a sibling.
    Across,
}

/// What became of the offers of an announce that were wanted, and for which there were others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Offered {
    /// Passed on to others here.
    pub(crate) relayed: usize,
    /// Sent to siblings.
    pub(crate) crossed: usize,
    /// Not passed on, because the announce came before `min interval` had passed.
    pub(crate) early: usize,
    /// Not passed on, because whoever was picked had received too many.
    pub(crate) over_rate: usize,
}

impl Swarm {
    pub(crate) fn new(hasher: IdHasher) -> Self {
        let (members, window) = (Members::new(hasher), Window::default());
        Self { members, window, downloaded: 0, partition: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// See [`Shard::heap_bytes`](crate::Shard::heap_bytes).
    pub(crate) fn heap_bytes(&self) -> usize {
        self.members.heap_bytes() + self.partition.as_ref().map_or(0, |part| part.heap_bytes())
    }

    /// With the members of siblings, as far as they are known.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.own_counts();
        if let Some(partition) = &self.partition {
            counts.complete += partition.siblings.complete();
            counts.incomplete += partition.siblings.incomplete();
        }
        counts
    }

    /// Without them.
    pub(crate) fn own_counts(&self) -> Counts {
        let complete = self.members.seeders();
        let incomplete = self.members.len() - complete;
        Counts { complete, incomplete, downloaded: self.downloaded }
    }

    /// Notes the announcer, replies, and passes its offers on.
    ///
    /// # Errors
    ///
    /// [`Unheard`], and then nothing is changed but the announcer's pace.
    pub(crate) fn announce(
        &mut self,
        from: ConnId,
        announce: &Announce,
        settings: &Settings,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) -> Result<Offered, Unheard> {
        let known = self.members.index_of(&announce.peer_id);
        if let Some(owner) = known.map(|index| self.members.get(index).conn)
            && owner != from
        {
            return Err(Unheard::Taken { owner });
        }
        let too_many = too_many_offers(announce, settings);
        if announce.event == Event::Stopped {
            if let Some(index) = known {
                self.members.remove(index);
            }
            self.reply(from, announce, too_many, settings, outbox);
            return Ok(Offered::default());
        }
        let now_s = seconds(now);
        let wanted = announce.wanted(settings.max_offers);
        let index = known.unwrap_or_else(|| self.members.insert(announce.peer_id, from));
        let member = self.members.get_mut(index);
        let too_early = member
            .keep_pace(announce.event, wanted > 0, settings.min_interval_s(), now_s)
            .map_err(Unheard::Refused)?;
        let lifetime = settings.member_lifetime(settings.asked_interval());
        member.expires_s = now_s.saturating_add(seconds(lifetime));
        let was_seeder = member.seeder;
        self.members.set_seeder(index, announce.seeder);
        if announce.event == Event::Completed && !was_seeder {
            self.downloaded += 1;
        }
        self.reply(from, announce, too_early.or(too_many), settings, outbox);
        let others = self.members.len() - 1;
        if too_early.is_some() {
            let early = wanted.min(others + self.others_elsewhere());
            return Ok(Offered { early, ..Offered::default() });
        }
        let crossing = self.share_of_siblings(wanted, others, settings, rng);
        let staying = (wanted - crossing).min(others);
        Ok(self.offer(index, announce, [staying, crossing], settings, now, rng, outbox))
    }

    /// Passes an answer on to whoever made the offer, or to the sibling that the offer came from.
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
    ) -> Result<Answered, Reason> {
        let answerer = self
            .members
            .index_of(&answer.peer_id)
            .map(|index| self.members.get(index))
            .filter(|member| member.conn == from)
            .ok_or(Reason::NotAnnounced)?;
        let answerer_serial = answerer.serial;
        let key = self.members.key_of(answer.offer_id);
        let mut refusal = Reason::ReceiverLeft;
        if let Some(index) = self.members.index_of(&answer.to_peer_id) {
            let offerer = self.members.get_mut(index);
            if offerer.pending.take(key, answerer_serial, seconds(now)) {
                let frame = &answer.frame[..];
                let message = Outgoing::Answer {
                    info_hash: answer.info_hash_span.of(frame),
                    peer_id: answer.peer_id_span.of(frame),
                    offer_id: answer.offer_id_span.of(frame),
                    answer: answer.answer.of(frame),
                };
                outbox.send(offerer.conn, &message);
                return Ok(Answered::Here);
            }
            refusal = Reason::NoSuchOffer;
        }
        if self.answer_across(answerer_serial, answer, now, outbox) {
            return Ok(Answered::Across);
        }
        Err(refusal)
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

    /// Forgets those of the members at `places` that have been silent for too long, telling
    /// `expired`, and offers that nobody answered. Whoever goes from the last places to the first,
    /// with any pauses, sees everybody: only a last member changes its place, to a lower one.
    pub(crate) fn sweep(
        &mut self,
        places: Range<usize>,
        now: Duration,
        mut expired: impl FnMut(ConnId, PeerId),
    ) {
        let now_s = seconds(now);
        for index in places.rev() {
            let member = self.members.get_mut(index);
            if now_s > member.expires_s {
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
        warning: Option<Warning>,
        settings: &Settings,
        outbox: &mut impl Outbox,
    ) {
        let reply = Outgoing::Reply {
            info_hash: announce.info_hash_span.of(&announce.frame),
            interval_s: seconds(settings.asked_interval()),
            min_interval_s: settings.min_interval_s(),
            counts: self.counts(),
            warning,
        };
        outbox.send(to, &reply);
    }
}

fn too_many_offers(announce: &Announce, settings: &Settings) -> Option<Warning> {
    let bound = settings.limits.offers_per_announce;
    let amount = announce.offers.len() + announce.offers_ignored;
    (announce.offers_ignored > 0).then_some(Warning::TooManyOffers { amount, bound })
}
