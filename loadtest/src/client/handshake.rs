//! The opening handshake (RFC 6455, section 4.1). The nonce is the RFC's own sample: the accept
//! value is then known beforehand, and a yardstick without SHA-1 can be driven too.

use url::Url;

use crate::limits::HANDSHAKE_BYTES_MAX;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Why a tracker's answer opens no WebSocket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("the answer to the handshake is no HTTP: {0}")]
    NotHttp(#[from] httparse::Error),
    #[error("the handshake was refused with status {0}")]
    Status(u16),
    #[error("the handshake's Sec-WebSocket-Accept is missing or wrong")]
    Accept,
    #[error("the answer to the handshake is longer than {HANDSHAKE_BYTES_MAX} bytes")]
    TooLong,
}

/// The request that opens a WebSocket at `url`.
pub(crate) fn request(url: &Url) -> Vec<u8> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!(
        "GET {}{query} HTTP/1.1\r\nHost: {host}{port}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n",
        url.path()
    )
    .into_bytes()
}

/// How many bytes the tracker's consent took, or `None` when more must be read.
pub(crate) fn consent(bytes: &[u8]) -> Result<Option<usize>, HandshakeError> {
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
    let accepted = response.headers.iter().any(accept);
    if accepted { Ok(Some(end)) } else { Err(HandshakeError::Accept) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSENT: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
        SEC-WEBSOCKET-ACCEPT: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81";

    #[test]
    fn the_request_names_host_port_path_and_query() {
        let url = "ws://127.0.0.1:8000/announce?token=1".parse().expect("a URL");
        let request = String::from_utf8(request(&url)).expect("ASCII");
        assert!(request.starts_with("GET /announce?token=1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"));
        assert!(request.ends_with("\r\n\r\n"));
    }

    #[test]
    fn consent_ends_where_the_first_frame_begins() {
        let end = CONSENT.len() - 1;
        assert!(matches!(consent(CONSENT), Ok(Some(at)) if at == end));
        assert!(matches!(consent(&CONSENT[..end - 1]), Ok(None)));
    }

    #[test]
    fn a_refusal_is_told_by_its_status() {
        let forbidden = b"HTTP/1.1 403 Forbidden\r\n\r\n";
        assert!(matches!(consent(forbidden), Err(HandshakeError::Status(403))));
        let wrong = b"HTTP/1.1 101 OK\r\nSec-WebSocket-Accept: no\r\n\r\n";
        assert!(matches!(consent(wrong), Err(HandshakeError::Accept)));
    }
}
