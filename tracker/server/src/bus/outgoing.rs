//! A worker's side of the bus to other nodes: what its partitions say in a round, by receiver. It
//! goes into the queue of the link, which has a thread of its own; no worker waits for the network.

use std::collections::BTreeMap;

use tracker_core::{Digest, InfoHash, SiblingId};

use super::bucket::bucket;
use super::queue::{Queued, Receiver};
use super::records::{Route, Said};
use super::{Batch, Bus, parts};
use crate::limits::BUS_MESSAGE_BYTES;
use crate::worker::Worker;

/// What this worker's partitions say to those of other nodes.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    by_receiver: BTreeMap<Receiver, Batch>,
    /// Those that are as long as a message may be.
    full: Vec<(Receiver, Batch)>,
}

impl Outgoing {
    fn push(&mut self, to: Receiver, route: Route, said: &Said<'_>) {
        let batch = self.by_receiver.entry(to).or_default();
        said.write(route, &mut batch.records);
        batch.count += 1;
        if batch.records.len() >= BUS_MESSAGE_BYTES {
            self.full.push((to, std::mem::take(batch)));
        }
    }
}

impl Bus for Outgoing {
    /// Of swarms of other nodes nobody here has a list.
    fn may_reach(&self, _: &Worker, _: &InfoHash) -> bool {
        true
    }

    fn say(&mut self, worker: &Worker, to: SiblingId, said: &Said<'_>) {
        let (node, to) = parts(to);
        self.push(Receiver::Node(node), Route { from: worker.id, to: Some(to) }, said);
    }

    fn say_to_all(&mut self, worker: &Worker, info_hash: InfoHash, digest: Digest) {
        let route = Route { from: worker.id, to: None };
        self.push(Receiver::Bucket(bucket(&info_hash)), route, &Said::Digest(info_hash, digest));
    }

    fn end_round(&mut self, worker: &Worker) {
        let Some(cluster) = &worker.node.cluster else {
            return;
        };
        if self.by_receiver.is_empty() {
            return;
        }
        let at = worker.node.now();
        let open = std::mem::take(&mut self.by_receiver).into_iter();
        let round = self.full.drain(..).chain(open).filter(|(_, batch)| !batch.is_empty());
        let dropped = cluster.queue.push(round.map(|(to, batch)| Queued { to, batch, at }));
        cluster.counts.queue_full.add(dropped);
    }
}
