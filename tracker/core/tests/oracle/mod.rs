//! What another JSON parser reads in a frame, against what ours does with it. The damaged frames of
//! the parser's test go through here, and so do a fuzzer's inputs.

use bytes::Bytes;
use serde_json::Value;
use tracker_core::{
    Announce, Answer, Event, Incoming, Limits, Outgoing, Reason, Refusal, Scrape, parse,
};

use crate::support::text;

/// Whether the frame is accepted, after everything that may be relayed of it was compared.
pub(crate) fn check(frame: &Bytes, limits: &Limits) -> bool {
    let whole = serde_json::from_slice::<Value>(frame);
    let message = match parse(frame.clone(), limits) {
        Ok(message) => message,
        Err(refusal) => {
            check_refusal(frame, refusal, whole.as_ref());
            return false;
        }
    };
    let whole = match whole {
        Ok(whole) => whole,
        // JSON, but for a number that is larger than a 64-bit float; nobody relays those.
        Err(error) if error.to_string().contains("number out of range") => return true,
        Err(error) => panic!("accepted what is no JSON: {error}"),
    };
    match message {
        Incoming::Announce(announce) => check_announce(frame, limits, &announce, &whole),
        Incoming::Answer(answer) => check_answer(frame, &answer, &whole),
        Incoming::Scrape(scrape) => check_scrape(&scrape, &whole),
    }
    true
}

/// The reply is JSON, and its reason is true where another parser can tell.
fn check_refusal(frame: &Bytes, refusal: Refusal, whole: Result<&Value, &serde_json::Error>) {
    let Refusal { action, info_hash, reason } = refusal;
    let info_hash = info_hash.as_ref().map(|span| span.of(frame));
    let reply = value(Outgoing::Refusal { action, info_hash, reason }.to_string().as_bytes());
    assert_eq!(reply["failure reason"], reason.to_string());
    if let Some(info_hash) = info_hash {
        assert_eq!(string(info_hash), reply["info_hash"]);
    }
    match reason {
        Reason::NotUtf8 => assert!(std::str::from_utf8(frame).is_err()),
        // We take no escapes in names.
        Reason::Malformed { at } => {
            assert!(at <= frame.len());
            assert!(whole.is_err() || frame.contains(&b'\\'), "refused what is JSON");
        }
        Reason::NotAnObject => assert!(whole.map_or(true, |whole| !whole.is_object())),
        Reason::UnknownAction => {
            let known =
                |whole: &Value| whole["action"] == "announce" || whole["action"] == "scrape";
            assert!(whole.map_or(true, |whole| !known(whole) || frame.contains(&b'\\')));
        }
        _ => {}
    }
}

fn check_announce(frame: &Bytes, limits: &Limits, announce: &Announce, whole: &Value) {
    assert_eq!(whole["action"], "announce");
    assert_eq!(string(announce.info_hash_span.of(frame)), whole["info_hash"]);
    assert_eq!(text(&announce.info_hash.0), whole["info_hash"]);
    assert_eq!(string(announce.peer_id_span.of(frame)), whole["peer_id"]);
    assert_eq!(text(&announce.peer_id.0), whole["peer_id"]);
    let event = match announce.event {
        Event::Update => ["", "update", "paused"].as_slice(),
        Event::Started => &["started"],
        Event::Completed => &["completed"],
        Event::Stopped => &["stopped"],
    };
    assert!(event.contains(&whole["event"].as_str().unwrap_or_default()));
    let nothing_left = whole["left"].as_f64() == Some(0.0);
    assert_eq!(announce.seeder, nothing_left || announce.event == Event::Completed);
    let numwant = whole["numwant"].as_f64().unwrap_or_default();
    assert_eq!(announce.numwant, numwant as usize);

    let offers = whole["offers"].as_array().map_or(0, Vec::len);
    let bound = Some(limits.offers_per_announce).filter(|bound| *bound > 0).unwrap_or(usize::MAX);
    assert_eq!(announce.offers.len(), offers.min(bound));
    assert_eq!(announce.offers_ignored, offers - announce.offers.len());
    for (index, offered) in announce.offers.iter().enumerate() {
        let element = &whole["offers"][index];
        assert_eq!(value(offered.offer.of(frame)), element["offer"]);
        assert_eq!(string(offered.id_span.of(frame)), element["offer_id"]);
        assert_eq!(text(&offered.id.0), element["offer_id"]);
        assert_eq!(element["offer"]["type"], "offer");
        assert!(element["offer"]["sdp"].is_string());
        let message = Outgoing::Offer {
            info_hash: announce.info_hash_span.of(frame),
            peer_id: announce.peer_id_span.of(frame),
            offer_id: offered.id_span.of(frame),
            offer: offered.offer.of(frame),
        };
        assert_eq!(value(message.to_string().as_bytes())["offer"], element["offer"]);
    }
}

fn check_answer(frame: &Bytes, answer: &Answer, whole: &Value) {
    assert_eq!(whole["action"], "announce");
    assert_eq!(string(answer.info_hash_span.of(frame)), whole["info_hash"]);
    assert_eq!(string(answer.peer_id_span.of(frame)), whole["peer_id"]);
    assert_eq!(string(answer.offer_id_span.of(frame)), whole["offer_id"]);
    assert_eq!(text(&answer.to_peer_id.0), whole["to_peer_id"]);
    assert_eq!(value(answer.answer.of(frame)), whole["answer"]);
    assert_eq!(whole["answer"]["type"], "answer");
    assert!(whole["answer"]["sdp"].is_string());
}

fn check_scrape(scrape: &Scrape, whole: &Value) {
    assert_eq!(whole["action"], "scrape");
    let Scrape::Swarms(info_hashes) = scrape else {
        assert!(whole["info_hash"].is_null());
        return;
    };
    let names = info_hashes.iter().map(|hash| text(&hash.0));
    let asked = &whole["info_hash"];
    let one = std::slice::from_ref(asked);
    let asked = asked.as_array().map_or(one, Vec::as_slice);
    assert!(names.eq(asked.iter().map(|hash| hash.as_str().expect("a string"))));
}

fn value(raw: &[u8]) -> Value {
    serde_json::from_slice(raw).expect("what is relayed is JSON")
}

/// The inside of a string, as it would stand in a message.
fn string(raw: &[u8]) -> Value {
    value(&[b"\"", raw, b"\""].concat())
}
