//! Whose answer is passed on. One answer per offer, from the receiver's own connection, to the
//! offerer, in time; everything else is refused, and costs nobody but its sender anything.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use support::{
    Tracker, announce, announce_offers, answer, id, offers_in, peer, refusal, relayed_answer,
    without_pace,
};
use tracker_core::Reason::{self, NoSuchOffer, NotAnnounced, ReceiverLeft};
use tracker_core::Settings;
use tracker_core::limits::{OFFER_LIFETIME, PENDING_OFFERS_MAX};

const OFFERER: u64 = 100;

/// A swarm in which peer "me" on connection 100 has made offers to "p0", "p1"… on 0, 1…; with
/// which offer each of these received.
fn offered(receivers: u64) -> (Tracker, BTreeMap<u64, String>) {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), receivers);
    let frame = announce_offers(&id("s"), &id("me"), receivers as usize);
    let done = tracker.hear(OFFERER, &frame);
    let received: BTreeMap<_, _> = offers_in(&done).into_iter().collect();
    assert_eq!(received.len() as u64, receivers);
    (tracker, received)
}

fn answer_of(conn: u64, offer_id: &str) -> serde_json::Value {
    answer(&id("s"), &peer(conn), &id("me"), offer_id)
}

fn refused(conn: u64, reason: Reason) -> [support::Did; 1] {
    [refusal(conn, &id("s"), reason)]
}

#[test]
fn each_answer_goes_to_the_offerer_once() {
    let (mut tracker, received) = offered(5);
    for (&conn, offer_id) in &received {
        let relayed = [relayed_answer(OFFERER, &id("s"), &peer(conn), offer_id)];
        assert_eq!(tracker.hear(conn, &answer_of(conn, offer_id)), relayed);
        assert_eq!(tracker.hear(conn, &answer_of(conn, offer_id)), refused(conn, NoSuchOffer));
    }
    assert_eq!(tracker.shard.counters().answers_relayed, 5);
    assert_eq!(tracker.shard.counters().refusals, 5);
}

#[test]
fn an_answer_is_accepted_for_sixty_seconds_and_not_for_long_after() {
    let lifetime = OFFER_LIFETIME;
    for fraction in [0, 1, 500, 999].map(Duration::from_millis) {
        for (wait, accepted) in [
            (Duration::ZERO, true),
            (lifetime, true),
            (lifetime + Duration::from_secs(1), false),
            (2 * lifetime, false),
        ] {
            for swept in [false, true] {
                let mut tracker = Tracker::new();
                tracker.wait(fraction);
                tracker.populate(&id("s"), 1);
                tracker.hear(OFFERER, &announce_offers(&id("s"), &id("me"), 1));
                tracker.wait(wait);
                if swept {
                    tracker.sweep();
                }
                let done = tracker.hear(0, &answer_of(0, &id("o0")));
                let expected = if accepted {
                    [relayed_answer(OFFERER, &id("s"), &peer(0), &id("o0"))]
                } else {
                    refused(0, NoSuchOffer)
                };
                assert_eq!(done, expected, "{wait:?} after {fraction:?}, swept: {swept}");
            }
        }
    }
}

#[test]
fn an_answer_to_somebody_who_left_is_refused_and_the_answerer_stays() {
    for leave in ["stopped", "closed", "expired"] {
        let (mut tracker, received) = offered(2);
        match leave {
            "stopped" => {
                let stopped = json!({"event": "stopped"});
                tracker.hear(OFFERER, &announce(&id("s"), &id("me"), &stopped));
            }
            "closed" => drop(tracker.left(OFFERER, &id("s"), &id("me"))),
            _ => {
                tracker.wait_s(200);
                tracker.populate(&id("s"), 2);
                tracker.wait_s(100);
                tracker.sweep();
            }
        }
        assert_eq!(tracker.counts(&id("s")).incomplete, 2, "{leave}");
        let done = tracker.hear(0, &answer_of(0, &received[&0]));
        assert_eq!(done, refused(0, ReceiverLeft), "{leave}");
        assert_eq!(tracker.counts(&id("s")).incomplete, 2, "{leave}");
    }
}

#[test]
fn offers_are_gone_with_the_visit_in_which_they_were_made_or_received() {
    let (mut tracker, received) = offered(2);
    tracker.left(OFFERER, &id("s"), &id("me"));
    tracker.hear(OFFERER, &announce(&id("s"), &id("me"), &json!({})));
    assert_eq!(tracker.hear(0, &answer_of(0, &received[&0])), refused(0, NoSuchOffer));

    let (mut tracker, received) = offered(2);
    tracker.left(0, &id("s"), &peer(0));
    tracker.hear(0, &announce(&id("s"), &peer(0), &json!({})));
    assert_eq!(tracker.hear(0, &answer_of(0, &received[&0])), refused(0, NoSuchOffer));
}

#[test]
fn an_answer_to_an_offer_never_made_is_refused() {
    let (mut tracker, received) = offered(2);
    assert_eq!(tracker.hear(0, &answer_of(0, &id("x"))), refused(0, NoSuchOffer));
    // Made, but to the other.
    assert_eq!(tracker.hear(0, &answer_of(0, &received[&1])), refused(0, NoSuchOffer));
    // Made, but by another.
    let misdirected = answer(&id("s"), &peer(0), &peer(1), &received[&0]);
    assert_eq!(tracker.hear(0, &misdirected), refused(0, NoSuchOffer));
    // To itself.
    let own = answer(&id("s"), &peer(0), &peer(0), &received[&0]);
    assert_eq!(tracker.hear(0, &own), refused(0, NoSuchOffer));
    // And none of this has used up what waits.
    for (&conn, offer_id) in &received {
        let relayed = [relayed_answer(OFFERER, &id("s"), &peer(conn), offer_id)];
        assert_eq!(tracker.hear(conn, &answer_of(conn, offer_id)), relayed);
    }
}

#[test]
fn an_answer_in_anothers_name_is_refused_and_the_owner_still_answers() {
    let (mut tracker, received) = offered(2);
    for imposter in [1, OFFERER, 999] {
        let done = tracker.hear(imposter, &answer_of(0, &received[&0]));
        assert_eq!(done, refused(imposter, NotAnnounced));
    }
    let relayed = [relayed_answer(OFFERER, &id("s"), &peer(0), &received[&0])];
    assert_eq!(tracker.hear(0, &answer_of(0, &received[&0])), relayed);
}

#[test]
fn an_answer_in_a_swarm_that_its_sender_is_not_in_is_refused() {
    let (mut tracker, received) = offered(1);
    let stranger = answer(&id("s"), &id("x"), &id("me"), &received[&0]);
    assert_eq!(tracker.hear(7, &stranger), refused(7, NotAnnounced));
    let elsewhere = answer(&id("t"), &peer(0), &id("me"), &received[&0]);
    assert_eq!(tracker.hear(0, &elsewhere), [refusal(0, &id("t"), NotAnnounced)]);
    assert_eq!(tracker.shard.swarms(), 1, "an answer opens no swarm");
}

/// A client's random ids never repeat within a minute, but nothing breaks when one's do: an
/// offer that has expired does not shadow the living one of the same name.
#[test]
fn an_offer_id_used_again_names_the_living_offer() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 1);
    let offers = announce_offers(&id("s"), &id("me"), 1);
    tracker.hear(OFFERER, &offers);
    tracker.wait_s(90);
    tracker.hear(OFFERER, &offers);
    let relayed = [relayed_answer(OFFERER, &id("s"), &peer(0), &id("o0"))];
    assert_eq!(tracker.hear(0, &answer_of(0, &id("o0"))), relayed);
    assert_eq!(tracker.hear(0, &answer_of(0, &id("o0"))), refused(0, NoSuchOffer));
}

#[test]
fn a_member_with_too_many_offers_out_forgets_the_oldest_first() {
    let mut tracker = Tracker::with(Settings { max_offers: 50, ..without_pace() }, 1);
    tracker.populate(&id("s"), 1);
    for number in 0..=PENDING_OFFERS_MAX {
        let offer = json!([{"offer_id": id(number), "offer": {"type": "offer", "sdp": ""}}]);
        let more = json!({"numwant": 1, "offers": offer});
        tracker.hear(OFFERER, &announce(&id("s"), &id("me"), &more));
    }
    assert_eq!(tracker.hear(0, &answer_of(0, &id(0))), refused(0, NoSuchOffer));
    for number in 1..=PENDING_OFFERS_MAX {
        let relayed = [relayed_answer(OFFERER, &id("s"), &peer(0), &id(number))];
        assert_eq!(tracker.hear(0, &answer_of(0, &id(number))), relayed);
    }
}
