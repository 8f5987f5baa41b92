//! An input that ffmpeg reads or listens on. What has to be kept secret of its URL is known from
//! here on, and never written anywhere but into ffmpeg's command line.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse, within};
use super::quality::{Quality, QualityConfig, ladder};
use crate::error::ConfigError;
use crate::limits;

/// An input as it is written.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IngestConfig {
    /// Where it is: `rtmp`, `rtmps`, `srt`, `rtsp`, `rtsps`, `udp`, `rtp` (both with MPEG-TS),
    /// `http`, `https`, or the absolute path of a file, which is played over and over.
    pub url: String,
    /// Whether an encoder connects to `url`, which is an address of this machine then, instead of
    /// being connected to: RTMP, RTSP and SRT.
    pub listen: bool,
    /// `copy`: as it comes. `transcode`: encoded in `qualities`. `auto`: copied when browsers play
    /// it so, and otherwise transcoded.
    pub video: String,
    /// Seconds in a segment. What is copied is cut at the next key frame after that.
    pub segment_seconds: i64,
    /// How RTSP sends: `tcp` or `udp`.
    pub rtsp_transport: String,
    /// Seconds that ffmpeg takes at the most to find out what an input consists of.
    pub probe_seconds: i64,
    /// The qualities when it is transcoded; none is higher than the input's.
    pub qualities: Vec<QualityConfig>,
}

impl Default for IngestConfig {
    fn default() -> Self {
        IngestConfig {
            url: String::new(),
            listen: false,
            video: "auto".to_owned(),
            segment_seconds: 2,
            rtsp_transport: "tcp".to_owned(),
            probe_seconds: 5,
            qualities: vec![QualityConfig::default()],
        }
    }
}

/// Without what is secret.
impl fmt::Debug for IngestConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IngestConfig { listen, video, segment_seconds, qualities, .. } = self;
        f.debug_struct("IngestConfig")
            .field("url", &shown(&self.url))
            .field("listen", listen)
            .field("video", video)
            .field("segment_seconds", segment_seconds)
            .field("qualities", qualities)
            .finish_non_exhaustive()
    }
}

/// An input to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ingest {
    pub(crate) input: Input,
    pub(crate) video: VideoPolicy,
    pub(crate) segment: Duration,
    /// At least one.
    pub(crate) qualities: Vec<Quality>,
}

/// What ffmpeg opens.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// With all its secrets.
    pub(crate) url: String,
    pub(crate) protocol: Protocol,
    /// Whether an encoder connects to us.
    pub(crate) listens: bool,
    pub(crate) rtsp_over_udp: bool,
    pub(crate) probe: Duration,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = shown(&self.url);
        f.debug_struct("Input").field("url", &url).field("listens", &self.listens).finish()
    }
}

/// How an input comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    File,
    Http,
    Rtmp,
    Rtmps,
    Rtsp,
    Rtsps,
    Srt,
    Udp,
    Rtp,
}

/// What to do with the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VideoPolicy {
    Auto,
    Copy,
    Transcode,
}

/// What the config may hold as a URL.
const URL_BOUND: &str = "rtmp://, rtmps://, srt://, rtsp://, rtsps://, udp://, rtp://, http:// or \
                         https:// with a host, or a file's absolute path";

impl IngestConfig {
    pub(super) fn validate(self, key: &str, playlist_segments: u32) -> Result<Ingest, ConfigError> {
        let seconds = within(key, "segmentSeconds", self.segment_seconds, limits::SEGMENT_SECONDS)?;
        let video = match self.video.as_str() {
            "auto" => VideoPolicy::Auto,
            "copy" => VideoPolicy::Copy,
            "transcode" => VideoPolicy::Transcode,
            other => {
                let bound = "\"auto\", \"copy\" or \"transcode\"";
                return refuse(format!("{key}.video"), quoted(other), bound);
            }
        };
        Ok(Ingest {
            video,
            segment: Duration::from_secs(u64::from(seconds)),
            qualities: ladder(&self.qualities, key, seconds, playlist_segments)?,
            input: self.input(key)?,
        })
    }

    fn input(self, key: &str) -> Result<Input, ConfigError> {
        let probe = within(key, "probeSeconds", self.probe_seconds, limits::PROBE_SECONDS)?;
        let rtsp_over_udp = match self.rtsp_transport.as_str() {
            "tcp" => false,
            "udp" => true,
            other => {
                let bound = "\"tcp\" or \"udp\"";
                return refuse(format!("{key}.rtspTransport"), quoted(other), bound);
            }
        };
        let url_key = format!("{key}.url");
        if self.url.len() > limits::INGEST_URL_BYTES_MAX {
            let bound = format!("at most {} bytes", limits::INGEST_URL_BYTES_MAX);
            return refuse(url_key, format!("{} bytes", self.url.len()), bound);
        }
        let Some(protocol) = Protocol::of(&self.url) else {
            return refuse(url_key, quoted(shown(&self.url)), URL_BOUND);
        };
        if self.listen {
            if !matches!(protocol, Protocol::Rtmp | Protocol::Rtsp | Protocol::Srt) {
                let bound = "false, but for rtmp://, rtsp:// and srt://";
                return refuse(format!("{key}.listen"), true, bound);
            }
            if !names_address(&self.url) {
                let bound = "an IP address of this machine and a port, to listen there";
                return refuse(url_key, quoted(shown(&self.url)), bound);
            }
            if protocol == Protocol::Rtmp && !names_stream(&self.url) {
                let bound = "rtmp://ADDRESS:PORT/APP/KEY, whose key an encoder has to know";
                return refuse(url_key, quoted(shown(&self.url)), bound);
            }
        }
        let probe = Duration::from_secs(u64::from(probe));
        Ok(Input { url: self.url, protocol, listens: self.listen, rtsp_over_udp, probe })
    }
}

impl Input {
    /// Whether it is silent until somebody sends.
    pub(crate) fn waits(&self) -> bool {
        self.listens || matches!(self.protocol, Protocol::Udp | Protocol::Rtp)
    }
}

impl Protocol {
    fn of(url: &str) -> Option<Self> {
        if url.chars().any(|c| c.is_control() || c == ' ') && !url.starts_with('/') {
            return None;
        }
        if url.starts_with('/') {
            return (!url.contains(char::is_control)).then_some(Protocol::File);
        }
        let (scheme, rest) = url.split_once("://")?;
        let protocol = match scheme {
            "http" | "https" => Protocol::Http,
            "rtmp" => Protocol::Rtmp,
            "rtmps" => Protocol::Rtmps,
            "rtsp" => Protocol::Rtsp,
            "rtsps" => Protocol::Rtsps,
            "srt" => Protocol::Srt,
            "udp" => Protocol::Udp,
            "rtp" => Protocol::Rtp,
            _ => return None,
        };
        // UDP alone may listen without an address.
        let host = host_of(rest);
        let may_be_empty = matches!(protocol, Protocol::Udp | Protocol::Rtp | Protocol::Srt);
        let any_host = may_be_empty && host.starts_with([':', '@']);
        (any_host || host.starts_with(|c: char| c.is_alphanumeric() || c == '[' || c == '@'))
            .then_some(protocol)
    }
}

/// The host and the port in what follows `://`.
fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Whether a listener's URL says where to listen.
fn names_address(url: &str) -> bool {
    let host = host_of(url.split_once("://").map_or("", |(_, rest)| rest));
    let Some((address, port)) = host.rsplit_once(':') else {
        return false;
    };
    let address = address.trim_start_matches('[').trim_end_matches(']');
    let is_address = address.is_empty() || address.parse::<IpAddr>().is_ok();
    is_address && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether the path of an RTMP URL has an application and a stream in it.
fn names_stream(url: &str) -> bool {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let stream = path.and_then(|(_, path)| path.split('?').next()?.split_once('/'));
    stream.is_some_and(|(app, key)| !app.is_empty() && !key.is_empty())
}

/// As much of a URL as anybody may read: how it comes, and from where.
pub(crate) fn shown(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = host_of(rest);
            let hidden = if rest.len() > host.len() { "/***" } else { "" };
            format!("{scheme}://{host}{hidden}")
        }
        None if url.is_empty() || url.starts_with('/') => url.to_owned(),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_an_input_tells_no_secret() {
        for (url, safe) in [
            ("rtmp://host:1935/live/s3cr3t", "rtmp://host:1935/***"),
            ("https://user:s3cr3t@host/a?token=s3cr3t", "https://host/***"),
            ("srt://:9000?passphrase=s3cr3t", "srt://:9000/***"),
            ("udp://239.0.0.1:1234", "udp://239.0.0.1:1234"),
            ("/srv/film.mp4", "/srv/film.mp4"),
            ("user:s3cr3t@host", "***"),
        ] {
            assert_eq!(shown(url), safe);
            let config = IngestConfig { url: url.to_owned(), ..IngestConfig::default() };
            let mut said = format!("{config:?}");
            match config.validate("i", 12) {
                Ok(ingest) => said += &format!("{ingest:?}"),
                Err(refusal) => said += &format!("{refusal} {refusal:?}"),
            }
            assert!(!said.contains("s3cr3t"), "{said}");
        }
    }
}
