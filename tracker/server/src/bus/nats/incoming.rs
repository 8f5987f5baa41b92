//! What comes from other nodes: who they are, and what their partitions say, sorted by the worker
//! that it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracker_core::wire::{is_answer, is_offer};

use super::NatsActor;
use crate::actors::{NodesSpoke, SiblingsGone};
use crate::bus::presence::Gone;
use crate::bus::records::{Hello, Record, Route, Said};
use crate::bus::wire::{self, Incarnation, Malformed, Records};
use crate::bus::{Batch, NodeSlot, sibling};
use crate::directory::WorkerId;
use crate::limits::BUS_MESSAGE_BYTES;

impl NatsActor {
    /// Gives what another node has said to whom it is for.
    pub(super) fn hear(&mut self, message: &[u8]) {
        let counts = &self.cluster.counts;
        counts.messages_received.add(1);
        counts.bytes_received.add(message.len() as u64);
        let (from, records) = match wire::read_head(message) {
            Ok(read) => read,
            Err(Malformed::Version(_)) => return counts.versions.add(1),
            Err(Malformed::Cut) => return counts.malformed.add(1),
        };
        // What this node said before it came to another server may come back by way of that.
        if from == self.cluster.own {
            return;
        }
        let workers = self.cluster.presence().find(from).map_or(0, |(_, workers)| workers);
        let mut batches = BTreeMap::new();
        let mut said_how_it_is = false;
        for record in Records(records) {
            match record.and_then(|(kind, body)| Record::read(kind, body)) {
                // Once a message, as nodes do: each makes all shards look at all their swarms.
                Ok(Some(Record::Hello(_) | Record::Goodbye)) if said_how_it_is => {
                    self.cluster.counts.malformed.add(1);
                }
                Ok(Some(Record::Hello(hello))) => {
                    said_how_it_is = true;
                    self.hear_hello(from, &hello);
                }
                Ok(Some(Record::Goodbye)) => {
                    said_how_it_is = true;
                    self.cluster.presence().forget(from);
                }
                // What a worker says that the node doesn't have would stay when the node goes.
                Ok(Some(Record::Said(route, _))) if workers > 0 && route.from >= workers => {
                    self.cluster.counts.malformed.add(1);
                }
                Ok(Some(Record::Said(route, said))) => self.sort(route, &said, &mut batches),
                Ok(None) => self.cluster.counts.unknown.add(1),
                Err(_) => self.cluster.counts.malformed.add(1),
            }
        }
        self.deliver(from, batches);
    }

    fn hear_hello(&mut self, from: Incarnation, hello: &Hello<'_>) {
        let heard = self.cluster.presence().hear(from, hello, self.node.now());
        if heard.joined.is_some() {
            tracing::info!(node = hello.name, "another node is there");
            self.came = true;
        }
        if heard.is_twin {
            self.cluster.counts.twins.add(1);
            tracing::error!(node = hello.name, "two nodes that live have this name");
        }
        if hello.asks {
            self.say_hello(Some(from), false);
        }
    }

    /// Puts what was said with what else is for that worker, or for each that has the swarm. What
    /// goes on to browsers as it stands is read once more: another node may be of another mind.
    fn sort(&self, route: Route, said: &Said<'_>, batches: &mut BTreeMap<WorkerId, Vec<Batch>>) {
        let policy = self.node.policy();
        let limits = &policy.settings.limits;
        let is_good = match said {
            Said::Digest(..) => true,
            Said::Offer(offer) => is_offer(offer.offer, limits),
            Said::Answer(answer) => is_answer(answer.answer, limits),
        };
        if !is_good {
            return self.cluster.counts.malformed.add(1);
        }
        let mut put = |to| {
            let batches = batches.entry(to).or_default();
            // None is much longer than a message that a node sends, whatever another client of
            // NATS does: a worker hears one at a time.
            let batch = batches.pop_if(|last| last.records.len() < BUS_MESSAGE_BYTES);
            let mut batch = batch.unwrap_or_default();
            said.write(route, &mut batch.records);
            batch.count += 1;
            batches.push(batch);
        };
        match route.to {
            Some(to) => put(to),
            None => self.node.directory.workers_of(&said.info_hash()).into_iter().for_each(put),
        }
    }

    fn deliver(&self, from: Incarnation, batches: BTreeMap<WorkerId, Vec<Batch>>) {
        if batches.is_empty() {
            return;
        }
        let counts = &self.cluster.counts;
        let Some((node, _)) = self.cluster.presence().find(from) else {
            return counts.strangers.add(1);
        };
        for (to, batches) in batches {
            for batch in batches {
                let count = batch.count();
                if !self.put(to, node, batch) {
                    counts.undelivered.add(count);
                }
            }
        }
    }

    /// Puts what a node says into a worker's inbox. Whether there was room.
    fn put(&self, to: WorkerId, node: NodeSlot, batch: Batch) -> bool {
        let (Some(inbox), Some(shard)) = (self.cluster.inbox(to), self.node.shard(to)) else {
            return false;
        };
        let Ok(was_empty) = inbox.put(node, batch) else { return false };
        if was_empty {
            // When its mailbox is full the worker looks into its inbox in any case.
            let _ = shard.try_send(NodesSpoke);
        }
        true
    }

    /// Lets the shards forget the partitions of nodes that are gone.
    pub(super) fn tell_gone(&self, gone: Vec<Gone>) {
        let (mut siblings, mut slots) = (Vec::new(), BTreeSet::new());
        for Gone { name, slot, workers } in gone {
            tracing::info!(node = name, "another node is gone");
            siblings.extend((0..workers).map(|worker| sibling(slot, worker)));
            slots.insert(slot);
        }
        if slots.is_empty() {
            return;
        }
        self.cluster.inboxes.iter().for_each(|inbox| inbox.forget(|node| slots.contains(&node)));
        // Each shard looks at all its swarms: once, however many are gone.
        siblings.sort_unstable();
        let siblings: Arc<[_]> = siblings.into();
        self.node.shards().for_each(|shard| shard.do_send(SiblingsGone(siblings.clone())));
    }
}
