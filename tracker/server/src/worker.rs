//! What the actors of one worker thread share without locks: the table of its sockets, what waits
//! to be written to them, the buffers that they are read through, and what compresses for all of
//! them.

use std::cell::{OnceCell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use slab::Slab;
use tracker_core::{ConnId, Outgoing};
use tracker_websocket::deflate::{Body, Deflater, Inflater};
use tracker_websocket::frame::Opcode;

use crate::actors::ShardActor;
use crate::close::Close;
use crate::config::Policy;
use crate::directory::WorkerId;
use crate::limits::{CLOSE_TIMEOUT, SLOTS_KEPT, SOCKET_SWEEP_TICKS};
use crate::metrics::WorkerMetrics;
use crate::node::Node;
use crate::transport::connection::{Connection, Flushed, Spare};
use crate::transport::read_buffer::ReadBuffer;

/// What the actors of one thread share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) node: Arc<Node>,
    read_buffer: RefCell<ReadBuffer>,
    inflater: RefCell<Inflater>,
    deflater: RefCell<Deflater>,
    sockets: RefCell<Sockets>,
}

#[derive(Debug, Default)]
struct Sockets {
    connections: Slab<(u32, Connection)>,
    /// Slots with something to write at the end of the round.
    to_flush: Vec<usize>,
    spare: Spare,
    /// Counts connections, so that an id of a closed one never means its successor in the slot.
    next_generation: u32,
    sweep_from: usize,
}

thread_local! {
    static CURRENT: OnceCell<Rc<Worker>> = const { OnceCell::new() };
}

impl Worker {
    /// The worker of this thread, which begins with the first call: each listener of the server
    /// asks for it on each of the server's threads.
    pub(crate) fn of_this_thread(node: &Arc<Node>) -> Rc<Self> {
        CURRENT.with(|current| current.get_or_init(|| Self::start(node)).clone())
    }

    fn start(node: &Arc<Node>) -> Rc<Self> {
        let id = node.next_worker();
        let worker = Rc::new(Self {
            id,
            node: node.clone(),
            read_buffer: RefCell::default(),
            inflater: RefCell::default(),
            deflater: RefCell::default(),
            sockets: RefCell::default(),
        });
        let shard = ShardActor::start_on(&worker);
        node.register(id, shard);
        worker
    }

    pub(crate) fn metrics(&self) -> &WorkerMetrics {
        self.node.metrics.of(self.id)
    }

    /// Obeys the policy in force.
    pub(crate) fn obey(&self, policy: &Policy) {
        self.sockets.borrow_mut().spare.outbox_bytes_max = policy.limits.outbox_bytes;
    }

    /// Takes a socket into the table.
    pub(crate) fn insert(&self, connection: Connection) -> ConnId {
        let mut sockets = self.sockets.borrow_mut();
        sockets.next_generation = sockets.next_generation.wrapping_add(1) & ConnKey::GENERATION_MAX;
        let generation = sockets.next_generation;
        self.metrics().opened(connection.server.index);
        let slot = sockets.connections.insert((generation, connection));
        ConnKey { worker: self.id, generation, slot }.into()
    }

    /// Takes a socket out of the table.
    pub(crate) fn remove(&self, id: ConnId) -> Option<Connection> {
        let mut sockets = self.sockets.borrow_mut();
        sockets.get(id)?;
        let (_, connection) = sockets.connections.remove(ConnKey::from(id).slot);
        self.metrics().gone(connection.server.index);
        Some(connection)
    }

    /// Runs `act` on a socket of this worker, if it is still there.
    pub(crate) fn with<T>(&self, id: ConnId, act: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        self.sockets.borrow_mut().get(id).map(|(connection, _)| act(connection))
    }

    /// Wakes the socket's actor with `waker` from now on.
    pub(crate) fn wake_with(&self, id: ConnId, waker: &Waker) {
        self.with(id, |connection| connection.waker = Some(waker.clone()));
    }

    /// What the socket's actor was told and hasn't heard yet.
    pub(crate) fn take_told(&self, id: ConnId) -> Option<Close> {
        self.with(id, |connection| connection.told.take()).flatten()
    }

    /// Reads what a socket has: empty when the other side has ended.
    pub(crate) fn poll_read(&self, id: ConnId, cx: &mut Context<'_>) -> Poll<io::Result<BytesMut>> {
        let read = self.with(id, |connection| {
            self.read_buffer.borrow_mut().poll_read(&mut connection.stream, cx)
        });
        read.unwrap_or_else(|| Poll::Ready(Ok(BytesMut::new())))
    }

    /// The message of at most `bytes_max` that a client has compressed.
    ///
    /// # Errors
    ///
    /// [`Close::TooBig`] when it is longer, [`Close::NotDeflate`] when it can't be read.
    pub(crate) fn inflate(&self, deflated: &[u8], bytes_max: usize) -> Result<Bytes, Close> {
        let mut inflater = self.inflater.borrow_mut();
        let plain = inflater.inflate(deflated, bytes_max)?;
        self.metrics().received_deflated.add(plain.len(), deflated.len());
        Ok(self.read_buffer.borrow_mut().keep(plain))
    }

    /// Puts a message into a socket's outbox. One that has no room is closed: its client doesn't
    /// read.
    pub(crate) fn send(&self, to: ConnId, message: &Outgoing<'_>) {
        self.push_text(to, message.len(), |out| message.write(out));
    }

    /// Puts a message that another worker made into a socket's outbox.
    pub(crate) fn send_text(&self, to: ConnId, text: &[u8]) {
        self.push_text(to, text.len(), |out| out.extend_from_slice(text));
    }

    fn push_text(&self, to: ConnId, bytes: usize, text: impl FnOnce(&mut Vec<u8>)) {
        self.sockets.borrow_mut().push_with(to, |connection, spare| {
            if !connection.deflates(bytes) {
                return connection.push(Opcode::Text, bytes, spare, text);
            }
            match self.deflater.borrow_mut().deflate(text) {
                Body::Deflated(payload) => {
                    self.metrics().sent_deflated.add(bytes, payload.len());
                    connection.push_deflated(payload, spare)
                }
                Body::Plain(text) => {
                    let write = |out: &mut Vec<u8>| out.extend_from_slice(text);
                    connection.push(Opcode::Text, bytes, spare, write)
                }
            }
        });
    }

    /// Puts a frame into a socket's outbox.
    pub(crate) fn push(
        &self,
        to: ConnId,
        opcode: Opcode,
        payload_bytes: usize,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        self.sockets.borrow_mut().push_with(to, |connection, spare| {
            connection.push(opcode, payload_bytes, spare, payload)
        });
    }

    /// Puts what a socket had not been sent on its last worker into its outbox.
    pub(crate) fn push_frames(&self, to: ConnId, frames: &[u8]) {
        let push =
            |connection: &mut Connection, spare: &mut Spare| connection.push_frames(frames, spare);
        self.sockets.borrow_mut().push_with(to, push);
    }

    /// Puts a close frame into a socket's outbox, behind which nothing follows.
    pub(crate) fn push_close(&self, to: ConnId, close: Close) {
        let until = self.node.now() + CLOSE_TIMEOUT;
        self.sockets.borrow_mut().push_with(to, |connection, _| {
            connection.push_close(close, until);
            true
        });
    }

    /// Writes each outbox that something was put into, once.
    pub(crate) fn flush(&self) {
        let mut sockets = self.sockets.borrow_mut();
        let Sockets { connections, to_flush, spare, .. } = &mut *sockets;
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

    /// Gives `act` a socket and the memory for its outbox.
    pub(crate) fn with_spare<T>(
        &self,
        id: ConnId,
        act: impl FnOnce(&mut Connection, &mut Spare) -> T,
    ) -> Option<T> {
        self.sockets.borrow_mut().get(id).map(|(connection, spare)| act(connection, spare))
    }

    /// Looks at a part of the sockets, all of them in [`SOCKET_SWEEP_TICKS`] calls.
    pub(crate) fn sweep(&self, mut look: impl FnMut(&mut Connection) -> Verdict) {
        let mut pings = Vec::new();
        {
            let mut sockets = self.sockets.borrow_mut();
            let slots = sockets.connections.capacity();
            let end = slots.min(sockets.sweep_from + slots.div_ceil(SOCKET_SWEEP_TICKS));
            for slot in sockets.sweep_from..end {
                let Some((generation, connection)) = sockets.connections.get_mut(slot) else {
                    continue;
                };
                match look(connection) {
                    Verdict::Keep => {}
                    Verdict::Close(close) => connection.tell(close),
                    Verdict::Ping => {
                        let key = ConnKey { worker: self.id, generation: *generation, slot };
                        pings.push(ConnId::from(key));
                    }
                }
            }
            sockets.sweep_from = if end == slots { 0 } else { end };
            sockets.give_back();
        }
        for id in pings {
            self.push(id, Opcode::Ping, 0, |_| {});
        }
    }

    /// Number of open sockets.
    pub(crate) fn sockets(&self) -> usize {
        self.sockets.borrow().connections.len()
    }

    /// Tells up to `count` sockets' actors, from slot `from` on, to close them. Returns the slot
    /// behind the last of them, and how many there were.
    pub(crate) fn close_some(&self, from: usize, count: usize, close: Close) -> (usize, usize) {
        let connections = &mut self.sockets.borrow_mut().connections;
        let (mut slot, mut told) = (from, 0);
        while slot < connections.capacity() && told < count {
            if let Some((_, connection)) = connections.get_mut(slot) {
                connection.tell(close);
                told += 1;
            }
            slot += 1;
        }
        (slot, told)
    }
}

/// What a sweep finds about a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Keep,
    Ping,
    Close(Close),
}

impl Sockets {
    /// A socket, and the memory for its outbox.
    fn get(&mut self, id: ConnId) -> Option<(&mut Connection, &mut Spare)> {
        let key = ConnKey::from(id);
        let (generation, connection) = self.connections.get_mut(key.slot)?;
        (*generation == key.generation).then_some((connection, &mut self.spare))
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

    fn push_with(&mut self, to: ConnId, push: impl FnOnce(&mut Connection, &mut Spare) -> bool) {
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
