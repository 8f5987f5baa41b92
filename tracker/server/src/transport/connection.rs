//! One socket as its worker sees it: its bytes, what waits to be written, and when it was last
//! heard of. The worker owns it, and its `PeerActor` reads through the worker.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tracker_websocket::PerMessageDeflate;
use tracker_websocket::frame::{Opcode, write_deflated_header, write_header};

use super::stream::Stream;
use crate::actors::Probing;
use crate::close::Close;
use crate::config::ServerConfig;
use crate::limits::{
    OUTBOX_BYTES_MIN, SLOTS_KEPT, SPARE_BYTES_MAX, SPARE_OUTBOX_BYTES_MAX, WRITTEN_OUTBOX_BYTES_MAX,
};

/// One socket of a worker.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    /// Wakes its `PeerActor`; `None` before that has begun.
    pub(crate) waker: Option<Waker>,
    /// What the actor hears when it wakes: that the socket shall close.
    pub(crate) told: Option<Close>,
    pub(crate) outbox: Outbox,
    /// The listener that it came in through.
    pub(crate) server: Arc<ServerConfig>,
    /// Whether its client understands compressed messages.
    pub(crate) deflate: Option<PerMessageDeflate>,
    /// When bytes last came, or the socket did.
    pub(crate) heard_at: Duration,
    /// Somebody else claims a peer id of it, or did so just before.
    pub(crate) probing: Option<Box<Probing>>,
    /// A ping for idleness is out.
    pub(crate) pinged: bool,
    /// A close frame is in the outbox: nothing may follow it, and this is when patience ends.
    pub(crate) closing_until: Option<Duration>,
}

/// Frames that wait for their socket. It takes memory only while something does.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    /// In its worker's list of outboxes to flush at the end of the round.
    pub(crate) listed: bool,
    /// The kernel took no more; the `PeerActor` waits until it does.
    pub(crate) blocked: bool,
}

/// How a flush ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flushed {
    All,
    /// The kernel takes no more for now.
    Blocked,
    /// The connection is broken.
    Broken,
}

impl Connection {
    /// Lets its actor look at it.
    pub(crate) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Tells its actor to close it. What ends it at once goes before what is said first.
    pub(crate) fn tell(&mut self, close: Close) {
        let is_said_first = |told: Close| told.code().is_some() && close.code().is_none();
        if self.told.is_none_or(is_said_first) {
            self.told = Some(close);
        }
        self.wake();
    }

    /// Whether a message of `bytes` is to be compressed before it is pushed.
    pub(crate) fn deflates(&self, bytes: usize) -> bool {
        let (Some(deflate), Some(from)) = (self.deflate, self.server.deflate_from_bytes) else {
            return false;
        };
        bytes >= from as usize && deflate.window_holds(bytes) && self.closing_until.is_none()
    }

    /// Appends a frame. `false` when there is no room for it.
    #[must_use]
    pub(crate) fn push(
        &mut self,
        opcode: Opcode,
        payload_bytes: usize,
        spare: &mut Spare,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        self.append(payload_bytes, spare, |out| {
            write_header(opcode, payload_bytes, out);
            payload(out);
        })
    }

    /// Appends a compressed text message. `false` when there is no room for it.
    #[must_use]
    pub(crate) fn push_deflated(&mut self, payload: &[u8], spare: &mut Spare) -> bool {
        self.append(payload.len(), spare, |out| {
            write_deflated_header(payload.len(), out);
            out.extend_from_slice(payload);
        })
    }

    /// Appends frames that are whole already. `false` when there is no room for them.
    #[must_use]
    pub(crate) fn push_frames(&mut self, frames: &[u8], spare: &mut Spare) -> bool {
        self.append(frames.len(), spare, |out| out.extend_from_slice(frames))
    }

    /// Lets `write` append, unless nothing may follow any more.
    fn append(
        &mut self,
        bytes: usize,
        spare: &mut Spare,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        if self.closing_until.is_some() {
            return true;
        }
        if !self.makes_room(bytes, spare) {
            return false;
        }
        if self.outbox.bytes.capacity() == 0 {
            self.outbox.bytes = spare.take();
        }
        write(&mut self.outbox.bytes);
        true
    }

    /// Whether `bytes` more may wait. Before it is no, the kernel is offered what does: a round
    /// can hold more for a client than may wait for it, and the client is not to blame.
    fn makes_room(&mut self, bytes: usize, spare: &mut Spare) -> bool {
        let bytes_max = spare.outbox_bytes_max;
        if !self.outbox.has_room(bytes, bytes_max) && !self.outbox.blocked {
            let _ = self.flush(spare);
        }
        self.outbox.forget_written();
        self.outbox.has_room(bytes, bytes_max)
    }

    /// Appends the close frame, the last one, when `close` has a code for the client.
    pub(crate) fn push_close(&mut self, close: Close, until: Duration) {
        if let Some(code) = close.code()
            && self.closing_until.is_none()
        {
            write_header(Opcode::Close, 2, &mut self.outbox.bytes);
            self.outbox.bytes.extend(code.to_be_bytes());
        }
        self.closing_until = Some(until);
    }

    /// Writes what waits, once, without waiting for the kernel.
    pub(crate) fn flush(&mut self, spare: &mut Spare) -> Flushed {
        match self.write_out() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flushed::Blocked,
            Err(_) => return Flushed::Broken,
        }
        self.outbox.recycle(spare);
        if self.closing_until.is_some() {
            // The client reads the close frame, then the end.
            self.stream.end();
        }
        Flushed::All
    }

    fn write_out(&mut self) -> io::Result<()> {
        while !self.outbox.rest().is_empty() {
            match self.stream.try_write(self.outbox.rest()) {
                Ok(count) => self.outbox.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.try_flush()
    }

    /// Writes what waits, as the kernel takes it; wakes the task of `cx` when it takes more.
    /// `false` when the connection is broken.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, spare: &mut Spare) -> Poll<bool> {
        loop {
            match self.flush(spare) {
                Flushed::All => return Poll::Ready(true),
                Flushed::Broken => return Poll::Ready(false),
                Flushed::Blocked => {
                    if ready!(self.stream.poll_write_ready(cx)).is_err() {
                        return Poll::Ready(false);
                    }
                }
            }
        }
    }
}

impl Outbox {
    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// One message always fits: `maxPayloadLength` may be above the bound.
    fn has_room(&self, bytes: usize, bytes_max: usize) -> bool {
        self.waiting() == 0 || self.waiting() + bytes <= bytes_max
    }

    /// Gives the room of what is written back, once it is worth the copying of what is not: a
    /// client that is always a little behind would make the outbox grow for ever.
    fn forget_written(&mut self) {
        if self.written > WRITTEN_OUTBOX_BYTES_MAX {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }

    /// What waits.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    fn recycle(&mut self, spare: &mut Spare) {
        self.blocked = false;
        self.written = 0;
        spare.give(std::mem::take(&mut self.bytes));
    }
}

/// What the outboxes of a worker share: memory of emptied ones for the next, and their bound.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    emptied: Vec<Vec<u8>>,
    /// What they hold together.
    bytes: usize,
    /// The fewest that there were since [`forget_unneeded`](Self::forget_unneeded): nobody has
    /// needed so many.
    fewest: usize,
    /// Bytes that may wait in one outbox: `limits.outboxBytes`.
    pub(crate) outbox_bytes_max: usize,
}

impl Spare {
    fn take(&mut self) -> Vec<u8> {
        let bytes = self.emptied.pop();
        self.fewest = self.fewest.min(self.emptied.len());
        self.bytes -= bytes.as_ref().map_or(0, Vec::capacity);
        bytes.unwrap_or_else(|| Vec::with_capacity(OUTBOX_BYTES_MIN))
    }

    fn give(&mut self, mut bytes: Vec<u8>) {
        let capacity = bytes.capacity();
        let worth_keeping = (1..=SPARE_OUTBOX_BYTES_MAX).contains(&capacity);
        if worth_keeping && self.bytes + capacity <= SPARE_BYTES_MAX {
            bytes.clear();
            self.bytes += capacity;
            self.emptied.push(bytes);
        }
    }

    /// Gives back what was not needed since the last call.
    pub(crate) fn forget_unneeded(&mut self) {
        self.bytes -=
            self.emptied.drain(..self.fewest).map(|bytes| bytes.capacity()).sum::<usize>();
        self.emptied.shrink_to(SLOTS_KEPT.max(self.emptied.len() * 2));
        self.fewest = self.emptied.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spare_memory_is_kept_as_long_as_it_is_needed() {
        let mut spare = Spare::default();
        let use_at_once = |spare: &mut Spare, outboxes| {
            let mut taken: Vec<_> = (0..outboxes).map(|_| spare.take()).collect();
            taken.iter_mut().for_each(|bytes| bytes.push(7));
            taken.into_iter().for_each(|bytes| spare.give(bytes));
        };
        use_at_once(&mut spare, 10);
        assert_eq!(spare.emptied.len(), 10);
        for at_once in [3, 3, 1, 0, 0] {
            spare.forget_unneeded();
            use_at_once(&mut spare, at_once);
        }
        assert_eq!((spare.emptied.len(), spare.bytes), (0, 0));
    }

    #[test]
    fn spare_memory_has_a_bound() {
        let mut spare = Spare::default();
        let outboxes = SPARE_BYTES_MAX / SPARE_OUTBOX_BYTES_MAX;
        (0..2 * outboxes).for_each(|_| spare.give(Vec::with_capacity(SPARE_OUTBOX_BYTES_MAX)));
        spare.give(Vec::with_capacity(SPARE_OUTBOX_BYTES_MAX + 1));
        assert_eq!((spare.emptied.len(), spare.bytes), (outboxes, SPARE_BYTES_MAX));
        let taken: Vec<_> = (0..7).map(|_| spare.take()).collect();
        assert_eq!(spare.bytes, SPARE_BYTES_MAX - 7 * SPARE_OUTBOX_BYTES_MAX);
        taken.into_iter().for_each(|bytes| spare.give(bytes));
        assert_eq!(spare.emptied.len(), outboxes);
    }

    #[test]
    fn an_outbox_that_is_never_empty_stays_within_its_bound() {
        const BYTES_MAX: usize = 256 << 10;
        let mut outbox = Outbox::default();
        let mut sent = 0;
        for _ in 0..1000 {
            while outbox.has_room(1500, BYTES_MAX) {
                outbox.bytes.extend([7; 1500]);
            }
            // The client takes a part of it, over and over.
            outbox.written += 100_000;
            sent += 100_000;
            outbox.forget_written();
            assert!(outbox.waiting() > 0);
            assert!(outbox.bytes.capacity() <= 4 * BYTES_MAX, "after {sent} bytes");
        }
    }
}
