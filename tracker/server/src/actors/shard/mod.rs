//! One worker's swarms. A handler translates, calls the core, and lets the core write into the
//! outboxes of the worker's sockets; what a round of messages has put there goes out in one write
//! per socket, once the mailbox is empty.

mod drain;
mod messages;
mod outboxes;
mod probe;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix::prelude::*;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::{Input, Shard};

use super::peer::PeerActor;
use crate::latency::RelayTimes;
use crate::limits::{
    DRAIN_TICK, SHARD_MAILBOX_MESSAGES, SWARM_LIST_AGE, SWARMS_LISTED_MAX, SWEEP_TICK,
};
use crate::load::Busy;
use crate::process;
use crate::swarm_list::Snapshot;
use crate::worker::Worker;
use drain::Draining;
pub(crate) use messages::{
    Adopt, Announce, Deliver, Drain, LargestSwarms, OwnerLives, PeerLeft, PolicyChanged, Probe,
    RelayAnswer, Scrape,
};
use outboxes::{Outboxes, verdict};
use probe::probe;
pub(crate) use probe::{Probing, tell_alive};

/// The actor around a worker's [`Shard`].
#[derive(Debug)]
pub(crate) struct ShardActor {
    worker: Rc<Worker>,
    shard: Shard,
    rng: SmallRng,
    busy: Busy,
    /// The largest swarms, and when they were that.
    largest: Option<(Snapshot, Duration)>,
    /// Messages for the sockets of other workers, by worker, until the end of the round.
    elsewhere: Vec<Deliver>,
    /// When the messages for sockets of this worker were read, until the end of the round.
    relay_times: RelayTimes,
}

impl ShardActor {
    /// Starts the shard of `worker` on the worker's thread.
    pub(crate) fn start_on(worker: &Rc<Worker>) -> Addr<Self> {
        let node = &worker.node;
        Self {
            worker: worker.clone(),
            shard: Shard::new(node.policy().settings.clone(), node.hash_seed),
            rng: SmallRng::seed_from_u64(rand::random()),
            busy: Busy::default(),
            largest: None,
            elsewhere: (0..node.workers()).map(|_| Deliver::default()).collect(),
            relay_times: RelayTimes::default(),
        }
        .start()
    }

    /// Goes by the node's policy from now on.
    fn obey_policy(&mut self) {
        let policy = self.worker.node.policy();
        self.worker.obey(&policy);
        self.shard.configure(policy.settings.clone());
        self.shard.set_announce_interval(self.worker.node.adapt_announce_interval());
    }

    /// Lets the core handle what has happened: by a message that was read at `read_at`, or by time.
    fn apply(&mut self, input: Input<'_>, read_at: Option<Duration>) {
        let mut outboxes = Outboxes {
            worker: &self.worker,
            elsewhere: &mut self.elsewhere,
            read_at,
            relay_times: &mut self.relay_times,
        };
        self.shard.handle(input, self.worker.node.now(), &mut self.rng, &mut outboxes);
    }

    /// Ends a round: each socket that something was sent to is written to once.
    fn end_round(&mut self) {
        // First, so that who has read a reply finds it counted.
        self.worker.metrics().publish(&self.shard);
        self.worker.flush();
        self.relay_times.written(|| self.worker.node.now(), &self.worker.metrics().relay_times);
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
    }

    fn sweep(&mut self) {
        let now = self.worker.node.now();
        if let Some(cpu_time) = process::thread_cpu_time() {
            self.worker.metrics().set_busy_ratio(self.busy.look(cpu_time, now));
        }
        self.shard.set_announce_interval(self.worker.node.adapt_announce_interval());
        self.apply(Input::Sweep, None);
        self.worker.sweep(|connection| verdict(connection, now));
        // They belong to all workers, and one is enough.
        if self.worker.id == 0 {
            self.worker.node.directory.give_back();
            self.worker.node.admissions.sweep(now);
        }
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(SHARD_MAILBOX_MESSAGES);
        // It may have changed since the shard was made, and before it could be told.
        self.obey_policy();
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
        let Announce { from, announce, read_at, left } = message;
        self.apply(Input::Announce { from, announce: &announce }, Some(read_at));
        drop(left);
    }
}

impl Handler<RelayAnswer> for ShardActor {
    type Result = ();

    fn handle(&mut self, message: RelayAnswer, _: &mut Self::Context) {
        let RelayAnswer { from, answer, read_at } = message;
        self.apply(Input::Answer { from, answer: &answer }, Some(read_at));
    }
}

impl Handler<PeerLeft> for ShardActor {
    type Result = ();

    /// The membership's place is given up behind it.
    fn handle(&mut self, PeerLeft { from, membership }: PeerLeft, _: &mut Self::Context) {
        let (info_hash, peer_id) = (membership.place.info_hash(), membership.peer_id);
        self.apply(Input::PeerLeft { from, info_hash, peer_id }, None);
    }
}

impl Handler<Scrape> for ShardActor {
    type Result = MessageResult<Scrape>;

    fn handle(&mut self, Scrape(info_hashes): Scrape, _: &mut Self::Context) -> Self::Result {
        let count = |info_hash| (info_hash, self.shard.counts(&info_hash));
        MessageResult(info_hashes.into_iter().map(count).collect())
    }
}

impl Handler<LargestSwarms> for ShardActor {
    type Result = MessageResult<LargestSwarms>;

    fn handle(&mut self, _: LargestSwarms, _: &mut Self::Context) -> Self::Result {
        let now = self.worker.node.now();
        let fresh = self.largest.take_if(|(_, at)| now <= *at + SWARM_LIST_AGE);
        let (largest, at) =
            fresh.unwrap_or_else(|| (self.shard.largest(SWARMS_LISTED_MAX).into(), now));
        self.largest = Some((largest.clone(), at));
        MessageResult(largest)
    }
}

impl Handler<Adopt> for ShardActor {
    type Result = ();

    fn handle(&mut self, adopt: Adopt, _: &mut Self::Context) {
        let Adopt { stream, seat, unsent, announce, read_at } = adopt;
        match stream.attach() {
            Ok(stream) => {
                let from = PeerActor::start_on(self.worker.clone(), stream, seat);
                self.worker.metrics().relocated.fetch_add(1, Relaxed);
                self.worker.push_frames(from, &unsent);
                self.apply(Input::Announce { from, announce: &announce }, Some(read_at));
            }
            Err(error) => {
                tracing::debug!(%error, "a socket could not move to its swarm's worker");
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
        self.relay_times.append(deliver.relay_times);
    }
}

impl Handler<Probe> for ShardActor {
    type Result = ();

    fn handle(&mut self, Probe { owner, asker }: Probe, _: &mut Self::Context) {
        probe(&self.worker, owner, asker);
    }
}

impl Handler<OwnerLives> for ShardActor {
    type Result = ();

    fn handle(&mut self, OwnerLives(owner): OwnerLives, _: &mut Self::Context) {
        self.apply(Input::OwnerLives { owner }, None);
    }
}

impl Handler<PolicyChanged> for ShardActor {
    type Result = ();

    fn handle(&mut self, _: PolicyChanged, _: &mut Self::Context) {
        self.obey_policy();
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
