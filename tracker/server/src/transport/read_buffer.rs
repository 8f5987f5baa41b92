//! One read buffer for all sockets of a worker: an idle socket holds no memory for reading. What
//! was read or inflated is handed out as a slice; when all slices are gone the buffer starts over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::io::poll_read_buf;

use super::stream::Stream;
use crate::limits::{READ_BUFFER_BYTES, READ_BYTES};

/// The buffer.
#[derive(Debug)]
pub(crate) struct ReadBuffer(BytesMut);

impl ReadBuffer {
    pub(crate) fn new() -> Self {
        Self(BytesMut::with_capacity(READ_BUFFER_BYTES))
    }

    /// Reads what a stream has, up to [`READ_BYTES`]: empty when the other side has ended.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<BytesMut>> {
        self.make_room();
        ready!(poll_read_buf(Pin::new(stream), cx, &mut (&mut self.0).limit(READ_BYTES)))?;
        Poll::Ready(Ok(self.0.split()))
    }

    /// Keeps what was inflated as if it had been read. What is longer than most messages can be
    /// has memory of its own: the buffer doesn't grow.
    pub(crate) fn keep(&mut self, inflated: &[u8]) -> Bytes {
        if inflated.len() > READ_BYTES {
            return Bytes::copy_from_slice(inflated);
        }
        self.make_room();
        self.0.extend_from_slice(inflated);
        self.0.split().freeze()
    }

    /// Room for [`READ_BYTES`].
    fn make_room(&mut self) {
        if self.0.capacity() < READ_BYTES {
            // Takes the same memory from its start when nobody holds a slice any more.
            self.0.reserve(READ_BUFFER_BYTES);
        }
    }
}
