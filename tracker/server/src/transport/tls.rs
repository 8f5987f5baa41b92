//! TLS on a socket: rustls between its ciphertext and our plaintext, driven without waiting in
//! both directions. Session and socket can be taken apart, because a socket may move to another
//! thread in the middle of its conversation (decision 5).

use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::{HandshakeKind, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use crate::limits::TLS_BUFFER_BYTES_MAX;

/// A socket whose client speaks TLS.
#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: TcpStream,
    session: Session,
}

/// What TLS knows of a socket: keys, and bytes that are read and not handed out, or encrypted and
/// not sent.
#[derive(Debug)]
pub(crate) struct Session(Box<ServerConnection>);

impl TlsStream {
    /// Waits for the handshake. It says nothing of how long that may take.
    ///
    /// # Errors
    ///
    /// What the client got wrong, or the system said.
    pub(crate) async fn accept(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
        session.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX));
        let mut stream = Self { socket, session: Session(Box::new(session)) };
        std::future::poll_fn(|cx| stream.poll_handshake(cx)).await?;
        Ok(stream)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            // Behind the handshake there are tickets to send.
            ready!(self.poll_flush(cx))?;
            if !self.session.0.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Whether the client came with a ticket of an earlier session.
    pub(crate) fn is_resumed(&self) -> bool {
        self.session.0.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Reads plaintext; nothing when the other side has ended.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.take_plaintext(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An end that TLS wasn't told of is one all the same: WebSocket has its own.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Ok(()));
                }
                other => return Poll::Ready(other),
            }
            ready!(self.poll_receive(cx))?;
        }
    }

    /// Copies what is decrypted; [`WouldBlock`](ErrorKind::WouldBlock) when nothing is, and it may
    /// still come.
    fn take_plaintext(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let before = buffer.filled().len();
        let mut reader = self.session.0.reader();
        loop {
            match reader.fill_buf() {
                Ok(chunk) if !chunk.is_empty() && buffer.remaining() > 0 => {
                    let taken = chunk.len().min(buffer.remaining());
                    buffer.put_slice(&chunk[..taken]);
                    reader.consume(taken);
                }
                Err(error) if buffer.filled().len() == before => return Err(error),
                _ => return Ok(()),
            }
        }
    }

    /// Reads ciphertext and decrypts it; 0 when the other side has ended.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut socket = Receiving { socket: &mut self.socket, cx };
        let count = match self.session.0.read_tls(&mut socket) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
            other => other?,
        };
        let outcome = self.session.0.process_new_packets();
        if outcome.is_err() {
            // The alert says why, to whom it may concern.
            let _ = self.try_flush();
        }
        outcome.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        Poll::Ready(Ok(count))
    }

    /// Takes plaintext to send, as much as there is room for. It is sent in part or not at all
    /// while the kernel takes no more; [`try_flush`](Self::try_flush) tells.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) when there is room for nothing.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What is encrypted waits beside the outbox, so more is encrypted only once it is gone.
        self.try_flush()?;
        let taken = self.session.0.writer().write(bytes)?;
        if taken == 0 && !bytes.is_empty() {
            return Err(ErrorKind::WriteZero.into());
        }
        match self.try_flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    /// Sends what is encrypted.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) when the kernel doesn't take all of it.
    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        while self.session.0.wants_write() {
            self.session.0.write_tls(&mut Sending(&self.socket))?;
        }
        Ok(())
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
        self.session.0.send_close_notify();
        // Who is so far behind that a record has no room gets none.
        let _ = self.try_flush();
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Takes the session off its socket, with all that it holds.
    pub(crate) fn into_parts(self) -> (TcpStream, Session) {
        (self.socket, self.session)
    }

    /// Goes on with a session on its socket.
    pub(crate) fn from_parts(socket: TcpStream, session: Session) -> Self {
        Self { socket, session }
    }
}

/// The socket as rustls reads it: a wait is an error to it.
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

/// The socket as rustls writes it.
struct Sending<'a>(&'a TcpStream);

impl Write for Sending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    /// All records in one system call.
    fn write_vectored(&mut self, records: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(records)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
