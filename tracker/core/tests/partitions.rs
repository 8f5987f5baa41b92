//! A swarm in several partitions: its members meet across them, an answer goes back the way that its
//! offer came, and everybody is told how many they are in all.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use serde_json::{Value, json};
use support::cluster::Cluster;
use support::{
    Did, Tracker, announce, announce_offers, answer, id, peer, refusal, relayed_answer, reply,
    without_pace,
};
use tracker_core::Reason;

/// Whom offers went to, by tracker and connection, with the id of each.
fn offers_in(done: &[(usize, Did)]) -> Vec<(usize, u64, String)> {
    let offer = |(at, did): &(usize, Did)| match did {
        Did::Send(to, message) if message.get("offer").is_some() => {
            Some((*at, *to, message["offer_id"].as_str().expect("an offer_id").to_owned()))
        }
        _ => None,
    };
    done.iter().filter_map(offer).collect()
}

fn join(swarm: &str, conn: u64) -> Value {
    announce(swarm, &peer(conn), &json!({"event": "started"}))
}

#[test]
fn a_swarm_of_two_in_two_partitions_meets_with_the_second_ones_first_announce() {
    let (mut cluster, swarm) = (Cluster::new(2, &without_pace()), id("s"));
    cluster.hear(0, 1, &join(&swarm, 1));
    let done = cluster.hear(1, 2, &announce_offers(&swarm, &peer(2), 5));
    // Nobody else was known when it announced.
    assert_eq!(done[0], (1, reply(2, &swarm, 0, 1)));
    assert_eq!(offers_in(&done), [(0, 1, id("o0"))]);

    let done = cluster.hear(0, 1, &answer(&swarm, &peer(1), &peer(2), &id("o0")));
    assert_eq!(done, [(1, relayed_answer(2, &swarm, &peer(1), &id("o0")))]);
    let done = cluster.hear(0, 1, &answer(&swarm, &peer(1), &peer(2), &id("o0")));
    assert_eq!(done, [(0, refusal(1, &swarm, Reason::ReceiverLeft))], "there is one answer");
}

#[test]
fn replies_and_scrapes_count_the_members_of_siblings() {
    let (mut cluster, swarm) = (Cluster::new(3, &without_pace()), id("s"));
    for conn in 0..3 {
        cluster.hear(0, conn, &join(&swarm, conn));
    }
    cluster.hear(1, 3, &announce(&swarm, &peer(3), &json!({"left": 0})));
    cluster.hear(2, 4, &join(&swarm, 4));
    // What has changed since the last digest is said with the next one.
    cluster.wait_s(5);
    for (at, conn) in [(0, 0), (1, 3), (2, 4)] {
        let left = i64::from(conn != 3);
        let again = announce(&swarm, &peer(conn), &json!({ "left": left }));
        assert_eq!(cluster.hear(at, conn, &again), [(at, reply(conn, &swarm, 1, 4))]);
        let counts = cluster.trackers[at].counts(&swarm);
        assert_eq!((counts.complete, counts.incomplete), (1, 4));
    }
}

#[test]
fn a_partition_that_loses_its_last_member_says_goodbye() {
    let (mut cluster, swarm) = (Cluster::new(2, &without_pace()), id("s"));
    cluster.hear(0, 1, &join(&swarm, 1));
    cluster.hear(1, 2, &join(&swarm, 2));
    assert_eq!(cluster.trackers[0].counts(&swarm).incomplete, 2);
    cluster.left(1, 2, &swarm, &peer(2));
    assert_eq!(cluster.trackers[0].counts(&swarm).incomplete, 1);
}

#[test]
fn a_shard_that_is_all_there_is_tells_nobody_anything() {
    let mut tracker = Tracker::new();
    let swarm = id("s");
    let mut done = tracker.hear(1, &announce_offers(&swarm, &peer(1), 5));
    tracker.wait_s(60);
    done.extend(tracker.sweep());
    done.extend(tracker.left(1, &swarm, &peer(1)));
    assert_eq!(done, [reply(1, &swarm, 0, 1), Did::Close(swarm)]);
}

#[test]
fn those_who_have_come_hear_of_a_swarm_in_which_nothing_has_changed_with_the_next_digest() {
    let mut tracker = Tracker::new();
    tracker.is_shared = true;
    let swarm = id("s");
    tracker.hear(1, &announce_offers(&swarm, &peer(1), 5));
    let mut said = |come: bool| {
        if come {
            tracker.nodes_came();
        }
        tracker.wait_s(5);
        tracker.sweep().iter().filter(|did| matches!(did, Did::Tell(None, _))).count()
    };
    assert_eq!([said(false), said(false), said(false), said(false)], [0, 1, 0, 1]);
    assert_eq!([said(true), said(true), said(false)], [1, 1, 0]);
}
