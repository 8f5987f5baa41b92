//! The bus between workers of this node. Only a swarm that has outgrown its worker has anything to
//! say here; for all others the directory knows of no second partition, and nothing is asked, sent or
//! woken.

use std::sync::atomic::Ordering::Relaxed;

use actix::Addr;
use tracker_core::{Digest, InfoHash, SiblingId};

use super::records::{Route, Said};
use super::{Batch, Bus, parts};
use crate::actors::{FromSiblings, ShardActor};
use crate::directory::WorkerId;
use crate::worker::Worker;

/// What this worker's partitions say to those of the node's others.
#[derive(Debug)]
pub(super) struct Local {
    /// By worker.
    batches: Vec<Batch>,
    /// There is something in one of them.
    open: bool,
}

impl Local {
    pub(super) fn new(workers: WorkerId) -> Self {
        Self { batches: (0..workers).map(|_| Batch::default()).collect(), open: false }
    }

    fn push(&mut self, from: WorkerId, to: WorkerId, said: &Said<'_>) {
        if let Some(batch) = self.batches.get_mut(usize::from(to)) {
            said.write(Route { from, to: Some(to) }, &mut batch.records);
            batch.count += 1;
            self.open = true;
        }
    }
}

impl Bus for Local {
    fn may_reach(&self, worker: &Worker, info_hash: &InfoHash) -> bool {
        worker.node.directory.is_split(info_hash)
    }

    fn say(&mut self, worker: &Worker, to: SiblingId, said: &Said<'_>) {
        self.push(worker.id, parts(to).1, said);
    }

    fn say_to_all(&mut self, worker: &Worker, info_hash: InfoHash, digest: Digest) {
        for to in worker.node.directory.siblings_of(&info_hash, worker.id) {
            self.push(worker.id, to, &Said::Digest(info_hash, digest));
        }
    }

    fn end_round(&mut self, worker: &Worker) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        for (to, batch) in (0..).zip(&mut self.batches) {
            if batch.is_empty() {
                continue;
            }
            let batch = std::mem::take(batch);
            let count = batch.count();
            worker.metrics().crossed_workers.fetch_add(count, Relaxed);
            let taken = |shard: &Addr<ShardActor>| shard.try_send(FromSiblings(batch)).is_ok();
            if !worker.node.shard(to).is_some_and(taken) {
                worker.metrics().undelivered.fetch_add(count, Relaxed);
            }
        }
    }
}
