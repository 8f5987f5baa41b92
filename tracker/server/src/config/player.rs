//! The section `web`: what the player starts with. What its page couldn't use is refused here, where
//! the one who wrote it reads why; a viewer could do nothing about it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use origin::ConfigError;
use serde::{Deserialize, Serialize};
use url::Url;
use web::{Consent, PlayerStream, Sharing, Unchecked};

use super::checks::{quoted, refused, within};
use super::kinds::whole;

/// Bytes of an Ed25519 public key (RFC 8032).
const KEY_BYTES: usize = 32;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RawWeb {
    /// Trackers that the page announces to; this one without it.
    trackers: Option<Vec<String>>,
    /// STUN servers that the page asks; this one, when it runs, without it.
    stun: Option<Vec<String>>,
    /// Playlists that the page plays; this origin's, when it runs, without it.
    streams: Option<Vec<RawStream>>,
    /// `refuse` or `accept`: segments from peers whose digest can't be had.
    unchecked_segments: String,
    /// `assumed` or `ask`: whether viewers share before they have said yes.
    consent: String,
    /// What a page sends to others at most, on average; 0 is no limit.
    #[serde(deserialize_with = "whole")]
    upload_kbps: u64,
    /// How far behind live the page plays, in target durations.
    #[serde(deserialize_with = "whole")]
    behind_targets: u64,
    /// Segments that are due within so many seconds come over HTTP.
    #[serde(deserialize_with = "whole")]
    http_seconds: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawStream {
    name: String,
    url: String,
    /// What segments from peers are checked against.
    digests: Option<String>,
    /// The public key that has to have signed it.
    digests_key: Option<String>,
}

/// What the player starts with; what is `None` is this tracker's own.
#[derive(Debug, Default)]
pub struct WebConfig {
    /// Trackers to announce to.
    pub trackers: Option<Vec<String>>,
    /// STUN servers to ask.
    pub stun: Option<Vec<String>>,
    /// Playlists to play.
    pub streams: Option<Vec<PlayerStream>>,
    /// What becomes of segments that can't be checked.
    pub unchecked_segments: Unchecked,
    /// How viewers share.
    pub sharing: Sharing,
}

impl Default for RawWeb {
    fn default() -> Self {
        let sharing = Sharing::default();
        RawWeb {
            trackers: None,
            stun: None,
            streams: None,
            unchecked_segments: "refuse".to_owned(),
            consent: "assumed".to_owned(),
            upload_kbps: sharing.upload_kbps,
            behind_targets: sharing.behind_targets,
            http_seconds: sharing.http_seconds,
        }
    }
}

impl RawWeb {
    pub(super) fn validate(self) -> Result<WebConfig, ConfigError> {
        let unchecked_segments = match self.unchecked_segments.as_str() {
            "refuse" => Unchecked::Refuse,
            "accept" => Unchecked::Accept,
            other => {
                let bound = "\"refuse\" or \"accept\"";
                return Err(refused("web.uncheckedSegments", quoted(other), bound));
            }
        };
        let consent = match self.consent.as_str() {
            "assumed" => Consent::Assumed,
            "ask" => Consent::Ask,
            other => {
                return Err(refused("web.consent", quoted(other), "\"assumed\" or \"ask\""));
            }
        };
        let sharing = Sharing {
            consent,
            upload_kbps: within("web.uploadKbps", self.upload_kbps, 0..=1_000_000)?,
            behind_targets: within("web.behindTargets", self.behind_targets, 2..=60)?,
            http_seconds: within("web.httpSeconds", self.http_seconds, 1..=60)?,
        };
        Ok(WebConfig {
            trackers: each("web.trackers", self.trackers, tracker)?,
            stun: each("web.stun", self.stun, stun)?,
            streams: each("web.streams", self.streams, RawStream::validate)?,
            unchecked_segments,
            sharing,
        })
    }
}

impl RawStream {
    fn validate(self, key: &str) -> Result<PlayerStream, ConfigError> {
        if !is_address(&self.url, ["http", "https"]) {
            let bound = "an http or https URL, or a path that begins with /";
            return Err(refused(&format!("{key}.url"), quoted(&self.url), bound));
        }
        if let Some(digests) = self.digests.as_ref().filter(|digests| digests.is_empty()) {
            let bound = "a URL, perhaps relative to url";
            return Err(refused(&format!("{key}.digests"), quoted(digests), bound));
        }
        if let Some(public) = &self.digests_key {
            let key = format!("{key}.digestsKey");
            let bytes = URL_SAFE_NO_PAD.decode(public).ok();
            if bytes.is_none_or(|bytes| bytes.len() != KEY_BYTES) {
                let bound = "an Ed25519 public key in base64url, 43 characters";
                return Err(refused(&key, quoted(public), bound));
            }
            if self.digests.is_none() {
                return Err(refused(&key, quoted(public), "together with digests"));
            }
        }
        Ok(PlayerStream {
            name: self.name,
            url: self.url,
            digests: self.digests,
            digests_key: self.digests_key,
        })
    }
}

/// What `check` makes of each of a list, which it is told the key of.
fn each<T, V>(
    key: &str,
    list: Option<Vec<T>>,
    check: impl Fn(T, &str) -> Result<V, ConfigError>,
) -> Result<Option<Vec<V>>, ConfigError> {
    let named = |(index, item)| check(item, &format!("{key}[{index}]"));
    list.map(|list| list.into_iter().enumerate().map(named).collect()).transpose()
}

fn tracker(address: String, key: &str) -> Result<String, ConfigError> {
    if is_address(&address, ["ws", "wss"]) {
        return Ok(address);
    }
    Err(refused(key, quoted(&address), "a ws or wss URL, or a path that begins with /"))
}

fn stun(address: String, key: &str) -> Result<String, ConfigError> {
    let place = address.strip_prefix("stun:").unwrap_or(&address);
    let named =
        place.rsplit_once(':').filter(|(_, port)| port.parse().is_ok_and(|port: u16| port > 0));
    // Any URL has the same rules for a host; without one it is the page's.
    let is_host = |host: &str| host.is_empty() || Url::parse(&format!("ws://{host}/")).is_ok();
    let is_plain = |host: &str| !host.contains(['/', '?', '#', '@']);
    if named.is_some_and(|(host, _)| is_plain(host) && is_host(host)) {
        return Ok(address);
    }
    Err(refused(key, quoted(&address), "\"stun:HOST:PORT\", or \":PORT\" of the page's own host"))
}

/// Whether the page can ask there. `http://:8080/...` is at that port of the page's own host.
fn is_address(text: &str, schemes: [&str; 2]) -> bool {
    if text.starts_with('/') {
        return true;
    }
    let there = text.replacen("://:", "://page:", 1);
    Url::parse(&there).is_ok_and(|url| schemes.contains(&url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_understands_is_taken() {
        for address in ["/", "/my-stream", "ws://10.0.0.1:8000", "wss://tracker.example.org/?a=b"] {
            assert!(tracker(address.to_owned(), "web.trackers[0]").is_ok(), "{address}");
        }
        for address in ["stun:stun.example.org:3478", ":3478", "stun.example.org:1", "[::1]:3478"] {
            assert!(stun(address.to_owned(), "web.stun[0]").is_ok(), "{address}");
        }
        for url in ["/tv.m3u8", "https://cdn.example.org/tv.mpd", "http://:8080/live/tv/index.m3u8"]
        {
            assert!(is_address(url, ["http", "https"]), "{url}");
        }
    }

    #[test]
    fn what_it_does_not_is_refused() {
        for address in ["", "tracker.example.org", "http://example.org/", "wss://", "ws://a b/"] {
            assert!(tracker(address.to_owned(), "web.trackers[0]").is_err(), "{address}");
        }
        for address in
            ["", "stun:", "none", "stun:a", "a:0", "a:65536", "a b:1", "turn:a:1", "a/b:1"]
        {
            assert!(stun(address.to_owned(), "web.stun[0]").is_err(), "{address}");
        }
        for url in ["", "tv.m3u8", "file:///tv.m3u8", "https://"] {
            assert!(!is_address(url, ["http", "https"]), "{url}");
        }
    }
}
