//! Digests of a stream's segments, signed, for players that get segments from strangers: what a
//! peer sends is played only when it is what the origin made. The document is a JSON Web Signature
//! (RFC 7515, flattened) over JWT claims (RFC 7519), so that any JOSE library can check it.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::errors::Error;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use crate::limits::DIGESTS_GOOD_FOR;

/// The file's name, beside the segments.
pub(crate) const DIGESTS: &str = "digests.json";

/// The SHA-256 of a file.
pub(crate) type Digest = [u8; 32];

/// Of these bytes: 2 ms for a segment of 3 MB, where the processor has instructions for it.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    // It has that length by definition.
    digest(&SHA256, bytes).as_ref().try_into().unwrap_or_default()
}

/// Signs what the streams of one origin have.
pub(crate) struct Signer {
    key: EncodingKey,
    /// Names the algorithm and holds the public key.
    header: Header,
    public: String,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("it is no Ed25519 key in PKCS#8 PEM")]
    NotEd25519,
    #[error("the system has no randomness for a key")]
    NoRandomness,
}

/// What is signed.
#[derive(Serialize)]
struct Claims<'a> {
    /// The stream.
    sub: &'a str,
    /// Issued and expiring, in seconds since the epoch.
    iat: u64,
    exp: u64,
    /// Hexadecimal, by file name.
    sha256: BTreeMap<&'a str, String>,
}

impl Signer {
    /// With the key of a file, which stays the same over restarts and on several origins.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let key = EncodingKey::from_ed_pem(pem).map_err(|_| KeyError::NotEd25519)?;
        Self::with(key).map_err(|_| KeyError::NotEd25519)
    }

    /// With a key that nobody has seen before.
    pub(crate) fn fresh() -> Result<Self, KeyError> {
        let key = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new());
        let key = key.map_err(|_| KeyError::NoRandomness)?;
        Self::with(EncodingKey::from_ed_der(key.as_ref())).map_err(|_| KeyError::NoRandomness)
    }

    fn with(key: EncodingKey) -> Result<Self, Error> {
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA)?;
        // Said by the header itself.
        jwk.common.key_algorithm = None;
        let public = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) => pair.x.clone(),
            _ => String::new(),
        };
        let header = Header { typ: None, jwk: Some(jwk), ..Header::new(Algorithm::EdDSA) };
        let signer = Signer { key, header, public };
        // A key that cannot sign is found now, and not with the first segment.
        signer.sign("", UNIX_EPOCH, std::iter::empty())?;
        Ok(signer)
    }

    /// The public key in base64url (RFC 8037), for pages to pin.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }

    /// The document of a stream that has these files.
    pub(crate) fn sign<'a>(
        &self,
        stream: &str,
        now: SystemTime,
        files: impl Iterator<Item = (&'a str, &'a Digest)>,
    ) -> Result<String, Error> {
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = |time: Duration| time.as_secs();
        let claims = Claims {
            sub: stream,
            iat: seconds(since_epoch),
            exp: seconds(since_epoch + DIGESTS_GOOD_FOR),
            sha256: files.map(|(name, digest)| (name, hex(digest))).collect(),
        };
        let compact = encode(&self.header, &claims, &self.key)?;
        let mut parts = compact.split('.');
        let mut part = || parts.next().unwrap_or_default();
        let (protected, payload, signature) = (part(), part(), part());
        // Base64url needs no escapes.
        Ok(format!(
            "{{\"protected\":\"{protected}\",\"payload\":\"{payload}\",\
             \"signature\":\"{signature}\"}}\n"
        ))
    }
}

impl Debug for Signer {
    /// Never the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Bytes as they stand in names and documents.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::{Value, json};

    use super::*;

    /// Made by `openssl genpkey -algorithm ed25519`; its public key by `openssl pkey -pubout`.
    const PEM: &[u8] = b"-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    /// Of the same key; RFC 8037, appendix A, has both.
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn signed(signer: &Signer) -> HashMap<String, String> {
        let files = [("v-1.m4s", [0x0a; 32]), ("a-1.m4s", [0xff; 32])];
        let files = files.iter().map(|(name, digest)| (*name, digest));
        let document = signer.sign("tv", at(1_000), files).expect("a document");
        serde_json::from_str(&document).expect("flat JSON")
    }

    #[test]
    fn a_files_key_is_the_one_that_signs_and_is_told() {
        let signer = Signer::from_pem(PEM).expect("a key");
        assert_eq!(signer.public(), PUBLIC);
        let parts = signed(&signer);
        let compact = ["protected", "payload", "signature"].map(|part| parts[part].as_str());
        let key = DecodingKey::from_ed_components(PUBLIC).expect("a public key");
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.validate_exp = false;
        let read = decode::<Value>(compact.join("."), &key, &rules).expect("a good signature");
        assert_eq!(
            read.claims,
            json!({
                "sub": "tv", "iat": 1_000, "exp": 1_000 + DIGESTS_GOOD_FOR.as_secs(),
                "sha256": { "a-1.m4s": "ff".repeat(32), "v-1.m4s": "0a".repeat(32) },
            })
        );
        let jwk = read.header.jwk.expect("the public key");
        assert_eq!(
            serde_json::to_value(jwk).expect("JSON"),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": PUBLIC })
        );
    }

    #[test]
    fn a_fresh_key_is_another_each_time() {
        let [one, other] = [(); 2].map(|()| Signer::fresh().expect("a key"));
        assert_ne!(one.public(), other.public());
        assert_ne!(signed(&one)["signature"], signed(&other)["signature"]);
    }

    #[test]
    fn what_is_no_key_is_refused_and_a_key_is_never_shown() {
        let public = b"-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
            -----END PUBLIC KEY-----\n";
        for pem in [b"".as_slice(), b"rubbish", public] {
            Signer::from_pem(pem).expect_err("no key");
        }
        let shown = format!("{:?}", Signer::from_pem(PEM).expect("a key"));
        assert_eq!(shown, format!("Signer {{ public: {PUBLIC:?}, .. }}"));
    }
}
