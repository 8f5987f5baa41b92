//! Who is in a swarm and for how long. A member leaves by saying so, with its connection, or by
//! silence; a peer id belongs to the connection that announced it; the last one closes the swarm.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use std::time::Duration;

use serde_json::json;
use support::{Did, Tracker, announce, announce_offers, id, peer, reply, without_pace};
use tracker_core::Settings;
use tracker_core::limits::{SWEEP_MEMBERS_MIN, SWEEP_TICKS};

fn stopped(swarm: &str, peer_id: &str) -> serde_json::Value {
    announce(swarm, peer_id, &json!({"event": "stopped"}))
}

#[test]
fn the_last_to_leave_closes_the_swarm_and_nobody_else() {
    for goodbye in ["stopped", "closed"] {
        let mut tracker = Tracker::new();
        tracker.populate(&id("s"), 4);
        for conn in 0..4 {
            let done = match goodbye {
                "stopped" => tracker.hear(conn, &stopped(&id("s"), &peer(conn))),
                _ => tracker.left(conn, &id("s"), &peer(conn)),
            };
            let closed = done.contains(&Did::Close(id("s")));
            assert_eq!(closed, conn == 3, "{goodbye} {conn}: {done:?}");
            assert_eq!(tracker.shard.peers(), 3 - conn as usize);
        }
        assert_eq!(tracker.shard.swarms(), 0);
    }
}

#[test]
fn a_swarm_opens_again_after_it_was_closed() {
    let mut tracker = Tracker::new();
    for _ in 0..3 {
        tracker.populate(&id("s"), 1);
        assert_eq!(tracker.counts(&id("s")).downloaded, 0);
        tracker.hear(0, &announce(&id("s"), &peer(0), &json!({"event": "completed"})));
        assert_eq!(tracker.left(0, &id("s"), &peer(0)), [Did::Close(id("s"))]);
    }
}

/// Whoever routes an announce to a shard has noted that the swarm is there; so a stop that finds
/// none, and a swarm that never had a member, must say so too.
#[test]
fn a_stop_without_a_start_is_answered_and_leaves_no_swarm() {
    let mut tracker = Tracker::new();
    let done = tracker.hear(1, &stopped(&id("s"), &id("a")));
    assert_eq!(done, [reply(1, &id("s"), 0, 0), Did::Close(id("s"))]);
    assert_eq!((tracker.shard.swarms(), tracker.shard.peers()), (0, 0));

    tracker.populate(&id("s"), 2);
    assert_eq!(tracker.hear(9, &stopped(&id("s"), &id("x"))), [reply(9, &id("s"), 0, 2)]);
}

#[test]
fn the_same_peer_id_in_two_swarms_may_belong_to_two_connections() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 1);
    let done = tracker.hear(7, &announce(&id("t"), &peer(0), &json!({})));
    assert_eq!(done, [reply(7, &id("t"), 0, 1)]);
}

#[test]
fn nobody_leaves_by_what_another_connection_says() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 2);
    assert_eq!(tracker.left(1, &id("s"), &peer(0)), []);
    assert_eq!(tracker.left(0, &id("s"), &id("x")), []);
    assert_eq!(tracker.left(0, &id("t"), &peer(0)), []);
    assert_eq!(tracker.shard.peers(), 2);
}

#[test]
fn a_member_is_kept_for_two_intervals_of_silence_and_then_forgotten() {
    for interval_s in [1, 120, 3600] {
        for fraction in [0, 999].map(Duration::from_millis) {
            let announce_interval = Duration::from_secs(interval_s);
            let settings = Settings { announce_interval, ..without_pace() };
            let mut tracker = Tracker::with(settings, 1);
            tracker.wait(fraction);
            tracker.populate(&id("s"), 1);
            tracker.wait(2 * announce_interval);
            assert_eq!(tracker.sweep(), [], "exactly two intervals");
            // The rules count whole seconds, so up to one more passes.
            tracker.wait_s(1);
            assert_eq!(tracker.sweep(), [Did::Close(id("s"))]);
        }
    }
}

#[test]
fn every_announce_begins_the_two_intervals_anew_and_no_answer_does() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 2);
    for _ in 0..10 {
        tracker.wait_s(200);
        tracker.hear(0, &announce(&id("s"), &peer(0), &json!({})));
        tracker.hear(1, &support::answer(&id("s"), &peer(1), &peer(0), &id("o")));
        tracker.sweep();
    }
    assert_eq!(tracker.counts(&id("s")).incomplete, 1);
}

/// One giant swarm, very many tiny ones, and both; in the second half the sweep itself empties
/// the shard as it goes, and the later ticks must not slow down for it.
#[test]
fn a_round_of_ticks_finds_all_that_is_silent_however_it_is_spread() {
    let giant = SWEEP_MEMBERS_MIN as u64 * 8;
    for (swarms, members) in [(giant, 1), (1, giant), (giant / 64, 64), (7, giant / 7), (3, 2)] {
        let mut tracker = Tracker::new();
        for swarm in 0..swarms {
            tracker.populate(&id(swarm), members);
        }
        tracker.wait_s(500);
        let mut closed = 0;
        for _ in 0..SWEEP_TICKS {
            closed += tracker.sweep().len() as u64;
        }
        assert_eq!((closed, tracker.shard.peers()), (swarms, 0), "{swarms} of {members}");
    }
}

/// Twice as many as a tick always looks at in a round: here a tick's share is a part of the whole,
/// of many swarms and of a single one.
#[test]
fn a_tick_looks_at_its_share_of_a_large_shard_even_while_that_shrinks() {
    let members = (SWEEP_MEMBERS_MIN * SWEEP_TICKS * 2) as u64;
    for swarms in [1, members / 64] {
        let mut tracker = Tracker::new();
        for swarm in 0..swarms {
            tracker.populate(&id(swarm), members / swarms);
        }
        tracker.wait_s(500);
        for tick in 1..=SWEEP_TICKS {
            tracker.sweep();
            let left = members as usize / SWEEP_TICKS * (SWEEP_TICKS - tick);
            assert_eq!(tracker.shard.peers(), left, "{swarms} swarms after {tick} ticks");
        }
    }
}

/// The table of members closes its gaps, so members change places between the ticks of a round.
#[test]
fn a_swarm_that_changes_during_a_round_is_still_looked_at_as_a_whole() {
    let members = SWEEP_MEMBERS_MIN as u64 * 8;
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), members);
    tracker.wait_s(500);
    for tick in 0..SWEEP_TICKS as u64 {
        for number in 0..100 {
            // Somebody new at the end, and somebody old gone from anywhere.
            let new = members + tick * 100 + number;
            tracker.hear(new, &announce(&id("s"), &peer(new), &json!({})));
            let old = (tick * 100 + number) * 7919 % members;
            tracker.left(old, &id("s"), &peer(old));
        }
        tracker.sweep();
    }
    assert_eq!(tracker.shard.peers(), 100 * SWEEP_TICKS);
}

#[test]
fn sweeping_while_swarms_open_and_close_misses_nothing() {
    let mut tracker = Tracker::new();
    let old = SWEEP_MEMBERS_MIN as u64 * 4;
    for swarm in 0..old {
        tracker.hear(swarm, &announce(&id(swarm), &id("a"), &json!({})));
    }
    tracker.wait_s(500);
    for tick in 0..SWEEP_TICKS as u64 {
        // New swarms take the places of closed ones, behind and before the sweep.
        for new in 0..100 {
            let swarm = id(format!("new{}", tick * 100 + new));
            tracker.hear(new, &announce(&swarm, &id("a"), &json!({})));
        }
        tracker.sweep();
    }
    assert_eq!(tracker.shard.peers(), 100 * SWEEP_TICKS);
}

#[test]
fn offers_go_to_nobody_who_has_expired() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 5);
    tracker.wait_s(242);
    tracker.sweep();
    let done = tracker.hear(9, &announce_offers(&id("s"), &id("me"), 5));
    assert_eq!(done, [reply(9, &id("s"), 0, 1)]);
}
