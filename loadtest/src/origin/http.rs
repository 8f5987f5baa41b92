//! HTTP/1.1 as much as downloads need: the head of a request, the head of a response, and a whole
//! answer for those who have time to wait for it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, bail, ensure};

use crate::limits::{DOWNLOAD_BYTES_MAX, DOWNLOAD_TIME_MAX, RESPONSE_HEAD_BYTES_MAX};

/// Headers in a response; servers send some fifteen.
const HEADERS_MAX: usize = 64;

/// What the head of a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Bytes of the head itself.
    pub(super) bytes: usize,
    pub(super) content_length: Option<usize>,
}

/// The request of a file, on a connection that is kept.
pub(super) fn request(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// The head at the beginning of `bytes`, or `None` while it isn't whole.
///
/// # Errors
/// When it is none.
pub(super) fn head(bytes: &[u8]) -> anyhow::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes).context("no HTTP")? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => {
            ensure!(bytes.len() < RESPONSE_HEAD_BYTES_MAX, "a head without an end");
            return Ok(None);
        }
    };
    let status = response.code.unwrap_or_default();
    let of = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
    let content_length = response.headers.iter().find(of).map(|header| header.value);
    let number = |value| std::str::from_utf8(value).ok()?.parse().ok();
    let content_length = content_length.map(|value| number(value).context("no Content-Length"));
    let content_length = content_length.transpose()?;
    Ok(Some(Head { status, bytes: length, content_length }))
}

/// The whole body of a file, by a connection of its own.
///
/// # Errors
/// When it can't be had.
pub(super) fn get(address: SocketAddr, host: &str, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut socket = TcpStream::connect_timeout(&address, DOWNLOAD_TIME_MAX)?;
    socket.set_read_timeout(Some(DOWNLOAD_TIME_MAX))?;
    let close = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(close.as_bytes())?;
    let mut bytes = Vec::new();
    socket.take(DOWNLOAD_BYTES_MAX).read_to_end(&mut bytes)?;
    let Some(head) = head(&bytes)? else {
        bail!("an answer that ends before its head does");
    };
    ensure!(head.status == 200, "status {}", head.status);
    let body = bytes.split_off(head.bytes);
    ensure!(head.content_length == Some(body.len()), "a body that ends too early");
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nx: y\r\n\r\nhello";
        for end in 0..text.len() - 5 {
            assert_eq!(head(&text[..end]).expect("HTTP"), None, "{end}");
        }
        let expected = Head { status: 200, bytes: text.len() - 5, content_length: Some(5) };
        assert_eq!(head(text).expect("HTTP"), Some(expected));
        assert!(head(b"SSH-2.0\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").is_err());
    }
}
