//! One stream: it has its source run, keeps the window of what the source delivers, and publishes
//! an edition after each segment. Which source that is, it does not know.

use std::sync::Arc;
use std::time::SystemTime;

use actix::prelude::*;
use futures_util::future::LocalBoxFuture;

use super::source::{Fate, SourceActor, StopSource, Supplied};
use crate::config::{Start, Stream};
use crate::integrity::Signer;
use crate::limits::{FALLBACK_HELD_SEGMENTS, SOURCE_WATCH};
use crate::playlist::{Delivery, Presentation, Refusal};
use crate::source::{Source, Supply};
use crate::store::{Edition, Shelf, State, Wanted};

/// Why a stream or a source is away that nobody has stopped.
const BROKEN_DOWN: &str = "it has broken down, which is a fault of the origin; its log has more";

/// Makes a stream's source, once for each time that the stream starts.
pub(crate) type MakeSource = Box<dyn Fn() -> Box<dyn Source>>;

/// Owns one stream from its start to the origin's end.
pub(crate) struct StreamActor {
    name: String,
    make_source: MakeSource,
    start: Start,
    source: Option<Addr<SourceActor>>,
    presentation: Presentation,
    shelf: Arc<Shelf>,
    signer: Arc<Signer>,
    followers: Vec<(usize, Recipient<Supplied>)>,
    /// Whether it was told to stop: else its end is a fault.
    is_stopping: bool,
}

/// Sent by a fallback that wants what the stream gets, from its tracks and newest segments on. As
/// long as somebody follows it, the stream is asked for.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Follow {
    pub(crate) from: usize,
    pub(crate) to: Recipient<Supplied>,
}

/// The end of it.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Unfollow {
    pub(crate) to: Recipient<Supplied>,
}

/// Sent once by the origin when it stops; answered when the source has let go of everything.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StopStream;

impl StreamActor {
    pub(crate) fn new(
        stream: &Stream,
        make_source: MakeSource,
        shelf: Arc<Shelf>,
        signer: Arc<Signer>,
    ) -> Self {
        StreamActor {
            name: stream.name.clone(),
            make_source,
            start: stream.start,
            source: None,
            presentation: Presentation::new(stream.playlist_segments, SystemTime::now()),
            shelf,
            signer,
            followers: Vec::new(),
            is_stopping: false,
        }
    }

    /// Starts the source when somebody asks who has not asked before `since_ms`.
    fn wait_for_demand(&self, since_ms: u64, ctx: &mut Context<Self>) {
        let shelf = self.shelf.clone();
        let asked = async move { shelf.demand.after(since_ms).await };
        ctx.spawn(asked.into_actor(self).map(|(), stream, ctx| stream.start_source(ctx)));
    }

    fn start_source(&mut self, ctx: &mut Context<Self>) {
        self.shelf.note(|status| status.state = State::Starting);
        let source = (self.make_source)();
        let source = SourceActor::new(self.name.clone(), source, 0, ctx.address().recipient());
        self.source = Some(source.start());
    }

    /// A source whose actor has gone without being told to has met a fault of ours: another one
    /// takes its place.
    fn mend_source(&mut self, ctx: &mut Context<Self>) {
        if self.source.as_ref().is_none_or(Addr::connected) {
            return;
        }
        tracing::error!(stream = self.name, "the source has broken down: another one starts");
        self.start_source(ctx);
        self.shelf.note(|status| {
            status.state = State::Failing;
            status.restarts += 1;
            status.last_failure = Some(BROKEN_DOWN.to_owned());
        });
    }

    /// A stream on demand that nobody has asked for of late stops, and forgets what it had: it
    /// would be old when somebody asks again.
    fn stop_when_idle(&mut self, ctx: &mut Context<Self>) {
        if !self.followers.is_empty() {
            // Who follows the stream takes all of it.
            self.shelf.demand.ask(Wanted::AllTracks);
            return;
        }
        let Start::OnDemand(idle) = self.start else {
            return;
        };
        if self.shelf.demand.idle() < idle {
            return;
        }
        let Some(source) = self.source.take() else {
            return;
        };
        tracing::info!(stream = self.name, "nobody has asked for {idle:?}: the source stops");
        let since_ms = self.shelf.demand.now_ms();
        self.presentation.clear();
        self.shelf.withdraw();
        self.shelf.note(|status| status.state = State::Idle);
        let stopped = source.send(StopSource).into_actor(self);
        // An error here is a source that has gone already.
        ctx.spawn(stopped.map(move |_, stream, ctx| stream.wait_for_demand(since_ms, ctx)));
    }

    fn take(&mut self, delivery: Delivery, fate: &Fate) {
        if let Some(timeline) = self.push(delivery.clone(), fate) {
            self.publish();
            self.tell(&Supply::Segment(Delivery { timeline, ..delivery }));
        }
    }

    /// The list of tracks says from now on what this one is; of its segments there is none.
    fn take_sample(&mut self, sample: Delivery, fate: &Fate) {
        let track = sample.track;
        if self.push(sample, fate).is_some() {
            self.presentation.clear_track(track);
            self.publish();
        }
    }

    /// Adds it to its track, if it can be taken; returns its timeline then.
    fn push(&mut self, delivery: Delivery, fate: &Fate) -> Option<u64> {
        match self.presentation.push(delivery) {
            Ok(segment) => {
                let (sequence, timeline) = (segment.sequence, segment.timeline);
                fate.take();
                self.note_life(sequence);
                Some(timeline)
            }
            Err(refusal) => {
                self.refuse(&refusal, fate);
                None
            }
        }
    }

    fn refuse(&self, refusal: &Refusal, fate: &Fate) {
        tracing::warn!(stream = self.name, "not taken: {refusal}");
        fate.refuse(refusal.to_string());
    }

    fn note_life(&self, sequence: u64) {
        self.shelf.note(|status| {
            if status.state != State::Live {
                tracing::info!(stream = self.name, sequence, "the stream is live");
            }
            status.state = State::Live;
            status.last_segment_at = Some(SystemTime::now());
        });
    }

    /// All files at once, with the digests of those that they name.
    fn publish(&self) {
        let before = self.shelf.edition();
        let mut edition = Edition::of(&self.presentation, before.as_deref());
        let digests = self.presentation.digests();
        match self.signer.sign(&self.name, SystemTime::now(), digests) {
            Ok(document) => edition.add_digests(document, self.presentation.target()),
            Err(error) => tracing::error!(stream = self.name, "cannot sign digests: {error}"),
        }
        self.shelf.publish(edition);
    }

    fn tell(&self, supply: &Supply) {
        for (from, to) in &self.followers {
            to.do_send(Supplied::of(*from, supply.clone()));
        }
    }

    /// What a new follower has missed: the tracks, and their newest segments.
    fn catch_up(&self, from: usize, to: &Recipient<Supplied>) {
        let tracks = self.presentation.tracks();
        if tracks.is_empty() {
            return;
        }
        let target = self.presentation.target();
        let tracks = tracks.iter().map(|of| of.track.clone()).collect();
        to.do_send(Supplied::of(from, Supply::Tracks { tracks, target }));
        for delivery in self.presentation.newest(FALLBACK_HELD_SEGMENTS) {
            to.do_send(Supplied::of(from, Supply::Segment(delivery)));
        }
    }
}

impl Actor for StreamActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.start {
            Start::Always => self.start_source(ctx),
            Start::OnDemand(_) => self.wait_for_demand(0, ctx),
        }
        ctx.run_interval(SOURCE_WATCH, |stream, ctx| {
            stream.mend_source(ctx);
            stream.stop_when_idle(ctx);
        });
    }
}

impl Handler<Supplied> for StreamActor {
    type Result = ();

    fn handle(&mut self, Supplied { supply, fate, .. }: Supplied, _: &mut Self::Context) {
        if self.source.is_none() {
            return;
        }
        match supply {
            Supply::Tracks { tracks, target } => {
                self.presentation.begin_run();
                match self.presentation.declare(tracks.clone(), target) {
                    Ok(()) => self.tell(&Supply::Tracks { tracks, target }),
                    Err(refusal) => tracing::warn!(stream = self.name, "not taken: {refusal}"),
                }
            }
            Supply::Segment(delivery) => self.take(delivery, &fate),
            Supply::Sample(sample) => self.take_sample(sample, &fate),
            Supply::Rests { track } => {
                self.presentation.clear_track(track);
                self.publish();
            }
            Supply::Fails(reason) => {
                tracing::warn!(stream = self.name, "the source goes on, but {reason}");
                self.shelf.note(|status| {
                    status.state = State::Failing;
                    status.last_failure = Some(reason);
                });
            }
            Supply::Ended(reason) => self.shelf.note(|status| {
                status.state = State::Failing;
                status.restarts += 1;
                status.last_failure = Some(reason);
            }),
        }
    }
}

impl Handler<Follow> for StreamActor {
    type Result = ();

    fn handle(&mut self, Follow { from, to }: Follow, _: &mut Self::Context) {
        self.shelf.demand.ask(Wanted::AllTracks);
        self.catch_up(from, &to);
        self.followers.push((from, to));
    }
}

impl Handler<Unfollow> for StreamActor {
    type Result = ();

    fn handle(&mut self, Unfollow { to }: Unfollow, _: &mut Self::Context) {
        self.shelf.demand.ask(Wanted::NoTrack);
        self.followers.retain(|(_, follower)| *follower != to);
    }
}

impl Handler<StopStream> for StreamActor {
    type Result = LocalBoxFuture<'static, ()>;

    fn handle(&mut self, _: StopStream, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        self.is_stopping = true;
        let source = self.source.take();
        Box::pin(async move {
            if let Some(source) = source {
                // An error here is a source that has gone already.
                let _ = source.send(StopSource).await;
            }
        })
    }
}

impl Drop for StreamActor {
    /// An actor that panics is dropped, and nobody else would tell: what it has published stays, and
    /// would look alive.
    fn drop(&mut self) {
        if !self.is_stopping {
            tracing::error!(stream = self.name, "the stream has broken down");
            if let Some(source) = self.source.take() {
                source.do_send(StopSource);
            }
            self.shelf.note(|status| {
                status.state = State::Failing;
                status.last_failure = Some(BROKEN_DOWN.to_owned());
            });
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
