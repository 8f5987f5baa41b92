//! The bytes of one socket, in both directions and in one owner's hands, with TLS or without. Both
//! sides write without waiting; who has to wait asks to be woken.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tls::{Session, TlsStream};

/// A socket, on the thread that serves it.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(TlsStream),
}

/// A socket on its way to another thread.
#[derive(Debug)]
pub(crate) struct Detached {
    socket: std::net::TcpStream,
    session: Option<Box<Session>>,
}

impl Stream {
    /// Takes bytes to send, as many as there is room for. With TLS some of them may wait encrypted
    /// until [`try_flush`](Self::try_flush) has sent them.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) when there is room for none, anything else when the
    /// connection is broken.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            Self::Tls(stream) => stream.try_write(bytes),
        }
    }

    /// Sends what was taken.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) when the kernel doesn't take all of it, anything else
    /// when the connection is broken.
    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(stream) => stream.try_flush(),
        }
    }

    /// Waits until the kernel takes more bytes.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_write_ready(cx)
    }

    /// Has the kernel hold no more of what was sent than about so many bytes, until it is taken.
    pub(crate) fn bound_send_buffer(&self, bytes: usize) {
        // An error means that it holds as much as it likes.
        let _ = SockRef::from(self.socket()).set_send_buffer_size(bytes);
    }

    /// Says that nothing follows what was sent; the other side may still send.
    pub(crate) fn end(&mut self) {
        if let Self::Tls(stream) = self {
            stream.send_close_notify();
        }
        // An error means that the other side has gone.
        let _ = SockRef::from(self.socket()).shutdown(Shutdown::Write);
    }

    /// Takes the socket off this thread.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn detach(self) -> io::Result<Detached> {
        let (socket, session) = match self {
            Self::Plain(socket) => (socket, None),
            Self::Tls(stream) => {
                let (socket, session) = stream.into_parts();
                (socket, Some(session))
            }
        };
        Ok(Detached { socket: socket.into_std()?, session })
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.socket(),
        }
    }
}

impl Detached {
    /// Puts the socket on this thread.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn attach(self) -> io::Result<Stream> {
        let socket = TcpStream::from_std(self.socket)?;
        Ok(match self.session {
            None => Stream::Plain(socket),
            Some(session) => Stream::Tls(TlsStream::from_parts(socket, session)),
        })
    }
}

/// tokio knows that a short read has emptied the socket, and the next one doesn't ask the kernel.
impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(stream) => stream.poll_read(cx, buffer),
        }
    }
}

/// For HTTP, which waits.
impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.poll_write_ready(cx))?;
                }
                other => return Poll::Ready(other),
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.try_flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.poll_write_ready(cx))?;
                }
                other => return Poll::Ready(other),
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        self.end();
        Poll::Ready(Ok(()))
    }
}
