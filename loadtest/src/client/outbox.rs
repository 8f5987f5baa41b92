//! What a peer says and the kernel has not taken yet, and whether it may be said compressed.

use std::io::{self, ErrorKind, Write};

/// Frames for the tracker.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Empty, and without room, while nothing waits.
    bytes: Vec<u8>,
    written: usize,
    /// The tracker has agreed to `permessage-deflate`.
    pub(crate) deflates: bool,
}

impl Outbox {
    /// Where frames are appended.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn waiting(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Writes as much as the kernel takes; whether that was all.
    pub(crate) fn write_to(&mut self, to: &mut impl Write) -> io::Result<bool> {
        write_some(to, &self.bytes, &mut self.written)
    }

    /// Notes that `count` bytes more are on their way.
    pub(super) fn advance(&mut self, count: usize) {
        self.written += count;
    }

    /// The buffer, when everything has been written.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.written = 0;
        std::mem::take(&mut self.bytes)
    }
}

/// Writes as much of `bytes` behind `written` as the kernel takes; whether that was all.
pub(super) fn write_some(
    to: &mut impl Write,
    bytes: &[u8],
    written: &mut usize,
) -> io::Result<bool> {
    while *written < bytes.len() {
        match to.write(&bytes[*written..]) {
            Ok(count) => *written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
