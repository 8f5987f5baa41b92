//! The context of a socket's actor: what runs it in a task, without a mailbox. actix's own takes
//! 600 bytes a socket for a mailbox and for lists of futures; but only its worker tells a socket
//! anything, on the same thread, and a socket waits for one thing at a time.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix::{Actor, ActorContext, ActorFuture, ActorFutureExt, ActorState};

use super::PeerActor;

/// What a [`PeerActor`] is run with.
pub(crate) struct SocketContext {
    /// What is waited for. Until it is there the actor hears nothing and looks at nothing.
    wait: Option<Pin<Box<dyn ActorFuture<PeerActor, Output = ()>>>>,
    state: ActorState,
}

/// The task of a socket.
pub(super) struct Running {
    peer: PeerActor,
    ctx: SocketContext,
}

// tokio gives a task a multiple of 128 bytes: with its own 104 these are 384.
const _: () = assert!(size_of::<Running>() <= 280);

impl SocketContext {
    /// Lets the actor wait for `future`, which is polled next, and behind what it waits for already.
    pub(super) fn wait(&mut self, future: impl ActorFuture<PeerActor, Output = ()> + 'static) {
        self.wait = Some(match self.wait.take() {
            None => Box::pin(future),
            Some(first) => Box::pin(first.then(|(), _, _| future)),
        });
    }
}

impl ActorContext for SocketContext {
    fn stop(&mut self) {
        self.state = ActorState::Stopping;
    }

    fn terminate(&mut self) {
        self.state = ActorState::Stopped;
    }

    fn state(&self) -> ActorState {
        self.state
    }
}

impl fmt::Debug for SocketContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wait, state } = self;
        f.debug_struct("SocketContext")
            .field("waits", &wait.is_some())
            .field("state", state)
            .finish()
    }
}

impl Running {
    pub(super) fn new(peer: PeerActor) -> Self {
        Self { peer, ctx: SocketContext { wait: None, state: ActorState::Started } }
    }

    /// Ready when the actor waits for nothing any more.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(mut wait) = self.ctx.wait.take() {
            if wait.as_mut().poll(&mut self.peer, &mut self.ctx, cx).is_pending() {
                self.ctx.wait = Some(wait);
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    fn stop(&mut self) {
        self.ctx.terminate();
        self.peer.stopped(&mut self.ctx);
    }
}

impl Future for Running {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.ctx.state == ActorState::Started {
            this.ctx.state = ActorState::Running;
            this.peer.worker.wake_with(this.peer.conn, cx.waker());
            this.peer.started(&mut this.ctx);
        }
        while this.ctx.state.alive() {
            ready!(this.poll_wait(cx));
            if let Some(close) = this.peer.worker.take_told(this.peer.conn) {
                this.peer.hear(close, &mut this.ctx);
                continue;
            }
            let polled = this.peer.poll_socket(&mut this.ctx, cx);
            if polled.is_pending() && this.ctx.wait.is_none() {
                return Poll::Pending;
            }
        }
        this.stop();
        Poll::Ready(())
    }
}

/// However the task ends, the socket ends with it.
impl Drop for Running {
    fn drop(&mut self) {
        if self.ctx.state != ActorState::Stopped {
            self.stop();
        }
    }
}
