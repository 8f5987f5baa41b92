//! A picture with a clock and a tone, from ffmpeg's own generators: a live source that needs no
//! camera, whose clock shows the latency and whose beep shows that sound and picture agree.

use std::path::PathBuf;

use super::transcode::Transcoding;
use super::{Patience, Playing, Sink, Source};
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
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        Box::new(Transcoding::start(self.job.clone(), sink))
    }

    fn patience(&self) -> Patience {
        Transcoding::patience(self.job.card.segment)
    }
}
