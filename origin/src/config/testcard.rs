//! The test card's picture and segments.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checks::{refuse, within};
use crate::error::ConfigError;
use crate::limits;

/// A test card as it is written. The large clock needs an ffmpeg with `drawtext` and a font;
/// without an ffmpeg that has libx264 and AAC, the clip of `loop` plays instead.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TestcardConfig {
    /// Pixels, even.
    pub width: i64,
    /// Pixels, even.
    pub height: i64,
    /// Frames a second.
    pub fps: i64,
    /// Video bits a second, in thousands; the sound adds 96.
    pub video_kbps: i64,
    /// Seconds in a segment. Shorter ones cut the latency, and cost requests.
    pub segment_seconds: i64,
}

impl Default for TestcardConfig {
    fn default() -> Self {
        TestcardConfig { width: 1280, height: 720, fps: 30, video_kbps: 2500, segment_seconds: 2 }
    }
}

/// A test card to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) width_pixels: u32,
    pub(crate) height_pixels: u32,
    pub(crate) fps: u32,
    pub(crate) video_kbps: u32,
    pub(crate) segment: Duration,
}

impl TestcardConfig {
    pub(super) fn validate(self, key: &str, playlist_segments: u32) -> Result<Card, ConfigError> {
        let even = |name: &str, pixels: u32| match pixels % 2 {
            0 => Ok(pixels),
            _ => refuse(format!("{key}.{name}"), pixels, "even, as 4:2:0 video wants it"),
        };
        let width = within(key, "width", self.width, limits::WIDTH_PIXELS)?;
        let height = within(key, "height", self.height, limits::HEIGHT_PIXELS)?;
        let seconds = within(key, "segmentSeconds", self.segment_seconds, limits::SEGMENT_SECONDS)?;
        let card = Card {
            width_pixels: even("width", width)?,
            height_pixels: even("height", height)?,
            fps: within(key, "fps", self.fps, limits::FRAMES_PER_SECOND)?,
            video_kbps: within(key, "videoKbps", self.video_kbps, limits::VIDEO_KBPS)?,
            segment: Duration::from_secs(u64::from(seconds)),
        };
        let kilobits = self.video_kbps * self.segment_seconds * i64::from(playlist_segments);
        let playlist_bytes = kilobits * 1000 / 8;
        if playlist_bytes > limits::STREAM_BYTES_MAX as i64 {
            let value = format!("a playlist of {playlist_bytes} bytes");
            let bound = format!(
                "at most {} (videoKbps x segmentSeconds x playlistSegments)",
                limits::STREAM_BYTES_MAX
            );
            return refuse(key, value, bound);
        }
        Ok(card)
    }
}
