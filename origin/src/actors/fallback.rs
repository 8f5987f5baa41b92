//! Keeps a fallback's chain going: follows the members that it wants, runs the slate at its end,
//! and passes on what the chain lets through.

use std::time::Instant;

use actix::prelude::*;
use futures_util::future::LocalBoxFuture;

use super::source::{SourceActor, StopSource, Supplied};
use super::stream::{Follow, StreamActor, Unfollow};
use crate::limits::FALLBACK_WATCH;
use crate::source::{Chain, Sink, Source};

/// One run of a fallback.
pub(crate) struct FallbackActor {
    stream: String,
    members: Vec<(String, Addr<StreamActor>)>,
    /// Makes the slate, which comes after all members.
    make_slate: fn() -> Box<dyn Source>,
    slate: Option<Addr<SourceActor>>,
    /// How many of the members are followed, the slate included.
    followed: usize,
    on_air: Option<usize>,
    chain: Chain,
    sink: Sink,
}

/// Sent once when the run ends; answered when the slate has let go of everything.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StopFallback;

impl FallbackActor {
    pub(crate) fn new(
        stream: String,
        members: Vec<(String, Addr<StreamActor>)>,
        make_slate: fn() -> Box<dyn Source>,
        sink: Sink,
    ) -> Self {
        let chain = Chain::new(members.len() + 1, Instant::now());
        let (slate, followed, on_air) = (None, 0, None);
        FallbackActor { stream, members, make_slate, slate, followed, on_air, chain, sink }
    }

    /// Follows who is wanted, and nobody else.
    fn follow(&mut self, ctx: &mut Context<Self>) {
        let wanted = self.chain.wanted();
        while self.followed < wanted {
            let (from, to) = (self.followed, ctx.address().recipient());
            match self.members.get(from) {
                Some((_, member)) => member.do_send(Follow { from, to }),
                None => {
                    let slate =
                        SourceActor::new(self.stream.clone(), (self.make_slate)(), from, to);
                    self.slate = Some(slate.start());
                }
            }
            self.followed += 1;
        }
        while self.followed > wanted {
            self.followed -= 1;
            match self.members.get(self.followed) {
                Some((_, member)) => member.do_send(Unfollow { to: ctx.address().recipient() }),
                None => self.slate.take().into_iter().for_each(|slate| slate.do_send(StopSource)),
            }
        }
    }

    fn tell_who_is_on_air(&mut self) {
        let now = self.chain.on_air();
        if now == self.on_air {
            return;
        }
        self.on_air = now;
        let stream = &self.stream;
        match now.map(|index| self.members.get(index)) {
            Some(Some((member, _))) => tracing::info!(stream, "on air: {member}"),
            Some(None) => tracing::warn!(stream, "on air: the offline slate"),
            None => tracing::warn!(stream, "nobody is on air"),
        }
    }

    fn watch(&mut self, ctx: &mut Context<Self>) {
        let out = self.chain.tick(Instant::now());
        out.into_iter().for_each(|supply| self.sink.post(supply));
        self.follow(ctx);
        self.tell_who_is_on_air();
    }
}

impl Actor for FallbackActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.follow(ctx);
        ctx.run_interval(FALLBACK_WATCH, Self::watch);
    }
}

impl Handler<Supplied> for FallbackActor {
    type Result = ();

    fn handle(&mut self, Supplied { from, supply, .. }: Supplied, ctx: &mut Self::Context) {
        let out = self.chain.supply(from, supply, Instant::now());
        out.into_iter().for_each(|supply| self.sink.post(supply));
        self.follow(ctx);
        self.tell_who_is_on_air();
    }
}

impl Handler<StopFallback> for FallbackActor {
    type Result = LocalBoxFuture<'static, ()>;

    fn handle(&mut self, _: StopFallback, ctx: &mut Self::Context) -> Self::Result {
        for (_, member) in self.members.iter().take(self.followed) {
            member.do_send(Unfollow { to: ctx.address().recipient() });
        }
        let slate = self.slate.take();
        ctx.stop();
        Box::pin(async move {
            if let Some(slate) = slate {
                // An error here is a slate that has gone already.
                let _ = slate.send(StopSource).await;
            }
        })
    }
}
