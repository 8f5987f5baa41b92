//! One stream: its name, what holds for every source alike, and a section for its source.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse, within};
use super::dir::DirConfig;
use super::fallback::FallbackConfig;
use super::ingest::IngestConfig;
use super::push::PushConfig;
use super::source::{LoopConfig, SourceKind};
use super::testcard::TestcardConfig;
use super::upstream::UpstreamConfig;
use crate::error::ConfigError;
use crate::limits;

/// One stream as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StreamConfig {
    /// Its place in URLs, `/live/<name>/index.m3u8`: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// `always`: as long as the origin runs. `onDemand`: when somebody asks for it, until nobody
    /// has asked for `idleSeconds`; whoever comes first waits for its first segments.
    pub start: String,
    /// Seconds without a request after which a stream on demand stops.
    pub idle_seconds: i64,
    /// Segments in the playlist. Peers share what lies between live and a viewer, so a longer
    /// playlist leaves them more to share.
    pub playlist_segments: i64,
    /// A picture with a clock and a tone, encoded by ffmpeg. What a stream without a source is.
    pub testcard: Option<TestcardConfig>,
    /// A short clip that ships with the origin, over and over, without any ffmpeg.
    pub r#loop: Option<LoopConfig>,
    /// What an encoder sends over HTTP.
    pub push: Option<PushConfig>,
    /// A folder that some packager fills with HLS.
    pub dir: Option<DirConfig>,
    /// Other streams, the first of which that delivers is on air.
    pub fallback: Option<FallbackConfig>,
    /// An input that ffmpeg reads or listens on.
    pub ingest: Option<IngestConfig>,
    /// Another origin's stream, HLS or DASH: each segment is taken once, however many ask.
    pub upstream: Option<UpstreamConfig>,
}

impl Default for StreamConfig {
    fn default() -> Self {
        StreamConfig {
            name: "testcard".to_owned(),
            start: "always".to_owned(),
            idle_seconds: 60,
            playlist_segments: 12,
            testcard: None,
            r#loop: None,
            push: None,
            dir: None,
            fallback: None,
            ingest: None,
            upstream: None,
        }
    }
}

/// One valid stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) source: SourceKind,
    pub(crate) start: Start,
    pub(crate) playlist_segments: usize,
}

/// When a stream's source runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Always,
    /// While somebody asks, and as long after.
    OnDemand(Duration),
}

impl StreamConfig {
    pub(super) fn validate(self, key: &str) -> Result<Stream, ConfigError> {
        if !is_stream_name(&self.name) {
            let bound = format!(
                "1 to {} of a-z, 0-9, - and _, and begin with a letter or digit",
                limits::STREAM_NAME_CHARS_MAX
            );
            return refuse(format!("{key}.name"), quoted(&self.name), bound);
        }
        let playlist_segments =
            within(key, "playlistSegments", self.playlist_segments, limits::PLAYLIST_SEGMENTS)?;
        let idle = within(key, "idleSeconds", self.idle_seconds, limits::IDLE_SECONDS)?;
        let start = match self.start.as_str() {
            "always" => Start::Always,
            "onDemand" => Start::OnDemand(Duration::from_secs(u64::from(idle))),
            other => {
                let bound = "\"always\" or \"onDemand\"";
                return refuse(format!("{key}.start"), quoted(other), bound);
            }
        };
        let source = self.source(key, playlist_segments)?;
        if matches!((&source, start), (SourceKind::Push(_), Start::OnDemand(_))) {
            let bound = "\"always\" for push, since no encoder waits until it is asked";
            return refuse(format!("{key}.start"), quoted(&self.start), bound);
        }
        let playlist_segments = playlist_segments as usize;
        Ok(Stream { name: self.name, source, start, playlist_segments })
    }
}

fn is_stream_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=limits::STREAM_NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_')
        && name.bytes().next().is_some_and(plain)
}
