//! A TLS session on bytes alone: rustls between the ciphertext of a socket and our plaintext. It
//! works in buffers that all sessions of its thread share, and has bytes of its own only while a
//! record is here in part, has not been read, or has not left (decision 5).

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::ConnectionState;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::ReadBuf;

use super::outgoing::Outgoing;
use crate::limits::{
    TLS_PART_BYTES_MAX, TLS_READ_BYTES, TLS_READ_BYTES_MIN, TLS_RECORD_BYTES_MAX, TLS_WRITE_BYTES,
};

/// What TLS knows of a socket.
pub(crate) struct Session {
    rustls: UnbufferedServerConnection,
    /// Ciphertext of which the rest is still to come.
    part: BytesMut,
    /// Plaintext for which its reader had no room.
    unread: BytesMut,
    /// Ciphertext that the kernel has not taken.
    unsent: BytesMut,
    /// The other side has said that nothing follows.
    ended: bool,
    /// The other side has broken TLS's rules, and was told so.
    broken: bool,
}

impl Session {
    /// A session whose client has said nothing yet.
    ///
    /// # Errors
    ///
    /// What rustls has against `config`.
    pub(super) fn new(config: Arc<ServerConfig>) -> io::Result<Self> {
        Ok(Self {
            rustls: UnbufferedServerConnection::new(config).map_err(io::Error::other)?,
            part: BytesMut::new(),
            unread: BytesMut::new(),
            unsent: BytesMut::new(),
            ended: false,
            broken: false,
        })
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.rustls.is_handshaking()
    }

    /// Whether the client came with a ticket of an earlier session.
    pub(super) fn is_resumed(&self) -> bool {
        self.rustls.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Whether the other side has said that nothing follows what was received.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Hands out plaintext that had no room before.
    pub(super) fn take_unread(&mut self, plain: &mut ReadBuf<'_>) {
        let taken = self.unread.len().min(plain.remaining());
        plain.put_slice(&self.unread[..taken]);
        forget(&mut self.unread, taken);
    }

    /// Reads ciphertext, once, and decrypts what is whole into `plain`; what has no room there waits
    /// for [`take_unread`](Self::take_unread). Answers of TLS's own are sent. Returns how many bytes
    /// were read.
    ///
    /// # Errors
    ///
    /// What `socket` returns, except that a write would block; and
    /// [`InvalidData`](ErrorKind::InvalidData) when the other side breaks TLS's rules.
    pub(super) fn receive(
        &mut self,
        plain: &mut ReadBuf<'_>,
        socket: &mut (impl Read + Write),
    ) -> io::Result<usize> {
        BUFFERS.with_borrow_mut(|Buffers { incoming, outgoing }| {
            // Once for the thread.
            incoming.resize(TLS_PART_BYTES_MAX + TLS_READ_BYTES, 0);
            let part = self.part.len();
            let room = plain.remaining().clamp(TLS_READ_BYTES_MIN, TLS_READ_BYTES);
            let count = socket.read(&mut incoming[part..part + room])?;
            incoming[..part].copy_from_slice(&self.part);
            let outcome = self.decrypt(&mut incoming[..part + count], plain, outgoing);
            // When it fails, an alert says why to whom it may concern.
            let sent = self.send(outgoing.take(), socket);
            outcome?;
            match sent {
                Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
                _ => Ok(count),
            }
        })
    }

    /// Decrypts what is whole of `incoming`, and keeps the rest.
    fn decrypt(
        &mut self,
        incoming: &mut [u8],
        plain: &mut ReadBuf<'_>,
        outgoing: &mut Outgoing,
    ) -> io::Result<()> {
        let outcome = self.advance(incoming, plain, outgoing);
        self.part = match outcome {
            Ok(done) if !self.ended => BytesMut::from(&incoming[done..]),
            _ => BytesMut::new(),
        };
        let part_max =
            if self.is_handshaking() { TLS_PART_BYTES_MAX } else { TLS_RECORD_BYTES_MAX };
        self.broken = outcome.is_err() || self.part.len() > part_max;
        while self.broken
            && self.rustls.wants_write()
            && let Ok(ConnectionState::EncodeTlsData(mut alert)) =
                self.rustls.process_tls_records(&mut []).state
        {
            outgoing.append(|room| Ok(alert.encode(room)?))?;
        }
        match outcome {
            Ok(_) if self.broken => Err(broken("an endless handshake message")),
            outcome => outcome.map(drop),
        }
    }

    /// Does all that `incoming` lets be done. Returns with how many bytes of it.
    fn advance(
        &mut self,
        incoming: &mut [u8],
        plain: &mut ReadBuf<'_>,
        outgoing: &mut Outgoing,
    ) -> io::Result<usize> {
        let mut done = 0;
        loop {
            let status = self.rustls.process_tls_records(&mut incoming[done..]);
            done += status.discard;
            match status.state.map_err(broken)? {
                ConnectionState::ReadTraffic(mut records) => {
                    while let Some(record) = records.next_record() {
                        let record = record.map_err(broken)?;
                        done += record.discard;
                        let now = plain.remaining().min(record.payload.len());
                        plain.put_slice(&record.payload[..now]);
                        self.unread.extend_from_slice(&record.payload[now..]);
                    }
                }
                ConnectionState::EncodeTlsData(mut message) => {
                    outgoing.append(|room| Ok(message.encode(room)?))?;
                }
                ConnectionState::TransmitTlsData(message) => message.done(),
                ConnectionState::PeerClosed => self.ended = true,
                // More has to come, or nothing will.
                _ => return Ok(done),
            }
        }
    }

    /// Encrypts bytes and sends them. Returns how many were taken; what of them `socket` doesn't take
    /// waits for the next call, or for [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// What `socket` returns: [`WouldBlock`](ErrorKind::WouldBlock) while something waits already.
    pub(super) fn write(&mut self, plain: &[u8], socket: &mut impl Write) -> io::Result<usize> {
        // What is encrypted waits beside the outbox, so more is encrypted only once it is gone.
        self.flush(socket)?;
        let plain = &plain[..plain.len().min(TLS_WRITE_BYTES)];
        BUFFERS.with_borrow_mut(|Buffers { outgoing, .. }| {
            let encrypted = self.encrypt(Some(plain), outgoing);
            // Whatever has become of it, the next session's begins behind it.
            let bytes = outgoing.take();
            encrypted?;
            match self.send(bytes, socket) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
                _ => Ok(plain.len()),
            }
        })
    }

    /// Says that nothing follows, unless something waits, behind which that would have no room.
    pub(super) fn write_end(&mut self, socket: &mut impl Write) {
        if self.flush(socket).is_err() {
            return;
        }
        BUFFERS.with_borrow_mut(|Buffers { outgoing, .. }| {
            let encrypted = self.encrypt(None, outgoing);
            let bytes = outgoing.take();
            if encrypted.is_ok() {
                let _ = self.send(bytes, socket);
            }
        });
    }

    /// Encrypts bytes, or that nothing follows.
    fn encrypt(&mut self, plain: Option<&[u8]>, outgoing: &mut Outgoing) -> io::Result<()> {
        if self.broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        loop {
            // There is nothing new for it in what it has seen in part, but it counts on it.
            let state = self.rustls.process_tls_records(&mut self.part).state;
            match state.map_err(io::Error::other)? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    return outgoing.append(|room| match plain {
                        Some(plain) => Ok(traffic.encrypt(plain, room)?),
                        None => Ok(traffic.queue_close_notify(room)?),
                    });
                }
                ConnectionState::EncodeTlsData(mut message) => {
                    outgoing.append(|room| Ok(message.encode(room)?))?;
                }
                ConnectionState::TransmitTlsData(message) => message.done(),
                _ => return Err(ErrorKind::BrokenPipe.into()),
            }
        }
    }

    /// Sends what waits.
    ///
    /// # Errors
    ///
    /// What `socket` returns: [`WouldBlock`](ErrorKind::WouldBlock) when it doesn't take all of it.
    pub(super) fn flush(&mut self, socket: &mut impl Write) -> io::Result<()> {
        let (sent, outcome) = write_all(&self.unsent, socket);
        forget(&mut self.unsent, sent);
        outcome
    }

    /// Sends what waits, and behind it `more`, of which the rest will wait.
    fn send(&mut self, more: &[u8], socket: &mut impl Write) -> io::Result<()> {
        let (sent, outcome) = match self.flush(socket) {
            Ok(()) => write_all(more, socket),
            failed => (0, failed),
        };
        self.unsent.extend_from_slice(&more[sent..]);
        outcome
    }
}

impl fmt::Debug for Session {
    /// What is in it is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// Where the sessions of a thread work.
#[derive(Default)]
struct Buffers {
    /// What was left of the last read, and behind it what was just read.
    incoming: Vec<u8>,
    outgoing: Outgoing,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// What is wrong with what the other side has sent.
fn broken(why: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

/// Forgets the first `count` bytes, and their memory with the last.
fn forget(bytes: &mut BytesMut, count: usize) {
    bytes.advance(count);
    if bytes.is_empty() {
        *bytes = BytesMut::new();
    }
}

/// Writes as much as `socket` takes: how much that was, and why not all.
fn write_all(bytes: &[u8], socket: &mut impl Write) -> (usize, io::Result<()>) {
    let mut sent = 0;
    while sent < bytes.len() {
        match socket.write(&bytes[sent..]) {
            Ok(0) => return (sent, Err(ErrorKind::WriteZero.into())),
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (sent, Err(error)),
        }
    }
    (sent, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket that answers each write as it was told.
    struct Told {
        answers: Vec<io::Result<usize>>,
        written: Vec<u8>,
    }

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = self.answers.remove(0)?;
            self.written.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_interrupted_write_is_tried_again() {
        let answers = [Ok(2), Err(ErrorKind::Interrupted), Ok(3), Err(ErrorKind::WouldBlock)];
        let answers = answers.map(|answer| answer.map_err(io::Error::from)).into();
        let mut socket = Told { answers, written: Vec::new() };
        let (sent, outcome) = write_all(b"0123456789", &mut socket);
        assert_eq!((sent, socket.written.as_slice()), (5, &b"01234"[..]));
        assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
    }
}
