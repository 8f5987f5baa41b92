//! The link to other nodes: one connection to NATS, on a thread of its own, so that whatever it does
//! delays no viewer. It says that this node is there, sends what workers have put into the queue, and
//! gives them what comes.

mod incoming;
mod options;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use actix::prelude::*;
use async_nats::{Client, Event};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::task::JoinHandle;

use super::queue::{Queued, Receiver};
use super::records::{Hello, Load, Record};
use super::wire::{self, Incarnation};
use super::{Cluster, queue};
use crate::actors::NodesCame;
use crate::limits::{
    BUS_BUCKET_INTERVALS, BUS_FLUSH_AFTER, BUS_MAILBOX_MESSAGES, BUS_PAYLOAD_BYTES_MIN,
    BUS_RETRY_AFTER, BUS_STOP_TIMEOUT, BUS_TICK,
};
use crate::node::Node;

/// The actor of the link.
pub(crate) struct NatsActor {
    node: Arc<Node>,
    cluster: Arc<Cluster>,
    client: Option<Client>,
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

/// From the task of a subscription: this has come. The task waits when the mailbox is full.
#[derive(Message)]
#[rtype(result = "()")]
struct Heard(Bytes);

/// From the client of NATS: something has happened to the connection.
#[derive(Message)]
#[rtype(result = "()")]
struct Happened(Event);

/// From the client of NATS: it tries to connect, and has this to say of the attempts before.
#[derive(Message)]
#[rtype(result = "()")]
struct Tries(Option<String>);

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

    /// Hears what is for all nodes, and what is for this one.
    fn begin(&mut self, client: Client, ctx: &mut Context<Self>) {
        self.client = Some(client);
        for subject in [self.subject("presence"), self.inbox_of(self.cluster.own)] {
            self.listen_to(subject, ctx);
        }
    }

    /// Hears a subject from now on. `None` when NATS doesn't take the subscription now.
    fn listen_to(&self, subject: String, ctx: &mut Context<Self>) -> Option<JoinHandle<()>> {
        let subscribed = self.client.as_ref()?.subscribe(subject).now_or_never()?;
        let (mut subscriber, link) = (subscribed.ok()?, ctx.address());
        Some(actix_rt::spawn(async move {
            while let Some(message) = subscriber.next().await {
                if link.send(Heard(message.payload)).await.is_err() {
                    break;
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
        self.publish_record(subject, &Record::Hello(hello));
        if to.is_none() {
            self.said_hello_at = self.node.now();
        }
    }

    fn publish_record(&self, subject: String, record: &Record<'_>) {
        // What it doesn't take now is said again in the next interval.
        self.publish(subject, self.message_of(record));
    }

    /// A message with this record alone.
    fn message_of(&self, record: &Record<'_>) -> Vec<u8> {
        let mut message = Vec::new();
        wire::write_head(self.cluster.own, &mut message);
        record.write(&mut message);
        message
    }

    /// Gives NATS a message. `false` when it doesn't take one now.
    fn publish(&self, subject: String, message: Vec<u8>) -> bool {
        let counts = &self.cluster.counts;
        let Some(client) = &self.client else { return false };
        let bytes = message.len() as u64;
        match client.publish(subject, message.into()).now_or_never() {
            None => return false,
            Some(Ok(())) => {
                counts.messages_sent.add(1);
                counts.bytes_sent.add(bytes);
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "NATS refuses a message");
                counts.refused.add(1);
            }
        }
        true
    }

    fn tick(&mut self) {
        let (now, interval) = (self.node.now(), self.node.policy().settings.digest_interval);
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

    /// Tells the log if the server takes too little at a time.
    fn look_at_server(&self) {
        let bytes = self.client.as_ref().map(|client| client.max_payload());
        if let Some(bytes) = bytes.filter(|bytes| *bytes < BUS_PAYLOAD_BYTES_MIN) {
            let needed = BUS_PAYLOAD_BYTES_MIN;
            tracing::warn!(
                bytes,
                needed,
                "NATS takes shorter messages than there may be, see max_payload"
            );
        }
    }

    /// Something is wrong with the connection. The log hears it once, until there is one again.
    fn is_wrong(&mut self, why: &dyn Display) {
        if !std::mem::replace(&mut self.away, true) {
            tracing::warn!(%why, "NATS is away: this node serves its own viewers meanwhile");
        }
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
        let (link, config) = (ctx.address(), &self.cluster.config);
        let (events, attempts) = (link.clone(), link.clone());
        let options = options::options(config)
            .event_callback(move |event| {
                events.do_send(Happened(event));
                async {}
            })
            .reconnect_to_server_callback(move |servers, _| {
                attempts.do_send(Tries(options::why_not(&servers)));
                // The next server in the order that the client has.
                async { None }
            });
        let connect = options.connect(config.servers.clone()).into_actor(self);
        ctx.wait(connect.map(|client, link, ctx| match client {
            Ok(client) => link.begin(client, ctx),
            // It tries for as long as it takes; only an option that makes no sense ends it.
            Err(error) => tracing::error!(%error, "there will be no other nodes"),
        }));
        ctx.run_interval(BUS_TICK, |link, _| link.tick());
        let cluster = self.cluster.clone();
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
        self.hear(&message);
    }
}

impl Handler<Happened> for NatsActor {
    type Result = ();

    fn handle(&mut self, Happened(event): Happened, ctx: &mut Self::Context) {
        let counts = &self.cluster.counts;
        match event {
            Event::Connected => {
                tracing::info!("NATS is there");
                counts.connected.store(true, Relaxed);
                self.look_at_server();
                self.away = false;
                self.failed = None;
                self.say_hello(None, true);
                self.flush(ctx);
            }
            Event::SlowConsumer(_) => counts.overrun.add(1),
            Event::LameDuckMode | Event::Draining => {}
            Event::Disconnected | Event::Closed => {
                counts.connected.store(false, Relaxed);
                self.is_wrong(&"it has hung up");
            }
            // It may also be about one message or subject, such as one that we may not have.
            Event::ServerError(error) if self.is_connected() => {
                tracing::warn!(%error, "NATS refuses something");
            }
            Event::ServerError(error) => self.is_wrong(&error),
            // It has a kind and no reason, which is there when the client tries again.
            Event::ClientError(error) => self.failed = Some(error.to_string()),
        }
    }
}

impl Handler<Tries> for NatsActor {
    type Result = ();

    fn handle(&mut self, Tries(why_not): Tries, _: &mut Self::Context) {
        if let Some(kind) = self.failed.take() {
            self.is_wrong(&why_not.unwrap_or(kind));
        }
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
