//! The test card's picture and segments.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checks::within;
use super::quality::{Quality, QualityConfig, ladder};
use crate::error::ConfigError;
use crate::limits;

/// A test card as it is written. The large clock needs an ffmpeg with `drawtext` and a font;
/// without an ffmpeg that has libx264 and AAC, the clip of `loop` plays instead.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TestcardConfig {
    /// Frames a second.
    pub fps: i64,
    /// Seconds in a segment. Shorter ones cut the latency, and cost requests.
    pub segment_seconds: i64,
    /// The qualities of the picture, which is 16:9; the sound adds 96 kbit/s.
    pub qualities: Vec<QualityConfig>,
}

impl Default for TestcardConfig {
    fn default() -> Self {
        TestcardConfig { fps: 30, segment_seconds: 2, qualities: vec![QualityConfig::default()] }
    }
}

/// A test card to be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    /// At least one.
    pub(crate) qualities: Vec<Quality>,
    pub(crate) fps: u32,
    pub(crate) segment: Duration,
}

impl TestcardConfig {
    pub(super) fn validate(self, key: &str, playlist_segments: u32) -> Result<Card, ConfigError> {
        let seconds = within(key, "segmentSeconds", self.segment_seconds, limits::SEGMENT_SECONDS)?;
        Ok(Card {
            qualities: ladder(&self.qualities, key, seconds, playlist_segments)?,
            fps: within(key, "fps", self.fps, limits::FRAMES_PER_SECOND)?,
            segment: Duration::from_secs(u64::from(seconds)),
        })
    }
}
