//! Whose a peer id is. It belongs to the connection that announced it, while that lives; somebody
//! else's announce waits until that is known, and is then heard or refused.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Did, Tracker, announce, announce_offers, answer, id, offers_in, peer, refusal, reply,
};
use tracker_core::Reason::{NotAnnounced, PeerIdTaken};
use tracker_core::limits::{CLAIM_LIFETIME, CLAIMS_MAX, CLAIMS_PER_CONNECTION_MAX};

const CLAIMANT: u64 = 100;

/// A swarm of `members` in which connection [`CLAIMANT`] has claimed "p0" of connection 0.
fn claimed(members: u64) -> Tracker {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), members);
    assert_eq!(tracker.hear(CLAIMANT, &claim(0)), [Did::Probe(0)]);
    tracker
}

fn claim(of: u64) -> Value {
    announce_offers(&id("s"), &peer(of), 3)
}

fn stopped(peer_id: &str) -> Value {
    announce(&id("s"), peer_id, &json!({"event": "stopped"}))
}

fn refused(to: u64) -> Did {
    refusal(to, &id("s"), PeerIdTaken)
}

#[test]
fn a_claim_is_heard_once_the_owner_is_gone_in_whatever_way() {
    for way in ["closed", "stopped", "expired"] {
        let mut tracker = Tracker::new();
        tracker.populate(&id("s"), 5);
        if way == "expired" {
            tracker.wait_s(200);
            for other in 1..5 {
                tracker.hear(other, &announce(&id("s"), &peer(other), &json!({})));
            }
            tracker.wait_s(41);
        }
        assert_eq!(tracker.hear(CLAIMANT, &claim(0)), [Did::Probe(0)]);
        let mut done = match way {
            "closed" => tracker.left(0, &id("s"), &peer(0)),
            "stopped" => tracker.hear(0, &stopped(&peer(0))),
            _ => tracker.sweep(),
        };
        if way == "stopped" {
            assert_eq!(done.remove(0), reply(0, &id("s"), 0, 4));
        }
        assert_eq!(done[0], reply(CLAIMANT, &id("s"), 0, 5), "{way}");
        assert_eq!(offers_in(&done).len(), 3, "{way}: {done:?}");
        assert_eq!(tracker.shard.peers(), 5, "{way}");
        // It is the owner now, and the old one's late goodbye means nothing.
        assert_eq!(tracker.left(0, &id("s"), &peer(0)), [], "{way}");
        let offer = offers_in(&done).remove(0);
        let answered = tracker.hear(offer.0, &answer(&id("s"), &peer(offer.0), &peer(0), &offer.1));
        assert!(matches!(&answered[..], [Did::Send(CLAIMANT, _)]), "{way}: {answered:?}");
        // What the old one left behind is over: the claim is heard once.
        assert_eq!(tracker.left(CLAIMANT, &id("s"), &peer(0)), []);
    }
}

/// Whoever routes messages has noted that the swarm is here, and would have to note it anew.
#[test]
fn the_last_members_place_is_passed_on_without_closing_the_swarm() {
    for way in ["closed", "stopped", "expired"] {
        let mut tracker = Tracker::new();
        tracker.populate(&id("s"), 1);
        tracker.wait_s(241);
        assert_eq!(tracker.hear(CLAIMANT, &claim(0)), [Did::Probe(0)]);
        let done = match way {
            "closed" => tracker.left(0, &id("s"), &peer(0)),
            "stopped" => tracker.hear(0, &stopped(&peer(0))),
            _ => tracker.sweep(),
        };
        assert_eq!(done.last(), Some(&reply(CLAIMANT, &id("s"), 0, 1)), "{way}");
        assert!(!done.contains(&Did::Close(id("s"))), "{way}: {done:?}");
        assert_eq!((tracker.shard.swarms(), tracker.shard.peers()), (1, 1), "{way}");
    }
}

#[test]
fn a_claim_is_refused_when_the_owner_lives_and_not_before() {
    let mut tracker = claimed(3);
    assert_eq!(tracker.sweep(), []);
    assert_eq!(tracker.lives(1), [], "somebody else lives");
    assert_eq!(tracker.lives(0), [refused(CLAIMANT)]);
    assert_eq!(tracker.lives(0), [], "refused once");
    assert_eq!(tracker.left(0, &id("s"), &peer(0)), [], "a claim that is over");
    assert_eq!(tracker.counts(&id("s")).incomplete, 2);
}

#[test]
fn the_owner_notices_nothing_of_a_claim() {
    for event in ["started", "update", "completed"] {
        let mut tracker = Tracker::new();
        tracker.populate(&id("s"), 2);
        let theft = announce(&id("s"), &peer(0), &json!({"event": event, "left": 0}));
        assert_eq!(tracker.hear(CLAIMANT, &theft), [Did::Probe(0)]);
        let counts = tracker.counts(&id("s"));
        assert_eq!((counts.complete, counts.incomplete, counts.downloaded), (0, 2, 0));
        // Offers to it and its answers go the ways they went, and the claimant has none.
        let done = tracker.hear(1, &announce_offers(&id("s"), &peer(1), 1));
        assert_eq!(offers_in(&done), [(0, id("o0"))]);
        let forged = answer(&id("s"), &peer(0), &peer(1), &id("o0"));
        assert_eq!(tracker.hear(CLAIMANT, &forged), [refusal(CLAIMANT, &id("s"), NotAnnounced)]);
        assert!(matches!(tracker.hear(0, &forged)[..], [Did::Send(1, _)]));
        let again = announce(&id("s"), &peer(0), &json!({}));
        assert_eq!(tracker.hear(0, &again), [reply(0, &id("s"), 0, 2)]);
    }
}

#[test]
fn an_owner_gains_no_time_by_a_claim() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 1);
    tracker.wait_s(230);
    tracker.hear(CLAIMANT, &claim(0));
    assert_eq!(tracker.lives(0), [refused(CLAIMANT)]);
    tracker.wait_s(11);
    assert_eq!(tracker.sweep(), [Did::Close(id("s"))]);
}

#[test]
fn a_claimant_that_leaves_or_stops_has_claimed_nothing() {
    for way in ["closed", "stopped"] {
        let mut tracker = claimed(3);
        match way {
            "closed" => assert_eq!(tracker.left(CLAIMANT, &id("s"), &peer(0)), []),
            _ => assert_eq!(tracker.hear(CLAIMANT, &stopped(&peer(0))), [refused(CLAIMANT)]),
        }
        assert_eq!(tracker.left(0, &id("s"), &peer(0)), [], "{way}");
        assert_eq!(tracker.counts(&id("s")).incomplete, 2);
    }
}

#[test]
fn nobody_ends_anothers_claim() {
    let mut tracker = claimed(3);
    assert_eq!(tracker.left(7, &id("s"), &peer(0)), []);
    assert_eq!(tracker.hear(7, &stopped(&peer(0))), [refused(7)], "and a stop claims nothing");
    assert_eq!(tracker.left(0, &id("s"), &peer(0))[0], reply(CLAIMANT, &id("s"), 0, 3));
}

/// A viewer whose network changed twice.
#[test]
fn the_newest_of_two_claimants_gets_in_and_the_other_is_refused() {
    let mut tracker = claimed(3);
    assert_eq!(tracker.hear(101, &claim(0)), [Did::Probe(0), refused(CLAIMANT)]);
    assert_eq!(tracker.left(CLAIMANT, &id("s"), &peer(0)), [], "the other's goodbye");
    let done = tracker.left(0, &id("s"), &peer(0));
    assert_eq!(done[0], reply(101, &id("s"), 0, 3));
    assert_eq!(offers_in(&done).len(), 2);
}

#[test]
fn of_a_claimants_announces_the_last_is_heard() {
    let mut tracker = claimed(3);
    let last = announce_offers(&id("s"), &peer(0), 1);
    assert_eq!(tracker.hear(CLAIMANT, &last), [Did::Probe(0)]);
    let done = tracker.left(0, &id("s"), &peer(0));
    assert_eq!(done[0], reply(CLAIMANT, &id("s"), 0, 3));
    assert_eq!(offers_in(&done).len(), 1);
}

#[test]
fn an_owner_that_dies_passes_on_all_that_was_claimed_of_it_and_to_each_claimant_its_own() {
    let mut tracker = Tracker::new();
    for swarm in ["s", "t"] {
        for own in ["a", "b"] {
            tracker.hear(0, &announce(&id(swarm), &id(own), &json!({})));
        }
    }
    let claims = [(1, "s", "a"), (2, "s", "b"), (1, "t", "a")];
    for (conn, swarm, own) in claims {
        let frame = announce(&id(swarm), &id(own), &json!({}));
        assert_eq!(tracker.hear(conn, &frame), [Did::Probe(0)]);
    }
    for (conn, swarm, own) in claims {
        assert_eq!(tracker.left(0, &id(swarm), &id(own)), [reply(conn, &id(swarm), 0, 2)]);
    }
    assert_eq!(tracker.left(0, &id("t"), &id("b")), []);
}

/// The question got lost, or whom it was for.
#[test]
fn a_claim_that_nobody_decides_is_refused_after_its_lifetime() {
    let mut tracker = claimed(3);
    tracker.wait(CLAIM_LIFETIME);
    assert_eq!(tracker.sweep(), []);
    tracker.wait(Duration::from_millis(1));
    assert_eq!(tracker.sweep(), [refused(CLAIMANT)]);
    assert_eq!(tracker.sweep(), []);
    assert_eq!(tracker.counts(&id("s")).incomplete, 3);
}

#[test]
fn where_no_more_claims_fit_they_are_refused_at_once_and_the_owner_is_still_asked() {
    let mut tracker = Tracker::new();
    let members = CLAIMS_MAX as u64 + 1;
    tracker.populate(&id("s"), members);
    for owner in 0..CLAIMS_MAX as u64 {
        assert_eq!(tracker.hear(members + owner, &claim(owner)), [Did::Probe(owner)]);
    }
    let last = members - 1;
    let done = tracker.hear(2 * members, &claim(last));
    assert_eq!(done, [Did::Probe(last), refused(2 * members)]);
    tracker.lives(0);
    assert_eq!(tracker.hear(2 * members, &claim(last)), [Did::Probe(last)]);
}

#[test]
fn one_connection_cannot_fill_what_is_for_all_and_its_further_claims_are_refused_at_once() {
    let mut tracker = Tracker::new();
    let claims = CLAIMS_PER_CONNECTION_MAX as u64;
    tracker.populate(&id("s"), claims + 1);
    for owner in 0..claims {
        assert_eq!(tracker.hear(CLAIMANT, &claim(owner)), [Did::Probe(owner)]);
    }
    let done = tracker.hear(CLAIMANT, &claim(claims));
    assert_eq!(done, [Did::Probe(claims), refused(CLAIMANT)]);
    assert_eq!(tracker.hear(CLAIMANT + 1, &claim(claims)), [Did::Probe(claims)], "another's");
    tracker.left(0, &id("s"), &peer(0));
    assert_eq!(tracker.hear(CLAIMANT, &claim(claims)), [Did::Probe(claims), refused(CLAIMANT + 1)]);
}
