//! The qualities in which a picture is encoded: a ladder on which players climb as far as their
//! network lets them.

use serde::{Deserialize, Serialize};

use super::checks::{refuse, within};
use crate::error::ConfigError;
use crate::limits;

/// One quality as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct QualityConfig {
    /// Pixels down the picture, even; its shape stays.
    pub height: i64,
    /// Video bits a second, in thousands.
    pub video_kbps: i64,
}

impl Default for QualityConfig {
    fn default() -> Self {
        QualityConfig { height: 720, video_kbps: 2500 }
    }
}

/// One quality to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quality {
    pub(crate) height_pixels: u32,
    pub(crate) video_kbps: u32,
}

/// The ladder at `key`, whose segments of `segment_seconds` are kept for a playlist's length.
pub(super) fn ladder(
    written: &[QualityConfig],
    key: &str,
    segment_seconds: u32,
    playlist_segments: u32,
) -> Result<Vec<Quality>, ConfigError> {
    let (count, key) = (written.len(), format!("{key}.qualities"));
    if !(1..=limits::QUALITIES_MAX).contains(&count) {
        let bound = format!("a list of 1 to {} qualities", limits::QUALITIES_MAX);
        return refuse(key, format!("a list of {count}"), bound);
    }
    let mut ladder: Vec<Quality> = Vec::with_capacity(count);
    for (index, written) in written.iter().enumerate() {
        let key = format!("{key}[{index}]");
        let height_pixels = within(&key, "height", written.height, limits::HEIGHT_PIXELS)?;
        if height_pixels % 2 != 0 {
            let bound = "even, as 4:2:0 video wants it";
            return refuse(format!("{key}.height"), height_pixels, bound);
        }
        if ladder.iter().any(|other| other.height_pixels == height_pixels) {
            let bound = "a height that no other quality has";
            return refuse(format!("{key}.height"), height_pixels, bound);
        }
        let video_kbps = within(&key, "videoKbps", written.video_kbps, limits::VIDEO_KBPS)?;
        let kilobits =
            u64::from(video_kbps) * u64::from(segment_seconds) * u64::from(playlist_segments);
        let playlist_bytes = kilobits * 1000 / 8;
        if playlist_bytes > limits::STREAM_BYTES_MAX as u64 {
            let bound = format!(
                "at most {} (videoKbps x segmentSeconds x playlistSegments)",
                limits::STREAM_BYTES_MAX
            );
            return refuse(key, format!("a playlist of {playlist_bytes} bytes"), bound);
        }
        ladder.push(Quality { height_pixels, video_kbps });
    }
    Ok(ladder)
}
