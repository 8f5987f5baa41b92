//! A segment's bytes once more, as pages of the kernel's, which `sendfile` hands to a socket without
//! a copy. Written when a segment is first asked for in that way, and gone with the last who holds
//! it. They are no part of the process's resident memory, so they are counted here, and bounded.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::limits::PAGES_BYTES_MAX;

/// Pages that are there as soon as somebody needs them. A clone shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages(Arc<OnceLock<Option<Arc<Written>>>>);

/// Pages that are there.
#[derive(Debug)]
pub(crate) struct Written {
    file: OwnedFd,
    _reserved: Reserved<'static>,
}

/// Bytes of pages that there are, of those that there may be.
#[derive(Debug)]
struct Room {
    bytes: AtomicU64,
    bytes_max: u64,
}

#[derive(Debug)]
struct Reserved<'a> {
    room: &'a Room,
    bytes: u64,
}

/// The kernel's memory is the process's, however many origins are in it.
static ROOM: Room = Room::new(PAGES_BYTES_MAX);

/// Bytes of pages that this process has now.
pub(crate) fn pages_bytes() -> u64 {
    ROOM.bytes.load(Ordering::Relaxed)
}

impl Pages {
    /// The pages with these bytes; `None` where there is no room, memory or descriptor for them.
    pub(crate) fn of(&self, bytes: &Bytes) -> Option<Arc<Written>> {
        self.0.get_or_init(|| write(bytes).map(Arc::new)).clone()
    }
}

fn write(bytes: &Bytes) -> Option<Written> {
    let reserved = ROOM.reserve(bytes.len() as u64)?;
    let file = || -> io::Result<OwnedFd> {
        let mut file = File::from(memfd_create("segment", MemfdFlags::CLOEXEC)?);
        file.write_all(bytes)?;
        Ok(file.into())
    };
    Some(Written { file: file().ok()?, _reserved: reserved })
}

impl AsFd for Written {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Room {
    const fn new(bytes_max: u64) -> Self {
        Room { bytes: AtomicU64::new(0), bytes_max }
    }

    fn reserve(&self, bytes: u64) -> Option<Reserved<'_>> {
        let within = |now: u64| now.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        let reserved = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        reserved.ok().map(|_| Reserved { room: self, bytes })
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_pages_than_there_is_room_for() {
        let room = Room::new(100);
        let first = room.reserve(60);
        assert!(first.is_some());
        assert!(room.reserve(41).is_none() && room.reserve(u64::MAX).is_none());
        let second = room.reserve(40);
        assert!(second.is_some() && room.reserve(1).is_none());
        drop(first);
        assert!(room.reserve(60).is_some());
    }

    #[test]
    fn pages_are_written_once_and_shared() {
        let (pages, bytes) = (Pages::default(), Bytes::from_static(b"segment"));
        let (first, second) = (pages.of(&bytes), pages.clone().of(&bytes));
        assert!(first.zip(second).is_some_and(|(first, second)| Arc::ptr_eq(&first, &second)));
        assert!(pages_bytes() >= bytes.len() as u64);
    }
}
