//! What looks at the node once a second, for all who look at the dashboard: it keeps the last hour,
//! and what it tells it writes once, however many there are. It lives on the main thread, and costs
//! the workers nothing but the reading of their counts.

use std::sync::Arc;

use actix::prelude::*;
use actix_web::web::Bytes;
use bytestring::ByteString;
use origin::Counts;

use super::stats_feed::{EndFeed, StatsFeed, StatsTick};
use crate::dashboard::Watch;
use crate::limits::{FEEDS_MAX, SAMPLE_TICK, SAMPLES_PER_SURVEY};
use crate::node::Node;
use crate::swarm_list;

/// The actor that samples.
#[derive(Debug)]
pub(crate) struct SamplerActor {
    node: Arc<Node>,
    watch: Watch,
    /// Who looks; [`FEEDS_MAX`] at most, since each has a seat.
    feeds: Vec<Addr<StatsFeed>>,
    /// The history as it is sent, until the next sample.
    history: Option<Bytes>,
    /// The last survey, while somebody looks.
    survey: Option<ByteString>,
    /// One is being made.
    surveying: bool,
}

/// From a `StatsFeed` that starts: it wants the ticks. It waits for what it is answered, and is sent
/// each tick behind that. Taken whether the mailbox is full or not.
#[derive(Message, Debug)]
#[rtype(result = "Welcome")]
pub(crate) struct Subscribe(pub(crate) Addr<StatsFeed>);

/// What a feed is told first.
#[derive(Debug)]
pub(crate) struct Welcome {
    pub(crate) hello: ByteString,
    pub(crate) history: Bytes,
    /// The last tick, and the last survey if there is one.
    pub(crate) then: Vec<ByteString>,
}

/// From the tracker's handle: look no more, and end all feeds.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct StopSampler;

impl SamplerActor {
    /// Starts sampling `node`, and the streams of its origin.
    pub(crate) fn start_for(node: &Arc<Node>, origin: Option<Counts>) -> Addr<Self> {
        let sampler = Self {
            node: node.clone(),
            watch: Watch::new(node.clone(), origin),
            feeds: Vec::with_capacity(FEEDS_MAX),
            history: None,
            survey: None,
            surveying: false,
        };
        sampler.start()
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.watch.look();
        self.history = None;
        self.feeds.retain(Addr::connected);
        if self.feeds.is_empty() {
            if self.survey.take().is_some() {
                self.watch.rest();
            }
            return;
        }
        self.tell(&self.watch.tick());
        if self.watch.number().is_multiple_of(SAMPLES_PER_SURVEY) {
            self.make_survey(ctx);
        }
    }

    /// Who has ticks waiting still misses this one.
    fn tell(&self, text: &ByteString) {
        for feed in &self.feeds {
            let _ = feed.try_send(StatsTick(text.clone()));
        }
    }

    /// Asks the workers for their largest swarms, and tells all feeds when they have answered.
    fn make_survey(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.surveying, true) {
            return;
        }
        let swarms = swarm_list::largest(&self.node).into_actor(self);
        ctx.spawn(swarms.map(|swarms, sampler, _| {
            let text = sampler.watch.survey(&swarms);
            sampler.tell(&text);
            sampler.survey = Some(text);
            sampler.surveying = false;
        }));
    }
}

impl Actor for SamplerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(SAMPLE_TICK, Self::tick);
    }
}

impl Handler<Subscribe> for SamplerActor {
    type Result = MessageResult<Subscribe>;

    fn handle(&mut self, Subscribe(feed): Subscribe, ctx: &mut Self::Context) -> Self::Result {
        if self.survey.is_none() {
            self.make_survey(ctx);
        }
        self.feeds.push(feed);
        let history = self.history.get_or_insert_with(|| self.watch.history()).clone();
        let then = [self.watch.tick()].into_iter().chain(self.survey.clone()).collect();
        MessageResult(Welcome { hello: self.watch.hello(), history, then })
    }
}

impl Handler<StopSampler> for SamplerActor {
    type Result = ();

    fn handle(&mut self, _: StopSampler, ctx: &mut Self::Context) {
        for feed in &self.feeds {
            feed.do_send(EndFeed);
        }
        ctx.stop();
    }
}
