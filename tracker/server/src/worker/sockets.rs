//! The table of one worker's sockets, by ids that are never used twice, and what has to be written
//! to which of them. It is a table alone: who may be told what is decided elsewhere.

use std::time::Duration;

use slab::Slab;
use tracker_core::ConnId;

use crate::close::Close;
use crate::directory::WorkerId;
use crate::limits::{SLOTS_KEPT, SOCKET_SWEEP_TICKS};
use crate::transport::connection::{Connection, Flushed, Spare};

#[derive(Debug)]
pub(super) struct Sockets {
    worker: WorkerId,
    connections: Slab<(u32, Connection)>,
    /// Slots with something to write at the end of the round.
    to_flush: Vec<usize>,
    pub(super) spare: Spare,
    /// Counts connections, so that an id of a closed one never means its successor in the slot.
    next_generation: u32,
    sweep_from: usize,
}

/// What a sweep finds about a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Finding {
    Keep,
    Ping,
    Close(Close),
}

impl Sockets {
    pub(super) fn new(worker: WorkerId) -> Self {
        Self {
            worker,
            connections: Slab::new(),
            to_flush: Vec::new(),
            spare: Spare::default(),
            next_generation: 0,
            sweep_from: 0,
        }
    }

    pub(super) fn insert(&mut self, connection: Connection) -> ConnId {
        self.next_generation = self.next_generation.wrapping_add(1) & ConnKey::GENERATION_MAX;
        let generation = self.next_generation;
        let slot = self.connections.insert((generation, connection));
        ConnKey { worker: self.worker, generation, slot }.into()
    }

    pub(super) fn remove(&mut self, id: ConnId) -> Option<Connection> {
        self.get(id)?;
        let (_, connection) = self.connections.remove(ConnKey::from(id).slot);
        Some(connection)
    }

    /// A socket, and the memory for its outbox.
    pub(super) fn get(&mut self, id: ConnId) -> Option<(&mut Connection, &mut Spare)> {
        let key = ConnKey::from(id);
        let (generation, connection) = self.connections.get_mut(key.slot)?;
        (*generation == key.generation).then_some((connection, &mut self.spare))
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Lets `push` put something into an outbox. When it says that there is no room, the socket is
    /// closed.
    pub(super) fn push_with(
        &mut self,
        to: ConnId,
        push: impl FnOnce(&mut Connection, &mut Spare) -> bool,
    ) {
        let Some((connection, spare)) = self.get(to) else {
            return;
        };
        if !push(connection, spare) {
            // It takes nothing any more, so this happens once.
            connection.closing_until = Some(Duration::ZERO);
            connection.tell(Close::SlowReader);
        } else if !connection.outbox.listed {
            connection.outbox.listed = true;
            self.to_flush.push(ConnKey::from(to).slot);
        }
    }

    /// Writes each outbox that something was put into, once.
    pub(super) fn flush(&mut self) {
        let Self { connections, to_flush, spare, .. } = self;
        for slot in to_flush.drain(..) {
            let Some((_, connection)) = connections.get_mut(slot) else {
                continue;
            };
            connection.outbox.listed = false;
            if connection.outbox.blocked {
                continue;
            }
            match connection.flush(spare) {
                Flushed::All => {}
                Flushed::Blocked => {
                    connection.outbox.blocked = true;
                    connection.wake();
                }
                Flushed::Broken => connection.tell(Close::Lost),
            }
        }
    }

    /// Looks at a part of the sockets, all of them in [`SOCKET_SWEEP_TICKS`] calls. Returns those
    /// that are to be pinged.
    pub(super) fn sweep(
        &mut self,
        mut look: impl FnMut(&mut Connection) -> Finding,
    ) -> Vec<ConnId> {
        let mut pings = Vec::new();
        let slots = self.connections.capacity();
        let end = slots.min(self.sweep_from + slots.div_ceil(SOCKET_SWEEP_TICKS));
        for slot in self.sweep_from..end {
            let Some((generation, connection)) = self.connections.get_mut(slot) else {
                continue;
            };
            match look(connection) {
                Finding::Keep => {}
                Finding::Close(close) => connection.tell(close),
                Finding::Ping => {
                    let key = ConnKey { worker: self.worker, generation: *generation, slot };
                    pings.push(ConnId::from(key));
                }
            }
        }
        self.sweep_from = if end == slots { 0 } else { end };
        self.give_back();
        pings
    }

    /// Gives memory back that a crowd has left, as far as those who stay lie in front.
    fn give_back(&mut self) {
        self.spare.forget_unneeded();
        let (len, capacity) = (self.connections.len(), self.connections.capacity());
        if capacity > SLOTS_KEPT && len < capacity / 4 {
            self.connections.shrink_to_fit();
        }
        self.to_flush.shrink_to(SLOTS_KEPT);
    }

    /// Tells up to `count` sockets' actors, from slot `from` on, to close them. Returns the slot
    /// behind the last of them, and how many there were.
    pub(super) fn close_some(&mut self, from: usize, count: usize, close: Close) -> (usize, usize) {
        let (mut slot, mut told) = (from, 0);
        while slot < self.connections.capacity() && told < count {
            if let Some((_, connection)) = self.connections.get_mut(slot) {
                connection.tell(close);
                told += 1;
            }
            slot += 1;
        }
        (slot, told)
    }
}

/// What a [`ConnId`] is made of.
#[derive(Clone, Copy)]
pub(crate) struct ConnKey {
    pub(crate) worker: WorkerId,
    /// 24 bits: a slot would have to be used anew 16 million times before a late message for its
    /// first socket could reach the wrong one.
    generation: u32,
    /// 24 bits: 16 million sockets of one worker, several times what ports and memory allow.
    slot: usize,
}

impl ConnKey {
    const GENERATION_MAX: u32 = (1 << 24) - 1;
}

impl From<ConnKey> for ConnId {
    fn from(key: ConnKey) -> Self {
        Self(u64::from(key.worker) << 48 | u64::from(key.generation) << 24 | key.slot as u64)
    }
}

impl From<ConnId> for ConnKey {
    fn from(ConnId(id): ConnId) -> Self {
        Self {
            worker: (id >> 48) as WorkerId,
            generation: (id >> 24) as u32 & Self::GENERATION_MAX,
            slot: id as usize & 0xff_ffff,
        }
    }
}
