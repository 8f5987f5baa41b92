//! The `origin` section of the config file, in two steps: what was written, then what is valid.
//! A refusal names the key, the value and the bound.
//!
//! ```json
//! { "origin": {
//!     "listen": { "host": "0.0.0.0", "port": 8080 },
//!     "folder": "/run/origin",
//!     "streams": [
//!       { "name": "testcard", "source": "testcard", "width": 1280, "height": 720, "fps": 30,
//!         "videoKbps": 2500, "segmentSeconds": 2, "playlistSegments": 12 },
//!       { "name": "clip", "source": "loop" } ] } }
//! ```
//!
//! Every key may be left out; these are the defaults, except for `folder` and the second stream.

use std::collections::HashSet;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::limits;

/// The `origin` section as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OriginConfig {
    /// The streams; at least one. Default: the test card, named `testcard`.
    pub streams: Vec<StreamConfig>,
    /// Where the binary `origin` listens. Inside the tracker its port serves the streams.
    pub listen: Option<ListenConfig>,
    /// Where ffmpeg hands its segments over, a subfolder per stream. It is made when missing, and
    /// old segments in it are deleted; nothing else is touched. Memory (`/run`, `/dev/shm`) spares
    /// a disk about 3 Mbit/s per stream; a stream needs its playlist's length and a few segments.
    /// Default: a fresh folder in the system's temporary one, deleted at the end; an origin that is
    /// killed by force leaves it behind.
    pub folder: Option<PathBuf>,
}

/// One stream as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StreamConfig {
    /// Its place in URLs, `/hls/<name>/index.m3u8`: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// `testcard`: a picture with a clock and a tone, encoded by ffmpeg (with libx264 and AAC; the
    /// large clock also needs `drawtext` and a font), and without such an ffmpeg the same as
    /// `loop`. `loop`: a short clip that ships with the origin, over and over; it has its own
    /// picture and 2 s segments, so of the keys below only `playlistSegments` applies.
    pub source: String,
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
    /// Segments in the playlist. Peers share what lies between live and a viewer, so a longer
    /// playlist leaves them more to share.
    pub playlist_segments: i64,
}

/// Where the binary listens, as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ListenConfig {
    /// An IP address; `0.0.0.0` and `::` are all of the machine's.
    pub host: String,
    /// A TCP port; 0 lets the system choose, and the origin prints what it got.
    pub port: i64,
}

impl Default for OriginConfig {
    fn default() -> Self {
        OriginConfig { streams: vec![StreamConfig::default()], listen: None, folder: None }
    }
}

impl Default for StreamConfig {
    fn default() -> Self {
        StreamConfig {
            name: "testcard".to_owned(),
            source: "testcard".to_owned(),
            width: 1280,
            height: 720,
            fps: 30,
            video_kbps: 2500,
            segment_seconds: 2,
            playlist_segments: 12,
        }
    }
}

impl Default for ListenConfig {
    fn default() -> Self {
        ListenConfig { host: "0.0.0.0".to_owned(), port: 8080 }
    }
}

/// An `origin` section that holds everything the origin relies on.
#[derive(Debug, Clone)]
pub struct ValidOrigin {
    pub(crate) streams: Vec<Stream>,
    pub(crate) folder: Option<PathBuf>,
    listen: SocketAddr,
}

/// One valid stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) source: SourceKind,
    pub(crate) playlist_segments: usize,
}

/// What a stream plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// ffmpeg draws and encodes it.
    Testcard(Card),
    /// The shipped clip.
    Loop,
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

impl OriginConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first value that is refused, with its key and bound.
    pub fn validate(self) -> Result<ValidOrigin, ConfigError> {
        let count = self.streams.len();
        if !(1..=limits::STREAMS_MAX).contains(&count) {
            let bound = format!("a list of 1 to {} streams", limits::STREAMS_MAX);
            return refuse("origin.streams", format!("a list of {count}"), bound);
        }
        let mut streams = Vec::with_capacity(count);
        let mut names = HashSet::new();
        for (index, written) in self.streams.into_iter().enumerate() {
            let key = format!("origin.streams[{index}]");
            let stream = written.validate(&key)?;
            if !names.insert(stream.name.clone()) {
                let bound = "a name that no other stream has";
                return refuse(format!("{key}.name"), quoted(&stream.name), bound);
            }
            streams.push(stream);
        }
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.as_os_str().is_empty()) {
            return refuse("origin.folder", quoted(folder.display()), "a path, or left out");
        }
        let listen = self.listen.unwrap_or_default().validate()?;
        Ok(ValidOrigin { streams, folder: self.folder, listen })
    }
}

impl StreamConfig {
    fn validate(self, key: &str) -> Result<Stream, ConfigError> {
        if !is_stream_name(&self.name) {
            let bound = format!(
                "1 to {} of a-z, 0-9, - and _, and begin with a letter or digit",
                limits::STREAM_NAME_CHARS_MAX
            );
            return refuse(format!("{key}.name"), quoted(&self.name), bound);
        }
        let playlist_segments =
            within(key, "playlistSegments", self.playlist_segments, limits::PLAYLIST_SEGMENTS)?;
        let source = match self.source.as_str() {
            "testcard" => SourceKind::Testcard(self.card(key)?),
            "loop" => SourceKind::Loop,
            other => {
                let bound = "\"testcard\" or \"loop\"";
                return refuse(format!("{key}.source"), quoted(other), bound);
            }
        };
        Ok(Stream { name: self.name, source, playlist_segments: playlist_segments as usize })
    }

    fn card(&self, key: &str) -> Result<Card, ConfigError> {
        let even = |name: &str, pixels: u32| match pixels % 2 {
            0 => Ok(pixels),
            _ => refuse(format!("{key}.{name}"), pixels, "even, as 4:2:0 video wants it"),
        };
        let card = Card {
            width_pixels: even("width", within(key, "width", self.width, limits::WIDTH_PIXELS)?)?,
            height_pixels: even(
                "height",
                within(key, "height", self.height, limits::HEIGHT_PIXELS)?,
            )?,
            fps: within(key, "fps", self.fps, limits::FRAMES_PER_SECOND)?,
            video_kbps: within(key, "videoKbps", self.video_kbps, limits::VIDEO_KBPS)?,
            segment: Duration::from_secs(u64::from(within(
                key,
                "segmentSeconds",
                self.segment_seconds,
                limits::SEGMENT_SECONDS,
            )?)),
        };
        let kilobits = self.video_kbps * self.segment_seconds * self.playlist_segments;
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

impl ListenConfig {
    fn validate(self) -> Result<SocketAddr, ConfigError> {
        let port = within("origin.listen", "port", self.port, 0..=i64::from(u16::MAX))?;
        match self.host.parse::<IpAddr>() {
            Ok(host) => Ok(SocketAddr::new(host, port as u16)),
            Err(_) => {
                let bound = "an IP address such as 0.0.0.0 or ::1";
                refuse("origin.listen.host", quoted(&self.host), bound)
            }
        }
    }
}

impl ValidOrigin {
    /// Where the binary listens.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }
}

fn is_stream_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=limits::STREAM_NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_')
        && name.bytes().next().is_some_and(plain)
}

/// The value when it lies in its range, whose upper ends all fit 32 bits.
fn within(
    key: &str,
    name: &str,
    value: i64,
    range: RangeInclusive<i64>,
) -> Result<u32, ConfigError> {
    match u32::try_from(value) {
        Ok(small) if range.contains(&value) => Ok(small),
        _ => {
            let bound = format!("{} to {}", range.start(), range.end());
            refuse(format!("{key}.{name}"), value, bound)
        }
    }
}

fn quoted(text: impl Display) -> String {
    format!("\"{text}\"")
}

fn refuse<T>(
    key: impl Into<String>,
    value: impl Display,
    bound: impl Into<String>,
) -> Result<T, ConfigError> {
    Err(ConfigError { key: key.into(), value: value.to_string(), bound: bound.into() })
}
