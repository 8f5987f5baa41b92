//! Where a stream's segments come from. A source delivers whole segments of the tracks that it has
//! declared, in order; numbers, playlists and restarts are its stream's, and the same for all.

mod chain;
mod clip;
mod cuttings;
mod dir;
mod fallback;
mod film;
mod folder;
mod ingest;
mod layout;
mod looped;
mod packaged;
mod prepared;
mod push;
mod running;
mod silence;
mod testcard;
mod transcode;
mod upstream;
mod wall_clock;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Recipient};
use futures_util::future::LocalBoxFuture;

pub(crate) use chain::Chain;
pub(crate) use dir::DirSource;
pub(crate) use fallback::FallbackSource;
pub(crate) use ingest::IngestSource;
pub(crate) use looped::LoopSource;
pub(crate) use packaged::{FilePath, Listing, ListingError, PathError, Round};
pub(crate) use push::{Intake, Intakes, PushSource, Refusal, Upload};
pub(crate) use testcard::TestcardSource;
pub(crate) use upstream::{Memory, UpstreamSource};

use crate::actors::{FromSource, StreamActor};
use crate::config::{SourceKind, Stream};
use crate::fetch::Pseudonym;
use crate::ffmpeg::Ability;
use crate::playlist::{Delivery, Track};
use crate::store::Demand;

/// Something that makes segments.
pub(crate) trait Source {
    /// Starts to deliver to `sink`, until it is told to stop or says that it has ended. Called
    /// within an actix System, once for each run.
    fn play(&self, sink: Sink) -> Box<dyn Playing>;

    /// How long a run may be silent before it counts as hung, and another one is started. For ever
    /// unless the source says otherwise: some never hang, and some watch themselves, as they know
    /// more.
    fn patience(&self) -> Patience {
        Patience::default()
    }
}

/// A source at work.
pub(crate) trait Playing {
    /// Ends it; the future is done when no child process and no task of it is left. It tells what
    /// the source still had to say, which explains why it was silent.
    fn stop(self: Box<Self>) -> LocalBoxFuture<'static, Option<String>>;
}

/// How long a source may take; `None` is for ever, for what waits until somebody sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Patience {
    /// From its start to its first segment.
    pub(crate) first: Option<Duration>,
    /// From one segment to the next.
    pub(crate) next: Option<Duration>,
}

/// What a source has to say. A clone shares the bytes.
#[derive(Debug, Clone)]
pub(crate) enum Supply {
    /// First of all, and again when it changes: the tracks, and the length of segment that the
    /// source aims at. What follows has other timestamps than what was before.
    Tracks {
        tracks: Vec<Track>,
        target: Duration,
    },
    Segment(Delivery),
    /// A segment of a track that nobody wants: from it the list of tracks learns what the track is.
    /// It is never shown, so whoever comes next may be given older ones.
    Sample(Delivery),
    /// Nobody wants this track, so no more of it comes until somebody does: what is there ages.
    Rests {
        track: usize,
    },
    /// Something fails, and the source goes on trying: what is there stays.
    Fails(String),
    /// Last of all, and why: the run is over.
    Ended(String),
}

/// Where one run of a source delivers. Clones may be given to its tasks.
#[derive(Debug, Clone)]
pub(crate) struct Sink {
    to: Recipient<FromSource>,
    run: u64,
}

/// Nobody takes deliveries any more: the run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

impl Sink {
    pub(crate) fn new(to: Recipient<FromSource>, run: u64) -> Self {
        Sink { to, run }
    }

    /// Delivers, and waits until it has been taken: a source is never ahead of its stream.
    pub(crate) async fn deliver(&self, supply: Supply) -> Result<(), Closed> {
        self.to.send(FromSource { run: self.run, supply }).await.map_err(|_| Closed)
    }

    /// The same from an actor, which cannot wait: for what comes no faster than segments are made.
    pub(crate) fn post(&self, supply: Supply) {
        self.to.do_send(FromSource { run: self.run, supply });
    }
}

/// The source that a stream's config asks for, as far as this machine's ffmpeg can give it. `demand`
/// is the stream's, and so is `memory`, which outlives its sources.
pub(crate) fn source_of(
    stream: &Stream,
    demand: &Arc<Demand>,
    memory: &Rc<RefCell<Memory>>,
    surroundings: &Surroundings,
) -> Box<dyn Source> {
    let name = stream.name.as_str();
    match &stream.source {
        SourceKind::Testcard(card) if surroundings.ability.encodes() => {
            let folder = surroundings.folder.join(name);
            Box::new(TestcardSource::new(name, card, surroundings.ability, folder))
        }
        SourceKind::Ingest(ingest) => {
            let folder = surroundings.folder.join(name);
            Box::new(IngestSource::new(name, ingest, surroundings.ability, folder))
        }
        SourceKind::Testcard(_) | SourceKind::Loop(None) => {
            Box::new(LoopSource::testcard(stream.playlist_segments))
        }
        SourceKind::Loop(Some(folder)) => {
            Box::new(LoopSource::folder(folder.clone(), stream.playlist_segments))
        }
        SourceKind::Push(_) => match surroundings.intakes.get(name) {
            Some(intake) => Box::new(PushSource::new(intake.clone())),
            // Each stream with a push has an intake.
            None => Box::new(LoopSource::testcard(stream.playlist_segments)),
        },
        SourceKind::Dir(dir) => Box::new(DirSource::new(name, dir, stream.playlist_segments)),
        SourceKind::Fallback(members) => {
            let address = |member: &String| {
                let address = surroundings.streams.get(member)?.clone();
                Some((member.clone(), address))
            };
            let members = members.iter().filter_map(address).collect();
            Box::new(FallbackSource::new(name, members))
        }
        SourceKind::Upstream(upstream) => {
            let pseudonym = surroundings.pseudonym.clone();
            let (demand, memory) = (demand.clone(), memory.clone());
            Box::new(UpstreamSource::new(upstream.clone(), pseudonym, demand, memory))
        }
    }
}

/// What sources find on this machine and in this origin.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) ability: Ability,
    /// Where ffmpeg writes, a subfolder for each stream.
    pub(crate) folder: PathBuf,
    /// Where encoders send.
    pub(crate) intakes: Intakes,
    /// Of this origin, for its requests.
    pub(crate) pseudonym: Pseudonym,
    /// The streams that run already.
    pub(crate) streams: HashMap<String, Addr<StreamActor>>,
}
