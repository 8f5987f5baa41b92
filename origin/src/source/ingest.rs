//! Any input that ffmpeg reads or listens on. What it consists of is known only when it is open, and
//! who listens cannot look first: so ffmpeg is called for what most inputs are, and once more when
//! it finds something else. What was found stays known, for the next time.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use super::silence::first_patience;
use super::transcode::{Recipe, Verdict, transcode};
use super::{Playing, Sink, Source};
use crate::config::{Ingest, VideoPolicy, shown};
use crate::ffmpeg::ingest::{Plan, live};
use crate::ffmpeg::{Ability, Args, Heard, Job, Secrets};

/// Why a picture isn't copied that browsers would play.
const UNTIMED: &str = "the picture's frames come in another order than they are shown in, and without \
                       the time of each; have the encoder send none of these (B-frames), or set \
                       `video` to \"auto\"";

/// Plays an input.
pub(crate) struct IngestSource(Rc<IngestRecipe>);

struct IngestRecipe {
    stream: String,
    ingest: Ingest,
    ability: Ability,
    folder: PathBuf,
    secrets: Secrets,
    plan: RefCell<Plan>,
    /// The config's, or what came of it.
    policy: Cell<VideoPolicy>,
}

impl IngestSource {
    /// An input for the stream `name`, handed over in `folder`.
    pub(crate) fn new(name: &str, ingest: &Ingest, ability: Ability, folder: PathBuf) -> Self {
        IngestSource(Rc::new(IngestRecipe {
            stream: name.to_owned(),
            ingest: ingest.clone(),
            ability,
            folder,
            secrets: Secrets::of(&ingest.input.url),
            plan: RefCell::new(Plan::first(ingest.video)),
            policy: Cell::new(ingest.video),
        }))
    }
}

impl Source for IngestSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        let IngestRecipe { stream, ingest, .. } = &*self.0;
        let does = if ingest.input.waits() { "listens on" } else { "reads" };
        tracing::info!(stream, "the source {does} {}", shown(&ingest.input.url));
        transcode(self.0.clone(), sink)
    }
}

impl Recipe for IngestRecipe {
    fn job(&self) -> Job {
        let (plan, input, segment) = (self.plan.borrow(), &self.ingest.input, self.ingest.segment);
        let first_within = first_patience(segment) + input.probe;
        Job {
            stream: self.stream.clone(),
            args: Args(live(&self.ingest, &plan)),
            tracks: plan.tracks(&self.ingest.qualities),
            segment,
            first_within: (!input.waits()).then_some(first_within),
            ability: self.ability,
            folder: self.folder.clone(),
            secrets: self.secrets.clone(),
        }
    }

    fn judge(&self, heard: &Heard, has_ended: bool) -> Verdict {
        if !heard.streams.are_known(has_ended) {
            return Verdict::Right;
        }
        if heard.untimed {
            match self.policy.get() {
                VideoPolicy::Auto => self.policy.set(VideoPolicy::Transcode),
                VideoPolicy::Copy => return Verdict::Refused(UNTIMED.to_owned()),
                VideoPolicy::Transcode => {}
            }
        }
        match Plan::of(&heard.streams, self.policy.get()) {
            Ok(plan) if plan == *self.plan.borrow() => Verdict::Right,
            Ok(plan) => {
                self.plan.replace(plan);
                Verdict::Again
            }
            Err(reason) => Verdict::Refused(reason),
        }
    }
}
