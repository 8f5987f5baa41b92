//! Which source a stream has: the one whose section it has. A stream with none is the test card.

use serde::{Deserialize, Serialize};

use super::checks::refuse;
use super::stream::StreamConfig;
use super::testcard::Card;
use super::upstream::Upstream;
use crate::error::ConfigError;

/// The clip, which has its own picture and 2 s segments: nothing of it can be set.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LoopConfig {}

/// What a stream plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// ffmpeg draws and encodes it.
    Testcard(Card),
    /// The shipped clip.
    Loop,
    /// The first of these streams that delivers.
    Fallback(Vec<String>),
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
            ("fallback", self.fallback.is_some()),
            ("upstream", self.upstream.is_some()),
        ];
        let there = sections.iter().filter(|(_, is_there)| *is_there);
        let there: Vec<_> = there.map(|(name, _)| *name).collect();
        if there.len() > 1 {
            return refuse(key, there.join(" and "), "one source");
        }
        if self.r#loop.is_some() {
            return Ok(SourceKind::Loop);
        }
        if let Some(fallback) = self.fallback.clone() {
            return Ok(SourceKind::Fallback(fallback.validate(&format!("{key}.fallback"))?));
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
            SourceKind::Loop => "loop",
            SourceKind::Fallback(_) => "fallback",
            SourceKind::Upstream(_) => "upstream",
        }
    }

    /// Whether an ffmpeg has to run.
    pub(crate) fn needs_ffmpeg(&self) -> bool {
        matches!(self, SourceKind::Testcard(_))
    }
}
