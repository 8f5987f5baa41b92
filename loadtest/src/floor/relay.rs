//! The floor's event loop: reads from whoever has said something, appends to whoever it is for, and
//! writes to each of them once at the end of the round.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use memchr::memmem;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use super::frame::{Frame, write_header};
use super::links::Links;
use super::message::{Fields, START_BYTES, What, write_start};
use super::swarms::Swarms;
use crate::client::handshake;
use crate::client::id::Id;
use crate::client::socket::Buffers;
use crate::limits::{FLOOR_EVENTS_PER_ROUND, FLOOR_MESSAGE_BYTES_MAX};

/// Tokens that are no socket's place.
const LISTENER: Token = Token(usize::MAX - 1);
const END: Token = Token(usize::MAX - 2);

/// The event loop.
#[derive(Debug)]
pub(super) struct Relay {
    poll: Poll,
    listener: TcpListener,
    /// Readable when the program shall end.
    #[cfg(unix)]
    _end: mio::net::UnixStream,
    buffers: Buffers,
    room: Room,
    failed: Vec<u32>,
}

/// The sockets and who they are.
#[derive(Debug, Default)]
struct Room {
    links: Links,
    swarms: Swarms,
    fields: Fields,
    /// The reply that is being written.
    reply: Vec<u8>,
}

impl Relay {
    /// # Errors
    /// When the address cannot be had, or the system has no event queue left.
    pub(super) fn new(address: SocketAddr) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            #[cfg(unix)]
            _end: end_on_signals(&poll)?,
            poll,
            listener,
            buffers: Buffers::new(),
            room: Room::default(),
            failed: Vec::new(),
        })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Relays until a signal comes.
    ///
    /// # Errors
    /// When the event queue fails.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(FLOOR_EVENTS_PER_ROUND);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    END => return Ok(()),
                    Token(place) => {
                        if event.is_writable() {
                            self.room.links.is_writable(place as u32);
                        }
                        if event.is_readable() || event.is_read_closed() || event.is_error() {
                            self.read(place as u32);
                        }
                    }
                }
            }
            self.room.links.flush(&mut self.buffers, &mut self.failed);
            for place in std::mem::take(&mut self.failed) {
                self.room.remove(place);
            }
        }
    }

    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                // A socket that is gone already, or for which there is no room, is no loss here.
                Ok((stream, _)) => drop(self.room.links.add(stream, self.poll.registry())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Without descriptors the next connection tries again.
                Err(_) => return,
            }
        }
    }

    /// Reads until the kernel has no more.
    fn read(&mut self, place: u32) {
        let mut read = self.buffers.take_read();
        while let Some(link) = self.room.links.get(place) {
            let bytes = match link.stream.read(&mut read) {
                Ok(bytes) if bytes > 0 => bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(_) | Err(_) => {
                    self.room.remove(place);
                    break;
                }
            };
            let mut own = std::mem::take(&mut link.partial);
            let heard = if own.is_empty() {
                &mut read[..bytes]
            } else {
                own.extend_from_slice(&read[..bytes]);
                &mut own
            };
            let used = self.room.hear(place, heard, &mut self.buffers);
            let rest = &heard[used..];
            if rest.len() > FLOOR_MESSAGE_BYTES_MAX {
                self.room.remove(place);
            } else if !rest.is_empty()
                && let Some(link) = self.room.links.get(place)
            {
                link.partial = rest.to_vec();
            }
            // Under edge triggering a short read has emptied the socket (epoll(7)).
            if bytes < read.len() {
                break;
            }
        }
        self.buffers.give_back_read(read);
    }
}

impl Room {
    /// Takes what a socket has received so far; returns how many bytes of it are done with.
    fn hear(&mut self, place: u32, bytes: &mut [u8], buffers: &mut Buffers) -> usize {
        let mut used = 0;
        if self.links.get(place).is_some_and(|link| !link.is_upgraded) {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                return 0;
            };
            used = end + 4;
            if let Some(out) = self.links.outbox(place, buffers) {
                out.extend_from_slice(handshake::CONSENT);
            }
            if let Some(link) = self.links.get(place) {
                link.is_upgraded = true;
            }
        }
        while let Some(frame) = Frame::first(&mut bytes[used..]) {
            used += frame.bytes;
            if frame.is_text {
                // What is not understood is not answered.
                let _ = self.message(place, frame.payload, buffers);
            }
        }
        used
    }

    fn message(&mut self, place: u32, text: &[u8], buffers: &mut Buffers) -> Option<()> {
        let message = self.fields.read(text)?;
        let (info_hash, peer_id) = (message.info_hash, message.peer_id);
        match message.what {
            What::Answer { to, rest } => {
                let to = self.swarms.place_of(to)?;
                relay(self.links.outbox(to, buffers)?, info_hash, peer_id, rest);
            }
            What::Stopped => self.leave(place),
            What::Announce { mut offers } => {
                let seat = self.links.get(place)?.seat;
                if seat.is_none_or(|seat| seat.info_hash != *info_hash) {
                    self.leave(place);
                    let seat = self.swarms.join(place, *info_hash, *peer_id);
                    self.links.get(place)?.seat = Some(seat);
                }
                let seat = self.links.get(place)?.seat?;
                let swarm = self.swarms.swarm_of(&seat);
                let others = swarm.len() - 1;
                write_reply(&mut self.reply, info_hash, swarm.len());
                let out = self.links.outbox(place, buffers)?;
                write_header(out, self.reply.len());
                out.extend_from_slice(&self.reply);
                for _ in 0..others {
                    let offer = self.fields.next_offer(&mut offers)?;
                    let out = self.links.outbox(swarm.next_but(place), buffers)?;
                    relay(out, info_hash, peer_id, offer);
                }
            }
        }
        Some(())
    }

    fn leave(&mut self, place: u32) {
        let Some(seat) = self.links.get(place).and_then(|link| link.seat.take()) else {
            return;
        };
        if let Some(moved) = self.swarms.leave(&seat)
            && let Some(link) = self.links.get(moved)
            && let Some(last) = &mut link.seat
        {
            last.move_to(&seat);
        }
    }

    fn remove(&mut self, place: u32) {
        self.leave(place);
        self.links.remove(place);
    }
}

/// Appends one relayed message: `members` are what comes behind the ids.
fn relay(out: &mut Vec<u8>, info_hash: &Id, from: &Id, members: &[u8]) {
    let length = START_BYTES + members.len() + 1;
    // Room for a header of any length.
    out.reserve(length + 10);
    write_header(out, length);
    write_start(out, info_hash, from);
    out.extend_from_slice(members);
    out.push(b'}');
}

fn write_reply(reply: &mut Vec<u8>, info_hash: &Id, members: usize) {
    reply.clear();
    reply.extend_from_slice(br#"{"action":"announce","interval":120,"info_hash":""#);
    reply.extend_from_slice(info_hash);
    // A Vec takes everything.
    let _ = write!(reply, r#"","complete":0,"incomplete":{members}}}"#);
}

/// A stream that can be read once the program is told to end.
#[cfg(unix)]
fn end_on_signals(poll: &Poll) -> io::Result<mio::net::UnixStream> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::low_level::pipe;

    let (mut end, told) = mio::net::UnixStream::pair()?;
    poll.registry().register(&mut end, END, Interest::READABLE)?;
    for signal in [SIGINT, SIGTERM] {
        let told = std::os::fd::AsFd::as_fd(&told).try_clone_to_owned()?;
        pipe::register(signal, told)?;
    }
    Ok(end)
}
