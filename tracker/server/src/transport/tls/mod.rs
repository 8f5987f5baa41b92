//! TLS on a socket, driven without waiting in both directions. Session and socket can be taken
//! apart, because a socket may move to another thread in the middle of its conversation (decision
//! 5).

mod outgoing;
mod session;

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

pub(crate) use session::Session;

/// A socket whose client speaks TLS.
#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: TcpStream,
    /// Sockets without TLS lie in the same table, and have no room for it.
    session: Box<Session>,
}

impl TlsStream {
    /// Waits for the handshake. It says nothing of how long that may take.
    ///
    /// # Errors
    ///
    /// What the client got wrong, or the system said.
    pub(crate) async fn accept(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let mut stream = Self { socket, session: Box::new(Session::new(config)?) };
        std::future::poll_fn(|cx| stream.poll_handshake(cx)).await?;
        Ok(stream)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            // Behind the handshake there are tickets to send.
            ready!(self.poll_flush(cx))?;
            if !self.session.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_receive(cx, &mut ReadBuf::new(&mut [])))? == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Whether the client came with a ticket of an earlier session.
    pub(crate) fn is_resumed(&self) -> bool {
        self.session.is_resumed()
    }

    /// Reads plaintext; nothing when the other side has ended.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        self.session.take_unread(buffer);
        while buffer.filled().len() == before && !self.session.has_ended() {
            // An end that TLS wasn't told of is one all the same: WebSocket has its own.
            if ready!(self.poll_receive(cx, buffer))? == 0 {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads ciphertext and decrypts it; 0 when the other side has ended.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        plain: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut socket = Receiving { socket: &mut self.socket, cx };
        match self.session.receive(plain, &mut socket) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            other => Poll::Ready(other),
        }
    }

    /// Takes plaintext to send, as much as there is room for. It is sent in part or not at all
    /// while the kernel takes no more; [`try_flush`](Self::try_flush) tells.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) when there is room for nothing.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.session.write(bytes, &mut Sending(&self.socket))
    }

    /// Sends what is encrypted.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) when the kernel doesn't take all of it.
    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        self.session.flush(&mut Sending(&self.socket))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.try_flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.socket.poll_write_ready(cx))?;
                }
                other => return Poll::Ready(other),
            }
        }
    }

    /// Says that nothing follows.
    pub(crate) fn send_close_notify(&mut self) {
        self.session.write_end(&mut Sending(&self.socket));
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Takes the session off its socket, with all that it holds.
    pub(crate) fn into_parts(self) -> (TcpStream, Box<Session>) {
        (self.socket, self.session)
    }

    /// Goes on with a session on its socket.
    pub(crate) fn from_parts(socket: TcpStream, session: Box<Session>) -> Self {
        Self { socket, session }
    }
}

/// The socket as its session reads it: a wait is an error to it.
struct Receiving<'a, 'cx> {
    socket: &'a mut TcpStream,
    cx: &'a mut Context<'cx>,
}

impl Read for Receiving<'_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        match Pin::new(&mut *self.socket).poll_read(self.cx, &mut buffer) {
            Poll::Ready(outcome) => outcome.map(|()| buffer.filled().len()),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

/// What the session answers while it reads.
impl Write for Receiving<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The socket as its session writes it.
struct Sending<'a>(&'a TcpStream);

impl Write for Sending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
