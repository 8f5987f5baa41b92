//! Several shards, a bus between them that can be trusted with nothing, and the model beside them:
//! what happens to one happens to the other. A seed decides what happens.

use rand::rngs::SmallRng;
use rand::{Rng, RngExt};
use serde_json::{Value, json};
use tracker_core::Settings;

use super::{MAX_OFFERS, Model, conn_of};
use crate::support::cluster::{Cluster, sibling};
use crate::support::{announce, answer, id, text, without_pace};

const NODES: usize = 3;

/// A few ids, so that everything collides with everything, and one viewer may be at two nodes.
const PEERS: u64 = 5;
const SWARMS: u64 = 2;

/// Shards that are siblings, and the model that has lived through the same.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) model: Model,
}

/// One thing that happens.
#[derive(Debug)]
pub(crate) enum Operation {
    Announce {
        node: usize,
        swarm: String,
        peer: String,
        more: Value,
    },
    Answer {
        node: usize,
        swarm: String,
        peer: String,
        to_peer: String,
        offer: String,
    },
    Leave {
        node: usize,
        swarm: String,
        peer: String,
    },
    /// Of what is on the bus this arrives next, whichever was sent first.
    Carry {
        place: usize,
    },
    Lose {
        place: usize,
    },
    /// This arrives, and will once more.
    Double {
        place: usize,
    },
    /// Each node sweeps at the end.
    Wait {
        seconds: u64,
    },
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let settings = Settings {
            max_offers: MAX_OFFERS,
            cross_share_percent: [0, 12, 50, 100][seed as usize % 4],
            ..without_pace()
        };
        let mut cluster = Cluster::new(NODES, &settings);
        for (tracker, number) in cluster.trackers.iter_mut().zip(0..) {
            tracker.rng = rand::SeedableRng::seed_from_u64(seed.wrapping_add(number));
        }
        let model = Model { now_s: 1000, ..Model::default() };
        Self { cluster, model }
    }

    pub(crate) fn choose(&self, rng: &mut SmallRng) -> Operation {
        let on_the_way = self.cluster.bus.len();
        // What has heaped up while time passed is worked off.
        let carries = on_the_way > 0 && rng.random_bool(if on_the_way > 20 { 0.7 } else { 0.45 });
        if carries {
            let place = rng.random_range(..on_the_way);
            return match rng.random_range(0..20) {
                0 => Operation::Lose { place },
                1 => Operation::Double { place },
                _ => Operation::Carry { place },
            };
        }
        let (node, swarm) = (rng.random_range(..NODES), id(rng.random_range(0..SWARMS)));
        let peer = id(rng.random_range(0..PEERS));
        match rng.random_range(0..100) {
            0..40 => Operation::Announce { node, swarm, peer, more: random_announce(rng) },
            40..78 => self.choose_answer(node, swarm, peer, rng),
            78..86 => Operation::Leave { node, swarm, peer },
            _ => Operation::Wait { seconds: [1, 1, 1, 5, 5, 20, 45][rng.random_range(..7_usize)] },
        }
    }

    /// Mostly an answer to an offer that was received.
    fn choose_answer(
        &self,
        node: usize,
        swarm: String,
        peer: String,
        rng: &mut SmallRng,
    ) -> Operation {
        let mut made = Vec::new();
        for ((node, swarm), partition) in &self.model.partitions {
            made.extend(partition.answerable().into_iter().map(|ids| (*node, swarm, ids)));
        }
        if made.is_empty() || rng.random_bool(0.2) {
            let (to_peer, offer) = (id(rng.random_range(0..PEERS)), random_offer_id(rng));
            return Operation::Answer { node, swarm, peer, to_peer, offer };
        }
        let (node, swarm, [peer, to_peer, offer]) =
            made.swap_remove(rng.random_range(..made.len()));
        Operation::Answer { node, swarm: swarm.clone(), peer, to_peer, offer }
    }

    pub(crate) fn live(&mut self, operation: Operation) {
        let (cluster, model) = (&mut self.cluster, &mut self.model);
        match operation {
            Operation::Announce { node, swarm, peer, more } => {
                let conn = conn_of(&peer);
                let done = cluster.trackers[node].hear(conn, &announce(&swarm, &peer, &more));
                model.announce([node as u64, conn], &swarm, &peer, &more, &done);
                cluster.post(node, done);
            }
            Operation::Answer { node, swarm, peer, to_peer, offer } => {
                let conn = conn_of(&peer);
                let frame = answer(&swarm, &peer, &to_peer, &offer);
                let done = cluster.trackers[node].hear(conn, &frame);
                model.answer([node as u64, conn], [&swarm, &peer, &to_peer, &offer], &done);
                cluster.post(node, done);
            }
            Operation::Leave { node, swarm, peer } => {
                let done = cluster.trackers[node].left(conn_of(&peer), &swarm, &peer);
                model.leave(node, &swarm, &peer, &done);
                cluster.post(node, done);
            }
            Operation::Carry { place } => self.carry(place),
            Operation::Lose { place } => drop(cluster.bus.remove(place)),
            Operation::Double { place } => {
                let twice = cluster.bus[place].clone();
                cluster.bus.push_back(twice);
                self.carry(place);
            }
            Operation::Wait { seconds } => self.wait(seconds),
        }
        self.compare();
    }

    fn carry(&mut self, place: usize) {
        let (from, to, parcel) = self.cluster.bus.remove(place).expect("something on the bus");
        let done = self.cluster.trackers[to].unpack(sibling(from), &parcel);
        self.model.unpack(from, to, &parcel, &done);
        self.cluster.post(to, done);
    }

    fn wait(&mut self, seconds: u64) {
        self.model.now_s += seconds;
        for node in 0..NODES {
            self.cluster.trackers[node].wait_s(seconds);
            let done = self.cluster.trackers[node].sweep();
            self.model.sweep(node, &done);
            self.cluster.post(node, done);
        }
    }

    fn compare(&self) {
        for (node, tracker) in self.cluster.trackers.iter().enumerate() {
            for swarm in (0..SWARMS).map(id) {
                let counts = tracker.counts(&swarm);
                let partition = self.model.partitions.get(&(node, swarm));
                let expected = partition.map(super::Partition::counts).unwrap_or_default();
                assert_eq!((counts.complete, counts.incomplete), expected, "at node {node}");
            }
        }
    }

    /// Everybody stays, and the bus does what it should: soon all know how many they are.
    pub(crate) fn converge(&mut self) {
        let mut members = Vec::new();
        for ((node, swarm), partition) in &self.model.partitions {
            let peers = partition.members.keys().cloned();
            members.extend(peers.map(|peer| (*node, swarm.clone(), peer)));
        }
        for (node, swarm, peer) in members {
            let more = json!({"numwant": 0, "offers": []});
            self.live(Operation::Announce { node, swarm, peer, more });
        }
        // A partition whose goodbye was lost is forgotten after five intervals of 5 s.
        for _ in 0..31 {
            while !self.cluster.bus.is_empty() {
                self.live(Operation::Carry { place: 0 });
            }
            self.live(Operation::Wait { seconds: 1 });
        }
        while !self.cluster.bus.is_empty() {
            self.live(Operation::Carry { place: 0 });
        }
        for swarm in (0..SWARMS).map(id) {
            let own = self.model.partitions.iter().filter(|((_, name), _)| *name == swarm);
            let all = own.map(|(_, partition)| partition.members.len()).sum::<usize>();
            for tracker in &self.cluster.trackers {
                let counts = tracker.counts(&swarm);
                let known = counts.complete + counts.incomplete;
                let is_open =
                    tracker.shard.largest(9).iter().any(|(open, _)| text(&open.0) == swarm);
                assert_eq!(known, if is_open { all } else { 0 });
            }
        }
    }

    /// Nobody says anything any more: all is forgotten.
    pub(crate) fn fall_silent(&mut self) {
        for _ in 0..60 {
            self.live(Operation::Wait { seconds: 5 });
            self.cluster.bus.clear();
        }
        for tracker in &self.cluster.trackers {
            let weight = tracker.shard.heap_bytes();
            assert!(tracker.shard.swarms() == 0 && weight < 4000, "{weight} bytes");
        }
    }
}

fn random_offer_id(rng: &mut impl Rng) -> String {
    id(format!("o{}", rng.random_range(0..9)))
}

fn random_announce(rng: &mut impl Rng) -> Value {
    let offers = (0..rng.random_range(0..7)).map(|_| {
        let sdp = rng.random_range(0..1000).to_string();
        json!({"offer_id": random_offer_id(rng), "offer": {"type": "offer", "sdp": sdp}})
    });
    let offers: Vec<_> = offers.collect();
    json!({"left": rng.random_range(0..2), "numwant": rng.random_range(0..8), "offers": offers})
}
