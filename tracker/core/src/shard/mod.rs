//! The swarms of one worker. A shard is the whole state of the rules: what comes in is an
//! [`Input`], what goes out is called on an [`Outbox`], and nothing else is touched.

mod claims;
mod counters;
mod largest;
mod memory;
mod outbox;
mod siblings;
mod sweep;
mod unmet;

use std::time::Duration;

use hashbrown::HashTable;
use rand::Rng;
use slab::Slab;

use crate::hash::IdHasher;
use crate::id::{ConnId, InfoHash, PeerId};
use crate::limits::{Settings, TABLE_KEPT};
use crate::partition::{CrossAnswer, CrossOffer, Digest, SiblingId};
use crate::swarm::{Answered, Counts, Swarm, Unheard};
use crate::wire::{Action, Announce, Answer, Event, Outgoing, Reason};
use claims::Claims;
pub use counters::Counters;
pub use outbox::Outbox;
use siblings::DigestsDue;
use sweep::Round;
use unmet::Unmet;

/// Swarms by info hash.
#[derive(Debug)]
pub struct Shard {
    settings: Settings,
    swarms: Slab<(InfoHash, Swarm)>,
    /// Keys of `swarms`, by info hash.
    by_info_hash: HashTable<usize>,
    hasher: IdHasher,
    peers: usize,
    claims: Claims,
    round: Round,
    digests_due: DigestsDue,
    unmet: Unmet,
    counters: Counters,
}

/// What happens to a shard.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A connection announces a peer. It opens the swarm when there is none.
    Announce {
        /// The connection.
        from: ConnId,
        /// What it says.
        announce: &'a Announce,
    },
    /// A connection answers an offer.
    Answer {
        /// The connection.
        from: ConnId,
        /// What it says.
        answer: &'a Answer,
    },
    /// A connection that had announced this peer is gone.
    PeerLeft {
        /// The connection.
        from: ConnId,
        /// The swarm.
        info_hash: InfoHash,
        /// The peer.
        peer_id: PeerId,
    },
    /// A connection that was probed has given a sign of life.
    OwnerLives {
        /// The connection.
        owner: ConnId,
    },
    /// A sibling says how many members it has, or that it has none any more. Nothing happens when
    /// the swarm isn't here.
    Digest {
        /// The sibling.
        from: SiblingId,
        /// The swarm.
        info_hash: InfoHash,
        /// What it says.
        digest: Digest,
    },
    /// Siblings have gone, with their partitions of all swarms: their nodes, or their workers.
    SiblingsGone {
        /// The siblings, in order.
        siblings: &'a [SiblingId],
    },
    /// The bus was away and is back, or nodes have come that may have missed what was said: within
    /// [`Settings::digest_interval`] each partition says how large it is, even if that is no news. To
    /// be said on both sides.
    Reconnected,
    /// An offer of a sibling's member, for a member here.
    CrossOffer {
        /// The sibling.
        from: SiblingId,
        /// What it sends.
        offer: &'a CrossOffer<'a>,
    },
    /// A sibling brings the answer to an offer that was sent to it.
    CrossAnswer {
        /// The sibling.
        from: SiblingId,
        /// What it sends.
        answer: &'a CrossAnswer<'a>,
    },
    /// Time has passed: look for what has expired. A call looks at a part of the shard, and a
    /// round of [`SWEEP_TICKS`](crate::limits::SWEEP_TICKS) calls looks at all of it.
    Sweep,
}

impl Shard {
    /// A shard without swarms. `hash_seed` should be random, so that whoever chooses ids cannot
    /// choose collisions; nothing else depends on it.
    #[must_use]
    pub fn new(settings: Settings, hash_seed: u64) -> Self {
        Self {
            settings,
            swarms: Slab::new(),
            by_info_hash: HashTable::new(),
            hasher: IdHasher::new(hash_seed),
            peers: 0,
            claims: Claims::default(),
            round: Round::default(),
            digests_due: DigestsDue::default(),
            unmet: Unmet::default(),
            counters: Counters::default(),
        }
    }

    /// Goes by other settings from the next message on. Members that were asked for another pause
    /// are kept for as long as they were then.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Changes the pause that clients are asked for at present, and nothing else.
    pub fn set_announce_interval(&mut self, interval: Duration) {
        self.settings.adapted_interval = Some(interval);
    }

    /// Lets one thing happen at time `now`, counted from any fixed moment, never backwards.
    pub fn handle(
        &mut self,
        input: Input<'_>,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) {
        match input {
            Input::Announce { from, announce } => self.announce(from, announce, now, rng, outbox),
            Input::Answer { from, answer } => self.answer(from, answer, now, outbox),
            Input::PeerLeft { from, info_hash, peer_id } => {
                self.peer_left(from, info_hash, peer_id, now, rng, outbox);
            }
            Input::OwnerLives { owner } => {
                let claims = self.claims.take_all_of(owner);
                self.refuse_claims(&claims, outbox);
            }
            Input::Digest { from, info_hash, digest } => {
                self.hear_digest(from, info_hash, digest, now, rng, outbox);
            }
            Input::SiblingsGone { siblings } => self.forget_siblings(siblings),
            Input::Reconnected => self.reconnect(),
            Input::CrossOffer { from, offer } => self.deliver(from, offer, now, rng, outbox),
            Input::CrossAnswer { from, answer } => self.take_back(from, answer, now, outbox),
            Input::Sweep => {
                self.sweep(now, rng, outbox);
                let claims = self.claims.take_expired(now);
                self.refuse_claims(&claims, outbox);
                self.say_digests(now, outbox);
            }
        }
    }

    /// Whether the swarm is here.
    #[must_use]
    pub fn contains(&self, info_hash: &InfoHash) -> bool {
        self.key_of(info_hash).is_some()
    }

    /// The swarm's size, with what siblings have said that they have; zeros when it isn't here.
    #[must_use]
    pub fn counts(&self, info_hash: &InfoHash) -> Counts {
        self.key_of(info_hash).map_or_else(Counts::default, |key| self.swarms[key].1.counts())
    }

    /// The size of what of the swarm is here; zeros when nothing is.
    #[must_use]
    pub fn own_counts(&self, info_hash: &InfoHash) -> Counts {
        self.key_of(info_hash).map_or_else(Counts::default, |key| self.swarms[key].1.own_counts())
    }

    /// Members of all swarms, as far as they are here. A viewer of two swarms counts twice.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.peers
    }

    /// Number of swarms.
    #[must_use]
    pub fn swarms(&self) -> usize {
        self.swarms.len()
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn announce(
        &mut self,
        from: ConnId,
        announce: &Announce,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) {
        let key = self.open(announce.info_hash);
        let swarm = &mut self.swarms[key].1;
        let before = swarm.len();
        let outcome = swarm.announce(from, announce, &self.settings, now, rng, outbox);
        self.peers = self.peers - before + swarm.len();
        match outcome {
            Ok(offered) => {
                self.counters.announces += 1;
                self.counters.offers_relayed += offered.relayed as u64;
                self.counters.offers_early += offered.early as u64;
                self.counters.offers_over_rate += offered.over_rate as u64;
                self.counters.cross_offers_sent += offered.crossed as u64;
                if before == 0 {
                    self.say_hello(key, from, announce, now, outbox);
                }
                if announce.event == Event::Stopped {
                    self.pass_on(from, announce.info_hash, announce.peer_id, now, rng, outbox);
                }
            }
            Err(Unheard::Taken { owner }) => self.claim(owner, from, announce, now, outbox),
            Err(Unheard::Refused(reason)) => {
                let info_hash = announce.info_hash_span.of(&announce.frame);
                self.refuse(from, info_hash, reason, outbox);
            }
        }
        self.close_if_empty(key, outbox);
    }

    fn answer(&mut self, from: ConnId, answer: &Answer, now: Duration, outbox: &mut impl Outbox) {
        let outcome = match self.key_of(&answer.info_hash) {
            Some(key) => self.swarms[key].1.answer(from, answer, now, outbox),
            None => Err(Reason::NotAnnounced),
        };
        match outcome {
            Ok(Answered::Here) => self.counters.answers_relayed += 1,
            Ok(Answered::Across) => self.counters.cross_answers_sent += 1,
            Err(reason) => {
                let info_hash = answer.info_hash_span.of(&answer.frame);
                self.refuse(from, info_hash, reason, outbox);
            }
        }
    }

    fn peer_left(
        &mut self,
        from: ConnId,
        info_hash: InfoHash,
        peer_id: PeerId,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) {
        let Some(key) = self.key_of(&info_hash) else {
            return;
        };
        let swarm = &mut self.swarms[key].1;
        match swarm.owner_of(&peer_id) {
            Some(owner) if owner == from => {
                swarm.leave(&peer_id);
                self.peers -= 1;
                self.pass_on(owner, info_hash, peer_id, now, rng, outbox);
                self.close_if_empty(key, outbox);
            }
            Some(owner) => self.claims.withdraw(from, owner, info_hash, peer_id),
            None => {}
        }
    }

    fn refuse(&mut self, to: ConnId, info_hash: &[u8], reason: Reason, outbox: &mut impl Outbox) {
        self.counters.refusals += 1;
        let info_hash = Some(info_hash);
        outbox.send(to, &Outgoing::Refusal { action: Action::Announce, info_hash, reason });
    }

    fn key_of(&self, info_hash: &InfoHash) -> Option<usize> {
        let same = |&key: &usize| self.swarms[key].0 == *info_hash;
        self.by_info_hash.find(self.hasher.hash(&info_hash.0), same).copied()
    }

    fn open(&mut self, info_hash: InfoHash) -> usize {
        self.key_of(&info_hash).unwrap_or_else(|| {
            let key = self.swarms.insert((info_hash, Swarm::new(self.hasher.clone())));
            let (swarms, hasher) = (&self.swarms, &self.hasher);
            let hash = |&key: &usize| hasher.hash(&swarms[key].0.0);
            self.by_info_hash.insert_unique(hasher.hash(&info_hash.0), key, hash);
            key
        })
    }

    fn close_if_empty(&mut self, key: usize, outbox: &mut impl Outbox) {
        if !self.swarms[key].1.is_empty() {
            return;
        }
        self.say_goodbye(key, outbox);
        let (info_hash, _) = self.swarms.remove(key);
        let own = self.hasher.hash(&info_hash.0);
        if let Ok(entry) = self.by_info_hash.find_entry(own, |&other| other == key) {
            entry.remove();
        }
        self.shrink();
    }

    /// Gives memory back after many swarms have closed, as far as those that are left lie in front,
    /// and not so eagerly that it is taken right again.
    fn shrink(&mut self) {
        let (len, capacity) = (self.by_info_hash.len(), self.by_info_hash.capacity());
        if capacity > TABLE_KEPT && len < capacity / 4 {
            let (swarms, hasher) = (&self.swarms, &self.hasher);
            let hash = |&key: &usize| hasher.hash(&swarms[key].0.0);
            self.by_info_hash.shrink_to(len * 2, hash);
            self.swarms.shrink_to_fit();
        }
    }
}
