//! The tracker's nodes, the bus between them, and what all of them together were told, said and
//! refused.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::{InfoHash, Input, Reason, Settings, Shard};

use super::Said;
use super::bus::{Bus, BusTraffic};
use super::inbox::Inbox;
use crate::simulate::record::{Heard, NodeRecord};

/// Every node has one shard, and is known by its number.
#[derive(Debug)]
pub(in crate::simulate) struct Nodes {
    nodes: Vec<Node>,
    pub(super) bus: Bus,
    refusals: Vec<(Reason, u64)>,
}

#[derive(Debug)]
struct Node {
    shard: Shard,
    dice: SmallRng,
    traffic: Traffic,
}

/// Messages and their bytes, as texts without WebSocket's headers, TLS and TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::simulate) struct Traffic {
    pub(in crate::simulate) messages_in: u64,
    pub(in crate::simulate) messages_out: u64,
    pub(in crate::simulate) bytes_in: u64,
    pub(in crate::simulate) bytes_out: u64,
}

impl Nodes {
    pub(super) fn new(settings: Settings, seed: u64, nodes: u16, sdp_bytes: u64) -> Self {
        let node = |number: u16| {
            let seed = seed.wrapping_add(number.into());
            let (shard, dice) = (Shard::new(settings.clone(), seed), SmallRng::seed_from_u64(seed));
            Node { shard, dice, traffic: Traffic::default() }
        };
        let nodes = (0..nodes).map(node).collect();
        Self { nodes, bus: Bus::new(!seed, sdp_bytes), refusals: Vec::new() }
    }

    /// The numbers of all.
    pub(super) fn all(&self) -> std::ops::Range<u16> {
        0..self.nodes.len() as u16
    }

    pub(super) fn has_partition(&self, at: u16, info_hash: &InfoHash) -> bool {
        self.nodes[usize::from(at)].shard.contains(info_hash)
    }

    /// A message of `bytes` comes to one node.
    pub(super) fn hear(
        &mut self,
        at: u16,
        bytes: u64,
        input: Input<'_>,
        now: Duration,
        said: &mut Vec<Said>,
    ) {
        self.nodes[usize::from(at)].traffic.hear(bytes);
        self.handle(at, input, now, said);
    }

    /// Lets it happen at one node.
    pub(super) fn handle(
        &mut self,
        at: u16,
        input: Input<'_>,
        now: Duration,
        said: &mut Vec<Said>,
    ) {
        let Self { nodes, bus, refusals } = self;
        let is_shared = nodes.len() > 1;
        let Node { shard, dice, traffic } = &mut nodes[usize::from(at)];
        let mut inbox = Inbox { said, traffic, refusals, bus, node: at, is_shared };
        shard.handle(input, now, dice, &mut inbox);
    }

    /// Members that it believes to be there.
    pub(in crate::simulate) fn members(&self) -> usize {
        self.nodes.iter().map(|node| node.shard.peers()).sum()
    }

    pub(in crate::simulate) fn heard(&self) -> Heard {
        let mut heard = Heard::default();
        for node in &self.nodes {
            heard += node.shard.counters();
        }
        heard
    }

    /// How each node fared.
    pub(in crate::simulate) fn records(&self) -> Vec<NodeRecord> {
        let record = |node: &Node| NodeRecord {
            messages_in: node.traffic.messages_in,
            messages_out: node.traffic.messages_out,
            members: node.shard.peers(),
        };
        self.nodes.iter().map(record).collect()
    }

    /// Bytes that its tables have asked the allocator for.
    pub(in crate::simulate) fn heap_bytes(&self) -> usize {
        self.nodes.iter().map(|node| node.shard.heap_bytes()).sum()
    }

    pub(in crate::simulate) fn traffic(&self) -> Traffic {
        self.nodes.iter().fold(Traffic::default(), |sum, node| sum.and(&node.traffic))
    }

    pub(in crate::simulate) fn bus_traffic(&self) -> BusTraffic {
        self.bus.traffic()
    }

    /// What was refused, and how often.
    pub(in crate::simulate) fn refusals(&self) -> &[(Reason, u64)] {
        &self.refusals
    }
}

impl Traffic {
    fn hear(&mut self, bytes: u64) {
        self.messages_in += 1;
        self.bytes_in += bytes;
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            messages_in: self.messages_in + other.messages_in,
            messages_out: self.messages_out + other.messages_out,
            bytes_in: self.bytes_in + other.bytes_in,
            bytes_out: self.bytes_out + other.bytes_out,
        }
    }

    pub(in crate::simulate) fn since(&self, earlier: &Self) -> Self {
        Self {
            messages_in: self.messages_in - earlier.messages_in,
            messages_out: self.messages_out - earlier.messages_out,
            bytes_in: self.bytes_in - earlier.bytes_in,
            bytes_out: self.bytes_out - earlier.bytes_out,
        }
    }
}
