//! What must not be read in a log or in `/streams.json`: passwords, stream keys and tokens, which
//! ffmpeg repeats in its messages as they stand in a URL.

use std::fmt;

/// What a hidden part becomes.
const HIDDEN: &str = "***";

/// Values of a query that are words, not secrets, are shorter than this: `mode=listener`.
const QUERY_VALUE_BYTES_MIN: usize = 10;

/// Shorter ones keep nobody out, and are in every second word.
const SECRET_BYTES_MIN: usize = 3;

/// Queries whose value is secret however short it is.
const SECRET_NAMES: [&str; 6] = ["passphrase", "streamid", "token", "key", "password", "pass"];

/// The secret parts of one URL, longest first.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secrets(Vec<String>);

/// Tells how many there are, and nothing else.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// What is secret in `url`: user and password, all of a path but its first part, and what a
    /// query says.
    pub(crate) fn of(url: &str) -> Self {
        let Some((_, rest)) = url.split_once("://") else {
            return Secrets::default();
        };
        let split = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(split);
        let mut secrets = Vec::new();
        if let Some((user, _)) = authority.rsplit_once('@') {
            secrets.push(user.to_owned());
            secrets.extend(user.splitn(2, ':').map(str::to_owned));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.trim_start_matches('/');
        if !query.is_empty() {
            secrets.push(query.to_owned());
        }
        for pair in query.split(['&', ';']) {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            let is_secret = SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret));
            if is_secret || value.len() >= QUERY_VALUE_BYTES_MIN {
                secrets.push(value.to_owned());
            }
        }
        if let Some((_, key)) = path.split_once('/') {
            secrets.push(key.to_owned());
            secrets.extend(key.split('/').map(str::to_owned));
        }
        let decoded: Vec<_> = secrets.iter().filter_map(|secret| percent_decoded(secret)).collect();
        secrets.extend(decoded);
        secrets.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Secrets(secrets)
    }

    /// The line without them, and without users, passwords and queries of any other URL in it, to
    /// which an input may have led.
    pub(crate) fn hide(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for secret in &self.0 {
            if line.contains(secret.as_str()) {
                line = line.replace(secret.as_str(), HIDDEN);
            }
        }
        hide_in_urls(&line)
    }
}

fn hide_in_urls(line: &str) -> String {
    let mut hidden = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        hidden.push_str(before);
        let end = url.find(|c: char| c.is_whitespace() || c == '\'' || c == '"');
        let (url, after) = url.split_at(end.unwrap_or(url.len()));
        let authority_end = url.find(['/', '?']).unwrap_or(url.len());
        let url = match url[..authority_end].rfind('@') {
            Some(at) => {
                hidden.push_str(HIDDEN);
                &url[at..]
            }
            None => url,
        };
        match url.find('?') {
            Some(at) => {
                hidden.push_str(&url[..=at]);
                hidden.push_str(HIDDEN);
            }
            None => hidden.push_str(url),
        }
        rest = after;
    }
    hidden + rest
}

/// The text that a percent-encoded one means, if that is another.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let mut ahead = bytes.clone();
        match (byte, ahead.next().and_then(digit), ahead.next().and_then(digit)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                bytes = ahead;
            }
            _ => decoded.push(byte),
        }
    }
    let decoded = String::from_utf8_lossy(&decoded).into_owned();
    (decoded != text).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_hides_is_hidden_in_each_form() {
        for (url, line, safe) in [
            (
                "rtmp://host:1935/live/s3cr3t",
                "Unexpected stream other, expecting s3cr3t",
                "Unexpected stream other, expecting ***",
            ),
            (
                "rtmp://host/live/room/s3cr3t?sign=0123456789",
                "rtmp://host/live/room/s3cr3t?sign=0123456789: no; s3cr3t; 0123456789",
                "rtmp://host/live/***?*** no; ***; ***",
            ),
            (
                "srt://host:9000?mode=caller&passphrase=short&streamid=%23id",
                "passphrase short, id #id, caller",
                "passphrase ***, id ***, caller",
            ),
            (
                "rtsp://user:pa%40ss@host/cam",
                "user=user password=pa@ss or pa%40ss",
                "***=*** password=*** or ***",
            ),
        ] {
            assert_eq!(Secrets::of(url).hide(line), safe, "{url}");
        }
    }

    #[test]
    fn urls_that_nobody_configured_lose_their_secrets_too() {
        let line = "Opening 'https://me:word@cdn/a.ts?sig=x' for reading, then http://b/c?d e";
        let safe = "Opening 'https://***@cdn/a.ts?***' for reading, then http://b/c?*** e";
        assert_eq!(Secrets::default().hide(line), safe);
    }

    #[test]
    fn nothing_of_it_is_in_its_debug_output() {
        let said = format!("{:?}", Secrets::of("rtmp://user:word@host/live/key"));
        assert_eq!(said, "Secrets(4)");
    }
}
