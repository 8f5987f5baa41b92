//! What workers have for other nodes and the link has not taken yet. A worker puts a round's records
//! in at once and never waits; when the link is slow or away the oldest are dropped, since an offer is
//! worth less the longer it waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::Batch;
use super::presence::NodeSlot;
use crate::limits::{BUS_MESSAGE_BYTES, BUS_QUEUE_TIME_MAX};

/// Records on their way to the link.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Wakes the link.
    filled: Notify,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Queued>,
    bytes: usize,
}

/// What one receiver shall hear of a round.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) to: Receiver,
    pub(super) batch: Batch,
    /// When it was said, by the node's clock.
    pub(super) at: Duration,
}

/// Who hears something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Receiver {
    /// One node.
    Node(NodeSlot),
    /// All nodes with swarms in this bucket.
    Bucket(u8),
}

impl Queue {
    /// A queue of `bytes_max` or less.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { waiting: Mutex::default(), filled: Notify::new(), bytes_max }
    }

    /// Takes a round's, and returns how many records had to go for them.
    pub(super) fn push(&self, round: impl IntoIterator<Item = Queued>) -> u64 {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for queued in round {
            waiting.bytes += queued.bytes();
            waiting.queue.push_back(queued);
        }
        let mut dropped = 0;
        while waiting.bytes > self.bytes_max
            && let Some(oldest) = waiting.pop()
        {
            dropped += oldest.batch.count();
        }
        drop(waiting);
        self.filled.notify_one();
        dropped
    }

    /// Drops what is too old to be sent still, while nothing is taken, and tells how many records.
    pub(super) fn drop_stale(&self, now: Duration) -> u64 {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = waiting.drop_stale(now);
        if waiting.queue.is_empty() {
            waiting.queue = VecDeque::new();
        }
        stale
    }

    /// Waits until there is something.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Takes all that is there, and tells how many records were too old to be sent still.
    pub(super) fn take(&self, now: Duration) -> (Vec<Queued>, u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = std::mem::take(&mut *waiting);
        drop(waiting);
        let stale = taken.drop_stale(now);
        (taken.queue.into(), stale)
    }

    /// Puts back what could not be sent, before everything else. Returns how many records had to go.
    pub(super) fn put_back(&self, unsent: impl DoubleEndedIterator<Item = Queued>) -> u64 {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dropped = 0;
        // The newest first: the oldest have what room is left.
        for queued in unsent.rev() {
            if waiting.bytes + queued.bytes() > self.bytes_max {
                dropped += queued.batch.count();
            } else {
                waiting.bytes += queued.bytes();
                waiting.queue.push_front(queued);
            }
        }
        dropped
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

impl Queued {
    /// What it takes of memory: a digest for one receiver is smaller than what goes with it.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.batch.records.len()
    }

    fn is_stale(&self, now: Duration) -> bool {
        now > self.at + BUS_QUEUE_TIME_MAX
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Queued> {
        let oldest = self.queue.pop_front()?;
        self.bytes -= oldest.bytes();
        Some(oldest)
    }

    /// Returns how many records were too old.
    fn drop_stale(&mut self, now: Duration) -> u64 {
        let mut stale = 0;
        self.queue.retain(|queued| {
            let is_stale = queued.is_stale(now);
            if is_stale {
                stale += queued.batch.count();
                self.bytes -= queued.bytes();
            }
            !is_stale
        });
        stale
    }
}

/// What is for one receiver in as few messages as [`BUS_MESSAGE_BYTES`] allows, in order.
pub(super) fn merged(queued: Vec<Queued>) -> Vec<Queued> {
    let (mut full, mut open) = (Vec::new(), BTreeMap::<Receiver, Queued>::new());
    for next in queued {
        match open.get_mut(&next.to) {
            Some(last)
                if last.batch.records.len() + next.batch.records.len() <= BUS_MESSAGE_BYTES =>
            {
                last.batch.records.extend_from_slice(&next.batch.records);
                last.batch.count += next.batch.count;
            }
            Some(last) => full.push(std::mem::replace(last, next)),
            None => drop(open.insert(next.to, next)),
        }
    }
    full.extend(open.into_values());
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    const KIB: usize = 1 << 10;

    /// So many records, which take so much of the queue.
    fn queued(number: u32, bytes: usize, at: Duration) -> Queued {
        let batch = Batch { records: vec![0; bytes - size_of::<Queued>()], count: number };
        Queued { to: Receiver::Node(NodeSlot(number)), batch, at }
    }

    fn numbers(queued: &[Queued]) -> Vec<u32> {
        queued.iter().map(|queued| queued.batch.count).collect()
    }

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let queue = Queue::new(100 * KIB);
        assert_eq!(queue.push([queued(1, 60 * KIB, SECOND), queued(2, 40 * KIB, SECOND)]), 0);
        assert_eq!(queue.push([queued(3, 30 * KIB, SECOND)]), 1);
        assert_eq!(queue.bytes(), 70 * KIB);
        assert_eq!(queue.push([queued(4, 100 * KIB, SECOND)]), 5);
        assert_eq!(queue.push([queued(5, 101 * KIB, SECOND)]), 9, "what never fits goes as well");
        assert_eq!((numbers(&queue.take(SECOND).0), queue.bytes()), (vec![], 0));
    }

    #[test]
    fn what_could_not_be_sent_keeps_its_place_as_far_as_there_is_room() {
        let queue = Queue::new(100 * KIB);
        queue.push([queued(1, 60 * KIB, SECOND), queued(2, 30 * KIB, SECOND)]);
        let (taken, _) = queue.take(SECOND);
        queue.push([queued(3, 20 * KIB, SECOND)]);
        assert_eq!(queue.put_back(taken.into_iter()), 1, "the oldest");
        assert_eq!(numbers(&queue.take(SECOND).0), [2, 3]);
    }

    #[test]
    fn what_has_waited_for_too_long_is_dropped() {
        let queue = Queue::new(100 * KIB);
        queue.push([queued(1, 10 * KIB, SECOND), queued(2, 10 * KIB, SECOND * 9)]);
        let (fresh, stale) = queue.take(SECOND + BUS_QUEUE_TIME_MAX + Duration::from_nanos(1));
        assert_eq!((numbers(&fresh), stale), (vec![2], 1));
    }

    #[test]
    fn it_is_dropped_while_nothing_is_taken_as_well() {
        let queue = Queue::new(100 * KIB);
        queue.push([queued(1, 10 * KIB, SECOND), queued(2, 10 * KIB, SECOND * 9)]);
        assert_eq!(queue.drop_stale(SECOND + BUS_QUEUE_TIME_MAX), 0);
        assert_eq!(queue.drop_stale(SECOND * 2 + BUS_QUEUE_TIME_MAX), 1);
        assert_eq!(queue.bytes(), 10 * KIB);
        assert_eq!(queue.drop_stale(SECOND * 10 + BUS_QUEUE_TIME_MAX), 2);
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn what_is_for_one_receiver_is_one_message_as_far_as_it_may_be_long_and_in_order() {
        let of = |node, count, bytes| Queued {
            to: Receiver::Node(NodeSlot(node)),
            ..queued(count, bytes + size_of::<Queued>(), SECOND)
        };
        let half = BUS_MESSAGE_BYTES / 2;
        let all = vec![of(1, 1, half), of(2, 2, 10), of(1, 4, half), of(1, 8, 1), of(2, 16, 10)];
        let mut messages = merged(all);
        messages.sort_by_key(|message| message.to);
        assert_eq!(numbers(&messages), [5, 8, 18]);
        let bytes: Vec<_> = messages.iter().map(|message| message.batch.records.len()).collect();
        assert_eq!(bytes, [BUS_MESSAGE_BYTES, 1, 20]);
    }
}
