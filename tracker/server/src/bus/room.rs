//! Room for messages that have come from NATS and that the link hasn't looked at yet. They are few
//! while it keeps up, and bounded by their bytes when it doesn't.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::limits::{BUS_UNHEARD_BYTES_EACH, BUS_UNHEARD_BYTES_MAX};

/// How much of the room is taken, in bytes.
#[derive(Debug, Default)]
pub(super) struct Room(AtomicUsize);

impl Room {
    /// Takes room for a message of so many bytes. Whether there was some: one that is longer than
    /// all of it comes through alone.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let more = |taken: usize| {
            let then = taken + bytes + BUS_UNHEARD_BYTES_EACH;
            (taken == 0 || then <= BUS_UNHEARD_BYTES_MAX).then_some(then)
        };
        self.0.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Gives back the room of a message of so many bytes.
    pub(super) fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes + BUS_UNHEARD_BYTES_EACH, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many_bytes_and_again_when_something_was_looked_at() {
        for bytes in [0, 40, 64 << 10, 1 << 20] {
            let room = Room::default();
            let taken = (0..).take_while(|_| room.take(bytes)).count();
            assert_eq!(taken, BUS_UNHEARD_BYTES_MAX / (bytes + BUS_UNHEARD_BYTES_EACH));
            room.give_back(bytes);
            assert!(room.take(bytes) && !room.take(bytes));
        }
        let room = Room::default();
        assert!(room.take(BUS_UNHEARD_BYTES_MAX + 1) && !room.take(0));
    }
}
