//! ffmpeg as the origin uses it: what it can do here, how it is called, how it is run, what it says,
//! and how its segments are taken over. When and how often to run it is decided elsewhere.

mod encode;
mod handover;
mod heard;
pub(crate) mod ingest;
mod probe;
mod process;
mod secrets;
mod streams;
pub(crate) mod testcard;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use handover::{Row, clean, header, take};
pub(crate) use heard::Heard;
pub(crate) use probe::{Ability, probe};
pub(crate) use process::FfmpegProcess;
pub(crate) use secrets::Secrets;

use crate::playlist::Track;

/// What one run of ffmpeg is to do.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The stream's name, for the log.
    pub(crate) stream: String,
    pub(crate) args: Args,
    /// What comes of it.
    pub(crate) tracks: Vec<Track>,
    /// The length of segment that it aims at.
    pub(crate) segment: Duration,
    /// How long after its start the first one has to be there; `None` when its input is silent
    /// until somebody sends, and again when he has left.
    pub(crate) first_within: Option<Duration>,
    pub(crate) ability: Ability,
    /// Where ffmpeg writes, and nobody else.
    pub(crate) folder: PathBuf,
    pub(crate) secrets: Secrets,
}

impl Job {
    /// Whether somebody has to send first.
    pub(crate) fn waits(&self) -> bool {
        self.first_within.is_none()
    }
}

/// ffmpeg's command line but for its end, which is the same for all. It holds secrets.
#[derive(Clone)]
pub(crate) struct Args(pub(crate) Vec<String>);

impl std::fmt::Debug for Args {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Args({})", self.0.len())
    }
}

/// The program, looked for in `PATH`.
const PROGRAM: &str = "ffmpeg";
