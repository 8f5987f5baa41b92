//! Where a stream's segments come from. A source numbers and names what it makes, so that a number
//! and a name never mean two contents, not even after a restart; everything above it is the same
//! for all sources.

mod looped;
mod testcard;

use std::path::PathBuf;
use std::time::Duration;

use actix::Recipient;
use futures_util::future::LocalBoxFuture;

pub(crate) use looped::LoopSource;
pub(crate) use testcard::TestcardSource;

use crate::actors::SegmentReady;
use crate::config::{SourceKind, Stream};
use crate::ffmpeg::Ability;

/// Something that makes segments.
pub(crate) trait Source {
    /// The length of segment that it aims at.
    fn segment(&self) -> Duration;

    /// Starts to deliver segments, in order and each one whole, until it is told to stop. Called
    /// within an actix System, once.
    fn play(&self, stream: Recipient<SegmentReady>) -> Box<dyn Playing>;
}

/// A source at work.
pub(crate) trait Playing {
    /// Ends it; the future is done when no child process and no task of it is left.
    fn stop(self: Box<Self>) -> LocalBoxFuture<'static, ()>;
}

/// The source that a stream's config asks for, as far as this machine's ffmpeg can give it.
pub(crate) fn source_of(stream: &Stream, ability: Ability, folder: PathBuf) -> Box<dyn Source> {
    match stream.source {
        SourceKind::Testcard(card) if ability.encodes() => {
            Box::new(TestcardSource::new(&stream.name, card, ability, folder))
        }
        SourceKind::Testcard(_) | SourceKind::Loop => {
            Box::new(LoopSource::new(stream.playlist_segments))
        }
    }
}
