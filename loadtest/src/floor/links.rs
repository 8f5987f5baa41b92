//! The sockets of the floor: what is half read, what waits to be written, and which of them have
//! something to write in this round.

use std::io;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::swarms::Seat;
use crate::client::outbox::Outbox;
use crate::client::socket::Buffers;
use crate::limits::OUTBOX_BYTES_MAX;

/// All sockets, by token.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: Vec<Option<Link>>,
    vacant: Vec<u32>,
    /// Those with something to write, each once.
    dirty: Vec<u32>,
}

/// One socket.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: TcpStream,
    /// The start of a message whose end has not arrived.
    pub(super) partial: Vec<u8>,
    pub(super) is_upgraded: bool,
    pub(super) seat: Option<Seat>,
    outbox: Outbox,
    is_dirty: bool,
}

impl Links {
    pub(super) fn add(&mut self, mut stream: TcpStream, registry: &Registry) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.links.push(None);
            self.links.len() as u32 - 1
        });
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, Token(place as usize), both)?;
        self.links[place as usize] = Some(Link {
            stream,
            partial: Vec::new(),
            is_upgraded: false,
            seat: None,
            outbox: Outbox::default(),
            is_dirty: false,
        });
        Ok(())
    }

    pub(super) fn get(&mut self, place: u32) -> Option<&mut Link> {
        self.links[place as usize].as_mut()
    }

    pub(super) fn remove(&mut self, place: u32) -> Option<Link> {
        let link = self.links[place as usize].take()?;
        self.vacant.push(place);
        Some(link)
    }

    /// Where frames for the socket at `place` are appended; they are written with the next
    /// [`flush`](Self::flush).
    pub(super) fn outbox(&mut self, place: u32, buffers: &mut Buffers) -> Option<&mut Vec<u8>> {
        let link = self.links[place as usize].as_mut()?;
        if !link.is_dirty {
            link.is_dirty = true;
            self.dirty.push(place);
        }
        if link.outbox.bytes().capacity() == 0 {
            *link.outbox.bytes() = buffers.take();
        }
        Some(link.outbox.bytes())
    }

    /// The kernel takes more: writes on what it did not take before.
    pub(super) fn is_writable(&mut self, place: u32) {
        if let Some(link) = &mut self.links[place as usize]
            && !link.is_dirty
            && !link.outbox.waiting().is_empty()
        {
            link.is_dirty = true;
            self.dirty.push(place);
        }
    }

    /// Writes once to each socket that has something to write. Those that failed, or read too
    /// slowly, are left in `failed`.
    pub(super) fn flush(&mut self, buffers: &mut Buffers, failed: &mut Vec<u32>) {
        for place in self.dirty.drain(..) {
            let Some(link) = &mut self.links[place as usize] else {
                continue;
            };
            link.is_dirty = false;
            match link.outbox.write_to(&mut link.stream) {
                Ok(true) => buffers.give_back(link.outbox.take()),
                Ok(false) if link.outbox.waiting().len() <= OUTBOX_BYTES_MAX => {}
                Ok(false) | Err(_) => failed.push(place),
            }
        }
    }
}
