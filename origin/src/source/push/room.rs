//! The room that an encoder's files may take, while they come and until they are played: counted by
//! whoever holds some of it, and given back when that is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::PUSH_HELD_FILES_MAX;

/// How much is taken.
#[derive(Debug)]
pub(super) struct Room {
    bytes_max: usize,
    bytes: AtomicUsize,
    files: AtomicUsize,
}

/// What one file takes.
#[derive(Debug)]
pub(super) struct Reserved {
    /// `None` for what is read as soon as it has come: it takes none.
    room: Option<Arc<Room>>,
    bytes: usize,
}

/// There is no room left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Room {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Room { bytes_max, bytes: AtomicUsize::new(0), files: AtomicUsize::new(0) })
    }

    /// How much of it is taken.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Room for a file, which is empty yet.
    pub(super) fn reserve(self: &Arc<Self>) -> Result<Reserved, Full> {
        add(&self.files, 1, PUSH_HELD_FILES_MAX)?;
        Ok(Reserved { room: Some(self.clone()), bytes: 0 })
    }
}

impl Reserved {
    /// For a playlist, which comes through however full it is: only by playlists it gets emptier.
    pub(super) fn for_playlist() -> Self {
        Reserved { room: None, bytes: 0 }
    }

    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        if let Some(room) = &self.room {
            add(&room.bytes, bytes, room.bytes_max)?;
        }
        self.bytes += bytes;
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(room) = &self.room {
            room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
            room.files.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn add(to: &AtomicUsize, count: usize, max: usize) -> Result<(), Full> {
    let within = |now: usize| now.checked_add(count).filter(|sum| *sum <= max);
    to.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).map(drop).map_err(|_| Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back_and_never_more_than_there_is() {
        let room = Room::new(100);
        let mut first = room.reserve().expect("room");
        let mut second = room.reserve().expect("room");
        assert_eq!(first.grow(60), Ok(()));
        assert_eq!(second.grow(41), Err(Full));
        assert_eq!(second.grow(usize::MAX), Err(Full));
        assert_eq!(second.grow(40), Ok(()));
        drop(first);
        assert_eq!(second.grow(60), Ok(()));
        assert_eq!((second.bytes(), room.bytes()), (100, 100));
        drop(second);
        assert_eq!(room.bytes(), 0);
    }

    #[test]
    fn a_playlist_finds_room_where_there_is_none() {
        let room = Room::new(100);
        let mut segment = room.reserve().expect("room");
        assert_eq!(segment.grow(100), Ok(()));
        let mut playlist = Reserved::for_playlist();
        assert_eq!(playlist.grow(50), Ok(()));
        assert_eq!(playlist.bytes(), 50);
        drop(playlist);
        assert_eq!(room.reserve().expect("room").grow(1), Err(Full));
    }

    #[test]
    fn files_are_counted_however_small() {
        let room = Room::new(100);
        let all: Vec<_> = (0..PUSH_HELD_FILES_MAX).map_while(|_| room.reserve().ok()).collect();
        assert_eq!(all.len(), PUSH_HELD_FILES_MAX);
        assert!(room.reserve().is_err());
        drop(all);
        assert!(room.reserve().is_ok());
    }
}
