//! What the actors of one worker thread share without locks: the table of its sockets, what waits
//! to be written to them, the buffers that they are read through, and what compresses for all of
//! them.

mod sockets;

use std::cell::{OnceCell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tracker_core::{ConnId, Input, Outgoing};
use tracker_websocket::deflate::{Body, Deflater, Inflater};
use tracker_websocket::frame::Opcode;

use crate::actors::{ShardActor, Swarms};
use crate::close::Close;
use crate::config::Policy;
use crate::directory::WorkerId;
use crate::limits::CLOSE_TIMEOUT;
use crate::metrics::WorkerMetrics;
use crate::node::Node;
use crate::transport::connection::{Connection, Spare};
use crate::transport::read_buffer::ReadBuffer;
use sockets::Sockets;
pub(crate) use sockets::{ConnKey, Finding};

/// What the actors of one thread share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) node: Arc<Node>,
    read_buffer: RefCell<ReadBuffer>,
    inflater: RefCell<Inflater>,
    deflater: RefCell<Deflater>,
    sockets: RefCell<Sockets>,
    pub(crate) swarms: RefCell<Swarms>,
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
            sockets: RefCell::new(Sockets::new(id)),
            swarms: RefCell::new(Swarms::new(node)),
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

    /// Lets the rules handle what has happened in a swarm of this worker: by a message that was read
    /// at `read_at`, or by time.
    pub(crate) fn apply(&self, input: Input<'_>, read_at: Option<Duration>) {
        self.swarms.borrow_mut().apply(self, input, read_at);
    }

    /// Takes a socket into the table.
    pub(crate) fn insert(&self, connection: Connection) -> ConnId {
        self.metrics().opened(connection.server.index);
        self.sockets.borrow_mut().insert(connection)
    }

    /// Takes a socket out of the table.
    pub(crate) fn remove(&self, id: ConnId) -> Option<Connection> {
        let connection = self.sockets.borrow_mut().remove(id)?;
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

    /// Writes what has been put into outboxes, unless a round will end and do so.
    pub(crate) fn flush_alone(&self) {
        if !self.swarms.borrow().is_open() {
            self.flush();
        }
    }

    /// Writes each outbox that something was put into, once.
    pub(crate) fn flush(&self) {
        self.sockets.borrow_mut().flush();
    }

    /// Gives `act` a socket and the memory for its outbox.
    pub(crate) fn with_spare<T>(
        &self,
        id: ConnId,
        act: impl FnOnce(&mut Connection, &mut Spare) -> T,
    ) -> Option<T> {
        self.sockets.borrow_mut().get(id).map(|(connection, spare)| act(connection, spare))
    }

    /// Looks at a part of the sockets, all of them in [`Sockets::sweep`]'s number of calls.
    pub(crate) fn sweep(&self, look: impl FnMut(&mut Connection) -> Finding) {
        let pings = self.sockets.borrow_mut().sweep(look);
        for id in pings {
            self.push(id, Opcode::Ping, 0, |_| {});
        }
    }

    /// Number of open sockets.
    pub(crate) fn sockets(&self) -> usize {
        self.sockets.borrow().len()
    }

    /// Tells up to `count` sockets' actors, from slot `from` on, to close them. Returns the slot
    /// behind the last of them, and how many there were.
    pub(crate) fn close_some(&self, from: usize, count: usize, close: Close) -> (usize, usize) {
        self.sockets.borrow_mut().close_some(from, count, close)
    }
}
