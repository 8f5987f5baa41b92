//! One socket. Its actor reads frames through the worker's buffer, applies them to the swarms of its
//! worker or tells them to another's shard, and moves the socket to that shard's worker at its first
//! announce, so that the rest of its life stays on one core.

mod context;
pub(crate) mod memberships;
mod route;
pub(crate) mod seat;
mod turn;

use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix::prelude::*;
use bytes::{Bytes, BytesMut};
use tracker_core::{ConnId, Incoming, Outgoing, Reason, Refusal, parse};
use tracker_websocket::frame::{Opcode, decode};
use tracker_websocket::message::{Data, Message as Said};

use super::shard::tell_alive;
use crate::close::Close;
use crate::config::Policy;
use crate::limits::READ_PAUSE;
use crate::transport::connection::{Connection, Outbox};
use crate::transport::stream::Stream;
use crate::worker::Worker;
use context::{Running, SocketContext};
use seat::Seat;
use turn::Turn;

/// The actor of one socket, which its worker owns.
#[derive(Debug)]
pub(crate) struct PeerActor {
    worker: Rc<Worker>,
    conn: ConnId,
    seat: Seat,
    turn: Turn,
    /// Why it ends, once it does.
    close: Option<Close>,
    /// When the bytes in the inbox were read, or reading went on after a pause, by the node's clock.
    read_at: Duration,
}

/// What becomes of the socket after a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// Look at the next message.
    Read,
    /// Not before the actor's wait is over.
    Wait,
    /// The socket ends, or has moved to another worker.
    Over,
}

impl PeerActor {
    /// Starts the actor of a socket on this thread, which is `worker`'s.
    pub(crate) fn start_on(worker: Rc<Worker>, stream: Stream, seat: Seat) -> ConnId {
        let conn = worker.insert(Connection {
            stream,
            waker: None,
            told: worker.node.is_stopping().then_some(Close::Stopping),
            outbox: Outbox::default(),
            server: seat.server.clone(),
            deflate: seat.deflate,
            heard_at: worker.node.now(),
            probing: None,
            pinged: false,
            closing_until: None,
        });
        let (turn, read_at) = (Turn::default(), worker.node.now());
        actix_rt::spawn(Running::new(Self { worker, conn, seat, turn, close: None, read_at }));
        conn
    }

    /// The worker says that the socket shall close, with a close frame if `close` has a code for it.
    fn hear(&mut self, close: Close, ctx: &mut SocketContext) {
        match (close.code(), self.close) {
            (Some(_), None) => self.say_goodbye(close),
            // It is being said, and the client has its time to answer.
            (Some(_), Some(_)) => {}
            (None, _) => drop(self.end(ctx, close)),
        }
    }

    /// Reads and writes as far as the socket and its turn let it. What a turn has to say of itself,
    /// pongs and refusals, goes out in one write.
    fn poll_socket(&mut self, ctx: &mut SocketContext, cx: &mut TaskContext<'_>) -> Poll<()> {
        let polled = self.poll_turn(ctx, cx);
        self.worker.flush_alone();
        polled
    }

    fn poll_turn(&mut self, ctx: &mut SocketContext, cx: &mut TaskContext<'_>) -> Poll<()> {
        let flushed = self.worker.with_spare(self.conn, |connection, spare| {
            if connection.outbox.blocked { connection.poll_flush(cx, spare) } else { Poll::Pending }
        });
        if flushed == Some(Poll::Ready(false)) {
            return self.end(ctx, Close::Lost);
        }
        self.turn.renew(self.worker.node.now());
        // First what came behind the handshake, or what a wait has left over.
        let mut outcome = self.read_frames(ctx);
        loop {
            match outcome {
                Ok(Next::Read) if !self.turn.is_used_up() => {}
                Ok(Next::Read) => {
                    let rest = self.turn.rest(self.worker.node.now());
                    ctx.wait(tokio::time::sleep(rest).into_actor(self));
                    return Poll::Pending;
                }
                Ok(Next::Wait) => return Poll::Pending,
                Ok(Next::Over) => return Poll::Ready(()),
                Err(close) => self.say_goodbye(close),
            }
            let bytes = match self.worker.poll_read(self.conn, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(bytes)) if !bytes.is_empty() => bytes,
                Poll::Ready(_) => return self.end(ctx, Close::Lost),
            };
            self.turn.read();
            outcome = self.take_bytes(bytes, ctx);
        }
    }

    fn take_bytes(&mut self, bytes: BytesMut, ctx: &mut SocketContext) -> Result<Next, Close> {
        let now = self.worker.node.now();
        self.read_at = now;
        let askers = self.worker.with(self.conn, |connection| {
            connection.heard_at = now;
            connection.pinged = false;
            let is_open = connection.closing_until.is_none();
            is_open.then(|| connection.probing.as_mut().map(|probing| probing.answer(now)))
        });
        let Some(Some(askers)) = askers else {
            // Behind our close frame nothing is looked at; we wait for the end.
            return Ok(Next::Read);
        };
        let outcome = self.take_frames(bytes, ctx);
        if let (Some(askers), Ok(_)) = (askers, outcome) {
            tell_alive(&self.worker, self.conn, askers);
        }
        outcome
    }

    fn take_frames(&mut self, bytes: BytesMut, ctx: &mut SocketContext) -> Result<Next, Close> {
        if self.seat.inbox.is_empty() {
            self.seat.inbox = bytes;
            let outcome = self.read_frames(ctx);
            // The worker's buffer is not held for the rest of a frame that is still to come.
            self.seat.keep_rest();
            outcome
        } else {
            self.seat.inbox.extend_from_slice(&bytes);
            self.read_frames(ctx)
        }
    }

    /// Looks at the whole frames in the inbox, until the turn is used up.
    fn read_frames(&mut self, ctx: &mut SocketContext) -> Result<Next, Close> {
        let payload_max = self.seat.server.frame_bytes_max;
        let deflate = self.seat.deflate.is_some();
        let policy = self.worker.node.policy();
        while !self.turn.is_used_up() {
            let Some(frame) = decode(&mut self.seat.inbox, payload_max, deflate)? else {
                self.seat.forget_read();
                break;
            };
            self.turn.frame(frame.payload.len());
            let one_too_many = !self.seat.may_send(&policy.limits, self.read_at);
            let next = match self.seat.fragments.add(frame, payload_max)? {
                Some(said) => self.take_message(said, &policy, ctx)?,
                None => Next::Read,
            };
            // While it waits for something else it says nothing more anyway.
            if one_too_many && next == Next::Read {
                return Ok(self.pause(ctx));
            }
            if next != Next::Read {
                return Ok(next);
            }
        }
        Ok(Next::Read)
    }

    fn take_message(
        &mut self,
        said: Said,
        policy: &Policy,
        ctx: &mut SocketContext,
    ) -> Result<Next, Close> {
        let (text, frame) = match said {
            Said::Data(Data { text, deflated: false, payload }) => (text, payload),
            Said::Data(Data { text, deflated: true, payload }) => {
                let plain = self.worker.inflate(&payload, self.seat.server.frame_bytes_max)?;
                self.turn.inflate(plain.len());
                (text, plain)
            }
            Said::Ping(payload) => {
                self.worker.push(self.conn, Opcode::Pong, payload.len(), |out| {
                    out.extend_from_slice(&payload);
                });
                return Ok(Next::Read);
            }
            Said::Pong => return Ok(Next::Read),
            Said::Close => return Err(Close::ByPeer),
        };
        if self.seat.server.echo {
            return self.echo(&frame, text);
        }
        match parse(frame.clone(), &policy.settings.limits) {
            Ok(Incoming::Announce(announce)) => {
                self.turn.relay(announce.offers.len());
                Ok(self.announce(announce, policy, ctx))
            }
            Ok(Incoming::Answer(answer)) => Ok(self.answer(answer, ctx)),
            Ok(Incoming::Scrape(scrape)) => {
                // A hundred swarms to look up, in all workers, and 10 kB of answer.
                self.turn.use_up();
                Ok(self.scrape(scrape, policy, ctx))
            }
            Err(Refusal { reason: Reason::NotUtf8, .. }) if text => Err(Close::NotUtf8),
            Err(refusal) => {
                // What could have been an announce counts as one.
                let too_many = self.seat.may_announce(&policy.limits, self.read_at).err();
                let reason = too_many.unwrap_or(refusal.reason);
                Ok(self.refuse(&frame, Refusal { reason, ..refusal }))
            }
        }
    }

    /// What takes the place of the rules when a conformance suite judges everything else.
    #[cold]
    fn echo(&self, message: &[u8], text: bool) -> Result<Next, Close> {
        if text && std::str::from_utf8(message).is_err() {
            return Err(Close::NotUtf8);
        }
        if text {
            self.worker.send_text(self.conn, message);
        } else {
            let write = |out: &mut Vec<u8>| out.extend_from_slice(message);
            self.worker.push(self.conn, Opcode::Binary, message.len(), write);
        }
        Ok(Next::Read)
    }

    /// Answers why a message isn't done. The socket stays.
    fn refuse(&self, frame: &Bytes, refusal: Refusal) -> Next {
        self.worker.metrics().refused(refusal.reason);
        let Refusal { action, info_hash, reason } = refusal;
        let info_hash = info_hash.map(|span| span.of(frame));
        self.worker.send(self.conn, &Outgoing::Refusal { action, info_hash, reason });
        Next::Read
    }

    /// Doesn't read for a while: what comes meanwhile waits in the kernel, and once it is full there
    /// the client waits too. Nothing is lost, and a close would bring the client back at once.
    fn pause(&self, ctx: &mut SocketContext) -> Next {
        self.worker.metrics().read_pauses.fetch_add(1, Relaxed);
        let pause = tokio::time::sleep(READ_PAUSE).into_actor(self);
        // What is left in the inbox begins anew: the wait was its sender's doing and not ours.
        ctx.wait(pause.map(|(), peer, _| peer.read_at = peer.worker.node.now()));
        Next::Wait
    }

    /// Sends a close frame; the client's end is waited for, and nothing before it looked at.
    fn say_goodbye(&mut self, close: Close) {
        self.close.get_or_insert(close);
        self.seat.inbox = BytesMut::new();
        self.worker.push_close(self.conn, close);
    }

    fn end(&mut self, ctx: &mut SocketContext, close: Close) -> Poll<()> {
        self.close.get_or_insert(close);
        ctx.stop();
        Poll::Ready(())
    }
}

impl Actor for PeerActor {
    type Context = SocketContext;

    fn stopped(&mut self, _: &mut Self::Context) {
        // It makes room before anybody can see that it is gone.
        drop(self.seat.admission.take());
        if self.worker.remove(self.conn).is_some() {
            let close = self.close.unwrap_or(Close::Lost);
            tracing::debug!(socket = self.conn.0, reason = close.label(), "a socket has ended");
            self.worker.metrics().closed(close);
        }
        for membership in self.seat.take_memberships() {
            self.leave(membership);
        }
    }
}
