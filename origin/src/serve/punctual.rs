//! A connection whose client has to be in time: something has to be answered within a while of its
//! beginning, and of the last bytes that it was sent; and what it is sent has to be taken. HTTP's own
//! timer ends with the first request, so that half a second one would hold its connection for ever,
//! and so would a response that nobody reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A connection that speaks HTTP, until it is told to be something else.
#[derive(Debug)]
pub struct Punctual<T, G = ()> {
    stream: T,
    /// Dropped when it ends, or is something else.
    _guard: G,
    /// `None` is all the time in the world.
    patience: Option<Patience>,
}

/// How long a client may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// To say all of a request, since it came or was last sent something.
    pub request: Duration,
    /// To take something of a response.
    pub response: Duration,
}

#[derive(Debug)]
struct Patience {
    times: Times,
    /// When the client was last sent something, or it came.
    began: Instant,
    /// The kernel takes no more: it is the client's turn to read.
    blocked: bool,
    /// Rings at the end of the time, or before it when that was put off.
    timer: Pin<Box<Sleep>>,
}

impl<T, G> Punctual<T, G> {
    /// For the first request the time counts from when it `began`; without `times` it is endless.
    pub fn new(stream: T, guard: G, began: Instant, times: Option<Times>) -> Self {
        let patience = times.map(|times| Patience::new(began, times));
        Self { stream, _guard: guard, patience }
    }

    /// The connection, which may take its time from now on, without its guard.
    pub fn into_inner(self) -> T {
        self.stream
    }

    /// What came of a read or a write, or an error when the client has let its time pass.
    fn in_time<R>(
        &mut self,
        outcome: Poll<io::Result<R>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<R>> {
        if outcome.is_pending()
            && let Some(patience) = &mut self.patience
            && patience.poll_end(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }

    /// The same for what waits until the client has taken something, which begins its time anew.
    fn taken_in_time<R>(
        &mut self,
        outcome: Poll<io::Result<R>>,
        took: bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<R>> {
        if let Some(patience) = &mut self.patience {
            if outcome.is_ready() && (took || patience.blocked) {
                patience.began = Instant::now();
            }
            patience.blocked = outcome.is_pending();
        }
        self.in_time(outcome, cx)
    }
}

impl Patience {
    fn new(began: Instant, times: Times) -> Self {
        let timer = Box::pin(sleep_until(began + times.request));
        Self { times, began, blocked: false, timer }
    }

    /// Ready when the time is over.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Times { request, response } = self.times;
        let end = self.began + if self.blocked { response } else { request };
        if self.timer.deadline() > end {
            self.timer.as_mut().reset(end);
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if end <= Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(end);
        }
    }
}

impl<T: AsyncRead + Unpin, G: Unpin> AsyncRead for Punctual<T, G> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.in_time(read, cx)
    }
}

impl<T: AsyncWrite + Unpin, G: Unpin> AsyncWrite for Punctual<T, G> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.taken_in_time(written, true, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.taken_in_time(flushed, false, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.taken_in_time(ended, false, cx)
    }
}
