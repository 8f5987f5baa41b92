//! What partitions tell each other of how many they are: when it is said, for how long it counts,
//! and what becomes of offers that are made before anybody has said anything.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use serde_json::json;
use support::cluster::{Cluster, sibling};
use support::{
    Did, Parcel, Tracker, announce, announce_offers, id, offers_in, peer, reply, without_pace,
};
use tracker_core::limits::SIBLINGS_MAX;
use tracker_core::{Counts, Digest, InfoHash, SiblingId};

fn hash(swarm: &str) -> InfoHash {
    InfoHash::decode(swarm.as_bytes()).expect("an info hash")
}

fn digest(complete: u32, incomplete: u32) -> Digest {
    Digest { complete, incomplete, opening: false }
}

fn opening(incomplete: u32) -> Digest {
    Digest { complete: 0, incomplete, opening: true }
}

/// The digests among what was done, and whom they are for.
fn digests_in(done: &[Did]) -> Vec<(Option<SiblingId>, Digest)> {
    let digest = |did: &Did| match did {
        Did::Tell(to, Parcel::Digest(_, digest)) => Some((*to, *digest)),
        _ => None,
    };
    done.iter().filter_map(digest).collect()
}

/// To which siblings offers went.
fn crossed_in(done: &[Did]) -> Vec<SiblingId> {
    let offer = |did: &Did| match did {
        Did::Tell(Some(to), Parcel::Offer(..)) => Some(*to),
        _ => None,
    };
    done.iter().filter_map(offer).collect()
}

/// What a tracker says in so many seconds, by second.
fn passing(tracker: &mut Tracker, seconds: u64) -> Vec<(u64, Digest)> {
    let mut said = Vec::new();
    for second in 1..=seconds {
        tracker.wait_s(1);
        said.extend(digests_in(&tracker.sweep()).into_iter().map(|(_, digest)| (second, digest)));
    }
    said
}

#[test]
fn replies_and_scrapes_count_the_members_of_siblings() {
    let (mut cluster, swarm) = (Cluster::new(3, &without_pace()), id("s"));
    let join = |conn| announce(&swarm, &peer(conn), &json!({"event": "started"}));
    for conn in 0..3 {
        cluster.hear(0, conn, &join(conn));
    }
    cluster.hear(1, 3, &announce(&swarm, &peer(3), &json!({"left": 0})));
    cluster.hear(2, 4, &join(4));
    // What has changed since the last digest is said with the next one.
    cluster.wait_s(5);
    for (at, conn) in [(0, 0), (1, 3), (2, 4)] {
        let left = i64::from(conn != 3);
        let again = announce(&swarm, &peer(conn), &json!({ "left": left }));
        assert_eq!(cluster.hear(at, conn, &again), [(at, reply(conn, &swarm, 1, 4))]);
        let counts = cluster.trackers[at].counts(&swarm);
        assert_eq!((counts.complete, counts.incomplete), (1, 4));
    }
    // What a worker or a node has itself can be added up.
    let shard = &cluster.trackers[0].shard;
    assert_eq!((shard.own_counts(&hash(&swarm)).incomplete, shard.peers()), (3, 3));
    assert_eq!(shard.largest(1)[0].1.incomplete, 3);
}

#[test]
fn a_sibling_whose_opening_was_answered_is_told_when_the_swarm_closes() {
    // Alone until then, and gone before its first digest is due.
    let (mut tracker, swarm) = (Tracker::new(), id("s"));
    tracker.hear(1, &announce(&swarm, &peer(1), &json!({})));
    let done = tracker.unpack(sibling(7), &Parcel::Digest(hash(&swarm), opening(2)));
    assert_eq!(digests_in(&done), [(Some(sibling(7)), digest(0, 1))]);
    let done = tracker.left(1, &swarm, &peer(1));
    assert_eq!(digests_in(&done), [(None, Digest::GOODBYE)]);
}

#[test]
fn a_swarm_is_announced_as_it_opens_and_answered_at_once_and_once() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    let done = tracker.hear(1, &announce(&swarm, &peer(1), &json!({})));
    assert_eq!(digests_in(&done), [(None, opening(1))]);
    let done = tracker.unpack(sibling(7), &Parcel::Digest(hash(&swarm), opening(2)));
    assert_eq!(digests_in(&done), [(Some(sibling(7)), digest(0, 1))]);
    let done = tracker.unpack(sibling(7), &Parcel::Digest(hash(&swarm), digest(0, 2)));
    assert_eq!(digests_in(&done), []);
}

#[test]
fn a_stop_for_a_swarm_that_is_not_here_is_not_news() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    let done = tracker.hear(1, &announce(&swarm, &peer(1), &json!({"event": "stopped"})));
    assert_eq!(digests_in(&done), []);
    assert_eq!(passing(&mut tracker, 20), []);
}

#[test]
fn digests_come_once_an_interval_when_something_has_changed_and_else_every_other_time() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    tracker.hear(1, &announce(&swarm, &peer(1), &json!({})));
    let one = digest(0, 1);
    assert_eq!(passing(&mut tracker, 30), [(10, one), (20, one), (30, one)]);
    // Two changes in an interval are one digest.
    tracker.hear(2, &announce(&swarm, &peer(2), &json!({})));
    tracker.hear(3, &announce(&swarm, &peer(3), &json!({"left": 0})));
    let three = digest(1, 2);
    assert_eq!(passing(&mut tracker, 15), [(5, three), (15, three)]);
    assert_eq!(tracker.shard.counters().digests_sent, 6);
}

#[test]
fn a_partition_that_loses_its_last_member_says_goodbye_and_goes_on_to_say_nothing() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    tracker.hear(1, &announce(&swarm, &peer(1), &json!({})));
    let done = tracker.left(1, &swarm, &peer(1));
    assert_eq!(digests_in(&done), [(None, Digest::GOODBYE)]);
    assert_eq!(passing(&mut tracker, 20), []);
    // Another swarm in the same place in the table has its own time.
    tracker.hear(1, &announce(&id("t"), &peer(1), &json!({})));
    assert_eq!(passing(&mut tracker, 10), [(10, digest(0, 1))]);
}

#[test]
fn a_sibling_counts_until_it_says_goodbye_or_is_gone_or_was_silent_for_five_intervals() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    tracker.hear(1, &announce(&swarm, &peer(1), &json!({})));
    let hear = |tracker: &mut Tracker, from, digest| {
        tracker.unpack(sibling(from), &Parcel::Digest(hash(&swarm), digest));
        tracker.counts(&swarm).incomplete
    };
    assert_eq!(hear(&mut tracker, 7, digest(0, 5)), 6);
    assert_eq!(hear(&mut tracker, 8, digest(0, 2)), 8);
    assert_eq!(hear(&mut tracker, 7, digest(0, 4)), 7, "the last word counts");
    assert_eq!(hear(&mut tracker, 7, Digest::GOODBYE), 3);
    assert_eq!(hear(&mut tracker, 9, digest(0, 1)), 4);
    tracker.sibling_gone(sibling(8));
    assert_eq!(tracker.counts(&swarm).incomplete, 2);
    // It says something in every other interval, and one of those may be lost.
    passing(&mut tracker, 25);
    assert_eq!(tracker.counts(&swarm).incomplete, 2);
    passing(&mut tracker, 5);
    assert_eq!(tracker.counts(&swarm).incomplete, 1);
}

#[test]
fn a_sibling_that_is_gone_is_gone_from_all_swarms() {
    let mut tracker = Tracker::shared(without_pace(), 1);
    let swarms = [id("s"), id("t"), id("u")];
    for swarm in &swarms {
        tracker.hear(1, &announce(swarm, &peer(1), &json!({})));
        tracker.unpack(sibling(7), &Parcel::Digest(hash(swarm), digest(0, 5)));
        tracker.unpack(sibling(8), &Parcel::Digest(hash(swarm), digest(0, 1)));
    }
    tracker.sibling_gone(sibling(7));
    assert!(swarms.iter().all(|swarm| tracker.counts(swarm).incomplete == 2));
}

#[test]
fn a_digest_for_a_swarm_that_is_not_here_changes_nothing() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    assert_eq!(tracker.unpack(sibling(7), &Parcel::Digest(hash(&swarm), opening(5))), []);
    assert_eq!((tracker.shard.swarms(), tracker.counts(&swarm)), (0, Counts::default()));
}

#[test]
fn digests_of_too_many_siblings_are_dropped_and_counted() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    tracker.hear(1, &announce(&swarm, &peer(1), &json!({})));
    for from in 0..SIBLINGS_MAX + 3 {
        tracker.unpack(sibling(from), &Parcel::Digest(hash(&swarm), digest(0, 1)));
    }
    assert_eq!(tracker.counts(&swarm).incomplete, 1 + SIBLINGS_MAX);
    assert_eq!(tracker.shard.counters().digests_dropped, 3);
}

/// Nothing has changed, so there would be nothing to say for ten seconds.
#[test]
fn when_the_bus_is_back_siblings_know_each_other_within_an_interval() {
    let (mut cluster, swarm) = (Cluster::new(2, &without_pace()), id("s"));
    for (at, conn) in [(0, 1), (1, 2)] {
        cluster.hear(at, conn, &announce(&swarm, &peer(conn), &json!({})));
    }
    // What they say in this half minute is lost.
    for tracker in &mut cluster.trackers {
        passing(tracker, 30);
    }
    let known = |cluster: &Cluster| [0, 1].map(|at| cluster.trackers[at].counts(&swarm).incomplete);
    assert_eq!(known(&cluster), [1, 1], "they have lost each other");
    cluster.trackers.iter_mut().for_each(Tracker::reconnected);
    cluster.wait_s(5);
    assert_eq!(known(&cluster), [2, 2]);
}

/// A worker of a node without a bus shares a swarm only while another worker has it.
#[test]
fn a_swarm_without_siblings_that_is_not_shared_any_more_is_as_it_was_before() {
    let (mut tracker, swarm) = (Tracker::new(), id("s"));
    tracker.hear(1, &announce(&swarm, &peer(1), &json!({})));
    let alone = tracker.shard.heap_bytes();
    let done = tracker.unpack(sibling(7), &Parcel::Digest(hash(&swarm), opening(5)));
    assert_eq!(digests_in(&done), [(Some(sibling(7)), digest(0, 1))]);
    assert_eq!(passing(&mut tracker, 5), [(5, digest(0, 1))]);
    tracker.unpack(sibling(7), &Parcel::Digest(hash(&swarm), Digest::GOODBYE));
    assert_eq!(passing(&mut tracker, 60), []);
    assert!(tracker.shard.heap_bytes() < alone + 100, "a queue for digests has room for a few");
}

#[test]
fn offers_that_found_nobody_wait_for_the_first_sibling_and_are_sent_to_as_many_as_it_has() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    assert_eq!(crossed_in(&tracker.hear(1, &announce_offers(&swarm, &peer(1), 5))), []);
    let mut hear = |from, digest| {
        crossed_in(&tracker.unpack(sibling(from), &Parcel::Digest(hash(&swarm), digest)))
    };
    assert_eq!(hear(7, digest(1, 1)), [sibling(7); 2]);
    assert_eq!(hear(8, digest(0, 1)), [sibling(8)]);
    assert_eq!(hear(9, digest(0, 9)), [sibling(9); 2]);
    assert_eq!(hear(10, digest(0, 9)), []);
    let counters = tracker.shard.counters();
    assert_eq!((counters.cross_offers_sent, counters.offers_relayed), (5, 0));
}

#[test]
fn offers_that_found_nobody_wait_only_for_a_while_and_for_those_who_stay() {
    let swarm = id("s");
    let word = Parcel::Digest(hash(&swarm), digest(0, 9));
    for (after_s, crossing) in [(0, 5), (15, 5), (16, 0)] {
        let mut tracker = Tracker::shared(without_pace(), 1);
        tracker.hear(1, &announce_offers(&swarm, &peer(1), 5));
        tracker.wait_s(after_s);
        tracker.sweep();
        assert_eq!(crossed_in(&tracker.unpack(sibling(7), &word)).len(), crossing, "{after_s} s");
    }
    let mut tracker = Tracker::shared(without_pace(), 1);
    tracker.hear(1, &announce_offers(&swarm, &peer(1), 5));
    let second = tracker.hear(2, &announce_offers(&swarm, &peer(2), 1));
    assert_eq!(offers_in(&second), [(1, id("o0"))]);
    tracker.left(1, &swarm, &peer(1));
    assert_eq!(crossed_in(&tracker.unpack(sibling(7), &word)), []);
    // Nor for those who come back.
    tracker.hear(1, &announce(&swarm, &peer(1), &json!({})));
    assert_eq!(crossed_in(&tracker.unpack(sibling(8), &word)), []);
}

#[test]
fn offers_that_found_nobody_are_forgotten_with_their_swarm() {
    let (mut tracker, swarm) = (Tracker::shared(without_pace(), 1), id("s"));
    tracker.hear(1, &announce_offers(&swarm, &peer(1), 5));
    tracker.left(1, &swarm, &peer(1));
    for conn in [2, 1] {
        tracker.hear(conn, &announce(&swarm, &peer(conn), &json!({})));
    }
    let word = Parcel::Digest(hash(&swarm), digest(0, 9));
    assert_eq!(crossed_in(&tracker.unpack(sibling(7), &word)), []);
}

#[test]
fn nothing_is_left_of_what_waited_for_siblings_and_was_known_of_them() {
    let [mut tracker, mut alone] = [Tracker::shared(without_pace(), 1), Tracker::new()];
    let weigh = |tracker: &Tracker| tracker.shard.heap_bytes();
    for number in 0..1100 {
        for tracker in [&mut tracker, &mut alone] {
            tracker.hear(1, &announce_offers(&id(number), &peer(1), 5));
        }
        let word = Parcel::Digest(hash(&id(number)), digest(0, 1));
        tracker.unpack(sibling(7), &word);
    }
    let waiting = weigh(&tracker);
    passing(&mut tracker, 20);
    assert!(waiting - weigh(&tracker) > 1024 * 500, "{waiting}");
    for number in 0..1100 {
        tracker.left(1, &id(number), &peer(1));
        alone.left(1, &id(number), &peer(1));
    }
    passing(&mut tracker, 20);
    assert!(weigh(&tracker) <= weigh(&alone) + 1000, "{} {}", weigh(&tracker), weigh(&alone));
}
