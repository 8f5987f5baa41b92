//! What is refused when it is read, and how it is said. A row per way to be wrong; each refusal
//! carries the `action` and `info_hash` without which clients close or ignore it.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};
use support::{Did, Tracker, announce, answer, id, some_offers};
use tracker_core::limits::SCRAPE_HASHES_MAX;
use tracker_core::wire::{Action, Warning};
use tracker_core::{Incoming, Limits, Reason, Refusal, Scrape};

fn parse(frame: Bytes) -> Result<Incoming, Refusal> {
    tracker_core::parse(frame, &Limits::default())
}

fn reason(frame: &[u8]) -> Reason {
    match parse(Bytes::copy_from_slice(frame)) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(frame)),
        Err(refusal) => refusal.reason,
    }
}

fn reason_of(frame: &Value) -> Reason {
    reason(frame.to_string().as_bytes())
}

fn accepts(frame: &Value) -> Incoming {
    match parse(Bytes::from(frame.to_string())) {
        Ok(message) => message,
        Err(refusal) => panic!("{}: {frame}", refusal.reason),
    }
}

/// An announce with one field replaced, or taken out.
fn with(field: &str, value: Option<Value>) -> Value {
    replaced(announce(&id("s"), &id("a"), &json!({})), field, value)
}

fn replaced(mut frame: Value, field: &str, value: Option<Value>) -> Value {
    let members = frame.as_object_mut().expect("an object");
    match value {
        Some(value) => drop(members.insert(field.to_owned(), value)),
        None => drop(members.remove(field)),
    }
    frame
}

fn no_ids() -> Vec<Option<Value>> {
    let texts = ["", "short", "twenty-one characters", "aaaaaaaaaaaaaaaaaaaĀ", "🎬🎬🎬🎬🎬"];
    let values = texts.map(Value::from).into_iter().chain([json!(null), json!(7), json!({})]);
    values.map(Some).chain([None]).collect()
}

#[test]
fn bytes_that_are_no_utf8() {
    for bad in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
        let frame = [br#"{"action":"announce","x":""#, bad, br#""}"#].concat();
        assert_eq!(reason(&frame), Reason::NotUtf8, "{bad:?}");
    }
}

#[test]
fn text_that_is_no_json() {
    for (text, at) in [
        ("", 0),
        ("  ", 2),
        ("{", 1),
        ("}", 0),
        ("{}x", 2),
        ("{} {}", 3),
        ("nul", 0),
        ("NaN", 0),
        ("'a'", 0),
        ("\u{feff}{}", 0),
        (r#"{"a"}"#, 4),
        (r#"{"a":}"#, 5),
        (r#"{"a":1,}"#, 7),
        (r#"{"a":01}"#, 7),
        (r#"{"a":1.}"#, 7),
        (r#"{"a":[1,]}"#, 8),
        (r#"{"a":"\x"}"#, 6),
        (r#"{"a":"\u12g4"}"#, 6),
        (r#"{"a":"\u123"#, 6),
        ("{\"a\":\"\n\"}", 6),
        ("{\"a\":\"", 6),
        ("{a:1}", 1),
    ] {
        assert_eq!(reason(text.as_bytes()), Reason::Malformed { at }, "{text}");
    }
}

/// JavaScript reads half a surrogate pair and other languages' parsers do not, so whoever relayed
/// it would break those clients.
#[test]
fn half_a_surrogate_pair_is_malformed_and_a_whole_one_is_not() {
    for half in [r"\ud800", r"\udc00", r"\ud83ca", r"\ud83c\n", r"\ud83c\ud83c", r"\udfac\ud83c"] {
        let frame = format!(r#"{{"action":"announce","x":"{half}"}}"#);
        assert!(matches!(reason(frame.as_bytes()), Reason::Malformed { .. }), "{half}");
    }
    let frame = r#"{"action":"announce","x":"\ud83c\udfac\uD83C\uDFAC\u00e9"}"#;
    assert_eq!(reason(frame.as_bytes()), Reason::BadId("info_hash"), "but JSON");
}

/// `"t\u0079pe"` is `type` for a browser, so what was checked would not be what is read.
#[test]
fn a_name_with_an_escape_is_malformed() {
    for frame in [
        r#"{"\u0061ction":"announce"}"#,
        r#"{"offers":[{"offer":{"type":"offer","sdp":"","t\u0079pe":"answer"}}]}"#,
        r#"{"x":{"\n":1}}"#,
    ] {
        assert!(matches!(reason(frame.as_bytes()), Reason::Malformed { .. }), "{frame}");
    }
}

#[test]
fn json_that_is_no_object() {
    for text in ["null", "true", "7", "\"a\"", "[]", "[{}]", " null "] {
        assert_eq!(reason(text.as_bytes()), Reason::NotAnObject, "{text}");
    }
}

#[test]
fn actions_that_nobody_knows() {
    for action in
        [None, Some(json!(null)), Some(json!("")), Some(json!("Announce")), Some(json!(3))]
    {
        assert_eq!(reason_of(&with("action", action)), Reason::UnknownAction);
    }
}

#[test]
fn ids_that_are_none() {
    for bad in no_ids() {
        assert_eq!(reason_of(&with("info_hash", bad.clone())), Reason::BadId("info_hash"));
        assert_eq!(reason_of(&with("peer_id", bad.clone())), Reason::BadId("peer_id"));
        for field in ["info_hash", "peer_id", "to_peer_id", "offer_id"] {
            let frame =
                replaced(answer(&id("s"), &id("a"), &id("b"), &id("o")), field, bad.clone());
            assert_eq!(reason_of(&frame), Reason::BadId(field), "{frame}");
        }
        let offer = replaced(some_offers(1).remove(0), "offer_id", bad);
        assert_eq!(reason_of(&with("offers", Some(json!([offer])))), Reason::BadId("offer_id"));
    }
}

#[test]
fn numwants_that_are_no_count() {
    for bad in ["-1", "1.5", "\"5\"", "true", "[]", "{}", "-1e9", "1e999"] {
        let frame = announce(&id("s"), &id("a"), &json!({"numwant": "?"})).to_string();
        assert_eq!(reason(frame.replace("\"?\"", bad).as_bytes()), Reason::BadNumwant, "{bad}");
    }
    for (good, count) in [(json!(null), 0), (json!(0), 0), (json!(5), 5), (json!(1e2), 100)] {
        let Incoming::Announce(announce) = accepts(&with("numwant", Some(good))) else {
            panic!("an announce")
        };
        assert_eq!(announce.numwant, count);
    }
}

#[test]
fn lefts_that_are_no_number() {
    for bad in [json!("0"), json!(false), json!([]), json!({})] {
        assert_eq!(reason_of(&with("left", Some(bad))), Reason::BadLeft);
    }
}

#[test]
fn events_that_nobody_knows() {
    for bad in [json!("begun"), json!("STARTED"), json!(1), json!([]), json!(false)] {
        assert_eq!(reason_of(&with("event", Some(bad))), Reason::UnknownEvent);
    }
    for good in [json!(null), json!(""), json!("update"), json!("paused")] {
        accepts(&with("event", Some(good)));
    }
}

#[test]
fn offers_that_are_none() {
    let offer = |offer: Value| json!([{"offer_id": id("o"), "offer": offer}]);
    for bad in [
        json!(5),
        json!("offers"),
        json!({}),
        json!([null]),
        json!([[]]),
        json!([5]),
        offer(json!(null)),
        offer(json!("v=0")),
        offer(json!([])),
        offer(json!({})),
        offer(json!({"type": "offer"})),
        offer(json!({"sdp": "v=0"})),
        offer(json!({"type": "answer", "sdp": "v=0"})),
        offer(json!({"type": "offer", "sdp": null})),
        offer(json!({"type": null, "sdp": "v=0"})),
        json!([{"offer_id": id("o")}]),
    ] {
        assert_eq!(reason_of(&with("offers", Some(bad.clone()))), Reason::BadOffers, "{bad}");
    }
    for good in [json!(null), json!([]), json!(some_offers(20))] {
        accepts(&with("offers", Some(good)));
    }
}

#[test]
fn answers_that_are_none() {
    for bad in [
        json!("v=0"),
        json!(true),
        json!([]),
        json!({}),
        json!({"type": "answer"}),
        json!({"type": "offer", "sdp": "v=0"}),
        json!({"type": "answer", "sdp": {}}),
    ] {
        let frame = replaced(answer(&id("s"), &id("a"), &id("b"), &id("o")), "answer", Some(bad));
        assert_eq!(reason_of(&frame), Reason::BadAnswer, "{frame}");
    }
}

#[test]
fn a_scrape_names_what_it_asks_for() {
    let scrape = |hashes: Value| json!({"action": "scrape", "info_hash": hashes});
    for (everything, expected) in [
        (scrape(json!(7)), Reason::ScrapeOfEverything),
        (scrape(json!({})), Reason::ScrapeOfEverything),
        (scrape(json!("short")), Reason::BadId("info_hash")),
        (scrape(json!([id("s"), "short"])), Reason::BadId("info_hash")),
        (scrape(json!([id("s"), null])), Reason::BadId("each info_hash")),
        (scrape(json!(vec![id("s"); SCRAPE_HASHES_MAX + 1])), Reason::ScrapeTooLong),
    ] {
        assert_eq!(reason_of(&everything), expected);
    }
    for (asked, amount) in [(json!(id("s")), 1), (json!([]), 0), (json!(vec![id("s"); 100]), 100)] {
        let Incoming::Scrape(Scrape::Swarms(info_hashes)) = accepts(&scrape(asked)) else {
            panic!("a scrape of swarms")
        };
        assert_eq!(info_hashes.len(), amount);
    }
    for everything in [json!({"action": "scrape"}), scrape(json!(null))] {
        assert_eq!(accepts(&everything), Incoming::Scrape(Scrape::Everything));
    }
}

#[test]
fn a_scrape_says_the_sizes_of_the_swarms_that_it_names_and_of_no_other() {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), 3);
    tracker.populate(&id("secret"), 2);
    tracker.hear(1, &announce(&id("s"), &id("p1"), &json!({"event": "completed"})));
    let done = tracker.hear(9, &json!({"action": "scrape", "info_hash": [id("s"), id("t")]}));
    let files = json!({id("s"): {"complete": 1, "incomplete": 2, "downloaded": 1},
                       id("t"): {"complete": 0, "incomplete": 0, "downloaded": 0}});
    assert_eq!(done, [Did::Send(9, json!({"action": "scrape", "files": files}))]);
    assert_eq!(tracker.shard.swarms(), 2, "asking opens no swarm");
}

/// Clients spell the members of a message in any order.
#[test]
fn a_refusal_repeats_action_and_info_hash_wherever_they_stand() {
    for bad in [r#""offers":[null]"#, r#""answer":5"#, r#""info_hash":"ssss","offers":7"#] {
        for frame in [
            format!(r#"{{"info_hash":"ssss","action":"scrape",{bad}}}"#),
            format!(r#"{{{bad},"info_hash":"ssss","action":"scrape"}}"#),
        ] {
            let refusal = parse(Bytes::from(frame.clone())).expect_err(&frame);
            assert_eq!(refusal.action, Action::Scrape, "{frame}");
            let info_hash = refusal.info_hash.map(|span| span.of(frame.as_bytes()));
            assert_eq!(info_hash, Some(&b"ssss"[..]), "{frame}");
        }
    }
    // As far as it is JSON, and never what isn't text.
    let truncated = r#"{"info_hash":"ssss","action":"scrape","x":"#;
    let refusal = parse(Bytes::from(truncated)).expect_err("truncated");
    assert!(refusal.action == Action::Scrape && refusal.info_hash.is_some());
    let no_text = b"{\"info_hash\":\"\xff\"}";
    assert_eq!(parse(Bytes::from_static(no_text)).expect_err("no text").info_hash, None);
}

#[test]
fn of_two_members_with_one_name_the_last_counts() {
    let frame = announce(&id("s"), &id("a"), &json!({})).to_string();
    let doubled = |extra: &str| frame.replacen('{', &format!("{{{extra},"), 1);
    for extra in [r#""action":"scrape""#, r#""info_hash":[]"#, r#""peer_id":5"#] {
        assert!(parse(Bytes::from(doubled(extra))).is_ok(), "{extra}");
    }
    let offers = |list: &str| format!(r#"{},"offers":{list}}}"#, &frame[..frame.len() - 1]);
    let twice = offers(&format!(r#"{},"offers":null"#, json!(some_offers(3))));
    let Ok(Incoming::Announce(announce)) = parse(Bytes::from(twice)) else { panic!("valid") };
    assert_eq!(announce.offers, []);
}

#[test]
fn every_refusal_and_warning_is_json_that_quotes_nothing_of_the_sender() {
    let quoted = |text: String| {
        let read: String = serde_json::from_str(&format!("\"{text}\"")).expect("JSON inside");
        assert_eq!(read, text);
    };
    quoted(Warning::OffersTooEarly { early_s: 1, min_interval_s: 2 }.to_string());
    quoted(Warning::TooManyOffers { amount: 2, bound: 1 }.to_string());
    let mut labels = BTreeSet::new();
    for reason in every_reason() {
        quoted(reason.to_string());
        assert!(labels.insert(reason.label()), "two reasons under one label: {}", reason.label());
    }
    assert_eq!(labels.len(), Reason::LABELS.len(), "a label without a reason");
}

fn every_reason() -> [Reason; Reason::LABELS.len()] {
    use Reason::*;
    [
        NotUtf8,
        Malformed { at: usize::MAX },
        TooDeep { bound: 16 },
        NotAnObject,
        UnknownAction,
        BadId("peer_id"),
        BadNumwant,
        BadLeft,
        UnknownEvent,
        BadOffers,
        BadAnswer,
        SdpTooLong { field: "offer", bytes: 2, bound: 1 },
        ScrapeOfEverything,
        ScrapeTooLong,
        PeerIdTaken,
        NotAnnounced,
        ReceiverLeft,
        NoSuchOffer,
        TooEarly { early_s: u32::MAX, bound: u8::MAX },
        TooManySwarms { bound: 7 },
        TooManyPeerIds { bound: 7 },
        TooManySwarmsOpen { bound: 7 },
        TooManyMessages { bound: 7 },
        TooManyMessagesOfAddress { bound: 7 },
        NotAllowed,
        TokenExpired,
        NotInToken,
    ]
}
