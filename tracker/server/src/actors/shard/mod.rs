//! One worker's swarms, for what comes from elsewhere and for time: a handler translates and calls
//! the core, as the actors of this worker's sockets do themselves. And the end of each round: what
//! has been put into outboxes goes out in one write per socket.

mod drain;
mod messages;
mod outboxes;
mod probe;
mod swarms;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix::prelude::*;
use tracker_core::Input;

use super::peer::PeerActor;
use crate::bus::{Batch, NodeSlot};
use crate::close::Close;
use crate::limits::{
    DRAIN_TICK, SHARD_MAILBOX_MESSAGES, SWARM_LIST_AGE, SWARMS_LISTED_MAX, SWEEP_TICK,
};
use crate::load::Busy;
use crate::process;
use crate::swarm_list::Snapshot;
use crate::worker::Worker;
use drain::Draining;
pub(crate) use messages::{
    Adopt, Announce, Apply, Deliver, Drain, FromSiblings, LargestSwarms, NodesCame, NodesSpoke,
    OwnerLives, PeerLeft, PolicyChanged, Probe, RelayAnswer, Scrape, SiblingsGone,
};
use outboxes::finding;
use probe::probe;
pub(crate) use probe::{Probing, tell_alive};
pub(crate) use swarms::Swarms;

/// The actor around a worker's [`Swarms`].
#[derive(Debug)]
pub(crate) struct ShardActor {
    worker: Rc<Worker>,
    busy: Busy,
    /// The largest swarms, and when they were that.
    largest: Option<(Snapshot, Duration)>,
}

impl ShardActor {
    /// Starts the shard of `worker` on the worker's thread.
    pub(crate) fn start_on(worker: &Rc<Worker>) -> Addr<Self> {
        Self { worker: worker.clone(), busy: Busy::default(), largest: None }.start()
    }

    /// Goes by the node's policy from now on.
    fn obey_policy(&mut self) {
        let policy = self.worker.node.policy();
        self.worker.obey(&policy);
        let shard = &mut self.worker.swarms.borrow_mut().shard;
        shard.configure(policy.settings.clone());
        shard.set_announce_interval(self.worker.node.adapt_announce_interval());
    }

    /// Hears a part of what other nodes have said, when a round ends: so they wait for the sockets of
    /// this worker, and not the sockets for them. Whether there is more.
    fn hear_nodes(&self) -> bool {
        let cluster = self.worker.node.cluster.as_deref();
        let inbox = cluster.and_then(|cluster| cluster.inbox(self.worker.id));
        let Some(inbox) = inbox.filter(|inbox| inbox.is_filled()) else { return false };
        inbox.take().into_iter().for_each(|(node, batch)| self.hear(node, &batch));
        inbox.is_filled()
    }

    fn hear(&self, node: NodeSlot, batch: &Batch) {
        let read_at = self.worker.node.now();
        batch.each(node, |input| self.worker.apply(input, Some(read_at)));
    }

    fn sweep(&mut self) {
        let now = self.worker.node.now();
        if let Some(cpu_time) = process::thread_cpu_time() {
            self.worker.metrics().set_busy_ratio(self.busy.look(cpu_time, now));
        }
        let interval = self.worker.node.adapt_announce_interval();
        self.worker.swarms.borrow_mut().shard.set_announce_interval(interval);
        self.worker.apply(Input::Sweep, None);
        self.worker.sweep(|connection| finding(connection, now));
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

/// An actor's futures are polled once its mailbox is empty, and when one is woken: this one never
/// ends, and so marks the end of each round.
struct EndOfRound;

impl ActorFuture<ShardActor> for EndOfRound {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        shard: &mut ShardActor,
        _: &mut Context<ShardActor>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<()> {
        {
            let mut swarms = shard.worker.swarms.borrow_mut();
            swarms.end_with(cx.waker());
            swarms.end_round(&shard.worker);
        }
        if shard.hear_nodes() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Handler<Announce> for ShardActor {
    type Result = ();

    fn handle(&mut self, announce: Announce, _: &mut Self::Context) {
        announce.apply(&self.worker);
    }
}

impl Handler<RelayAnswer> for ShardActor {
    type Result = ();

    fn handle(&mut self, answer: RelayAnswer, _: &mut Self::Context) {
        answer.apply(&self.worker);
    }
}

impl Handler<PeerLeft> for ShardActor {
    type Result = ();

    fn handle(&mut self, left: PeerLeft, _: &mut Self::Context) {
        left.apply(&self.worker);
    }
}

impl Handler<Scrape> for ShardActor {
    type Result = MessageResult<Scrape>;

    fn handle(&mut self, Scrape(info_hashes): Scrape, _: &mut Self::Context) -> Self::Result {
        let shard = &self.worker.swarms.borrow().shard;
        let count = |info_hash| (info_hash, shard.counts(&info_hash));
        MessageResult(info_hashes.into_iter().map(count).collect())
    }
}

impl Handler<LargestSwarms> for ShardActor {
    type Result = MessageResult<LargestSwarms>;

    fn handle(&mut self, _: LargestSwarms, _: &mut Self::Context) -> Self::Result {
        let now = self.worker.node.now();
        let fresh = self.largest.take_if(|(_, at)| now <= *at + SWARM_LIST_AGE);
        let (largest, at) = fresh.unwrap_or_else(|| {
            let shard = &self.worker.swarms.borrow().shard;
            (shard.largest(SWARMS_LISTED_MAX).into(), now)
        });
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
                self.worker.apply(Input::Announce { from, announce: &announce }, Some(read_at));
            }
            Err(error) => {
                tracing::debug!(%error, "a socket could not move to its swarm's worker");
                self.worker.metrics().closed(Close::Lost);
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
        self.worker.swarms.borrow_mut().relay_times.append(deliver.relay_times);
    }
}

impl Handler<FromSiblings> for ShardActor {
    type Result = ();

    fn handle(&mut self, FromSiblings(batch): FromSiblings, _: &mut Self::Context) {
        self.hear(NodeSlot::OWN, &batch);
    }
}

impl Handler<NodesSpoke> for ShardActor {
    type Result = ();

    /// They are heard at the end of the round, which follows whatever comes by the mailbox.
    fn handle(&mut self, _: NodesSpoke, _: &mut Self::Context) {}
}

impl Handler<NodesCame> for ShardActor {
    type Result = ();

    fn handle(&mut self, _: NodesCame, _: &mut Self::Context) {
        self.worker.apply(Input::Reconnected, None);
    }
}

impl Handler<SiblingsGone> for ShardActor {
    type Result = ();

    fn handle(&mut self, SiblingsGone(siblings): SiblingsGone, _: &mut Self::Context) {
        self.worker.apply(Input::SiblingsGone { siblings: &siblings }, None);
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
        self.worker.apply(Input::OwnerLives { owner }, None);
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
