//! The link to other nodes: one connection to NATS, on a thread of its own, so that whatever it does
//! delays no viewer. It says that this node is there, sends what workers have put into the queue, and
//! gives them what comes.

mod connection;
mod incoming;
mod options;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use actix::prelude::*;
use async_nats::Client;
use async_nats::client::PublishErrorKind;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::task::JoinHandle;

use super::queue::{Queued, Receiver};
use super::records::{Hello, Load, Record};
use super::wire::{self, Incarnation};
use super::{Cluster, queue};
use crate::actors::NodesCame;
use crate::limits::{
    BUS_BUCKET_INTERVALS, BUS_FLUSH_AFTER, BUS_MAILBOX_MESSAGES, BUS_RECONNECT_PAUSE_MAX,
    BUS_RETRY_AFTER, BUS_STOP_TIMEOUT, BUS_TICK,
};
use crate::node::Node;

/// The actor of the link.
pub(crate) struct NatsActor {
    node: Arc<Node>,
    cluster: Arc<Cluster>,
    client: Option<Client>,
    /// When there will be another client, after the last one has ended.
    begins_again_at: Option<Duration>,
    /// Before this the log hears of no further refusal.
    quiet_until: Duration,
    /// The buckets that this node has something in.
    buckets: BTreeMap<u8, Bucket>,
    said_hello_at: Duration,
    /// Something waits in the queue until NATS takes more.
    retries: bool,
    /// Nodes have come since the last tick.
    came: bool,
    /// The log was told that NATS is away.
    away: bool,
    /// Why the last attempt to connect failed, in a word or two, until the next one begins.
    failed: Option<String>,
}

/// From the task that waits at the queue: it has something.
#[derive(Message)]
#[rtype(result = "()")]
struct Filled;

/// From the task of a subscription: this has come. It is taken whether the mailbox is full or not,
/// and dropped before that when there is no [`Room`](super::room::Room).
#[derive(Message)]
#[rtype(result = "()")]
struct Heard(Bytes);

/// From the tracker's handle, once: say goodbye and hang up. The answer comes when that is done.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StopNats;

impl NatsActor {
    /// Starts the link on a thread of its own.
    pub(crate) fn start_for(node: &Arc<Node>, cluster: &Arc<Cluster>) -> Addr<Self> {
        let actor = Self {
            node: node.clone(),
            cluster: cluster.clone(),
            client: None,
            begins_again_at: None,
            quiet_until: Duration::ZERO,
            buckets: BTreeMap::new(),
            said_hello_at: Duration::ZERO,
            retries: false,
            came: false,
            away: false,
            failed: None,
        };
        Self::start_in_arbiter(&Arbiter::new().handle(), |_| actor)
    }

    fn subject(&self, rest: &str) -> String {
        format!("{}.{rest}", self.cluster.config.subject)
    }

    fn subject_of(&self, bucket: u8) -> String {
        self.subject(&format!("digests.{bucket:02x}"))
    }

    fn inbox_of(&self, node: Incarnation) -> String {
        self.subject(&format!("node.{:016x}", node.0))
    }

    /// Hears a subject from now on. `None` when NATS doesn't take the subscription now.
    fn listen_to(&self, subject: String, ctx: &mut Context<Self>) -> Option<JoinHandle<()>> {
        let subscribed = self.client.as_ref()?.subscribe(subject).now_or_never()?;
        let (mut subscriber, link) = (subscribed.ok()?, ctx.address());
        let cluster = self.cluster.clone();
        Some(actix_rt::spawn(async move {
            // As fast as it comes: what waited in the client would be bounded by its number alone.
            while let Some(message) = subscriber.next().await {
                if cluster.unheard.take(message.payload.len()) {
                    link.do_send(Heard(message.payload));
                } else {
                    cluster.counts.overrun.add(1);
                }
            }
        }))
    }

    /// Hears the digests of a bucket from now on: before ours are said there, so that the answer to
    /// an opening is not missed. `false` when NATS doesn't take the subscription now.
    fn listen_to_bucket(&mut self, bucket: u8, ctx: &mut Context<Self>) -> bool {
        if !self.buckets.contains_key(&bucket) {
            let Some(listener) = self.listen_to(self.subject_of(bucket), ctx) else { return false };
            self.buckets.insert(bucket, Bucket { said_at: Duration::ZERO, listener });
        }
        if let Some(bucket) = self.buckets.get_mut(&bucket) {
            bucket.said_at = self.node.now();
        }
        true
    }

    /// Sends what workers have put into the queue, as far as NATS takes it.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        if !self.is_connected() {
            return;
        }
        let (queued, stale) = self.cluster.queue.take(self.node.now());
        self.cluster.counts.stale.add(stale);
        let mut messages = queue::merged(queued).into_iter();
        while let Some(queued) = messages.next() {
            if !self.send(&queued, ctx) {
                let unsent: Vec<_> = std::iter::once(queued).chain(messages).collect();
                let dropped = self.cluster.queue.put_back(unsent.into_iter());
                self.cluster.counts.queue_full.add(dropped);
                if !std::mem::replace(&mut self.retries, true) {
                    ctx.notify_later(Filled, BUS_RETRY_AFTER);
                }
                return;
            }
        }
    }

    /// Sends a message. `false` when NATS doesn't take it now.
    fn send(&mut self, queued: &Queued, ctx: &mut Context<Self>) -> bool {
        let subject = match queued.to {
            Receiver::Node(slot) => match self.cluster.presence().incarnation_of(slot) {
                Some(node) => self.inbox_of(node),
                None => {
                    self.cluster.counts.gone.add(queued.batch.count());
                    return true;
                }
            },
            Receiver::Bucket(bucket) => {
                if !self.listen_to_bucket(bucket, ctx) {
                    return false;
                }
                self.subject_of(bucket)
            }
        };
        let mut message = Vec::with_capacity(wire::HEAD_BYTES + queued.batch.records.len());
        wire::write_head(self.cluster.own, &mut message);
        message.extend_from_slice(&queued.batch.records);
        self.publish(subject, message)
    }

    fn say_hello(&mut self, to: Option<Incarnation>, asks: bool) {
        let interval = self.node.policy().settings.digest_interval;
        let hello = Hello {
            name: &self.cluster.config.node,
            workers: self.node.workers(),
            every_ms: interval.as_millis() as u32,
            asks,
            load: Some(Load {
                connections: self.node.metrics.connections() as u64,
                peers: self.node.metrics.peers() as u64,
            }),
        };
        let subject = to.map_or_else(|| self.subject("presence"), |to| self.inbox_of(to));
        let message = self.message_of(&Record::Hello(hello));
        // What it doesn't take now is said again in the next interval.
        self.publish(subject, message);
        if to.is_none() {
            self.said_hello_at = self.node.now();
        }
    }

    /// A message with this record alone.
    fn message_of(&self, record: &Record<'_>) -> Vec<u8> {
        let mut message = Vec::new();
        wire::write_head(self.cluster.own, &mut message);
        record.write(&mut message);
        message
    }

    /// Gives NATS a message. `false` when it doesn't take one now.
    fn publish(&mut self, subject: String, message: Vec<u8>) -> bool {
        let counts = &self.cluster.counts;
        let Some(client) = &self.client else { return false };
        let bytes = message.len() as u64;
        match client.publish(subject, message.into()).now_or_never() {
            None => return false,
            Some(Ok(())) => {
                counts.messages_sent.add(1);
                counts.bytes_sent.add(bytes);
            }
            // Its task is no more, by a bug of its own: a server's nonsense can bring that about.
            Some(Err(error)) if error.kind() == PublishErrorKind::Send => {
                counts.connected.store(false, Relaxed);
                self.is_wrong(&"the client has ended, and begins again");
                self.client = None;
                self.buckets.clear();
                self.begins_again_at = Some(self.node.now() + BUS_RECONNECT_PAUSE_MAX);
                return false;
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "NATS refuses a message");
                counts.refused.add(1);
            }
        }
        true
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        let (now, interval) = (self.node.now(), self.node.policy().settings.digest_interval);
        if self.begins_again_at.take_if(|at| *at <= now).is_some() {
            self.connect(ctx);
        }
        if !self.is_connected() {
            self.cluster.counts.stale.add(self.cluster.queue.drop_stale(now));
        }
        if self.is_connected() && now >= self.said_hello_at + interval {
            self.say_hello(None, false);
        }
        // Together: a cluster that comes back is many nodes at once.
        if std::mem::take(&mut self.came) {
            self.node.shards().for_each(|shard| shard.do_send(NodesCame));
        }
        let gone = self.cluster.presence().sweep(now);
        self.tell_gone(gone);
        let is_ours = |bucket: &Bucket| now <= bucket.said_at + interval * BUS_BUCKET_INTERVALS;
        self.buckets.retain(|_, bucket| is_ours(bucket));
    }

    fn is_connected(&self) -> bool {
        self.cluster.counts.is_connected()
    }
}

/// A subject of digests that is heard.
struct Bucket {
    /// When something was said there last.
    said_at: Duration,
    listener: JoinHandle<()>,
}

/// With its task goes the subscription.
impl Drop for Bucket {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Actor for NatsActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(BUS_MAILBOX_MESSAGES);
        self.connect(ctx);
        ctx.run_interval(BUS_TICK, Self::tick);
        let (link, cluster) = (ctx.address(), self.cluster.clone());
        actix_rt::spawn(async move {
            loop {
                cluster.queue.filled().await;
                tokio::time::sleep(BUS_FLUSH_AFTER).await;
                if link.send(Filled).await.is_err() {
                    break;
                }
            }
        });
    }
}

impl Handler<Filled> for NatsActor {
    type Result = ();

    fn handle(&mut self, _: Filled, ctx: &mut Self::Context) {
        self.retries = false;
        self.flush(ctx);
    }
}

impl Handler<Heard> for NatsActor {
    type Result = ();

    fn handle(&mut self, Heard(message): Heard, _: &mut Self::Context) {
        self.cluster.unheard.give_back(message.len());
        self.hear(&message);
    }
}

impl Handler<StopNats> for NatsActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopNats, ctx: &mut Self::Context) -> Self::Result {
        let goodbye = (self.subject("presence"), self.message_of(&Record::Goodbye));
        let goodbye = self.is_connected().then_some(goodbye);
        let client = self.client.take();
        self.buckets.clear();
        ctx.stop();
        Box::pin(async move {
            if let (Some(client), Some((subject, message))) = (client, goodbye) {
                let said = async {
                    let _ = client.publish(subject, message.into()).await;
                    let _ = client.flush().await;
                };
                let _ = tokio::time::timeout(BUS_STOP_TIMEOUT, said).await;
            }
            Arbiter::current().stop();
        })
    }
}
