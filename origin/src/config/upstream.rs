//! Another origin whose stream is taken: where it is, and what is sent along. Both may be secret, so
//! neither is shown: not in logs, not in refusals, not by `Debug`.

use std::fmt;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse};
use crate::error::ConfigError;
use crate::fetch::Place;
use crate::limits;

/// An upstream as it is written.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpstreamConfig {
    /// Its HLS playlist (of segments or of tracks) or its DASH manifest. A name and a password in it
    /// are sent as HTTP wants them.
    pub url: String,
    /// Headers to send along, to that host alone: `["Authorization: Bearer ..."]`.
    pub headers: Vec<String>,
}

/// A valid upstream.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub(crate) place: Place,
    pub(crate) headers: HeaderMap,
}

impl UpstreamConfig {
    pub(super) fn validate(self, key: &str) -> Result<Upstream, ConfigError> {
        let hidden = "a text that is not shown";
        let Some(place) = Place::parse(&self.url) else {
            let value = if self.url.is_empty() { "missing" } else { hidden };
            let bound = "the http or https URL of an HLS playlist or a DASH manifest";
            return refuse(format!("{key}.url"), value, bound);
        };
        if self.url.len() > limits::PLAYLIST_URI_BYTES_MAX {
            let bound = format!("at most {} bytes", limits::PLAYLIST_URI_BYTES_MAX);
            return refuse(format!("{key}.url"), format!("{} bytes", self.url.len()), bound);
        }
        let count = self.headers.len();
        if count > limits::UPSTREAM_HEADERS_MAX {
            let bound = format!("at most {}", limits::UPSTREAM_HEADERS_MAX);
            return refuse(format!("{key}.headers"), format!("{count} headers"), bound);
        }
        let mut headers = HeaderMap::with_capacity(count);
        for (index, header) in self.headers.iter().enumerate() {
            let key = format!("{key}.headers[{index}]");
            let name = header.split_once(':').and_then(|(name, value)| {
                Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?))
            });
            let Some((name, mut value)) = name else {
                return refuse(key, hidden, "a header as HTTP has it: \"Name: value\"");
            };
            if OWN_HEADERS.contains(&name.as_str()) {
                return refuse(key, quoted(name), "another: this one is the origin's to set");
            }
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Upstream { place, headers })
    }
}

/// What decides over how a body comes, and whether it is whole.
const OWN_HEADERS: [&str; 8] = [
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "if-none-match",
    "range",
    "transfer-encoding",
    "via",
];

impl fmt::Debug for UpstreamConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place::parse(&self.url);
        let names = self.headers.iter().filter_map(|header| header.split_once(':'));
        let names: Vec<_> = names.map(|(name, _)| name).collect();
        out.debug_struct("UpstreamConfig").field("url", &place).field("headers", &names).finish()
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        out.debug_struct("Upstream").field("place", &self.place).field("headers", &names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<Upstream, ConfigError> {
        let written: UpstreamConfig = serde_json::from_str(json).expect("well-formed JSON");
        written.validate("upstream")
    }

    #[test]
    fn what_may_be_secret_is_never_shown() {
        let json = r#"{ "url": "https://me:s3cret@example.org/s3cret/index.m3u8?key=s3cret",
                        "headers": ["Authorization: Bearer s3cret"] }"#;
        let written: UpstreamConfig = serde_json::from_str(json).expect("well-formed JSON");
        let valid = check(json).expect("a valid upstream");
        for shown in [format!("{written:?}"), format!("{valid:?}"), format!("{:?}", valid.headers)]
        {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        for refused in [
            r#"{ "url": "rtmp://s3cret" }"#,
            r#"{ "url": "https://e.example/", "headers": ["s3cret name: x"] }"#,
            r#"{ "url": "https://e.example/", "headers": ["X: s3cret\u0000"] }"#,
        ] {
            let error = check(refused).expect_err(refused).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_with_its_key() {
        let refusal = |json: &str| check(json).expect_err(json).to_string();
        let url = "must be the http or https URL of an HLS playlist or a DASH manifest";
        assert_eq!(refusal("{}"), format!("upstream.url is missing, but {url}"));
        let file = r#"{ "url": "file:///etc/passwd" }"#;
        assert_eq!(refusal(file), format!("upstream.url is a text that is not shown, but {url}"));
        let host = r#"{ "url": "http://e.example/", "headers": ["A: b", "Host: other"] }"#;
        assert_eq!(
            refusal(host),
            "upstream.headers[1] is \"host\", but must be another: this one is the origin's to set"
        );
        let no_header = r#"{ "url": "http://e.example/", "headers": ["Bearer s3cret"] }"#;
        assert_eq!(
            refusal(no_header),
            "upstream.headers[0] is a text that is not shown, \
             but must be a header as HTTP has it: \"Name: value\""
        );
    }
}
