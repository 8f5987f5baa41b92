//! A client's connection, as it is or with TLS.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_http::Protocol;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificate::Certificate;
use crate::limits::{REQUEST_TIMEOUT, TLS_HANDSHAKES_MAX};

/// What a worker does with new connections.
pub(super) struct Acceptor {
    certificate: Option<Arc<Certificate>>,
    /// Who finds none left waits for one.
    handshakes: Semaphore,
}

/// A stream of bytes that are HTTP.
#[derive(Debug)]
pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Acceptor {
    pub(super) fn new(certificate: Option<Arc<Certificate>>) -> Self {
        Acceptor { certificate, handshakes: Semaphore::new(TLS_HANDSHAKES_MAX) }
    }

    /// A connection, and what is spoken on it.
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<(Connection, Protocol)> {
        // Else an answer waits up to 40 ms for the client's acknowledgement of what was sent
        // before. An error means that the client has gone, which is seen soon enough.
        let _ = socket.set_nodelay(true);
        let Some(certificate) = &self.certificate else {
            return Ok((Connection::Plain(socket), Protocol::Http1));
        };
        let handshake = async {
            // Who says nothing takes nobody's turn.
            socket.readable().await?;
            let _turn = self.handshakes.acquire().await.map_err(io::Error::other)?;
            TlsAcceptor::from(certificate.config()).accept(socket).await
        };
        let stream = timeout(REQUEST_TIMEOUT, handshake).await;
        let stream = stream.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))?;
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok((Connection::Tls(Box::new(stream)), protocol))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Connection::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Connection::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Connection::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Connection::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
