//! The connection to NATS: it is tried until it stands, and again when it breaks, and what it says of
//! itself goes into the log.

use std::fmt::Display;
use std::sync::atomic::Ordering::Relaxed;

use actix::prelude::*;
use async_nats::{Client, Event};

use super::{NatsActor, options};
use crate::limits::{BUS_PAYLOAD_BYTES_MIN, BUS_REFUSAL_PAUSE};

/// From the client of NATS: something has happened to the connection.
#[derive(Message)]
#[rtype(result = "()")]
struct Happened(Event);

/// From the client of NATS: it tries to connect, and has this to say of the attempts before.
#[derive(Message)]
#[rtype(result = "()")]
struct Tries(Option<String>);

impl NatsActor {
    /// Has a client that tries for as long as it takes.
    pub(super) fn connect(&mut self, ctx: &mut Context<Self>) {
        let config = &self.cluster.config;
        let (events, attempts) = (ctx.address(), ctx.address());
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
            // Only an option that makes no sense ends it.
            Err(error) => tracing::error!(%error, "there will be no other nodes"),
        }));
    }

    /// Hears what is for all nodes, and what is for this one.
    fn begin(&mut self, client: Client, ctx: &mut Context<Self>) {
        self.client = Some(client);
        for subject in [self.subject("presence"), self.inbox_of(self.cluster.own)] {
            self.listen_to(subject, ctx);
        }
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
    pub(super) fn is_wrong(&mut self, why: &dyn Display) {
        if !std::mem::replace(&mut self.away, true) {
            tracing::warn!(%why, "NATS is away: this node serves its own viewers meanwhile");
        }
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
                let now = self.node.now();
                if now >= self.quiet_until {
                    tracing::warn!(%error, "NATS refuses something");
                    self.quiet_until = now + BUS_REFUSAL_PAUSE;
                }
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
