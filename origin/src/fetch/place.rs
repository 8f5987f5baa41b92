//! Where something is, told in a way that can be logged: paths, queries and user names of URLs may
//! be keys.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// A URL of `http` or `https`, with a host. Shown and debugged without anything secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Place(Url);

impl Place {
    /// `None` for another kind of URL.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        Self::of(Url::parse(url).ok()?)
    }

    fn of(url: Url) -> Option<Self> {
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(Place(url))
    }

    /// What a reference at this place means. `None` when it means nothing that can be fetched.
    pub(crate) fn join(&self, reference: &str) -> Option<Self> {
        let mut joined = self.0.join(reference).ok()?;
        joined.set_fragment(None);
        // Who may read a playlist by name and password may read what it names on the same host.
        if joined.origin() == self.0.origin() && joined.username().is_empty() {
            let _ = joined.set_username(self.0.username());
            let _ = joined.set_password(self.0.password());
        }
        Self::of(joined)
    }

    /// What came over TLS is not followed to where anybody could change it.
    pub(crate) fn may_lead_to(&self, other: &Place) -> bool {
        self.0.scheme() == other.0.scheme() || other.0.scheme() == "https"
    }

    /// Whether it is plainly what listens at this address: asking there would be asking oneself.
    pub(crate) fn is_served_at(&self, listen: SocketAddr) -> bool {
        let is_here = |ip: IpAddr| match listen.ip().is_unspecified() {
            true => ip.is_loopback() || ip.is_unspecified(),
            false => ip == listen.ip(),
        };
        let is_here = match self.0.host() {
            Some(Host::Ipv4(ip)) => is_here(ip.into()),
            Some(Host::Ipv6(ip)) => is_here(ip.into()),
            Some(Host::Domain("localhost")) => is_here(Ipv4Addr::LOCALHOST.into()),
            Some(Host::Domain(_)) | None => false,
        };
        is_here && self.0.port_or_known_default() == Some(listen.port())
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Without what is not sent in a request's line.
    pub(super) fn for_request(&self) -> Url {
        let mut url = self.0.clone();
        url.set_fragment(None);
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url
    }

    /// The URL's name and password (RFC 7617).
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let (name, password) = (self.0.username(), self.0.password().unwrap_or_default());
        if name.is_empty() && password.is_empty() {
            return None;
        }
        let decoded = |text| percent_decode_str(text).collect::<Vec<u8>>();
        let pair = [decoded(name), b":".to_vec(), decoded(password)].concat();
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The host and the file: `https://example.org/…/index.m3u8`.
impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(out, "{}://{host}", self.0.scheme())?;
        if let Some(port) = self.0.port() {
            write!(out, ":{port}")?;
        }
        let path = self.0.path();
        match path.rsplit_once('/') {
            Some(("", file)) => write!(out, "/{file}"),
            Some((_, file)) => write!(out, "/…/{file}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::parse(url).expect("a place")
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let secret = place("https://me:s3cret@example.org:8443/s3cret/tv/index.m3u8?key=s3cret#x");
        for shown in [secret.to_string(), format!("{secret:?}")] {
            assert_eq!(shown, "https://example.org:8443/…/index.m3u8");
        }
        assert_eq!(place("http://example.org/a.ts").to_string(), "http://example.org/a.ts");
        let request = secret.for_request();
        assert_eq!(request.as_str(), "https://example.org:8443/s3cret/tv/index.m3u8?key=s3cret");
    }

    #[test]
    fn name_and_password_go_along_on_one_host_only() {
        let home = place("https://me:p%40ss@example.org/tv/index.m3u8");
        let basic = |place: &Place| place.authorization().map(|value| value.as_bytes().to_vec());
        // "me:p@ss"
        assert_eq!(basic(&home), Some(b"Basic bWU6cEBzcw==".to_vec()));
        assert_eq!(basic(&home.join("1.ts").expect("a place")), basic(&home));
        for other in ["https://cdn.example/1.ts", "http://example.org/1.ts", "//x.example/1.ts"] {
            assert_eq!(basic(&home.join(other).expect("a place")), None, "{other}");
        }
    }

    #[test]
    fn what_listens_here_is_known() {
        let is_here =
            |url: &str, listen: &str| place(url).is_served_at(listen.parse().expect("an address"));
        for url in ["http://127.0.0.1:8080/x", "http://localhost:8080/x", "http://[::1]:8080/"] {
            assert!(is_here(url, "0.0.0.0:8080"), "{url}");
            assert!(!is_here(url, "0.0.0.0:8081"), "{url}");
            assert!(!is_here(url, "192.0.2.1:8080"), "{url}");
        }
        assert!(is_here("http://192.0.2.1/live", "192.0.2.1:80"));
        assert!(!is_here("http://example.org:8080/live", "0.0.0.0:8080"));
    }

    #[test]
    fn only_http_can_be_fetched_and_tls_is_not_left() {
        let home = place("https://example.org/tv/index.m3u8");
        for odd in ["file:///etc/passwd", "data:,x", "ftp://example.org/1.ts", "https://"] {
            assert_eq!(home.join(odd), None, "{odd}");
        }
        let plain = place("http://example.org/1.ts");
        assert!(plain.may_lead_to(&home) && plain.may_lead_to(&plain) && home.may_lead_to(&home));
        assert!(!home.may_lead_to(&plain));
    }
}
