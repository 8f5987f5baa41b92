//! Other streams in a chain, with an offline slate at its end: viewers see a discontinuity where
//! they would have seen an error.

use actix::{Actor, Addr};
use futures_util::future::LocalBoxFuture;

use super::{LoopSource, Playing, Sink, Source};
use crate::actors::{FallbackActor, StopFallback, StreamActor};
use crate::limits::FALLBACK_HELD_SEGMENTS;

/// Plays the best of some streams that delivers.
pub(crate) struct FallbackSource {
    stream: String,
    members: Vec<(String, Addr<StreamActor>)>,
}

impl FallbackSource {
    /// For the stream of that name; the members come best first.
    pub(crate) fn new(stream: &str, members: Vec<(String, Addr<StreamActor>)>) -> Self {
        FallbackSource { stream: stream.to_owned(), members }
    }
}

impl Source for FallbackSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        let (stream, members) = (self.stream.clone(), self.members.clone());
        Box::new(PlayingFallback(FallbackActor::new(stream, members, slate, sink).start()))
    }
}

fn slate() -> Box<dyn Source> {
    Box::new(LoopSource::slate(FALLBACK_HELD_SEGMENTS))
}

struct PlayingFallback(Addr<FallbackActor>);

impl Playing for PlayingFallback {
    fn stop(self: Box<Self>) -> LocalBoxFuture<'static, Option<String>> {
        Box::pin(async move {
            // An error here is an actor that has gone already.
            let _ = self.0.send(StopFallback).await;
            None
        })
    }
}
