//! ffmpeg as the origin uses it: what it can do here, how it is called, how it is run, and how its
//! segments are taken over. Knows nothing of actors; `TranscoderActor` decides when and how often.

mod args;
mod handover;
mod log;
mod probe;
mod process;

use std::path::PathBuf;

pub(crate) use handover::{clean, take};
pub(crate) use probe::{Ability, probe};
pub(crate) use process::FfmpegProcess;

use crate::config::Card;

/// What one stream wants of ffmpeg.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The stream's name, with which its files begin.
    pub(crate) stream: String,
    pub(crate) card: Card,
    pub(crate) ability: Ability,
    /// Where ffmpeg writes, and nobody else.
    pub(crate) folder: PathBuf,
}

/// The program, looked for in `PATH`.
const PROGRAM: &str = "ffmpeg";

/// The playlist by which ffmpeg says which segments are whole.
const HANDOVER_PLAYLIST: &str = "index.m3u8";
