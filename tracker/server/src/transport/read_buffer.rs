//! One read buffer for all sockets of a worker: an idle socket holds no memory for reading. What
//! was read is handed out as a slice; when all slices are gone the buffer starts over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio_util::io::poll_read_buf;

use super::stream::Stream;
use crate::limits::{READ_BUFFER_BYTES, READ_BYTES_MIN};

/// The buffer.
#[derive(Debug)]
pub(crate) struct ReadBuffer(BytesMut);

impl ReadBuffer {
    pub(crate) fn new() -> Self {
        Self(BytesMut::with_capacity(READ_BUFFER_BYTES))
    }

    /// Reads what a stream has: empty when the other side has ended.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<BytesMut>> {
        if self.0.capacity() < READ_BYTES_MIN {
            // Takes the same memory from its start when nobody holds a slice any more.
            self.0.reserve(READ_BUFFER_BYTES);
        }
        ready!(poll_read_buf(Pin::new(stream), cx, &mut self.0))?;
        Poll::Ready(Ok(self.0.split()))
    }
}
