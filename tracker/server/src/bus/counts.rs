//! What the link to other nodes has carried, and what was lost on the way and why.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The counts of one node's link.
#[derive(Debug, Default)]
pub(crate) struct BusCounts {
    /// Whether NATS is there.
    pub(crate) connected: AtomicBool,
    /// Times that a name was heard from two nodes that live.
    pub(crate) twins: Count,
    pub(crate) messages_sent: Count,
    pub(crate) messages_received: Count,
    pub(crate) bytes_sent: Count,
    pub(crate) bytes_received: Count,
    /// Records that went because the queue was full.
    pub(crate) queue_full: Count,
    /// Records that had waited for too long.
    pub(crate) stale: Count,
    /// Records for nodes that are gone.
    pub(crate) gone: Count,
    /// Messages that NATS would not take.
    pub(crate) refused: Count,
    /// Messages that came faster than they were looked at.
    pub(crate) overrun: Count,
    /// Messages of nodes that have not said hello.
    pub(crate) strangers: Count,
    /// Messages of another version.
    pub(crate) versions: Count,
    /// Records of a kind that is not known.
    pub(crate) unknown: Count,
    /// Messages that made no sense.
    pub(crate) malformed: Count,
    /// Records for a worker that was too busy.
    pub(crate) undelivered: Count,
}

impl BusCounts {
    /// Whether NATS is there.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Relaxed)
    }
}

/// Something that is counted.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, amount: u64) {
        if amount > 0 {
            self.0.fetch_add(amount, Relaxed);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl BusCounts {
    /// What was lost, by why.
    pub(crate) fn dropped(&self) -> [(&'static str, u64); 10] {
        [
            ("queue_full", &self.queue_full),
            ("stale", &self.stale),
            ("node_gone", &self.gone),
            ("refused", &self.refused),
            ("overrun", &self.overrun),
            ("stranger", &self.strangers),
            ("version", &self.versions),
            ("unknown", &self.unknown),
            ("malformed", &self.malformed),
            ("worker_busy", &self.undelivered),
        ]
        .map(|(reason, count)| (reason, count.get()))
    }
}
