//! Which swarms there are, for whoever may see it: the largest, in their order.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use support::{Tracker, announce, id, peer};
use tracker_core::InfoHash;

fn names(largest: &[(InfoHash, tracker_core::Counts)]) -> Vec<String> {
    largest.iter().map(|(info_hash, _)| support::text(&info_hash.0)).collect()
}

#[test]
fn the_largest_swarms_come_first_and_of_equals_the_first_by_name() {
    let mut tracker = Tracker::new();
    for (swarm, members) in [("b", 2), ("d", 1), ("a", 2), ("e", 7), ("c", 1)] {
        tracker.populate(&id(swarm), members);
    }
    let all = ["e", "a", "b", "c", "d"].map(id);
    for count in 0..8 {
        assert_eq!(names(&tracker.shard.largest(count)), all[..count.min(5)]);
    }
    tracker.hear(1, &announce(&id("e"), &peer(1), &json!({"event": "completed"})));
    let (_, counts) = tracker.shard.largest(1)[0];
    assert_eq!((counts.complete, counts.incomplete, counts.downloaded), (1, 6, 1));
}

#[test]
fn they_are_what_sorting_all_of_them_gives() {
    let seed = rand::random();
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut tracker = Tracker::new();
    let mut sizes: Vec<_> = (0..200).map(|swarm| (rng.random_range(1..9), id(swarm))).collect();
    for (members, swarm) in &sizes {
        tracker.populate(swarm, *members);
    }
    // Some are gone again, and leave holes.
    for (members, swarm) in sizes.drain(..50) {
        for conn in 0..members {
            tracker.left(conn, &swarm, &peer(conn));
        }
    }
    sizes.sort_by(|(a, first), (b, second)| b.cmp(a).then(first.cmp(second)));
    for count in [1, 10, 149, 150, 1000] {
        let wanted: Vec<_> = sizes.iter().take(count).map(|(_, swarm)| swarm.clone()).collect();
        assert_eq!(names(&tracker.shard.largest(count)), wanted, "seed {seed}");
    }
}
