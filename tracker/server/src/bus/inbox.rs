//! What other nodes have said to one worker's partitions, and it hasn't heard yet. The link puts it
//! in as it comes; the worker takes a part of it in each round, so that its viewers wait no longer
//! for it than for each other, however much comes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Batch, NodeSlot};
use crate::limits::{BUS_HEARD_BYTES_PER_ROUND, BUS_INBOX_BYTES_MAX};

/// What waits for one worker.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    /// There is something: to see it takes no lock.
    filled: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    said: VecDeque<(NodeSlot, Batch)>,
    bytes: usize,
}

/// There is no room for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

impl Inbox {
    /// Puts in what a node says. Whether there was nothing before, so that the worker has to be
    /// woken.
    ///
    /// # Errors
    ///
    /// [`Full`]: what has come first is heard first.
    pub(super) fn put(&self, node: NodeSlot, batch: Batch) -> Result<bool, Full> {
        let mut waiting = self.waiting();
        if waiting.bytes + bytes_of(&batch) > BUS_INBOX_BYTES_MAX {
            return Err(Full);
        }
        waiting.bytes += bytes_of(&batch);
        waiting.said.push_back((node, batch));
        Ok(!self.filled.swap(true, Relaxed))
    }

    /// Whether something waits.
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Relaxed)
    }

    /// Takes a round's part, in order.
    pub(crate) fn take(&self) -> Vec<(NodeSlot, Batch)> {
        let (mut waiting, mut part, mut bytes) = (self.waiting(), Vec::new(), 0);
        while bytes < BUS_HEARD_BYTES_PER_ROUND
            && let Some((node, batch)) = waiting.said.pop_front()
        {
            bytes += bytes_of(&batch);
            part.push((node, batch));
        }
        waiting.bytes -= bytes;
        if waiting.said.is_empty() {
            waiting.said = VecDeque::new();
            self.filled.store(false, Relaxed);
        }
        part
    }

    /// Drops what nodes have said that are gone: heard behind that, they would be there again.
    pub(super) fn forget(&self, is_gone: impl Fn(NodeSlot) -> bool) {
        let mut waiting = self.waiting();
        waiting.said.retain(|(node, _)| !is_gone(*node));
        waiting.bytes = waiting.said.iter().map(|(_, batch)| bytes_of(batch)).sum();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Each change of it is whole before anything can panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What it takes of memory.
fn bytes_of(batch: &Batch) -> usize {
    size_of::<(NodeSlot, Batch)>() + batch.records.capacity()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1 << 10;

    fn batch(bytes: usize) -> Batch {
        Batch { records: vec![0; bytes], count: 1 }
    }

    fn nodes(part: &[(NodeSlot, Batch)]) -> Vec<u32> {
        part.iter().map(|(node, _)| node.0).collect()
    }

    #[test]
    fn a_worker_is_woken_for_the_first_and_hears_all_in_order_a_part_in_each_round() {
        let inbox = Inbox::default();
        let put = |node| inbox.put(NodeSlot(node), batch(30 * KIB));
        assert_eq!([1, 2, 3, 4, 5].map(put), [true, false, false, false, false].map(Ok));
        assert_eq!(nodes(&inbox.take()), [1, 2, 3]);
        assert!(inbox.is_filled());
        assert_eq!((nodes(&inbox.take()), inbox.is_filled()), (vec![4, 5], false));
        assert_eq!((put(6), nodes(&inbox.take())), (Ok(true), vec![6]));
    }

    #[test]
    fn what_comes_too_fast_has_no_room_until_something_was_heard() {
        let inbox = Inbox::default();
        let put = |bytes| inbox.put(NodeSlot(1), batch(bytes));
        let taken = (0..).take_while(|_| put(64 * KIB).is_ok()).count();
        assert_eq!(taken, BUS_INBOX_BYTES_MAX / (64 * KIB) - 1);
        assert_eq!(put(64 * KIB), Err(Full));
        assert!(!inbox.take().is_empty());
        assert_eq!(put(64 * KIB), Ok(false));
    }

    #[test]
    fn so_many_small_ones_have_no_room_either() {
        let inbox = Inbox::default();
        let taken = (0..).take_while(|_| inbox.put(NodeSlot(1), batch(1)).is_ok()).count();
        assert!(taken < BUS_INBOX_BYTES_MAX / 32, "{taken}");
    }

    #[test]
    fn nodes_that_are_gone_are_heard_no_more() {
        let inbox = Inbox::default();
        for node in [1, 2, 1, 3] {
            assert!(inbox.put(NodeSlot(node), batch(10)).is_ok());
        }
        inbox.forget(|node| node == NodeSlot(1));
        assert_eq!(nodes(&inbox.take()), [2, 3]);
        assert_eq!(inbox.waiting().bytes, 0);
    }
}
