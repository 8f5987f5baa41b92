//! What a shard says that it weighs.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use support::{Tracker, announce_offers, id, peer};

#[test]
fn it_weighs_its_members_and_offers_and_gives_back_what_it_forgets() {
    let mut tracker = Tracker::new();
    let empty = tracker.shard.heap_bytes();
    let swarm = id("s");
    tracker.populate(&swarm, 10_000);
    let full = tracker.shard.heap_bytes();
    // A member has 72 bytes, room to grow by a quarter, and a place in the index.
    assert!((720_000..1_400_000).contains(&full), "{full} bytes");
    tracker.hear(0, &announce_offers(&swarm, &peer(0), 10));
    let with_offers = tracker.shard.heap_bytes() - full;
    assert!((10 * 28..20 * 28).contains(&with_offers), "{with_offers} bytes for 10 offers");
    for conn in 0..10_000 {
        tracker.left(conn, &swarm, &peer(conn));
    }
    let left = tracker.shard.heap_bytes();
    assert!(left < empty + 2_000, "{left} bytes");
}
