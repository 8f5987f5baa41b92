//! One operator's dashboard: a WebSocket of actix-web-actors, on which the node tells how it is. Its
//! client has nothing to say, and who doesn't read misses ticks: none of them is kept.

use std::sync::Arc;
use std::time::SystemTime;

use actix::prelude::*;
use actix_web_actors::ws::{self, CloseCode, ProtocolError, WebsocketContext};
use bytestring::ByteString;
use tokio::time::Instant;

use super::sampler::{SamplerActor, Subscribe};
use crate::access::Pass;
use crate::dashboard::OpenFeed;
use crate::limits::{FEED_MAILBOX_TICKS, FEED_PING, FEED_SILENCE_MAX};
use crate::node::Node;

/// The actor of one feed.
#[derive(Debug)]
pub(crate) struct StatsFeed {
    node: Arc<Node>,
    sampler: Addr<SamplerActor>,
    pass: Pass,
    /// When its client last gave a sign of life.
    heard_at: Instant,
    _open: OpenFeed,
}

/// From the `SamplerActor`: a tick or a survey, the same for all. When the mailbox is full it is
/// dropped; there is another one in a second.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct StatsTick(pub(crate) ByteString);

/// From the `SamplerActor`: the tracker stops. Taken whether the mailbox is full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct EndFeed;

impl StatsFeed {
    pub(crate) fn new(
        node: Arc<Node>,
        sampler: Addr<SamplerActor>,
        pass: Pass,
        open: OpenFeed,
    ) -> Self {
        Self { node, sampler, pass, heard_at: Instant::now(), _open: open }
    }

    /// Looks after the client, and after its right to see this.
    fn check(&self, ctx: &mut WebsocketContext<Self>) {
        let is_admitted = self
            .node
            .dashboard
            .as_ref()
            .is_some_and(|access| access.holds(&self.pass, SystemTime::now()));
        if !is_admitted {
            end(ctx, CloseCode::Policy);
        } else if self.heard_at.elapsed() > FEED_SILENCE_MAX {
            end(ctx, CloseCode::Away);
        } else {
            ctx.ping(b"");
        }
    }
}

impl Actor for StatsFeed {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(FEED_MAILBOX_TICKS);
        let welcome = self.sampler.send(Subscribe(ctx.address())).into_actor(self);
        ctx.wait(welcome.map(|welcome, _, ctx| match welcome {
            Ok(welcome) => {
                ctx.text(welcome.hello);
                ctx.binary(welcome.history);
                welcome.then.into_iter().for_each(|text| ctx.text(text));
            }
            // It has stopped.
            Err(_) => end(ctx, CloseCode::Away),
        }));
        ctx.run_interval(FEED_PING, |feed, ctx| feed.check(ctx));
    }
}

impl Handler<StatsTick> for StatsFeed {
    type Result = ();

    fn handle(&mut self, StatsTick(text): StatsTick, ctx: &mut Self::Context) {
        ctx.text(text);
    }
}

impl Handler<EndFeed> for StatsFeed {
    type Result = ();

    fn handle(&mut self, _: EndFeed, ctx: &mut Self::Context) {
        end(ctx, CloseCode::Away);
    }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for StatsFeed {
    fn handle(&mut self, heard: Result<ws::Message, ProtocolError>, ctx: &mut Self::Context) {
        self.heard_at = Instant::now();
        match heard {
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Close(_)) => end(ctx, CloseCode::Normal),
            Ok(ws::Message::Text(_) | ws::Message::Binary(_) | ws::Message::Continuation(_)) => {
                end(ctx, CloseCode::Unsupported);
            }
            Err(ProtocolError::Overflow) => end(ctx, CloseCode::Size),
            // Of the connection: it is broken, or brings more than a feed is told.
            Err(ProtocolError::Io(_)) => end(ctx, CloseCode::Policy),
            Err(_) => end(ctx, CloseCode::Protocol),
        }
    }
}

fn end(ctx: &mut WebsocketContext<StatsFeed>, code: CloseCode) {
    ctx.close(Some(code.into()));
    ctx.stop();
}
