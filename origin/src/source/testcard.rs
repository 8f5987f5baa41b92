//! A picture with a clock and a tone, from ffmpeg's own generators: a live source that needs no
//! camera, whose clock shows the latency and whose beep shows that sound and picture agree.

use std::path::PathBuf;
use std::time::Duration;

use actix::{Actor, Addr, Recipient};
use futures_util::future::LocalBoxFuture;

use super::{Playing, Source};
use crate::actors::{SegmentReady, StopTranscoder, TranscoderActor};
use crate::config::Card;
use crate::ffmpeg::{Ability, Job};

/// Plays the test card.
pub(crate) struct TestcardSource {
    job: Job,
}

impl TestcardSource {
    /// A card for the stream `name`, handed over in `folder`.
    pub(crate) fn new(name: &str, card: Card, ability: Ability, folder: PathBuf) -> Self {
        TestcardSource { job: Job { stream: name.to_owned(), card, ability, folder } }
    }
}

impl Source for TestcardSource {
    fn segment(&self) -> Duration {
        self.job.card.segment
    }

    fn play(&self, stream: Recipient<SegmentReady>) -> Box<dyn Playing> {
        Box::new(PlayingTestcard(TranscoderActor::new(self.job.clone(), stream).start()))
    }
}

struct PlayingTestcard(Addr<TranscoderActor>);

impl Playing for PlayingTestcard {
    fn stop(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        Box::pin(async move {
            // An error here is an actor that has gone already, and its ffmpeg with it.
            let _ = self.0.send(StopTranscoder).await;
        })
    }
}
