//! A picture with a clock and a tone, from ffmpeg's own generators: a live source that needs no
//! camera, whose clock shows the latency and whose beep shows that sound and picture agree.

use std::path::PathBuf;
use std::rc::Rc;

use super::silence::first_patience;
use super::transcode::{Recipe, Verdict, transcode};
use super::{Playing, Sink, Source};
use crate::config::Card;
use crate::ffmpeg::{Ability, Args, Heard, Job, Secrets, testcard};

/// Plays the test card.
pub(crate) struct TestcardSource(Rc<Job>);

impl TestcardSource {
    /// A card for the stream `name`, handed over in `folder`.
    pub(crate) fn new(name: &str, card: &Card, ability: Ability, folder: PathBuf) -> Self {
        TestcardSource(Rc::new(Job {
            stream: name.to_owned(),
            args: Args(testcard::live(card, ability.draws_text)),
            tracks: testcard::tracks(card),
            segment: card.segment,
            first_within: Some(first_patience(card.segment)),
            ability,
            folder,
            secrets: Secrets::default(),
        }))
    }
}

impl Source for TestcardSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        transcode(self.0.clone(), sink)
    }
}

/// It is always the same.
impl Recipe for Job {
    fn job(&self) -> Job {
        self.clone()
    }

    fn judge(&self, _: &Heard, _: bool) -> Verdict {
        Verdict::Right
    }
}
