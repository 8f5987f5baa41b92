//! One stream: it starts the source, keeps the window of what the source delivers, and publishes
//! an edition after each segment. Which source that is, it does not know.

use std::sync::Arc;

use actix::prelude::*;
use futures_util::future::LocalBoxFuture;

use crate::playlist::{Segment, Window};
use crate::source::{Playing, Source};
use crate::store::{Edition, Shelf};

/// Owns one stream from its start to the origin's end.
pub(crate) struct StreamActor {
    name: String,
    source: Box<dyn Source>,
    playing: Option<Box<dyn Playing>>,
    window: Window,
    shelf: Arc<Shelf>,
}

/// The source finished a segment. Sources send it without waiting for room: they make one in a
/// second or slower, and start with at most a playlist's length.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct SegmentReady(pub(crate) Segment);

/// Sent once by the origin when it stops; answered when the source has let go of everything.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StopStream;

impl StreamActor {
    pub(crate) fn new(
        name: String,
        source: Box<dyn Source>,
        playlist_segments: usize,
        shelf: Arc<Shelf>,
    ) -> Self {
        StreamActor { name, source, playing: None, window: Window::new(playlist_segments), shelf }
    }
}

impl Actor for StreamActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.playing = Some(self.source.play(ctx.address().recipient()));
    }
}

impl Handler<SegmentReady> for StreamActor {
    type Result = ();

    fn handle(&mut self, SegmentReady(segment): SegmentReady, _: &mut Self::Context) {
        let (name, sequence) = (segment.name.clone(), segment.sequence);
        if !self.window.push(segment) {
            tracing::warn!(stream = self.name, segment = %name, "an old segment came again");
            return;
        }
        if self.shelf.edition().is_none() {
            tracing::info!(stream = self.name, sequence, "the stream is live");
        }
        self.shelf.publish(Edition::of(&self.window, self.source.segment()));
    }
}

impl Handler<StopStream> for StreamActor {
    type Result = LocalBoxFuture<'static, ()>;

    fn handle(&mut self, _: StopStream, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        match self.playing.take() {
            Some(playing) => playing.stop(),
            None => Box::pin(async {}),
        }
    }
}
