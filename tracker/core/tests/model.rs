//! The shard against a model that is too simple to be wrong. Both live through the same random
//! operations, and after each one they agree on all that can be seen: messages, sizes, closed
//! swarms, probes.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod reference;
mod support;

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use reference::{MAX_OFFERS, Model, RECEIVER_RATE, Swarm};
use serde_json::{Value, json};
use support::{Tracker, announce, answer, id};
use tracker_core::{Limits, Settings};

const RUNS: u64 = 150;
const OPERATIONS: usize = 600;

#[test]
fn the_shard_does_what_the_model_does() {
    if let Ok(seed) = std::env::var("MODEL_SEED") {
        live(seed.parse().expect("MODEL_SEED must be a number"));
        return;
    }
    let lives = (0..RUNS).map(live);
    let withheld = lives.fold([0, 0], |sum, life| [sum[0] + life[0], sum[1] + life[1]]);
    assert!(withheld.iter().all(|&offers| offers > 100), "too seldom: {withheld:?}");
    live(rand::random());
}

/// One random life. The spaces are tiny, so that everything collides with everything. Returns how
/// many offers came too early, and how many nobody could take.
fn live(seed: u64) -> [u64; 2] {
    // Every other one with the rule that makes announces too early; every third one in such a hurry,
    // and in so few swarms, that members receive too much.
    let min_interval_s = if seed.is_multiple_of(2) { 30 } else { 0 };
    let (swarms, waits) =
        if seed.is_multiple_of(3) { (1, [0, 0, 0, 1]) } else { (3, [1, 20, 45, 100]) };
    let limits =
        Limits { offers_per_second_per_receiver: RECEIVER_RATE as u32, ..Limits::default() };
    let min_announce_interval = Duration::from_secs(min_interval_s);
    let settings =
        Settings { max_offers: MAX_OFFERS, min_announce_interval, limits, ..Settings::default() };
    let mut world = World {
        tracker: Tracker::with(settings, seed),
        model: Model { min_interval_s, ..Model::default() },
        rng: SmallRng::seed_from_u64(!seed),
        swarms,
        waits,
    };
    for step in 0..OPERATIONS {
        let operation = world.choose();
        let shown = format!("{operation:?}");
        let agreed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            world.run(operation);
            world.compare();
        }));
        assert!(agreed.is_ok(), "MODEL_SEED={seed} replays this: step {step}, {shown}");
    }
    world.model.withheld
}

struct World {
    tracker: Tracker,
    model: Model,
    rng: SmallRng,
    swarms: u64,
    /// In seconds.
    waits: [u64; 4],
}

#[derive(Debug)]
enum Operation {
    Announce { conn: u64, swarm: String, peer: String, more: Value },
    Answer { conn: u64, swarm: String, peer: String, to_peer: String, offer: String },
    Leave { conn: u64, swarm: String, peer: String },
    Live { conn: u64 },
    Wait { seconds: u64 },
    Sweep,
}

impl World {
    fn choose(&mut self) -> Operation {
        let rng = &mut self.rng;
        let (conn, swarm) = (rng.random_range(0..5), id(rng.random_range(0..self.swarms)));
        let (mut peer, mut conn) = (id(rng.random_range(0..7)), conn);
        // Mostly a peer that belongs to the connection, or nothing would ever happen.
        let members = self.model.swarms.get(&swarm);
        if let Some(member) = members.and_then(|swarm| swarm.members.get(&peer))
            && rng.random_bool(0.8)
        {
            conn = member.conn;
        }
        match rng.random_range(0..100) {
            0..45 => {
                // Who claims two peers of a swarm isn't told apart by what a sweep says to it.
                let owner = members.and_then(|swarm| swarm.members.get(&peer));
                let mut claims = self.model.claims.iter();
                if owner.is_some_and(|owner| owner.conn != conn)
                    && let Some(((_, claimed), _)) =
                        claims.find(|((of, _), claim)| *of == swarm && claim.conn == conn)
                {
                    peer.clone_from(claimed);
                }
                let more = random_announce(rng);
                Operation::Announce { conn, swarm, peer, more }
            }
            45..80 => {
                let mut to_peer = id(rng.random_range(0..7));
                let mut offer = random_offer_id(rng);
                // Mostly an answer to an offer that was made.
                let offers = &self.model.offers;
                if !offers.is_empty() && rng.random_bool(0.8) {
                    let made = &offers[rng.random_range(..offers.len())];
                    let receivers: Vec<_> = made.receivers.iter().collect();
                    let receiver = receivers[rng.random_range(..receivers.len())];
                    (to_peer, offer) = (made.offerer.0.clone(), made.id.clone());
                    peer.clone_from(&receiver.0);
                    let swarm = made.swarm.clone();
                    if rng.random_bool(0.9) {
                        conn = made.conn;
                    }
                    return Operation::Answer { conn, swarm, peer, to_peer, offer };
                }
                Operation::Answer { conn, swarm, peer, to_peer, offer }
            }
            80..86 => Operation::Leave { conn, swarm, peer },
            86..88 => Operation::Live { conn },
            88..96 => Operation::Wait { seconds: self.waits[rng.random_range(0..4)] },
            _ => Operation::Sweep,
        }
    }

    fn run(&mut self, operation: Operation) {
        let (tracker, model) = (&mut self.tracker, &mut self.model);
        match operation {
            Operation::Announce { conn, swarm, peer, more } => {
                let done = tracker.hear(conn, &announce(&swarm, &peer, &more));
                model.announce(conn, &swarm, &peer, &more, &done);
            }
            Operation::Answer { conn, swarm, peer, to_peer, offer } => {
                let done = tracker.hear(conn, &answer(&swarm, &peer, &to_peer, &offer));
                model.answer(conn, [&swarm, &peer, &to_peer, &offer], &done);
            }
            Operation::Leave { conn, swarm, peer } => {
                let done = tracker.left(conn, &swarm, &peer);
                model.leave(conn, &swarm, &peer, &done);
            }
            Operation::Live { conn } => {
                let done = tracker.lives(conn);
                model.live(conn, &done);
            }
            Operation::Wait { seconds } => {
                tracker.wait_s(seconds);
                model.now_s += seconds;
            }
            // All members are fewer than one sweep looks at.
            Operation::Sweep => {
                let done = tracker.sweep();
                model.sweep(&done);
            }
        }
    }

    /// What can be asked at any time.
    fn compare(&self) {
        let (shard, swarms) = (&self.tracker.shard, &self.model.swarms);
        assert_eq!(shard.swarms(), swarms.len());
        let members = swarms.values().map(|swarm| swarm.members.len());
        assert_eq!(shard.peers(), members.sum::<usize>());
        for name in (0..3).map(id) {
            let counts = self.tracker.counts(&name);
            let expected = swarms.get(&name).map(Swarm::counts).unwrap_or_default();
            assert_eq!((counts.complete, counts.incomplete, counts.downloaded), expected);
        }
        let counters = shard.counters();
        let said = [counters.announces, counters.offers_relayed, counters.answers_relayed];
        assert_eq!((said, counters.refusals), (self.model.said, self.model.refusals));
        let withheld = [counters.offers_early, counters.offers_over_rate];
        assert_eq!(withheld, self.model.withheld);
    }
}

fn random_offer_id(rng: &mut SmallRng) -> String {
    id(format!("o{}", rng.random_range(0..9)))
}

fn random_announce(rng: &mut SmallRng) -> Value {
    let events = ["started", "update", "completed", "stopped", "paused", ""];
    let lefts = [json!(null), json!(0), json!(1), json!(-0.0)];
    let mut more = json!({});
    if rng.random_bool(0.5) {
        more["event"] = json!(events[rng.random_range(..events.len())]);
    }
    if rng.random_bool(0.5) {
        more["left"] = lefts[rng.random_range(..lefts.len())].clone();
    }
    if rng.random_bool(0.8) {
        more["numwant"] = json!(rng.random_range(0..8));
    }
    let offers = (0..rng.random_range(0..7)).map(|_| {
        let sdp = rng.random_range(0..1000).to_string();
        json!({"offer_id": random_offer_id(rng), "offer": {"type": "offer", "sdp": sdp}})
    });
    more["offers"] = offers.collect();
    more
}
