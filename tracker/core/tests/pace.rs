//! How often a member may announce, and be offered to. Who brings offers too early is told so and
//! nothing else happens; who does nothing but announce is refused; and nobody is flooded.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Did, Tracker, announce, announce_offers, id, merged, offers_in, paced, peer, refusal, reply,
    some_offers, warned, without_pace,
};
use tracker_core::limits::EARLY_ANNOUNCES_MAX;
use tracker_core::wire::Warning;
use tracker_core::{Limits, Reason, Settings};

/// The connection of "me", who announces.
const ME: u64 = 99;

/// A swarm of `others` with wt-tracker's interval of 120 s and a min interval of 30 s.
fn swarm(others: u64) -> Tracker {
    let mut tracker = Tracker::with(Settings::default(), 1);
    tracker.populate(&id("s"), others);
    tracker
}

/// "me" announces with two offers.
fn offering(more: &Value) -> Value {
    merged(announce_offers(&id("s"), &id("me"), 2), more)
}

fn plain(more: &Value) -> Value {
    announce(&id("s"), &id("me"), more)
}

/// The reply to "me" in a swarm of `incomplete`.
fn my_reply(incomplete: usize) -> Did {
    paced(reply(ME, &id("s"), 0, incomplete), 30)
}

fn too_early(early_s: u32) -> Warning {
    Warning::OffersTooEarly { early_s, min_interval_s: 30 }
}

fn refused(early_s: u32) -> [Did; 1] {
    let reason = Reason::TooEarly { early_s, bound: EARLY_ANNOUNCES_MAX };
    [refusal(ME, &id("s"), reason)]
}

#[test]
fn every_reply_has_min_interval_while_the_rule_is_on() {
    for (min, shown) in [(0, None), (1, Some(1)), (30, Some(30)), (120, Some(120))] {
        let min_announce_interval = Duration::from_secs(min);
        let settings = Settings { min_announce_interval, ..Settings::default() };
        let mut tracker = Tracker::with(settings, 1);
        for event in ["started", "update", "completed", "stopped"] {
            let done = tracker.hear(ME, &offering(&json!({"event": event})));
            let Did::Send(_, reply) = &done[0] else { panic!("{event}: {done:?}") };
            assert_eq!(reply.get("min interval"), shown.map(|s: u64| json!(s)).as_ref());
            assert_eq!(reply["interval"], 120, "{event}");
        }
    }
}

#[test]
fn offers_that_come_early_get_a_warning_and_go_to_nobody() {
    let mut tracker = swarm(5);
    assert_eq!(offers_in(&tracker.hear(ME, &offering(&json!({})))).len(), 2);
    for (wait_s, early_s) in [(0, 30), (1, 29), (27, 2)] {
        tracker.wait_s(wait_s);
        let done = tracker.hear(ME, &offering(&json!({})));
        assert_eq!(done, [warned(my_reply(6), too_early(early_s))]);
    }
    let text = "offers come 1 s before min interval of 30 s has passed: none were relayed";
    assert_eq!(too_early(1).to_string(), text);
    // The warned ones have not put off the end.
    tracker.wait_s(1);
    let done = tracker.hear(ME, &offering(&json!({})));
    assert_eq!((&done[0], offers_in(&done).len()), (&my_reply(6), 2));
    let counters = tracker.shard.counters();
    assert_eq!((counters.offers_relayed, counters.offers_early), (4, 6));
    assert_eq!((counters.announces, counters.refusals), (10, 0));
}

/// The clock is read in whole seconds, and the network is a little faster one time than another:
/// who goes by the interval that it was told is on time all the same.
#[test]
fn a_client_that_goes_by_its_interval_is_never_early_by_a_fraction_of_a_second() {
    for interval_s in [2, 30, 120] {
        let interval = Duration::from_secs(interval_s);
        let settings = Settings {
            announce_interval: interval,
            min_announce_interval: interval,
            ..Settings::default()
        };
        let mut tracker = Tracker::with(settings, 1);
        tracker.populate(&id("s"), 5);
        tracker.wait(Duration::from_millis(10));
        for round in 0..40 {
            let done = tracker.hear(ME, &offering(&json!({})));
            assert_eq!(offers_in(&done).len(), 2, "{round} of {interval_s} s: {done:?}");
            let jitter = Duration::from_millis(20);
            tracker.wait(if round % 2 == 0 { interval - jitter } else { interval + jitter });
        }
    }
}

#[test]
fn a_min_interval_of_one_second_is_a_rule_too() {
    let min_announce_interval = Duration::from_secs(1);
    let mut tracker = Tracker::with(Settings { min_announce_interval, ..Settings::default() }, 1);
    tracker.populate(&id("s"), 5);
    for offers in [2, 0, 0] {
        assert_eq!(offers_in(&tracker.hear(ME, &offering(&json!({})))).len(), offers);
    }
}

/// Each of them in the same second as an announce whose offers were relayed.
#[test]
fn only_a_plain_announce_with_offers_is_warned() {
    for (frame, relayed) in [
        (offering(&json!({"event": "started"})), 2),
        (offering(&json!({"event": "completed"})), 2),
        (offering(&json!({"event": "stopped"})), 0),
        (offering(&json!({"numwant": 0})), 0),
        (offering(&json!({"numwant": null})), 0),
        (plain(&json!({"numwant": 5, "offers": []})), 0),
        (plain(&json!({"event": "update"})), 0),
    ] {
        let mut tracker = swarm(5);
        tracker.hear(ME, &offering(&json!({})));
        let done = tracker.hear(ME, &frame);
        let Did::Send(_, reply) = &done[0] else { panic!("{done:?}") };
        assert_eq!(reply["interval"], 120, "{frame}: {reply}");
        assert_eq!(reply.get("warning message"), None, "{frame}");
        assert_eq!(offers_in(&done).len(), relayed, "{frame}");
    }
}

/// webtorrent's seeder says `completed` without offers right before `started` with them; others
/// announce plainly in its place.
#[test]
fn the_first_offers_are_welcome_however_soon_they_follow_other_announces() {
    for event in ["started", "update"] {
        let mut tracker = swarm(5);
        tracker.hear(ME, &plain(&json!({"event": "completed"})));
        tracker.wait_s(1);
        tracker.hear(ME, &plain(&json!({})));
        let done = tracker.hear(ME, &offering(&json!({"event": event})));
        assert_eq!(offers_in(&done).len(), 2, "{event}");
        // From there on it is as ever.
        tracker.wait_s(28);
        let done = tracker.hear(ME, &offering(&json!({})));
        assert_eq!(offers_in(&done), [], "{event}");
    }
}

/// The offers could have been relayed, had there been somebody.
#[test]
fn offers_in_an_empty_swarm_count_as_the_first_ones() {
    let mut tracker = swarm(0);
    tracker.hear(ME, &offering(&json!({"event": "started"})));
    tracker.populate(&id("s"), 3);
    let done = tracker.hear(ME, &offering(&json!({})));
    assert_eq!(done, [warned(my_reply(4), too_early(30))]);
    assert_eq!(tracker.shard.counters().offers_early, 2);
}

#[test]
fn a_member_that_announces_on_and_on_is_refused_until_it_pauses() {
    for more in [json!({}), json!({"event": "started"}), json!({"numwant": 0})] {
        let mut tracker = swarm(5);
        tracker.hear(ME, &offering(&json!({})));
        for _ in 0..EARLY_ANNOUNCES_MAX {
            let done = tracker.hear(ME, &offering(&more));
            let Did::Send(_, reply) = &done[0] else { panic!("{done:?}") };
            assert_eq!(reply["interval"], 120, "{more}");
        }
        for event in ["update", "started", "completed"] {
            assert_eq!(tracker.hear(ME, &offering(&json!({"event": event}))), refused(30));
            assert_eq!(tracker.hear(ME, &plain(&json!({"event": event}))), refused(30));
        }
        tracker.wait_s(28);
        assert_eq!(tracker.hear(ME, &offering(&more)), refused(2), "{more}");
        assert_eq!(tracker.counts(&id("s")).downloaded, 0, "a refused `completed` is none");
        // Others are not held up, and being refused has put off nothing.
        let done = tracker.hear(0, &announce_offers(&id("s"), &peer(0), 2));
        assert_eq!(offers_in(&done).len(), 2);
        tracker.wait_s(1);
        assert_eq!(tracker.hear(ME, &offering(&json!({})))[0], my_reply(6));
    }
    let text = "this announce comes 7 s before min interval has passed, and 10 early ones were \
                answered, which is the limit";
    assert_eq!(Reason::TooEarly { early_s: 7, bound: 10 }.to_string(), text);
}

#[test]
fn whoever_is_refused_may_still_leave() {
    let mut tracker = swarm(1);
    for _ in 0..20 {
        tracker.hear(ME, &offering(&json!({})));
    }
    assert_eq!(tracker.hear(ME, &plain(&json!({}))), refused(30));
    assert_eq!(tracker.hear(ME, &plain(&json!({"event": "stopped"}))), [my_reply(1)]);
}

#[test]
fn an_announce_on_time_forgives_the_early_ones() {
    let mut tracker = swarm(1);
    for _ in 0..5 {
        for _ in 0..=EARLY_ANNOUNCES_MAX {
            let done = tracker.hear(ME, &offering(&json!({})));
            assert!(matches!(&done[0], Did::Send(ME, reply) if reply["interval"] == 120));
        }
        tracker.wait_s(30);
    }
    assert_eq!(tracker.shard.counters().refusals, 0);
}

#[test]
fn without_a_min_interval_nobody_is_too_early() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 1);
    for _ in 0..100 {
        let done = tracker.hear(ME, &announce_offers(&id("s"), &id("me"), 2));
        assert_eq!((&done[0], offers_in(&done).len()), (&reply(ME, &id("s"), 0, 2), 1));
    }
}

/// The interval may become shorter than the min interval that was set, and longer again.
#[test]
fn whoever_comes_back_after_the_interval_that_it_was_told_is_welcome() {
    let mut tracker = swarm(5);
    for (told, waited) in [(10, 600), (600, 10), (3, 600), (120, 3), (30, 120)] {
        tracker.shard.set_announce_interval(Duration::from_secs(told));
        tracker.wait_s(waited.min(120));
        tracker.populate(&id("s"), 5);
        let done = tracker.hear(ME, &offering(&json!({})));
        let Did::Send(_, reply) = &done[0] else { panic!("{done:?}") };
        assert_eq!(reply["interval"], told);
        assert_eq!(reply["min interval"], told.min(30));
        assert_eq!(offers_in(&done).len(), 2, "told {told} after {waited}");
    }
}

#[test]
fn a_member_is_forgotten_after_the_interval_that_it_was_told_and_a_usual_one() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 1);
    tracker.shard.set_announce_interval(Duration::from_secs(600));
    tracker.hear(7, &announce(&id("t"), &id("a"), &json!({})));
    tracker.shard.set_announce_interval(Duration::from_secs(10));
    tracker.hear(8, &announce(&id("u"), &id("a"), &json!({})));
    tracker.hear(9, &announce(&id("u"), &id("b"), &json!({"event": "stopped"})));
    for (wait_s, closed) in [(20, None), (1, Some("u")), (219, None), (1, Some("s")), (479, None)] {
        tracker.wait_s(wait_s);
        let expected: Vec<_> = closed.map(|name| Did::Close(id(name))).into_iter().collect();
        assert_eq!(tracker.sweep(), expected);
    }
    tracker.wait_s(1);
    assert_eq!(tracker.sweep(), [Did::Close(id("t"))]);
}

/// A tracker in which a member receives 2 offers a second, and 20 at once.
fn slow_receivers(others: u64, max_offers: usize) -> Tracker {
    let limits = Limits { offers_per_second_per_receiver: 2, ..Limits::default() };
    let settings = Settings { max_offers, limits, ..without_pace() };
    let mut tracker = Tracker::with(settings, 1);
    tracker.populate(&id("s"), others);
    tracker
}

#[test]
fn a_receiver_gets_a_burst_and_then_its_rate_and_the_rest_is_withheld() {
    let mut tracker = slow_receivers(1, 20);
    let offer = |tracker: &mut Tracker, times: usize| -> usize {
        let frame = announce_offers(&id("s"), &id("me"), 1);
        (0..times).map(|_| offers_in(&tracker.hear(ME, &frame)).len()).sum()
    };
    assert_eq!(offer(&mut tracker, 50), 20);
    for (wait, received) in [(500, 1), (499, 0), (1, 1), (3000, 6), (60_000, 20)] {
        tracker.wait(Duration::from_millis(wait));
        assert_eq!(offer(&mut tracker, 25), received, "after {wait} ms");
    }
    let counters = tracker.shard.counters();
    assert_eq!((counters.offers_relayed, counters.offers_over_rate), (48, 127));
    assert_eq!(counters.refusals, 0, "its announces were answered");
}

/// 10 of 40 have had enough; what was meant for them goes to others, each of which gets one.
#[test]
fn another_receives_what_would_have_been_too_much_for_one() {
    let mut tracker = slow_receivers(10, 20);
    for _ in 0..50 {
        tracker.hear(ME, &announce_offers(&id("s"), &id("me"), 10));
    }
    tracker.populate(&id("s"), 40);
    let before = tracker.shard.counters();
    assert_eq!((before.offers_relayed, before.offers_over_rate), (200, 300));
    for round in 1..=10 {
        let done = tracker.hear(ME, &announce_offers(&id("s"), &id("me"), 20));
        let mut received = BTreeMap::<u64, usize>::new();
        for (to, _) in offers_in(&done) {
            *received.entry(to).or_default() += 1;
        }
        assert!(received.values().all(|&offers| offers == 1), "round {round}: {received:?}");
        assert!(received.keys().all(|&to| (10..40).contains(&to)), "round {round}: {received:?}");
        // Picks at random miss now and then: four of them find one of 11 free places in 40 (the
        // worst case, the last of 20) two times in three.
        assert!(received.len() >= 16, "round {round}: {received:?}");
    }
    let after = tracker.shard.counters();
    let relayed = after.offers_relayed - before.offers_relayed;
    assert_eq!(relayed + after.offers_over_rate - before.offers_over_rate, 200);
}

#[test]
fn an_offer_that_was_withheld_waits_for_no_answer() {
    let mut tracker = slow_receivers(1, 20);
    for number in 0..25 {
        let offer = json!([merged(some_offers(1).remove(0), &json!({"offer_id": id(number)}))]);
        let more = json!({"numwant": 1, "offers": offer});
        tracker.hear(ME, &announce(&id("s"), &id("me"), &more));
    }
    for (number, relayed) in [(19, true), (20, false)] {
        let done = tracker.hear(0, &support::answer(&id("s"), &peer(0), &id("me"), &id(number)));
        let refused = [refusal(0, &id("s"), Reason::NoSuchOffer)];
        assert_eq!(done != refused, relayed, "{number}: {done:?}");
    }
}
