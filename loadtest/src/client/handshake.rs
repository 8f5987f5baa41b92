//! The opening handshake (RFC 6455, section 4.1). The nonce is the RFC's own sample: the accept
//! value is then known beforehand, and a yardstick without SHA-1 can be driven too.

use url::Url;

use crate::limits::HANDSHAKE_BYTES_MAX;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The answer that grants what [`request`] asks for, and no compression: a constant, as the nonce is.
pub(crate) const CONSENT: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// What is offered where compression is (RFC 7692, section 7): neither side remembers a message
/// for the next one, so that a worker's sockets share one deflater and one inflater.
pub(crate) const DEFLATE: &str =
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

/// What a tracker has agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consent {
    /// Length of its answer.
    pub(crate) bytes: usize,
    /// Messages may be compressed.
    pub(crate) deflates: bool,
}

/// Why a tracker's answer opens no WebSocket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("the answer to the handshake is no HTTP: {0}")]
    NotHttp(#[from] httparse::Error),
    #[error("the handshake was refused with status {0}")]
    Status(u16),
    #[error("the handshake's Sec-WebSocket-Accept is missing or wrong")]
    Accept,
    #[error("the handshake agrees to an extension that was not offered like that: {0}")]
    Extension(String),
    #[error("the answer to the handshake is longer than {HANDSHAKE_BYTES_MAX} bytes")]
    TooLong,
}

/// The request that opens a WebSocket at `url`, and offers compression there if `deflates`.
pub(crate) fn request(url: &Url, deflates: bool) -> Vec<u8> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let extensions = if deflates { extensions() } else { String::new() };
    format!(
        "GET {}{query} HTTP/1.1\r\nHost: {host}{port}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\
         {extensions}\r\n",
        url.path()
    )
    .into_bytes()
}

/// The header line that offers compression.
pub(crate) fn extensions() -> String {
    format!("Sec-WebSocket-Extensions: {DEFLATE}\r\n")
}

/// The tracker's consent, or `None` when more must be read; `offers_deflate` is what
/// [`request`] was told.
///
/// # Errors
/// When the answer is none, or agrees to something else.
pub(crate) fn consent(
    bytes: &[u8],
    offers_deflate: bool,
) -> Result<Option<Consent>, HandshakeError> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(end) = response.parse(bytes)? else {
        let too_long = bytes.len() > HANDSHAKE_BYTES_MAX;
        return if too_long { Err(HandshakeError::TooLong) } else { Ok(None) };
    };
    match response.code {
        Some(101) => {}
        other => return Err(HandshakeError::Status(other.unwrap_or_default())),
    }
    let accept = |header: &httparse::Header<'_>| {
        header.name.eq_ignore_ascii_case("sec-websocket-accept") && header.value == ACCEPT
    };
    if !response.headers.iter().any(accept) {
        return Err(HandshakeError::Accept);
    }
    let mut deflates = false;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("sec-websocket-extensions") {
            if deflates || !offers_deflate || !is_offered(header.value) {
                return Err(HandshakeError::Extension(header.value.escape_ascii().to_string()));
            }
            deflates = true;
        }
    }
    Ok(Some(Consent { bytes: end, deflates }))
}

/// Whether a tracker may answer the offer like this. Without `server_no_context_takeover` its
/// messages would need those before them; a window of its own is its own business, as it is never
/// larger than what is inflated with (RFC 7692, section 7.1.2.1).
fn is_offered(extension: &[u8]) -> bool {
    let mut parts = extension.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"permessage-deflate"));
    let (mut forgets, mut known) = (false, true);
    for part in parts {
        match part {
            b"server_no_context_takeover" => forgets = true,
            b"client_no_context_takeover" => {}
            _ => known &= part.starts_with(b"server_max_window_bits="),
        }
    }
    named && forgets && known
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
        SEC-WEBSOCKET-ACCEPT: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81";

    #[test]
    fn the_request_names_host_port_path_and_query() {
        let url = "ws://127.0.0.1:8000/announce?token=1".parse().expect("a URL");
        let request = String::from_utf8(request(&url, false)).expect("ASCII");
        assert!(request.starts_with("GET /announce?token=1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"));
        assert!(request.ends_with("\r\n\r\n"));
    }

    #[test]
    fn consent_ends_where_the_first_frame_begins() {
        let end = ANSWER.len() - 1;
        let agreed = Consent { bytes: end, deflates: false };
        assert!(matches!(consent(ANSWER, true), Ok(Some(found)) if found == agreed));
        assert!(matches!(consent(&ANSWER[..end - 1], false), Ok(None)));
        let constant = consent(CONSENT, false);
        assert!(matches!(constant, Ok(Some(found)) if found.bytes == CONSENT.len()));
    }

    #[test]
    fn a_refusal_is_told_by_its_status() {
        let forbidden = b"HTTP/1.1 403 Forbidden\r\n\r\n";
        assert!(matches!(consent(forbidden, false), Err(HandshakeError::Status(403))));
        let wrong = b"HTTP/1.1 101 OK\r\nSec-WebSocket-Accept: no\r\n\r\n";
        assert!(matches!(consent(wrong, false), Err(HandshakeError::Accept)));
    }

    #[test]
    fn compression_is_agreed_on_as_it_was_offered_or_not_at_all() {
        let url = "ws://127.0.0.1:8000/".parse().expect("a URL");
        let request = String::from_utf8(request(&url, true)).expect("ASCII");
        assert!(request.contains("\r\nSec-WebSocket-Extensions: permessage-deflate; client_no"));
        assert!(request.ends_with("takeover\r\n\r\n"));
        let answer = |extension: &str| {
            let head = str::from_utf8(&ANSWER[..ANSWER.len() - 3]).expect("ASCII");
            format!("{head}Sec-WebSocket-Extensions: {extension}\r\n\r\n").into_bytes()
        };
        for right in [
            DEFLATE,
            "permessage-deflate;server_no_context_takeover",
            "Permessage-Deflate; server_no_context_takeover; server_max_window_bits=10",
        ] {
            let agreed = consent(&answer(right), true);
            assert!(matches!(agreed, Ok(Some(Consent { deflates: true, .. }))), "{right}");
            let unasked = consent(&answer(right), false);
            assert!(matches!(unasked, Err(HandshakeError::Extension(_))), "{right}");
        }
        for wrong in [
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
            "x-webkit-deflate-frame; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover, permessage-deflate",
        ] {
            let refused = consent(&answer(wrong), true);
            assert!(matches!(refused, Err(HandshakeError::Extension(_))), "{wrong}");
        }
    }
}
