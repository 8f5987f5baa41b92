//! Segments on their way to clients, a slice at a time. A client that takes too long is cut, and
//! what it was sent is let go of at that moment, not when it reads on: so a crowd that reads a byte
//! a second holds no segment that has left its window.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use slab::Slab;

use crate::limits::{
    ANSWER_BYTES_PER_SECOND, ANSWER_TIME_MAX, ANSWER_TIME_MIN, ANSWERED_STREAMS_MAX, ANSWERS_SWEEP,
    SLICE_BYTES, STREAM_SLICE_BYTES,
};
use crate::store::Shelf;

/// What one worker has lent to the connections of its clients.
#[derive(Debug, Default)]
pub(super) struct Loans {
    open: RefCell<Slab<Loan>>,
    /// How many of them are for streams of HTTP/2.
    streams: Cell<usize>,
    is_swept: Cell<bool>,
}

#[derive(Debug)]
struct Loan {
    /// What has not been handed out; `None` once it has been called in.
    rest: Option<Bytes>,
    until: Instant,
    shelf: Arc<Shelf>,
}

/// The body of one answer.
pub(super) struct Lent {
    loans: Rc<Loans>,
    place: usize,
    bytes: u64,
    to: Recipient,
}

/// Who it is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Recipient {
    /// HTTP/1 copies a slice at once, behind what waits to be written.
    Connection,
    /// HTTP/2 keeps a slice for as long as the stream's client has no room, so it gets a copy: else
    /// it would keep the whole segment.
    Stream,
}

impl Loans {
    /// A body of these bytes, of `shelf`'s stream; `None` when there are too many streams.
    pub(super) fn lend(
        self: &Rc<Self>,
        bytes: Bytes,
        shelf: &Arc<Shelf>,
        to: Recipient,
    ) -> Option<Lent> {
        if to == Recipient::Stream {
            if self.streams.get() >= ANSWERED_STREAMS_MAX {
                return None;
            }
            self.streams.update(|streams| streams + 1);
        }
        let length = bytes.len() as u64;
        let until = Instant::now() + time_for(length);
        let loan = Loan { rest: Some(bytes), until, shelf: shelf.clone() };
        let place = self.open.borrow_mut().insert(loan);
        if !self.is_swept.replace(true) {
            actix_web::rt::spawn(sweep(Rc::downgrade(self)));
        }
        Some(Lent { loans: self.clone(), place, bytes: length, to })
    }

    /// Calls in what is late; false when nothing is lent any more.
    fn call_in(&self, now: Instant) -> bool {
        let mut open = self.open.borrow_mut();
        for (_, loan) in open.iter_mut().filter(|(_, loan)| loan.until <= now) {
            // Of what was handed out to its end nothing is held here.
            if loan.rest.take_if(|rest| !rest.is_empty()).is_some() {
                loan.shelf.traffic.cut();
            }
        }
        let is_busy = !open.is_empty();
        self.is_swept.set(is_busy);
        is_busy
    }
}

/// How long a client may take for so many bytes.
fn time_for(bytes: u64) -> Duration {
    let time = ANSWER_TIME_MIN + Duration::from_secs(bytes / ANSWER_BYTES_PER_SECOND);
    time.min(ANSWER_TIME_MAX)
}

/// One for all of a worker's loans, while there are some.
async fn sweep(loans: Weak<Loans>) {
    loop {
        tokio::time::sleep(ANSWERS_SWEEP).await;
        let is_busy = loans.upgrade().is_some_and(|loans| loans.call_in(Instant::now()));
        if !is_busy {
            return;
        }
    }
}

impl MessageBody for Lent {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        let mut open = self.loans.open.borrow_mut();
        let Some(Loan { rest: Some(rest), shelf, .. }) = open.get_mut(self.place) else {
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        };
        if rest.is_empty() {
            return Poll::Ready(None);
        }
        let slice = match self.to {
            Recipient::Connection => rest.split_to(rest.len().min(SLICE_BYTES)),
            Recipient::Stream => {
                Bytes::copy_from_slice(&rest.split_to(rest.len().min(STREAM_SLICE_BYTES)))
            }
        };
        shelf.traffic.sent(slice.len());
        Poll::Ready(Some(Ok(slice)))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        drop(self.loans.open.borrow_mut().try_remove(self.place));
        if self.to == Recipient::Stream {
            self.loans.streams.update(|streams| streams - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::poll_fn;

    use super::*;
    use crate::store::Store;

    fn shelf() -> Arc<Shelf> {
        let store = Store::new(["tv".to_owned()].into_iter());
        store.shelf("tv").expect("a shelf").clone()
    }

    fn next(body: &mut Lent) -> Option<Result<Bytes, io::ErrorKind>> {
        let polled = poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).now_or_never();
        polled.expect("never waits").map(|slice| slice.map_err(|error| error.kind()))
    }

    #[actix::test]
    async fn what_is_lent_comes_whole_in_slices_that_share_its_memory() {
        let (loans, shelf) = (Rc::new(Loans::default()), shelf());
        let bytes = Bytes::from((0..SLICE_BYTES * 2 + 7).map(|at| at as u8).collect::<Vec<_>>());
        for to in [Recipient::Connection, Recipient::Stream] {
            let mut body = loans.lend(bytes.clone(), &shelf, to).expect("a loan");
            assert_eq!(body.size(), BodySize::Sized(bytes.len() as u64));
            let first = next(&mut body).expect("a slice").expect("in time");
            assert_eq!(first.as_ptr() == bytes.as_ptr(), to == Recipient::Connection);
            let mut all = first.to_vec();
            while let Some(slice) = next(&mut body) {
                all.extend_from_slice(&slice.expect("in time"));
            }
            assert!(all == bytes);
        }
        assert_eq!(shelf.traffic.sent_bytes(), 2 * bytes.len() as u64);
        assert_eq!((shelf.traffic.cuts(), loans.open.borrow().len()), (0, 0));
    }

    #[actix::test]
    async fn the_memory_of_what_is_late_is_free_at_once_and_its_client_is_cut() {
        let (loans, shelf) = (Rc::new(Loans::default()), shelf());
        let bytes = Bytes::from(vec![1; SLICE_BYTES * 2]);
        let lend = |bytes: &Bytes| loans.lend(bytes.clone(), &shelf, Recipient::Connection);
        let mut body = lend(&bytes).expect("a loan");
        let mut whole = lend(&bytes.slice(..9)).expect("a loan");
        assert!(next(&mut whole).is_some());
        drop(next(&mut body));
        assert!(loans.call_in(Instant::now()) && !bytes.is_unique(), "not yet");
        assert!(loans.call_in(Instant::now() + ANSWER_TIME_MAX));
        assert!(bytes.is_unique(), "nobody else has it any more");
        assert_eq!(next(&mut body), Some(Err(io::ErrorKind::TimedOut)));
        assert_eq!(next(&mut whole), None, "what was handed out in time is whole");
        drop((body, whole));
        assert_eq!((shelf.traffic.cuts(), loans.open.borrow().len()), (1, 0));
        assert!(!loans.call_in(Instant::now()), "the sweep has nothing to do any more");
    }

    #[actix::test]
    async fn streams_of_http_2_have_a_bound_and_connections_are_theirs() {
        let (loans, shelf) = (Rc::new(Loans::default()), shelf());
        let lend = |to| loans.lend(Bytes::from_static(b"segment"), &shelf, to);
        let mut lent: Vec<_> =
            (0..ANSWERED_STREAMS_MAX).map(|_| lend(Recipient::Stream).expect("a loan")).collect();
        assert!(lend(Recipient::Stream).is_none());
        assert!(lend(Recipient::Connection).is_some());
        lent.pop();
        assert!(lend(Recipient::Stream).is_some());
    }

    #[test]
    fn larger_answers_may_take_longer_up_to_a_bound() {
        assert_eq!(time_for(0), ANSWER_TIME_MIN);
        assert_eq!(time_for(10 * ANSWER_BYTES_PER_SECOND), ANSWER_TIME_MIN * 2);
        assert_eq!(time_for(u64::MAX), ANSWER_TIME_MAX);
    }
}
