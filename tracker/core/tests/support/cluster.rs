//! Several trackers whose shards are siblings, and a bus between them that carries what they tell
//! each other: at once and whole, or as a test wants it.

use std::collections::VecDeque;

use serde_json::Value;
use tracker_core::{Settings, SiblingId};

use super::{Did, Parcel, Tracker};

/// Trackers that share all swarms.
pub(crate) struct Cluster {
    pub(crate) trackers: Vec<Tracker>,
    /// What was told and not heard yet: from whom, to whom.
    pub(crate) bus: VecDeque<(usize, usize, Parcel)>,
}

impl Cluster {
    pub(crate) fn new(trackers: usize, settings: &Settings) -> Self {
        let tracker = |seed| Tracker::shared(settings.clone(), seed as u64);
        Self { trackers: (0..trackers).map(tracker).collect(), bus: VecDeque::new() }
    }

    /// A frame comes in at one tracker; what all of them do about it, and by whom it was done.
    pub(crate) fn hear(&mut self, at: usize, from: u64, frame: &Value) -> Vec<(usize, Did)> {
        let done = self.trackers[at].hear(from, frame);
        let mut done = self.post(at, done);
        done.extend(self.settle());
        done
    }

    /// A member leaves one tracker.
    pub(crate) fn left(&mut self, at: usize, from: u64, info_hash: &str, peer_id: &str) {
        let done = self.trackers[at].left(from, info_hash, peer_id);
        self.post(at, done);
        self.settle();
    }

    /// So many seconds pass, with a sweep of each tracker in each.
    pub(crate) fn wait_s(&mut self, seconds: u64) -> Vec<(usize, Did)> {
        let mut all = Vec::new();
        for _ in 0..seconds {
            for at in 0..self.trackers.len() {
                self.trackers[at].wait_s(1);
                let done = self.trackers[at].sweep();
                all.extend(self.post(at, done));
            }
            all.extend(self.settle());
        }
        all
    }

    /// Puts what a tracker told others on the bus, and returns what else it did.
    pub(crate) fn post(&mut self, at: usize, done: Vec<Did>) -> Vec<(usize, Did)> {
        let mut rest = Vec::new();
        for did in done {
            match did {
                Did::Tell(Some(to), parcel) => self.bus.push_back((at, at_of(to), parcel)),
                Did::Tell(None, parcel) => {
                    let others = (0..self.trackers.len()).filter(|other| *other != at);
                    self.bus.extend(others.map(|other| (at, other, parcel.clone())));
                }
                other => rest.push((at, other)),
            }
        }
        rest
    }

    /// One parcel is heard; what is done about it.
    pub(crate) fn unpack(&mut self, from: usize, to: usize, parcel: &Parcel) -> Vec<(usize, Did)> {
        let done = self.trackers[to].unpack(sibling(from), parcel);
        self.post(to, done)
    }

    /// All that is on the bus is heard, and what is told because of it.
    pub(crate) fn settle(&mut self) -> Vec<(usize, Did)> {
        let mut done = Vec::new();
        while let Some((from, to, parcel)) = self.bus.pop_front() {
            done.extend(self.unpack(from, to, &parcel));
        }
        done
    }
}

/// What the others call a tracker.
pub(crate) fn sibling(at: usize) -> SiblingId {
    SiblingId(1000 + at as u32)
}

fn at_of(sibling: SiblingId) -> usize {
    sibling.0 as usize - 1000
}
