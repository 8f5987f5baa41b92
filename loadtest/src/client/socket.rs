//! One peer's TCP connection: what is half read, what waits to be written. Buffers belong to the
//! worker and are lent while there is something in them, so an idle peer costs a descriptor.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, SocketAddr};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Type};

use super::outbox::Outbox;
use super::tls::{Session, Tls};
use crate::limits::{
    OUTBOX_BYTES_MAX, READ_BUFFER_BYTES, SPARE_OUTBOX_BYTES_MAX, SPARE_OUTBOXES_MAX,
};

/// A connection that is opening or open.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// `None` for `ws`.
    session: Option<Box<Session>>,
    /// The start of a frame whose end has not arrived.
    partial: Vec<u8>,
    outbox: Outbox,
}

/// How much a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    /// The kernel has no more for now.
    Drained,
    /// The buffer was filled; there may be more.
    More,
    /// The tracker closed its side.
    Closed,
}

/// The buffers that all sockets of one worker share; the default has no room to read into.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    read: Vec<u8>,
    /// What was said in the records that were read last.
    plain: Vec<u8>,
    spare: Vec<Vec<u8>>,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        Self { read: vec![0; READ_BUFFER_BYTES], ..Self::default() }
    }

    /// A buffer to write into, for as long as something waits in it.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// The buffer that is read into, for a moment.
    pub(crate) fn take_read(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.read)
    }

    pub(crate) fn give_back_read(&mut self, read: Vec<u8>) {
        self.read = read;
    }

    pub(crate) fn give_back(&mut self, mut buffer: Vec<u8>) {
        let keeps = self.spare.len() < SPARE_OUTBOXES_MAX;
        if keeps && (1..=SPARE_OUTBOX_BYTES_MAX).contains(&buffer.capacity()) {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

/// A connection under way from an address of this machine.
fn connect_from(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket2::Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        #[cfg(unix)]
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

impl Socket {
    /// Starts to connect, from address `from` if one is named; the first writable event tells the
    /// outcome. With `tls` everything is sealed, once the handshake is over.
    pub(crate) fn connect(
        from: Option<IpAddr>,
        to: SocketAddr,
        tls: Option<&Tls>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let mut stream = match from {
            None => TcpStream::connect(to)?,
            Some(from) => connect_from(from, to)?,
        };
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let session = tls.map(Session::new).transpose()?.map(Box::new);
        Ok(Self { stream, session, partial: Vec::new(), outbox: Outbox::default() })
    }

    /// Lets the kernel keep about so many `bytes` for this peer: with few of them, what it doesn't
    /// read waits at the tracker. Where that cannot be had, a slow reader is only later a burden.
    pub(crate) fn keep_unread(&self, bytes: usize) {
        let _ = socket2::SockRef::from(&self.stream).set_recv_buffer_size(bytes);
    }

    /// Whether the connection is up; an error when it was refused.
    pub(crate) fn finish_connect(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => self.stream.set_nodelay(true).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads once and shows everything unread to `take`, which returns how many bytes it used.
    pub(crate) fn read(
        &mut self,
        buffers: &mut Buffers,
        take: impl FnOnce(&[u8], &mut Outbox) -> usize,
    ) -> io::Result<ReadEnd> {
        let bytes = match self.stream.read(&mut buffers.read) {
            Ok(0) => return Ok(ReadEnd::Closed),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(ReadEnd::Drained),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(ReadEnd::More),
            Err(error) => return Err(error),
        };
        self.lend(buffers);
        let fresh = match &mut self.session {
            None => &buffers.read[..bytes],
            Some(session) => {
                buffers.plain.clear();
                session.open(&mut buffers.read[..bytes], &mut buffers.plain)?;
                &buffers.plain
            }
        };
        let outbox = &mut self.outbox;
        if self.partial.is_empty() {
            let used = if fresh.is_empty() { 0 } else { take(fresh, outbox) };
            self.partial.extend_from_slice(&fresh[used..]);
        } else {
            self.partial.extend_from_slice(fresh);
            let used = take(&self.partial, outbox);
            self.partial.drain(..used);
        }
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        // Under edge triggering a short read has emptied the socket (epoll(7)).
        let drained = bytes < READ_BUFFER_BYTES;
        Ok(if drained { ReadEnd::Drained } else { ReadEnd::More })
    }

    /// Where frames for the tracker go.
    pub(crate) fn outbox(&mut self, buffers: &mut Buffers) -> &mut Outbox {
        self.lend(buffers);
        &mut self.outbox
    }

    fn lend(&mut self, buffers: &mut Buffers) {
        if self.outbox.bytes().capacity() == 0 {
            *self.outbox.bytes() = buffers.take();
        }
    }

    /// Whether so much waits to be written that the peer should read no more.
    pub(crate) fn is_clogged(&self) -> bool {
        self.outbox.waiting().len() > OUTBOX_BYTES_MAX
    }

    /// Whether anything waits to be written.
    pub(crate) fn has_output(&self) -> bool {
        let is_sealed = self.session.as_ref().is_some_and(|session| session.has_output());
        is_sealed || !self.outbox.waiting().is_empty()
    }

    /// Writes as much as the kernel takes; what is left waits for a writable event.
    pub(crate) fn flush(&mut self, buffers: &mut Buffers) -> io::Result<()> {
        match &mut self.session {
            None => {
                self.outbox.write_to(&mut self.stream)?;
            }
            Some(session) => {
                session.flush(&mut self.stream, &mut self.outbox, || buffers.take())?;
                buffers.give_back(session.give_back());
            }
        }
        if self.outbox.waiting().is_empty() {
            buffers.give_back(self.outbox.take());
        }
        Ok(())
    }
}
