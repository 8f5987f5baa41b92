//! The bytes of one socket, in both directions and in one owner's hands. Both sides write without
//! waiting; who has to wait asks to be woken.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket, on the thread that serves it.
#[derive(Debug)]
pub(crate) struct Stream(TcpStream);

/// A socket on its way to another thread.
#[derive(Debug)]
pub(crate) struct Detached(std::net::TcpStream);

impl Stream {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self(socket)
    }

    /// Takes bytes to send, as many as there is room for.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when there is room for none, anything else when
    /// the connection is broken.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Waits until the kernel takes more bytes.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(cx)
    }

    /// Says that nothing follows; the other side may still send.
    pub(crate) fn end(&mut self) {
        // An error means that the other side has gone.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Write);
    }

    /// Takes the socket off this thread.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn detach(self) -> io::Result<Detached> {
        self.0.into_std().map(Detached)
    }
}

impl Detached {
    /// Puts the socket on this thread.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn attach(self) -> io::Result<Stream> {
        TcpStream::from_std(self.0).map(Stream)
    }
}

/// tokio knows that a short read has emptied the socket, and the next one doesn't ask the kernel.
impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
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
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.poll_write_ready(cx))?;
                }
                other => return Poll::Ready(other),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}
