//! A table in blocks of a few places. It grows and shrinks by a block and copies nothing: thousands
//! of swarms that breathe keep no room for their largest size, and leave no holes of all sizes in
//! the heap, as vectors do.

use std::ops::{Index, IndexMut};

use crate::limits::TABLE_KEPT;

/// Places of a block. A swarm of one pays for all of them.
const PLACES: usize = 4;

/// Elements with an index, as in a vector.
#[derive(Debug)]
pub(super) struct Blocks<T> {
    /// As many as `len` needs; in the last one, places behind the last element hold defaults.
    blocks: Vec<Box<[T; PLACES]>>,
    len: usize,
}

impl<T: Default> Blocks<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.blocks.iter().flat_map(|block| block.iter()).take(self.len)
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Box<[T; PLACES]>>()
            + self.blocks.len() * size_of::<[T; PLACES]>()
    }

    pub(super) fn push(&mut self, element: T) {
        if self.len == self.blocks.len() * PLACES {
            self.blocks.push(Box::default());
        }
        self.len += 1;
        let last = self.len - 1;
        self[last] = element;
    }

    /// Takes an element out. The last one moves into its place.
    pub(super) fn swap_remove(&mut self, index: usize) -> T {
        self.len -= 1;
        let end = self.len;
        let last = std::mem::take(&mut self[end]);
        let removed = if index == end { last } else { std::mem::replace(&mut self[index], last) };
        self.blocks.truncate(self.len.div_ceil(PLACES));
        let (len, capacity) = (self.blocks.len(), self.blocks.capacity());
        if capacity > TABLE_KEPT && len < capacity / 4 {
            self.blocks.shrink_to(len * 2);
        }
        removed
    }
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), len: 0 }
    }
}

impl<T> Index<usize> for Blocks<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.blocks[index / PLACES][index % PLACES]
    }
}

impl<T> IndexMut<usize> for Blocks<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.blocks[index / PLACES][index % PLACES]
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn it_is_a_vector() {
        let mut rng = SmallRng::seed_from_u64(7);
        let (mut blocks, mut vector) = (Blocks::default(), Vec::new());
        for step in 0..10_000_u64 {
            // It grows to hundreds, falls to none, and grows again.
            let grows = if step / 1000 % 2 == 0 { 0.7 } else { 0.2 };
            if vector.is_empty() || rng.random_bool(grows) {
                blocks.push(step);
                vector.push(step);
            } else {
                let index = rng.random_range(0..vector.len());
                assert_eq!(blocks.swap_remove(index), vector.swap_remove(index), "step {step}");
            }
            assert!(blocks.iter().eq(&vector), "step {step}");
            assert!((0..vector.len()).all(|index| blocks[index] == vector[index]), "step {step}");
        }
    }

    #[test]
    fn its_memory_is_that_of_its_elements() {
        let mut blocks = Blocks::default();
        assert_eq!(blocks.heap_bytes(), 0);
        let full = |len: usize| len.div_ceil(PLACES) * size_of::<[[u64; 8]; PLACES]>();
        for len in 1..=1000 {
            blocks.push([0_u64; 8]);
            assert!((0..len * 4 + 64).contains(&(blocks.heap_bytes() - full(len))), "{len}");
        }
        for len in (0..1000).rev() {
            blocks.swap_remove(len / 2);
            assert!((0..len * 8 + 256).contains(&(blocks.heap_bytes() - full(len))), "{len}");
        }
    }
}
