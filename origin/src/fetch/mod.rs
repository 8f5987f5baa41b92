//! An HTTP client that believes nothing: what breaks off is never taken for whole, and connecting,
//! answering and sending have a time each, bodies a bound, redirects a number. What the operator
//! keeps secret goes only to the host that it is for, and into no log.

mod body;
mod error;
mod place;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_ENCODING, AGE, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
    LOCATION, RANGE, USER_AGENT, VIA,
};
use hyper::{Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use error::FetchError;
pub(crate) use place::Place;

use crate::limits::{
    FETCH_CONNECT_TIMEOUT, FETCH_HEAD_BYTES_MAX, FETCH_HEAD_TIMEOUT, FETCH_IDLE_CONNECTIONS_MAX,
    FETCH_IDLE_TIMEOUT, FETCH_REDIRECTS_MAX,
};

/// By what an origin knows requests of its own (RFC 9110, 7.6.3), so that one which is told to take
/// a stream from itself finds out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pseudonym(HeaderValue);

impl Pseudonym {
    /// One that no other origin has.
    pub(crate) fn new() -> Self {
        let mut random = [0; 8];
        // Where there is no randomness there is no TLS either, and loops are not found.
        let _ = aws_lc_rs::rand::fill(&mut random);
        let name = random.iter().fold("1.1 origin-".to_owned(), |a, b| a + &format!("{b:02x}"));
        Pseudonym(HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("1.1 origin")))
    }

    /// Whether a request went by this name, by one of its headers `Via`.
    pub(crate) fn is_in(&self, via: &[u8]) -> bool {
        via.split(|byte| *byte == b',').any(|hop| hop.trim_ascii() == self.0.as_bytes())
    }
}

/// Fetches from one upstream, over connections that it keeps.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    /// Sent to `home` and to no other host.
    headers: HeaderMap,
    home: url::Origin,
    pseudonym: Pseudonym,
}

/// What is wanted of a place.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// These bytes of it; all of it otherwise.
    pub(crate) range: Option<Range<u64>>,
    /// The version that is here already.
    pub(crate) etag: Option<HeaderValue>,
    /// Of the body, unpacked.
    pub(crate) bytes_max: usize,
    /// From the answer's head to the body's end.
    pub(crate) within: Duration,
    /// Whether it is text, which may come packed.
    pub(crate) is_text: bool,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Answer {
    Here(Fetched),
    /// The version that is here already is the newest.
    NotModified,
}

/// A whole body.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Where it was in the end, after redirects: what it names is relative to this.
    pub(crate) place: Place,
    pub(crate) etag: Option<HeaderValue>,
    /// What the server's clock said when it answered, to the second.
    pub(crate) date: Option<SystemTime>,
    pub(crate) bytes: Bytes,
}

impl Fetcher {
    /// For what is at `home` or is named there. `headers` are sent to that host alone.
    ///
    /// # Errors
    /// When `https` is asked for, and this machine trusts nobody, or has no cryptography.
    pub(crate) fn new(
        home: &Place,
        headers: HeaderMap,
        pseudonym: Pseudonym,
    ) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(FETCH_CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls()?);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(FETCH_IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(FETCH_IDLE_CONNECTIONS_MAX)
            .http1_max_buf_size(FETCH_HEAD_BYTES_MAX)
            .build(https.https_or_http().enable_http1().wrap_connector(tcp));
        Ok(Fetcher { client, headers, home: home.url().origin(), pseudonym })
    }

    /// Fetches it, wherever it has gone to.
    ///
    /// # Errors
    /// When it is not there, not in time, or not whole.
    pub(crate) async fn get(&self, place: &Place, ask: &Ask) -> Result<Answer, FetchError> {
        let mut place = place.clone();
        for _ in 0..=FETCH_REDIRECTS_MAX {
            let response = self.send(&place, ask).await?;
            match response.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => {
                    return self.take(place, response, ask).await.map(Answer::Here);
                }
                StatusCode::NOT_MODIFIED if ask.etag.is_some() => return Ok(Answer::NotModified),
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                    let to = to.and_then(|to| place.join(to)).ok_or(FetchError::Redirect)?;
                    if !place.may_lead_to(&to) {
                        return Err(FetchError::Downgrade);
                    }
                    place = to;
                }
                status => return Err(FetchError::Status(status.as_u16())),
            }
        }
        Err(FetchError::Redirects)
    }

    async fn send(&self, place: &Place, ask: &Ask) -> Result<Response<Incoming>, FetchError> {
        let request = self.request(place, ask).ok_or(FetchError::Redirect)?;
        match timeout(FETCH_HEAD_TIMEOUT, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(FetchError::Connection(error::chain(&error))),
            Err(_) => Err(FetchError::NoAnswer),
        }
    }

    /// `None` when the URL is one that HTTP cannot ask for.
    fn request(&self, place: &Place, ask: &Ask) -> Option<Request<Empty<Bytes>>> {
        let mut request = Request::get(place.for_request().as_str()).body(Empty::new()).ok()?;
        let headers = request.headers_mut();
        if place.url().origin() == self.home {
            headers.clone_from(&self.headers);
        }
        if let Some(authorization) = place.authorization() {
            headers.insert(hyper::header::AUTHORIZATION, authorization);
        }
        let packing = if ask.is_text { "gzip" } else { "identity" };
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(packing));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("origin/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert(VIA, self.pseudonym.0.clone());
        if let Some(etag) = &ask.etag {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        if let Some(Range { start, end }) = &ask.range {
            let range = format!("bytes={start}-{}", end - 1);
            headers.insert(RANGE, HeaderValue::from_str(&range).ok()?);
        }
        Some(request)
    }

    async fn take(
        &self,
        place: Place,
        response: Response<Incoming>,
        ask: &Ask,
    ) -> Result<Fetched, FetchError> {
        let until = Instant::now() + ask.within;
        let (head, incoming) = response.into_parts();
        // A server may send all of it instead of a part.
        let (part, bytes_max) = match &ask.range {
            Some(range) if head.status == StatusCode::PARTIAL_CONTENT => {
                let expected = format!("bytes {}-{}/", range.start, range.end - 1);
                let got = head.headers.get(CONTENT_RANGE).map(HeaderValue::as_bytes);
                if !got.is_some_and(|got| got.starts_with(expected.as_bytes())) {
                    return Err(FetchError::WrongPart);
                }
                (None, ask.bytes_max)
            }
            Some(range) => (Some(range.clone()), ask.bytes_max),
            None if head.status == StatusCode::PARTIAL_CONTENT => {
                return Err(FetchError::WrongPart);
            }
            None => (None, ask.bytes_max),
        };
        let body = body::whole(incoming, &head.headers, bytes_max, ask.is_text);
        let mut bytes =
            timeout_at(until, body).await.map_err(|_| FetchError::Slow(ask.within))??;
        if let Some(Range { start, end }) = part {
            let (start, end) = (usize::try_from(start), usize::try_from(end));
            bytes = match (start, end) {
                // A copy, as a slice would keep the whole file in memory.
                (Ok(start), Ok(end)) if start <= end && end <= bytes.len() => {
                    Bytes::copy_from_slice(&bytes[start..end])
                }
                _ => return Err(FetchError::WrongPart),
            };
        } else if ask
            .range
            .as_ref()
            .is_some_and(|range| range.end - range.start != bytes.len() as u64)
        {
            return Err(FetchError::WrongPart);
        }
        let etag = head.headers.get(ETAG).cloned();
        Ok(Fetched { place, etag, date: date(&head.headers), bytes })
    }
}

/// The moment of the answer (RFC 9110, 6.6.1), which is as much later as a cache has had it (RFC
/// 9111, 5.1).
fn date(headers: &HeaderMap) -> Option<SystemTime> {
    let date = OffsetDateTime::parse(headers.get(DATE)?.to_str().ok()?, &Rfc2822).ok()?;
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.parse::<u32>().ok());
    let age = Duration::from_secs(u64::from(age.unwrap_or(0)));
    let is_sane = date.unix_timestamp() >= 0;
    is_sane.then(|| SystemTime::from(date)).and_then(|date| date.checked_add(age))
}

/// TLS that trusts whom the machine trusts.
fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // Some certificates of the system's may be odd; the others do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
