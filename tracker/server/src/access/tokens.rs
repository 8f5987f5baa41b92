//! Who may open a socket, by a signed token in its URL: the site's own backend says yes to a
//! viewer, and the tracker needs no account, no database and no call to check it. Browsers can't
//! set a WebSocket's headers, so the query is the one place for it; it is never logged.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::web::Query;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use origin::ConfigError;
use origin::watched::{Flaw, Refresh, Source, Watched};
use serde::Deserialize;
use thiserror::Error;
use tracker_core::{InfoHash, Reason};

use super::info_hash_from_hex;
use crate::limits::{
    HS256_SECRET_BYTES_MIN, TOKEN_BYTES_MAX, TOKEN_KEY_FILE_BYTES_MAX, TOKEN_LEEWAY,
    TOKEN_SWARMS_MAX,
};

/// Tokens of one key: JSON Web Tokens (RFC 7519), all signed the way that the configuration says.
#[derive(Debug)]
pub struct TokenAccess {
    key: Watched<DecodingKey>,
    validation: Validation,
    /// The query's parameter with the token.
    parameter: String,
}

/// What a token allows the socket that came with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Until when swarms may be joined, since the Unix epoch.
    joins_until: Duration,
    /// Which swarms may be joined; all without it.
    swarms: Option<Box<[InfoHash]>>,
}

/// Why a handshake is refused. None of them repeats anything of the token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(crate) enum TokenRefusal {
    #[error("a token is required in the query of the URL")]
    Missing,
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    #[error("the token is not valid")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    #[error("the token is for pages of another origin")]
    OtherOrigin,
    #[error("the token is for more than {TOKEN_SWARMS_MAX} swarms")]
    TooManySwarms,
}

/// What is read of a token besides what [`Validation`] looks at: signature, `exp`, `nbf` and
/// `aud`. A token with an audience is for somebody else (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
struct Claims {
    /// Seconds since the Unix epoch, with or without a fraction.
    exp: f64,
    /// The `Origin` header that must come with it.
    origin: Option<String>,
    /// Info hashes in 40 hexadecimal digits.
    swarms: Option<Vec<String>>,
}

impl TokenAccess {
    /// Tokens signed with HMAC-SHA256 and the secret in the file at `path`. A line's end behind
    /// it doesn't count.
    ///
    /// # Errors
    ///
    /// Key, value and bound, when the file can't be read or is no secret to rely on.
    pub fn hs256(path: PathBuf, parameter: String) -> Result<Self, ConfigError> {
        Self::load("access.tokens.hs256SecretFile", path, hs256_key, Algorithm::HS256, parameter)
    }

    /// Tokens signed with Ed25519, checked with the public key in the PEM file at `path`.
    ///
    /// # Errors
    ///
    /// Key, value and bound, when the file can't be read or isn't such a key.
    pub fn ed25519(path: PathBuf, parameter: String) -> Result<Self, ConfigError> {
        let key = "access.tokens.ed25519PublicKeyFile";
        Self::load(key, path, ed25519_key, Algorithm::EdDSA, parameter)
    }

    /// The algorithm belongs to the key, and never comes from a token's header: else a public key
    /// could be taken for a secret (RFC 8725, section 2.1).
    fn load(
        key: &'static str,
        path: PathBuf,
        parse: fn([&[u8]; 1]) -> Result<DecodingKey, Flaw>,
        algorithm: Algorithm,
        parameter: String,
    ) -> Result<Self, ConfigError> {
        let (files, bytes_max) = ([(key.to_owned(), path)], TOKEN_KEY_FILE_BYTES_MAX);
        let key = Watched::load(Source { files, bytes_max, parse })?;
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp"]);
        validation.validate_nbf = true;
        validation.leeway = TOKEN_LEEWAY.as_secs();
        Ok(Self { key, validation, parameter })
    }

    /// Checks the token in a handshake's query, for a page of `origin`.
    pub(crate) fn admit(
        &self,
        query: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Ticket, TokenRefusal> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query.unwrap_or_default());
        let mut pairs = pairs.map_err(|_| TokenRefusal::Invalid)?.into_inner().into_iter();
        let token = pairs.find(|(name, _)| *name == self.parameter).map(|(_, token)| token);
        let token = token.filter(|token| !token.is_empty()).ok_or(TokenRefusal::Missing)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenRefusal::TooLong);
        }
        let key = self.key.current();
        let token =
            decode::<Claims>(&token, &key, &self.validation).map_err(|error| {
                match error.kind() {
                    ErrorKind::ExpiredSignature => TokenRefusal::Expired,
                    _ => TokenRefusal::Invalid,
                }
            })?;
        // Extensions that must be understood (RFC 7515, section 4.1.11); we understand none.
        if token.header.crit.is_some() {
            return Err(TokenRefusal::Invalid);
        }
        if token.claims.origin.as_deref().is_some_and(|bound| origin != Some(bound)) {
            return Err(TokenRefusal::OtherOrigin);
        }
        token.claims.ticket()
    }

    pub(super) fn refresh(&self, which: Refresh) {
        self.key.refresh(which);
    }
}

impl Claims {
    fn ticket(self) -> Result<Ticket, TokenRefusal> {
        let expiry = Duration::try_from_secs_f64(self.exp).map_err(|_| TokenRefusal::Invalid)?;
        let swarms = match self.swarms {
            Some(swarms) if swarms.len() > TOKEN_SWARMS_MAX => {
                return Err(TokenRefusal::TooManySwarms);
            }
            Some(swarms) => {
                let swarms = swarms.iter().map(|hex| info_hash_from_hex(hex));
                Some(swarms.collect::<Option<_>>().ok_or(TokenRefusal::Invalid)?)
            }
            None => None,
        };
        Ok(Ticket { joins_until: expiry.saturating_add(TOKEN_LEEWAY), swarms })
    }
}

impl Ticket {
    /// Whether a swarm may be joined now.
    ///
    /// # Errors
    ///
    /// [`Reason::TokenExpired`], or [`Reason::NotInToken`] when it is for other swarms.
    pub(crate) fn admit(&self, info_hash: &InfoHash, now: SystemTime) -> Result<(), Reason> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        if now > self.joins_until {
            return Err(Reason::TokenExpired);
        }
        match &self.swarms {
            Some(swarms) if !swarms.contains(info_hash) => Err(Reason::NotInToken),
            _ => Ok(()),
        }
    }
}

fn hs256_key([file]: [&[u8]; 1]) -> Result<DecodingKey, Flaw> {
    let end = file.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
    if end < HS256_SECRET_BYTES_MIN {
        let bound = "a secret of 32 bytes or more (RFC 7518, section 3.2)";
        return Err(Flaw { file: 0, line: None, value: format!("{end} bytes long"), bound });
    }
    Ok(DecodingKey::from_secret(&file[..end]))
}

fn ed25519_key([file]: [&[u8]; 1]) -> Result<DecodingKey, Flaw> {
    DecodingKey::from_ed_pem(file).map_err(|_| Flaw {
        file: 0,
        line: None,
        value: "something else".to_owned(),
        bound: "an Ed25519 public key in PEM, as 'openssl pkey -pubout' writes it",
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use super::*;

    /// RFC 7515, appendix A.1: a key, and a token that expired in 2011.
    const SECRET: [u8; 64] = [
        3, 35, 53, 75, 43, 15, 165, 188, 131, 126, 6, 101, 119, 123, 166, 143, 90, 179, 40, 230,
        240, 84, 201, 40, 169, 15, 132, 178, 210, 80, 46, 191, 211, 251, 90, 146, 210, 6, 71, 239,
        150, 138, 180, 195, 119, 98, 61, 34, 61, 46, 33, 114, 5, 46, 79, 8, 192, 205, 154, 245,
        103, 208, 128, 163,
    ];
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn\
        VlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn rfc_7515() -> TokenAccess {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, SECRET).expect("a file");
        TokenAccess::hs256(path, "token".to_owned()).expect("a secret")
    }

    #[test]
    fn the_rfcs_own_token_is_genuine_and_expired_and_no_other_byte_of_it_would_do() {
        let access = rfc_7515();
        let admit = |token: &str| access.admit(Some(&format!("token={token}")), None);
        assert_eq!(admit(TOKEN), Err(TokenRefusal::Expired));
        for at in 0..TOKEN.len() {
            let mut other = TOKEN.as_bytes().to_vec();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).expect("text");
            assert_eq!(admit(&other), Err(TokenRefusal::Invalid), "byte {at}");
        }
    }

    #[test]
    fn a_query_without_a_token_or_with_one_too_long_is_told_so() {
        let access = rfc_7515();
        for query in [None, Some(""), Some("token="), Some("Token=a.b.c"), Some("a=token")] {
            assert_eq!(access.admit(query, None), Err(TokenRefusal::Missing), "{query:?}");
        }
        let of = |bytes: usize| format!("token={}", "x".repeat(bytes));
        assert_eq!(access.admit(Some(&of(TOKEN_BYTES_MAX + 1)), None), Err(TokenRefusal::TooLong));
        assert_eq!(access.admit(Some(&of(TOKEN_BYTES_MAX)), None), Err(TokenRefusal::Invalid));
    }

    #[test]
    fn a_ticket_is_for_its_swarms_until_its_end() {
        let (film, news) = (InfoHash([1; 20]), InfoHash([2; 20]));
        let claims = |swarms: Option<Vec<String>>| Claims { exp: 1000.5, origin: None, swarms };
        let at = |seconds: f64| UNIX_EPOCH + Duration::from_secs_f64(seconds);
        let ticket = claims(Some(vec!["01".repeat(20)])).ticket().expect("a ticket");
        assert_eq!(ticket.admit(&film, at(1000.0)), Ok(()));
        assert_eq!(ticket.admit(&news, at(1000.0)), Err(Reason::NotInToken));
        let end = 1000.5 + TOKEN_LEEWAY.as_secs_f64();
        assert_eq!(ticket.admit(&film, at(end)), Ok(()));
        assert_eq!(ticket.admit(&film, at(end + 0.001)), Err(Reason::TokenExpired));
        let ticket = claims(None).ticket().expect("a ticket");
        assert_eq!(ticket.admit(&news, at(1000.0)), Ok(()), "no list is every swarm");
        let ticket = claims(Some(Vec::new())).ticket().expect("a ticket");
        assert_eq!(ticket.admit(&film, at(1000.0)), Err(Reason::NotInToken), "and [] is none");

        let many = |count| claims(Some(vec!["01".repeat(20); count])).ticket();
        assert!(many(TOKEN_SWARMS_MAX).is_ok());
        assert_eq!(many(TOKEN_SWARMS_MAX + 1), Err(TokenRefusal::TooManySwarms));
        let odd = claims(Some(vec!["01".repeat(19)])).ticket();
        assert_eq!(odd, Err(TokenRefusal::Invalid));
        for exp in [f64::NAN, f64::INFINITY, -1.0] {
            let ticket = Claims { exp, origin: None, swarms: None }.ticket();
            assert_eq!(ticket, Err(TokenRefusal::Invalid));
        }
    }
}
