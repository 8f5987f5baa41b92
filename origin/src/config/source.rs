//! Which source a stream has: the one whose section it has. A stream with none is the test card.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse};
use super::dir::Dir;
use super::ingest::Ingest;
use super::push::Push;
use super::stream::StreamConfig;
use super::testcard::Card;
use super::upstream::Upstream;
use crate::error::ConfigError;

/// A clip, over and over.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoopConfig {
    /// A folder with an HLS playlist `index.m3u8` and its segments, in MPEG-TS or CMAF. Default:
    /// the clip that ships with the origin.
    pub folder: Option<PathBuf>,
}

/// What a stream plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// ffmpeg draws and encodes it.
    Testcard(Card),
    /// The clip of a folder, or else the one that ships.
    Loop(Option<PathBuf>),
    /// An encoder sends it.
    Push(Push),
    /// A packager writes it.
    Dir(Dir),
    /// The first of these streams that delivers.
    Fallback(Vec<String>),
    /// What ffmpeg reads or listens on.
    Ingest(Ingest),
    /// Another origin's stream.
    Upstream(Upstream),
}

impl StreamConfig {
    /// The source; `key` is where the stream stands, and a playlist will have `playlist_segments`.
    pub(super) fn source(
        &self,
        key: &str,
        playlist_segments: u32,
    ) -> Result<SourceKind, ConfigError> {
        let sections = [
            ("testcard", self.testcard.is_some()),
            ("loop", self.r#loop.is_some()),
            ("push", self.push.is_some()),
            ("dir", self.dir.is_some()),
            ("fallback", self.fallback.is_some()),
            ("ingest", self.ingest.is_some()),
            ("upstream", self.upstream.is_some()),
        ];
        let there = sections.iter().filter(|(_, is_there)| *is_there);
        let there: Vec<_> = there.map(|(name, _)| *name).collect();
        if there.len() > 1 {
            return refuse(key, there.join(" and "), "one source");
        }
        if let Some(LoopConfig { folder }) = self.r#loop.clone() {
            return match folder {
                Some(folder) if folder.as_os_str().is_empty() => {
                    let key = format!("{key}.loop.folder");
                    refuse(key, quoted(folder.display()), "a path, or left out")
                }
                folder => Ok(SourceKind::Loop(folder)),
            };
        }
        if let Some(push) = self.push.clone() {
            return Ok(SourceKind::Push(push.validate(&format!("{key}.push"))?));
        }
        if let Some(dir) = self.dir.clone() {
            return Ok(SourceKind::Dir(dir.validate(&format!("{key}.dir"))?));
        }
        if let Some(fallback) = self.fallback.clone() {
            return Ok(SourceKind::Fallback(fallback.validate(&format!("{key}.fallback"))?));
        }
        if let Some(ingest) = &self.ingest {
            let key = format!("{key}.ingest");
            return Ok(SourceKind::Ingest(ingest.clone().validate(&key, playlist_segments)?));
        }
        if let Some(upstream) = self.upstream.clone() {
            return Ok(SourceKind::Upstream(upstream.validate(&format!("{key}.upstream"))?));
        }
        let card = self.testcard.clone().unwrap_or_default();
        Ok(SourceKind::Testcard(card.validate(&format!("{key}.testcard"), playlist_segments)?))
    }
}

impl SourceKind {
    /// The section by which it is asked for.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            SourceKind::Testcard(_) => "testcard",
            SourceKind::Loop(_) => "loop",
            SourceKind::Push(_) => "push",
            SourceKind::Dir(_) => "dir",
            SourceKind::Fallback(_) => "fallback",
            SourceKind::Ingest(_) => "ingest",
            SourceKind::Upstream(_) => "upstream",
        }
    }

    /// Whether an ffmpeg has to run.
    pub(crate) fn needs_ffmpeg(&self) -> bool {
        matches!(self, SourceKind::Testcard(_) | SourceKind::Ingest(_))
    }
}
