//! A plain connection whose requests are answered without a copy of what is sent: actix-http reads
//! requests and writes heads, the kernel sends segments from its pages (`sendfile`). actix-http's
//! own loop would copy each body into its buffer, which with the kernel's copy is half of what a
//! download costs. Whatever is more than a request for a file, it gets all the same.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::h1::{Codec, Message};
use actix_http::{Request, Response, ServiceConfig};
use actix_service::Service;
use bytes::{Bytes, BytesMut};
use futures_util::future::poll_fn;
use memchr::memmem;
use rustix::fs::sendfile;
use rustix::net::{SendFlags, send};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::{Decoder, Encoder};

use crate::http::Sendable;
use crate::limits::{
    KEEP_ALIVE, REQUEST_HEAD_BYTES, REQUEST_TIMEOUT, SENDFILE_BYTES, WRITE_TIMEOUT,
};
use crate::store::Written;

/// How a conversation ended.
#[derive(Debug)]
pub(super) enum End {
    /// The client, or its time, is gone.
    Closed,
    /// The client asks for more than a file; this is what it has said.
    Other(TcpStream, Bytes),
}

/// A connection and what was read from it.
struct Conversation<'a, S> {
    socket: TcpStream,
    read: BytesMut,
    codec: Codec,
    service: &'a S,
}

/// Answers requests for files by `service` until there is another one, or none.
pub(super) async fn converse<S>(socket: TcpStream, config: ServiceConfig, service: &S) -> End
where
    S: Service<Request>,
    S::Response: Into<Response<BoxBody>>,
{
    let codec = Codec::new(config);
    let mut conversation = Conversation { socket, read: BytesMut::new(), codec, service };
    // Whoever has just come has something to say.
    let mut idle = REQUEST_TIMEOUT;
    loop {
        match conversation.head(idle).await {
            Ok(true) => idle = KEEP_ALIVE,
            Ok(false) => return End::Other(conversation.socket, conversation.read.freeze()),
            Err(_) => return End::Closed,
        }
        match conversation.answer().await {
            Ok(true) => {}
            Ok(false) | Err(_) => return End::Closed,
        }
    }
}

impl<S> Conversation<'_, S>
where
    S: Service<Request>,
    S::Response: Into<Response<BoxBody>>,
{
    /// Waits for the whole head of a request, which begins within `idle`; whether it asks for a
    /// file, and has no body.
    async fn head(&mut self, idle: Duration) -> io::Result<bool> {
        if self.read.is_empty() {
            // An idle connection holds no buffer.
            self.read = BytesMut::new();
            timeout(idle, self.begin()).await??;
        }
        let whole = async {
            loop {
                if let Some(end) = memmem::find(&self.read, b"\r\n\r\n") {
                    return Ok(asks_for_a_file(&self.read[..end]));
                }
                if self.read.len() >= REQUEST_HEAD_BYTES {
                    return Ok(false);
                }
                self.read.reserve(READ_BYTES);
                self.socket.readable().await?;
                match self.socket.try_read_buf(&mut self.read) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                    _ => {}
                }
            }
        };
        timeout(REQUEST_TIMEOUT, whole).await?
    }

    /// Waits for the first bytes. What tokio calls readable may be no more than it was before the
    /// last read, so only bytes count.
    async fn begin(&mut self) -> io::Result<()> {
        loop {
            self.socket.readable().await?;
            self.read.reserve(READ_BYTES);
            match self.socket.try_read_buf(&mut self.read) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.read = BytesMut::new();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers the request whose head has been read; whether the connection goes on.
    async fn answer(&mut self) -> io::Result<bool> {
        let request = match self.codec.decode(&mut self.read) {
            Ok(Some(Message::Item(request))) => request,
            _ => return self.refuse().await,
        };
        let is_head = request.method() == actix_http::Method::HEAD;
        let Ok(response) = self.service.call(request).await else {
            return Ok(false);
        };
        let mut response: Response<BoxBody> = response.into();
        let sendable = response.extensions_mut().remove::<Sendable>();
        let (head, mut body) = response.into_parts();
        let size = body.size();
        let mut out = BytesMut::new();
        self.codec.encode(Message::Item((head, size)), &mut out)?;
        let goes_on = self.codec.keep_alive();
        let pages = sendable.as_ref().and_then(Sendable::pages);
        if is_head || matches!(size, BodySize::None | BodySize::Sized(0)) {
            self.send(&out, SendFlags::empty()).await?;
        } else if let (Some(sendable), Some((pages, bytes))) = (sendable, pages) {
            // What was lent for the body isn't needed.
            drop(body);
            self.send(&out, SendFlags::MORE).await?;
            let sending = self.send_pages(&pages, bytes, &sendable);
            // Whatever stopped it, the body is not whole, and nothing may follow.
            match timeout(sendable.time(), sending).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if error.kind() != io::ErrorKind::TimedOut => return Err(error),
                Ok(Err(_)) | Err(_) => {
                    sendable.cut();
                    return Ok(false);
                }
            }
        } else {
            while let Some(slice) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
                let slice = slice.map_err(|_| io::ErrorKind::Other)?;
                // A small body goes out with its head.
                match out.is_empty() {
                    true => self.send(&slice, SendFlags::empty()).await?,
                    false => {
                        self.codec.encode(Message::Chunk(Some(slice)), &mut out)?;
                        self.send(&out.split(), SendFlags::empty()).await?;
                    }
                }
            }
        }
        Ok(goes_on)
    }

    /// What can't be read as a request gets 400, and its connection ends.
    async fn refuse(&mut self) -> io::Result<bool> {
        let refusal = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        self.send(refusal, SendFlags::empty()).await?;
        Ok(false)
    }

    async fn send(&self, mut bytes: &[u8], flags: SendFlags) -> io::Result<()> {
        while !bytes.is_empty() {
            let write = || Ok(send(&self.socket, bytes, flags | SendFlags::NOSIGNAL)?);
            let sent = self.socket.async_io(Interest::WRITABLE, write);
            bytes = &bytes[timeout(WRITE_TIMEOUT, sent).await??..];
        }
        Ok(())
    }

    async fn send_pages(
        &self,
        pages: &Written,
        bytes: Range<u64>,
        sendable: &Sendable,
    ) -> io::Result<()> {
        let mut at = bytes.start;
        while at < bytes.end {
            // A part at a time, so that one connection's turn isn't as long as a segment.
            let part = usize::try_from(bytes.end - at).unwrap_or(usize::MAX).min(SENDFILE_BYTES);
            let write = || Ok(sendfile(&self.socket, pages, Some(&mut { at }), part)?);
            let sent = self.socket.async_io(Interest::WRITABLE, write);
            let sent = timeout(WRITE_TIMEOUT, sent).await??;
            at += sent as u64;
            sendable.sent(sent);
        }
        Ok(())
    }
}

/// Bytes of one read: browsers' requests for a segment have some 600.
const READ_BYTES: usize = 4096;

/// Whether a head is of the methods for files, without anything that makes it more than a request.
fn asks_for_a_file(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    let methods: [&[u8]; 3] = [b"GET ", b"HEAD ", b"OPTIONS "];
    let is_of_files = lines.next().is_some_and(|first| {
        methods.iter().any(|method| first.starts_with(method)) && first.ends_with(b" HTTP/1.1\r")
    });
    let more: [&[u8]; 4] = [b"content-length", b"transfer-encoding", b"upgrade", b"expect"];
    let has_more = lines.any(|line| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        more.iter().any(|header| name.trim_ascii().eq_ignore_ascii_case(header))
    });
    is_of_files && !has_more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_a_request_for_a_file_is_left_to_others() {
        for (head, is_ours) in [
            ("GET /a HTTP/1.1\r\nHost: x", true),
            ("HEAD /a HTTP/1.1\r", true),
            ("OPTIONS /a HTTP/1.1\r\nOrigin: x", true),
            ("PUT /a HTTP/1.1\r\nHost: x", false),
            ("GET /a HTTP/1.0\r\nHost: x", false),
            ("GET /a HTTP/1.1\r\nContent-Length: 5", false),
            ("GET /a HTTP/1.1\r\nTRANSFER-ENCODING : chunked", false),
            ("GET /a HTTP/1.1\r\nA: b\r\nupgrade: h2c", false),
            ("GET /a HTTP/1.1\r\nExpect: 100-continue", false),
            ("get /a HTTP/1.1\r\n", false),
            ("PRI * HTTP/2.0\r\n", false),
            ("", false),
        ] {
            assert_eq!(asks_for_a_file(head.as_bytes()), is_ours, "{head}");
        }
    }
}
