//! Who may see the dashboard: this machine's browser alone, or whoever has the operator's token. A
//! page of somebody else's may not, whoever looks at it: a browser sends cookies, and reaches this
//! machine, for any page, and says which one it does it for.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_http::header::{
    AUTHORIZATION, COOKIE, FORWARDED, HOST, HeaderMap, HeaderName, ORIGIN, X_FORWARDED_FOR,
};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use origin::ConfigError;
use origin::watched::{Flaw, Refresh, Source, Watched};
use thiserror::Error;

use super::TrustedProxies;
use crate::limits::{
    DASHBOARD_SESSION, DASHBOARD_TOKEN_BYTES_MAX, DASHBOARD_TOKEN_BYTES_MIN,
    DASHBOARD_TOKEN_FILE_BYTES_MAX,
};

/// The cookie of a browser that is signed in.
pub(crate) const COOKIE_NAME: &str = "dashboard";

/// Headers by which a proxy says that it is one.
const OF_PROXIES: [HeaderName; 3] =
    [X_FORWARDED_FOR, FORWARDED, HeaderName::from_static("x-real-ip")];

/// What the section `dashboard` asks of whoever wants to see it.
#[derive(Debug)]
pub struct DashboardAccess {
    /// Without one it is for this machine alone.
    token: Option<Watched<Token>>,
}

/// The operator's secret.
struct Token {
    bytes: Box<[u8]>,
    key: hmac::Key,
}

/// With what somebody was let in. Later it may be good no more: the token is another one, or the
/// session is over.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Pass {
    ThisMachine,
    Token(Box<[u8]>),
    /// `1764100000.8Q…`: until when, in seconds since 1970, and the proof of it.
    Session(Box<str>),
}

/// Why somebody sees nothing. None of them repeats anything of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(crate) enum Unseen {
    #[error("the dashboard is for this machine alone, unless dashboard.tokenFile is set")]
    Elsewhere,
    #[error("without dashboard.tokenFile the dashboard has no name but localhost, or an address")]
    Named,
    #[error("pages of another origin have no access")]
    OtherOrigin,
    #[error("a token is required")]
    NoToken,
    #[error("the token is not the right one")]
    WrongToken,
    #[error("the session is over")]
    SessionOver,
}

impl DashboardAccess {
    /// For this machine alone.
    #[must_use]
    pub fn this_machine() -> Self {
        Self { token: None }
    }

    /// For whoever has the token in the file at `path`. A line's end behind it doesn't count.
    ///
    /// # Errors
    ///
    /// Key, value and bound, when the file can't be read or is no token to rely on.
    pub fn token(path: PathBuf) -> Result<Self, ConfigError> {
        let files = [("dashboard.tokenFile".to_owned(), path)];
        let bytes_max = DASHBOARD_TOKEN_FILE_BYTES_MAX;
        let token = Watched::load(Source { files, bytes_max, parse: Token::read })?;
        Ok(Self { token: Some(token) })
    }

    /// Whether it names a file that is read again while the tracker runs.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.token.is_some()
    }

    pub(crate) fn refresh(&self, which: Refresh) {
        if let Some(token) = &self.token {
            token.refresh(which);
        }
    }

    /// Whether somebody whose connection is from `peer` may see what is asked for with these headers.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) fn admit(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        proxies: &TrustedProxies,
        now: SystemTime,
    ) -> Result<Pass, Unseen> {
        self.admit_address(headers, peer, proxies)?;
        let Some(token) = &self.token else {
            return Ok(Pass::ThisMachine);
        };
        let pass = if let Some(header) = headers.get(AUTHORIZATION) {
            Pass::Token(bearer(header.as_bytes()).ok_or(Unseen::WrongToken)?.into())
        } else {
            Pass::Session(session_cookie(headers).ok_or(Unseen::NoToken)?.into())
        };
        token.current().holds(&pass, now)?;
        Ok(pass)
    }

    /// The part of it that needs no secret: where, and for which page.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) fn admit_address(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        proxies: &TrustedProxies,
    ) -> Result<(), Unseen> {
        let host = headers.get(HOST).map_or(&b""[..], |host| host.as_bytes());
        if let Some(origin) = headers.get(ORIGIN)
            && !is_of_host(origin.as_bytes(), host)
        {
            return Err(Unseen::OtherOrigin);
        }
        if self.token.is_some() {
            return Ok(());
        }
        if !peer.is_some_and(|peer| is_here(headers, peer.to_canonical(), proxies)) {
            return Err(Unseen::Elsewhere);
        }
        // A stranger's name may lead to this machine (DNS rebinding); its pages are of this host.
        if is_local_name(host) { Ok(()) } else { Err(Unseen::Named) }
    }

    /// Whether a pass that was good is so still.
    pub(crate) fn holds(&self, pass: &Pass, now: SystemTime) -> bool {
        match (&self.token, pass) {
            (None, pass) => *pass == Pass::ThisMachine,
            (Some(token), pass) => token.current().holds(pass, now).is_ok(),
        }
    }

    /// What the browser of somebody who knows the token keeps instead of it, for
    /// [`DASHBOARD_SESSION`].
    ///
    /// # Errors
    ///
    /// When it is another token, or none is asked for.
    pub(crate) fn sign_in(&self, token: &[u8], now: SystemTime) -> Result<String, Unseen> {
        let current = self.token.as_ref().ok_or(Unseen::NoToken)?.current();
        current.holds(&Pass::Token(token.into()), now)?;
        let until = seconds(now + DASHBOARD_SESSION);
        let proof =
            URL_SAFE_NO_PAD.encode(hmac::sign(&current.key, session_text(until).as_bytes()));
        Ok(format!("{until}.{proof}"))
    }
}

impl Pass {
    /// What it is, without what is secret.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::ThisMachine => "thisMachine",
            Self::Token(_) => "token",
            Self::Session(_) => "session",
        }
    }
}

impl Token {
    fn read([file]: [&[u8]; 1]) -> Result<Self, Flaw> {
        let end = file.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
        let bytes = &file[..end];
        let is_long_enough =
            (DASHBOARD_TOKEN_BYTES_MIN..=DASHBOARD_TOKEN_BYTES_MAX).contains(&bytes.len());
        // What a header can have (RFC 9110, section 5.5), without spaces.
        if !is_long_enough || !bytes.iter().all(u8::is_ascii_graphic) {
            let bound = "a token of 16 to 256 letters, digits and signs, in ASCII without spaces";
            return Err(Flaw { file: 0, line: None, value: format!("{end} bytes"), bound });
        }
        Ok(Self { bytes: bytes.into(), key: hmac::Key::new(HMAC_SHA256, bytes) })
    }

    /// Takes as long whatever is wrong with a token or a proof.
    fn holds(&self, pass: &Pass, now: SystemTime) -> Result<(), Unseen> {
        match pass {
            Pass::ThisMachine => Err(Unseen::NoToken),
            Pass::Token(token) => {
                let own = hmac::sign(&self.key, &self.bytes);
                hmac::verify(&self.key, token, own.as_ref()).map_err(|_| Unseen::WrongToken)
            }
            Pass::Session(session) => {
                let (until, proof) = session.split_once('.').ok_or(Unseen::SessionOver)?;
                let until = until.parse().map_err(|_| Unseen::SessionOver)?;
                let proof = URL_SAFE_NO_PAD.decode(proof).map_err(|_| Unseen::SessionOver)?;
                hmac::verify(&self.key, session_text(until).as_bytes(), &proof)
                    .map_err(|_| Unseen::SessionOver)?;
                if seconds(now) < until { Ok(()) } else { Err(Unseen::SessionOver) }
            }
        }
    }
}

/// Whether it is this machine that asks, and no proxy. One on this machine stands for the whole
/// world, whether we are told to trust it or not; and the loopback of which another machine's proxy
/// tells is that machine's.
fn is_here(headers: &HeaderMap, peer: IpAddr, proxies: &TrustedProxies) -> bool {
    let is_proxy =
        proxies.contain(peer) || OF_PROXIES.iter().any(|name| headers.contains_key(name));
    peer.is_loopback() && !is_proxy
}

/// Longer than a token, and so never one of those that [`Token::holds`] compares.
fn session_text(until: u64) -> String {
    format!("{:<1$}{until}", "the dashboard may be seen until ", DASHBOARD_TOKEN_BYTES_MAX)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// The token of `Bearer TOKEN` (RFC 6750, section 2.1); the scheme's case doesn't matter.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
}

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let mut pairs = headers
        .get_all(COOKIE)
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// Whether a page of `origin`, such as `https://example.org`, comes from `host`.
fn is_of_host(origin: &[u8], host: &[u8]) -> bool {
    let authority =
        [&b"http://"[..], b"https://"].into_iter().find_map(|scheme| origin.strip_prefix(scheme));
    authority.is_some_and(|authority| !host.is_empty() && authority.eq_ignore_ascii_case(host))
}

/// `localhost` or an address, with a port or without: what no stranger can name.
fn is_local_name(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    let has_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if has_port(port) && !host.ends_with(']') => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

/// Without what is secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

/// Without what is secret.
impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests;
