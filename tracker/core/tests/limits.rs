//! What one message may ask for. A site sets the limits, and what goes beyond one is answered with
//! the field, its value and the bound; 0 is no limit.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use bytes::Bytes;
use serde_json::{Value, json};
use support::{
    Tracker, announce, announce_offers, answer, id, merged, offers_in, paced, refusal, reply,
    some_offers, warned, without_pace,
};
use tracker_core::limits::JSON_DEPTH_CEILING;
use tracker_core::wire::Warning;
use tracker_core::{Limits, Reason, Settings, parse};

#[test]
fn messages_that_nest_too_deep() {
    let reason = |text: String, json_depth| {
        let limits = Limits { json_depth, ..Limits::default() };
        parse(Bytes::from(text), &limits).expect_err("no action").reason
    };
    let ceiling = JSON_DEPTH_CEILING;
    for (limit, bound) in [(16, 16), (4, 4), (0, ceiling), (usize::MAX, ceiling)] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = |depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let within = |depth| format!(r#"{{"action":"x","deep":{}}}"#, nested(depth));
            assert_eq!(reason(within(bound), limit), Reason::TooDeep { bound });
            assert_eq!(reason(within(bound - 1), limit), Reason::UnknownAction);
            assert_eq!(reason(nested(30_000), limit), Reason::TooDeep { bound });
        }
    }
}

/// Tokio's and std's threads have stacks of 2 MiB; an eighth of one is enough even for a build
/// that optimizes nothing.
#[test]
fn the_deepest_message_fits_into_a_small_stack() {
    let limits = Limits { json_depth: 0, ..Limits::default() };
    let deepest = move || {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = |depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let frame = format!(r#"{{"action":"x","a":{}}}"#, nested(JSON_DEPTH_CEILING - 1));
            let refusal = parse(Bytes::from(frame), &limits).expect_err("no action");
            assert_eq!(refusal.reason, Reason::UnknownAction);
        }
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(deepest);
    thread.expect("a thread").join().expect("enough stack");
}

/// As written: an escape counts with all its bytes, since they are what is sent on.
#[test]
fn sdps_that_are_too_long() {
    let limits = |sdp_bytes| Limits { sdp_bytes, ..Limits::default() };
    let offered = |sdp: &str| {
        let offer = json!({"offer_id": id("o"), "offer": {"sdp": sdp, "type": "offer"}});
        announce(&id("s"), &id("a"), &json!({"offers": [some_offers(1)[0], offer]}))
    };
    let answered = |sdp: &str| {
        let description = json!({"type": "answer", "sdp": sdp});
        let frame = answer(&id("s"), &id("a"), &id("b"), &id("o"));
        merged(frame, &json!({"answer": description}))
    };
    let read = |frame: Value, sdp_bytes| parse(Bytes::from(frame.to_string()), &limits(sdp_bytes));
    for sdp in ["x".repeat(100), "\r\n".repeat(25), "é".repeat(50), "\u{1}xxxx".repeat(10)] {
        for (field, frame) in [("offer", offered(&sdp)), ("answer", answered(&sdp))] {
            for unlimited in [100, 101, 0] {
                assert!(read(frame.clone(), unlimited).is_ok(), "{unlimited}: {frame}");
            }
            let refusal = read(frame, 99).expect_err("too long");
            assert_eq!(refusal.reason, Reason::SdpTooLong { field, bytes: 100, bound: 99 });
            assert!(refusal.info_hash.is_some());
        }
    }
    let refusal = read(offered(&"x".repeat(16_385)), Limits::default().sdp_bytes);
    let text = "the sdp of an offer has 16385 bytes, and 16384 is the limit";
    assert_eq!(refusal.expect_err("too long").reason.to_string(), text);
}

#[test]
fn offers_beyond_the_limit_are_checked_and_ignored_with_a_warning() {
    for (offers_per_announce, bound) in [(50, 50), (3, 3), (0, usize::MAX)] {
        let limits = Limits { offers_per_announce, ..without_pace().limits };
        let settings = Settings { max_offers: 1000, limits, ..without_pace() };
        let mut tracker = Tracker::with(settings, 1);
        tracker.populate(&id("s"), 70);
        for amount in [3, 4, 50, 51, 60] {
            let done = tracker.hear(99, &announce_offers(&id("s"), &id("me"), amount));
            assert_eq!(offers_in(&done).len(), amount.min(bound));
            let reply = reply(99, &id("s"), 0, 71);
            let expected = if amount > bound {
                warned(reply, Warning::TooManyOffers { amount, bound })
            } else {
                reply
            };
            assert_eq!(done[0], expected, "{amount} of {bound}");
        }
        let mut offers = some_offers(60);
        offers[59] = json!(null);
        let frame = announce(&id("s"), &id("me"), &json!({"numwant": 60, "offers": offers}));
        assert_eq!(tracker.hear(99, &frame), [refusal(99, &id("s"), Reason::BadOffers)]);
    }
    let text = "offers has 60 elements, and 50 is the limit: the rest was ignored";
    assert_eq!(Warning::TooManyOffers { amount: 60, bound: 50 }.to_string(), text);
}

/// A warning about what was not relayed at all goes before one about a part of it.
#[test]
fn of_two_warnings_the_weightier_is_said() {
    let mut tracker = Tracker::with(Settings::default(), 1);
    tracker.hear(1, &announce_offers(&id("s"), &id("me"), 1));
    let done = tracker.hear(1, &announce_offers(&id("s"), &id("me"), 60));
    let warning = Warning::OffersTooEarly { early_s: 30, min_interval_s: 30 };
    assert_eq!(done, [warned(paced(reply(1, &id("s"), 0, 1), 30), warning)]);
}
