//! What a shard says that it weighs.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use support::{Tracker, announce_offers, answer, id, offers_in, peer};

#[test]
fn it_weighs_its_members_and_offers_and_gives_back_what_it_forgets() {
    let mut tracker = Tracker::new();
    let empty = tracker.shard.heap_bytes();
    let swarm = id("s");
    tracker.populate(&swarm, 10_000);
    let full = tracker.shard.heap_bytes();
    // A member has 64 bytes, a place in the index, and a quarter of a pointer to its block.
    assert!((640_000..800_000).contains(&full), "{full} bytes");
    tracker.hear(0, &announce_offers(&swarm, &peer(0), 10));
    let with_offers = tracker.shard.heap_bytes() - full;
    assert_eq!(with_offers, 10 * 16, "bytes for 10 offers");
    for conn in 0..10_000 {
        tracker.left(conn, &swarm, &peer(conn));
    }
    let left = tracker.shard.heap_bytes();
    assert!(left < empty + 2_000, "{left} bytes");
}

/// One in two or three offers is never answered, since its receiver watches something else by now.
#[test]
fn offers_weigh_what_waits_for_an_answer() {
    let mut tracker = Tracker::new();
    let swarm = id("s");
    tracker.populate(&swarm, 10);
    let without = tracker.shard.heap_bytes();
    let done = tracker.hear(0, &announce_offers(&swarm, &peer(0), 9));
    let mut received = offers_in(&done);
    let (last, last_id) = received.pop().expect("an offer");
    for (conn, offer_id) in received {
        tracker.hear(conn, &answer(&swarm, &peer(conn), &peer(0), &offer_id));
    }
    tracker.sweep();
    assert_eq!(tracker.shard.heap_bytes() - without, 16, "one offer waits");
    tracker.hear(last, &answer(&swarm, &peer(last), &peer(0), &last_id));
    assert_eq!(tracker.shard.heap_bytes(), without);
}
