//! Two read buffers for all sockets of a worker, in turn: an idle socket holds no memory for reading.
//! What was read or inflated is handed out as a slice; when all slices of a buffer are gone it starts
//! over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::io::poll_read_buf;

use super::stream::Stream;
use crate::limits::{READ_BUFFER_BYTES, READ_BYTES};

/// The buffers.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffer {
    current: BytesMut,
    /// The one before. When `current` is full, half a frame of what was just read may be in it, or
    /// what another worker was told, and what was read before that isn't any more.
    other: BytesMut,
}

impl ReadBuffer {
    /// Reads what a stream has, up to [`READ_BYTES`]: empty when the other side has ended.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<BytesMut>> {
        self.make_room();
        ready!(poll_read_buf(Pin::new(stream), cx, &mut (&mut self.current).limit(READ_BYTES)))?;
        Poll::Ready(Ok(self.current.split()))
    }

    /// Keeps what was inflated as if it had been read. What is longer than most messages can be
    /// has memory of its own: the buffer doesn't grow.
    pub(crate) fn keep(&mut self, inflated: &[u8]) -> Bytes {
        if inflated.len() > READ_BYTES {
            return Bytes::copy_from_slice(inflated);
        }
        self.make_room();
        self.current.extend_from_slice(inflated);
        self.current.split().freeze()
    }

    /// Room for [`READ_BYTES`].
    fn make_room(&mut self) {
        let Self { current, other } = self;
        if current.capacity() < READ_BYTES && !current.try_reclaim(READ_BUFFER_BYTES) {
            std::mem::swap(current, other);
            // Takes other memory only when somebody still holds a slice of this one.
            current.reserve(READ_BUFFER_BYTES);
        }
    }
}
