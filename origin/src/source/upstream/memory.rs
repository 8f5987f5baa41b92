//! What is known of an upstream from one run to the next: how far each track was taken, and how its
//! numbers become this origin's. An upstream that was set up anew counts from the beginning again,
//! but a name that was given once never gets other content.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::{SEQUENCE_MAX, UPSTREAM_SEQUENCE_MAX};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Added to the upstream's numbers: a multiple of [`SHIFT`], so that others who pull it and have
    /// seen the same arrive at the same.
    shift: u64,
    /// The newest number of each track, shifted.
    taken: HashMap<Arc<str>, u64>,
}

/// Far more numbers than one set-up of an upstream gets through between two of our runs.
const SHIFT: u64 = 1_000_000;

impl Memory {
    /// A run begins, and the upstream's newest numbers are these. When some are below what was taken
    /// already, it counts anew. Tells whether there is anything that was not taken.
    pub(super) fn begin_run(
        &mut self,
        newest: impl Iterator<Item = (Arc<str>, Option<u64>)>,
    ) -> bool {
        let (mut shift, mut is_new) = (self.shift, false);
        for (track, newest) in newest {
            let (Some(newest), Some(taken)) = (newest, self.taken.get(&track)) else {
                is_new |= newest.is_some();
                continue;
            };
            let shifted = newest.saturating_add(self.shift);
            is_new |= shifted != *taken;
            if shifted < *taken {
                // The smallest multiple that is enough, whatever the shift was before.
                shift = shift.max((taken - newest).div_ceil(SHIFT) * SHIFT);
            }
        }
        self.shift = shift;
        is_new
    }

    /// The newest number of a track that was taken, as the upstream counts now.
    pub(super) fn taken(&self, track: &str) -> Option<u64> {
        self.taken.get(track)?.checked_sub(self.shift)
    }

    /// A segment was taken: its number as this origin counts. One that nobody could count on from is
    /// not remembered, and has none.
    pub(super) fn take(&mut self, track: &Arc<str>, sequence: u64) -> Option<u64> {
        let shifted = sequence.checked_add(self.shift)?;
        if sequence > UPSTREAM_SEQUENCE_MAX || shifted > SEQUENCE_MAX {
            return None;
        }
        self.taken.insert(track.clone(), shifted);
        Some(shifted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(memory: &mut Memory, newest: u64) -> bool {
        memory.begin_run([(Arc::from("v"), Some(newest))].into_iter())
    }

    #[test]
    fn numbers_are_the_upstreams_until_it_counts_anew() {
        let mut memory = Memory::default();
        assert!(begin(&mut memory, 41));
        assert_eq!(memory.taken("v"), None);
        assert_eq!(memory.take(&"v".into(), 41), Some(41));
        assert!(!begin(&mut memory, 41));
        assert!(begin(&mut memory, 42));
        assert_eq!((memory.taken("v"), memory.take(&"v".into(), 42)), (Some(41), Some(42)));
        assert!(begin(&mut memory, 3));
        assert_eq!((memory.taken("v"), memory.take(&"v".into(), 3)), (None, Some(1_000_003)));
        assert!(begin(&mut memory, 9));
        assert_eq!((memory.taken("v"), memory.take(&"v".into(), 9)), (Some(3), Some(1_000_009)));
        assert!(begin(&mut memory, 2));
        assert_eq!(memory.take(&"v".into(), 2), Some(2_000_002));
    }

    #[test]
    fn a_number_that_nobody_could_count_on_from_is_not_remembered() {
        let mut memory = Memory::default();
        assert!(begin(&mut memory, 7));
        assert_eq!(memory.take(&"v".into(), 7), Some(7));
        for absurd in [UPSTREAM_SEQUENCE_MAX + 1, SEQUENCE_MAX, u64::MAX] {
            assert!(begin(&mut memory, absurd));
            assert_eq!(memory.take(&"v".into(), absurd), None);
            assert_eq!(memory.taken("v"), Some(7));
        }
        assert!(begin(&mut memory, 8));
        assert_eq!(memory.take(&"v".into(), 8), Some(8));

        // The highest that is taken leaves room for an upstream that counts anew.
        assert_eq!(memory.take(&"v".into(), UPSTREAM_SEQUENCE_MAX), Some(UPSTREAM_SEQUENCE_MAX));
        begin(&mut memory, 0);
        assert!(memory.take(&"v".into(), 0).is_some_and(|next| next > UPSTREAM_SEQUENCE_MAX));
    }
}
