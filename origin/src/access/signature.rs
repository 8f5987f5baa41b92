//! Signed addresses: who made the address says until when it is good, and for which file, or for
//! all files of a stream. A playlist names its segments relative to itself, and is one text for all
//! viewers, so the signature stands in the path where players keep it without knowing:
//! `/live/tv/~1764100000.8Q…/index.m3u8` leads to `/live/tv/~1764100000.8Q…/tv-5.ts`. In the query,
//! `?expires=1764100000&signature=8Q…`, it is for those who write a query to each address.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ConfigError;

/// By this the part of a path that is a signature begins; no file's name does.
const MARK: char = '~';

/// Bytes of a SHA-256.
const TAG_BYTES: usize = 32;

/// A secret that signs.
pub struct SigningKey {
    bytes: Box<[u8]>,
    hmac: hmac::Key,
}

/// Until when, and the proof of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature {
    /// Seconds since 1970; the signature is good before.
    expires: u64,
    /// HMAC-SHA256 of the scope, a line feed, and `expires` in decimal.
    tag: [u8; TAG_BYTES],
}

/// What is signed: a path. One that ends with `/` is for all files behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope<'a> {
    Stream(&'a str),
    File(&'a str, &'a str),
}

impl SigningKey {
    /// A secret; whoever has it can sign.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        SigningKey { bytes: secret.into(), hmac: hmac::Key::new(HMAC_SHA256, secret) }
    }

    /// Reads a secret from its file.
    ///
    /// # Errors
    /// When the file can't be read, or holds no secret.
    pub fn read(file: PathBuf) -> Result<Self, ConfigError> {
        super::secret::read("--key".to_owned(), file)
    }

    /// A signature of all files of a stream.
    #[must_use]
    pub fn sign_stream(&self, stream: &str, expires: SystemTime) -> Signature {
        self.sign(&Scope::Stream(stream), expires)
    }

    /// A signature of one file of a stream.
    #[must_use]
    pub fn sign_file(&self, stream: &str, file: &str, expires: SystemTime) -> Signature {
        self.sign(&Scope::File(stream, file), expires)
    }

    fn sign(&self, scope: &Scope<'_>, expires: SystemTime) -> Signature {
        let expires = seconds(expires);
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(hmac::sign(&self.hmac, text(scope, expires).as_bytes()).as_ref());
        Signature { expires, tag }
    }

    /// Takes as long whatever is wrong with the proof.
    pub(super) fn has_signed(&self, signature: &Signature, scope: &Scope<'_>) -> bool {
        let text = text(scope, signature.expires);
        hmac::verify(&self.hmac, text.as_bytes(), &signature.tag).is_ok()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Signature {
    /// From the part of a path that begins with `~`.
    pub(crate) fn from_path(part: &str) -> Option<Self> {
        let (expires, tag) = part.strip_prefix(MARK)?.split_once('.')?;
        Self::from_parts(expires, tag)
    }

    /// From a query, in which other keys may stand, too.
    pub(crate) fn from_query(query: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        Self::from_parts(value("expires")?, value("signature")?)
    }

    /// Only as it is written by [`Display`](fmt::Display), so that nobody makes a second address of
    /// one that caches would keep apart.
    fn from_parts(expires: &str, tag: &str) -> Option<Self> {
        let is_canonical =
            expires.bytes().all(|byte| byte.is_ascii_digit()) && !expires.starts_with('0');
        let expires = expires.parse().ok().filter(|_| is_canonical)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?.try_into().ok()?;
        Some(Signature { expires, tag })
    }

    /// As a query: `expires=…&signature=…`.
    #[must_use]
    pub fn query(&self) -> String {
        format!("expires={}&signature={}", self.expires, URL_SAFE_NO_PAD.encode(self.tag))
    }

    /// How long it is still good; `None` when it is not.
    pub(super) fn seconds_left(&self, now: SystemTime) -> Option<u64> {
        self.expires.checked_sub(seconds(now)).filter(|left| *left > 0)
    }
}

/// As the part of a path: `~1764100000.8Q…`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}.{}", self.expires, URL_SAFE_NO_PAD.encode(self.tag))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

fn text(scope: &Scope<'_>, expires: u64) -> String {
    match scope {
        Scope::Stream(stream) => format!("/live/{stream}/\n{expires}"),
        Scope::File(stream, file) => format!("/live/{stream}/{file}\n{expires}"),
    }
}

fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 1_764_100_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn key(text: &str) -> SigningKey {
        SigningKey::new(text.as_bytes())
    }

    #[test]
    fn a_signature_is_the_hmac_that_any_language_writes() {
        // python3 -c 'import hmac,base64; print(base64.urlsafe_b64encode(hmac.digest(
        //     b"k" * 32, b"/live/tv/\n1764100000", "sha256")))'
        let signature = key(&"k".repeat(32)).sign_stream("tv", at(AT));
        assert_eq!(signature.to_string(), format!("~{AT}.{EXPECTED}"));
        assert_eq!(signature.query(), format!("expires={AT}&signature={EXPECTED}"));
    }

    const EXPECTED: &str = "D6IXJIGUWhMyNQLOWC8oTfvwnuPK10GC8VIH_7DZz30";

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let signature = key("one").sign_stream("tv", at(AT));
        assert_eq!(Signature::from_path(&signature.to_string()), Some(signature));
        assert_eq!(Signature::from_query(&format!("a=b&{}", signature.query())), Some(signature));
        for odd in [
            format!("{AT}.{EXPECTED}"),
            format!("~{AT}{EXPECTED}"),
            format!("~+{AT}.{EXPECTED}"),
            format!("~0{AT}.{EXPECTED}"),
            format!("~-1.{EXPECTED}"),
            format!("~.{EXPECTED}"),
            format!("~99999999999999999999999.{EXPECTED}"),
            format!("~{AT}.{EXPECTED}="),
            format!("~{AT}.{EXPECTED}AAAA"),
            format!("~{AT}.{}", &EXPECTED[1..]),
            format!("~{AT}."),
            "~".to_owned(),
        ] {
            assert_eq!(Signature::from_path(&odd), None, "{odd}");
        }
        for odd in ["", "expires=1", "signature=x", "expires=1&signature=", "&&=&expires"] {
            assert_eq!(Signature::from_query(odd), None, "{odd}");
        }
    }

    #[test]
    fn it_is_for_its_scope_its_key_and_its_time() {
        let (one, other) = (key("one"), key("other"));
        let signature = one.sign_stream("tv", at(AT));
        assert!(one.has_signed(&signature, &Scope::Stream("tv")));
        assert!(!other.has_signed(&signature, &Scope::Stream("tv")));
        assert!(!one.has_signed(&signature, &Scope::Stream("tv2")));
        assert!(!one.has_signed(&signature, &Scope::File("tv", "index.m3u8")));
        let later = Signature { expires: AT + 1, ..signature };
        assert!(!one.has_signed(&later, &Scope::Stream("tv")));
        let file = one.sign_file("tv", "index.m3u8", at(AT));
        assert!(one.has_signed(&file, &Scope::File("tv", "index.m3u8")));
        assert!(!one.has_signed(&file, &Scope::File("tv", "a.ts")));
        assert_eq!(signature.seconds_left(at(AT - 5)), Some(5));
        assert_eq!(signature.seconds_left(at(AT)), None);
        assert_eq!(signature.seconds_left(at(AT + 1)), None);
    }

    #[test]
    fn a_key_is_never_shown() {
        assert!(!format!("{:?}", key("the secret")).contains("secret\""));
        assert_eq!(format!("{:?}", key("the secret")), "SigningKey { .. }");
    }
}
