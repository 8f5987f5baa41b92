//! One worker's swarms. A handler translates, calls the core, and lets the core write into the
//! outboxes of the worker's sockets; what a round of messages has put there goes out in one write
//! per socket, once the mailbox is empty.

mod drain;
mod messages;
mod outboxes;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context as TaskContext, Poll};

use actix::prelude::*;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::{InfoHash, Input, Shard};

use super::peer::PeerActor;
use super::peer::seat::Membership;
use crate::limits::{DRAIN_TICK, SHARD_MAILBOX_MESSAGES, SWEEP_TICK};
use crate::worker::Worker;
use drain::Draining;
pub(crate) use messages::{Adopt, Announce, Deliver, Drain, PeerLeft, Probe, RelayAnswer, Scrape};
use outboxes::{Outboxes, probe, verdict};

/// The actor around a worker's [`Shard`].
#[derive(Debug)]
pub(crate) struct ShardActor {
    worker: Rc<Worker>,
    shard: Shard,
    rng: SmallRng,
    /// Messages for the sockets of other workers, by worker, until the end of the round.
    elsewhere: Vec<Deliver>,
}

impl ShardActor {
    /// Starts the shard of `worker` on the worker's thread.
    pub(crate) fn start_on(worker: &Rc<Worker>) -> Addr<Self> {
        let node = &worker.node;
        Self {
            worker: worker.clone(),
            shard: Shard::new(node.settings.clone(), node.hash_seed),
            rng: SmallRng::seed_from_u64(rand::random()),
            elsewhere: (0..node.workers()).map(|_| Deliver::default()).collect(),
        }
        .start()
    }

    /// A swarm is opened here only if the directory says so, or has nobody for it.
    fn announce(&mut self, message: Announce) {
        let info_hash = message.announce.info_hash;
        if !self.shard.contains(&info_hash) {
            let own = self.worker.id;
            let owner = self.worker.node.directory.place(info_hash, || own);
            if owner != own {
                if let Some(shard) = self.worker.node.shard(owner) {
                    shard.do_send(message);
                }
                return;
            }
        }
        self.apply(Input::Announce { from: message.from, announce: &message.announce });
    }

    fn apply(&mut self, input: Input<'_>) {
        let mut outboxes = Outboxes { worker: &self.worker, elsewhere: &mut self.elsewhere };
        self.shard.handle(input, self.worker.node.now(), &mut self.rng, &mut outboxes);
    }

    /// Where a message about a swarm must go when its swarm isn't open here: another worker has it
    /// if it was closed and placed anew while the message was on its way.
    fn other_owner(&self, info_hash: InfoHash) -> Option<&Addr<Self>> {
        if self.shard.contains(&info_hash) {
            return None;
        }
        let owner = self.worker.node.directory.worker_of(&info_hash)?;
        (owner != self.worker.id).then(|| self.worker.node.shard(owner)).flatten()
    }

    /// Ends a round: each socket that something was sent to is written to once.
    fn end_round(&mut self) {
        self.worker.flush();
        for (worker, deliver) in (0..).zip(&mut self.elsewhere) {
            if deliver.receivers.is_empty() {
                continue;
            }
            let deliver = std::mem::take(deliver);
            let messages = deliver.receivers.len() as u64;
            let taken =
                self.worker.node.shard(worker).is_some_and(|to| to.try_send(deliver).is_ok());
            if !taken {
                self.worker.metrics().undelivered.fetch_add(messages, Relaxed);
            }
        }
        self.worker.metrics().publish(self.shard.counters(), self.shard.peers());
    }

    fn sweep(&mut self) {
        self.apply(Input::Sweep);
        let now = self.worker.node.now();
        self.worker.sweep(|connection| verdict(connection, now));
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(SHARD_MAILBOX_MESSAGES);
        ctx.run_interval(SWEEP_TICK, |shard, _| shard.sweep());
        ctx.spawn(EndOfRound);
    }
}

/// An actor's futures are polled once its mailbox is empty: this one never ends, and so marks the
/// end of each round.
struct EndOfRound;

impl ActorFuture<ShardActor> for EndOfRound {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        shard: &mut ShardActor,
        _: &mut Context<ShardActor>,
        _: &mut TaskContext<'_>,
    ) -> Poll<()> {
        shard.end_round();
        Poll::Pending
    }
}

impl Handler<Announce> for ShardActor {
    type Result = ();

    fn handle(&mut self, message: Announce, _: &mut Self::Context) {
        self.announce(message);
    }
}

impl Handler<RelayAnswer> for ShardActor {
    type Result = ();

    fn handle(&mut self, message: RelayAnswer, _: &mut Self::Context) {
        match self.other_owner(message.answer.info_hash) {
            Some(owner) => owner.do_send(message),
            None => self.apply(Input::Answer { from: message.from, answer: &message.answer }),
        }
    }
}

impl Handler<PeerLeft> for ShardActor {
    type Result = ();

    fn handle(&mut self, message: PeerLeft, _: &mut Self::Context) {
        let Membership { info_hash, peer_id, .. } = message.membership;
        match self.other_owner(info_hash) {
            Some(owner) => owner.do_send(message),
            None => self.apply(Input::PeerLeft { from: message.from, info_hash, peer_id }),
        }
    }
}

impl Handler<Scrape> for ShardActor {
    type Result = MessageResult<Scrape>;

    fn handle(&mut self, Scrape(info_hashes): Scrape, _: &mut Self::Context) -> Self::Result {
        let count = |info_hash| (info_hash, self.shard.counts(&info_hash));
        MessageResult(info_hashes.into_iter().map(count).collect())
    }
}

impl Handler<Adopt> for ShardActor {
    type Result = ();

    fn handle(&mut self, adopt: Adopt, _: &mut Self::Context) {
        let Adopt { stream, seat, unsent, announce } = adopt;
        let info_hash = announce.info_hash;
        match stream.attach() {
            Ok(stream) => {
                let from = PeerActor::start_on(self.worker.clone(), stream, seat);
                self.worker.metrics().relocated.fetch_add(1, Relaxed);
                self.worker.push_frames(from, &unsent);
                self.announce(Announce { from, announce });
            }
            Err(error) => {
                tracing::debug!(%error, "a socket could not move to its swarm's worker");
                if !self.shard.contains(&info_hash) {
                    self.worker.node.directory.release(&info_hash, self.worker.id);
                }
            }
        }
    }
}

impl Handler<Deliver> for ShardActor {
    type Result = ();

    fn handle(&mut self, deliver: Deliver, _: &mut Self::Context) {
        let mut texts = &deliver.texts[..];
        for (receiver, bytes) in deliver.receivers {
            let (text, rest) = texts.split_at(bytes);
            self.worker.send_text(receiver, text);
            texts = rest;
        }
    }
}

impl Handler<Probe> for ShardActor {
    type Result = ();

    fn handle(&mut self, Probe(owner): Probe, _: &mut Self::Context) {
        probe(&self.worker, owner);
    }
}

impl Handler<Drain> for ShardActor {
    type Result = ();

    fn handle(&mut self, Drain { window }: Drain, ctx: &mut Self::Context) {
        let mut draining = Draining::new(&self.worker, window);
        draining.tick(&self.worker);
        ctx.run_interval(DRAIN_TICK, move |shard, _| draining.tick(&shard.worker));
    }
}
