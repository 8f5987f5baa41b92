//! What is refused, and why: the reason names field, value and bound, the socket stays, and nothing
//! of the message goes to anybody.

use serde_json::{Value, json};

use crate::mistakes::refused;
use crate::support::{Server, announce, answer, id, offer};

#[test]
fn messages_that_are_none_are_refused_and_the_socket_stays() {
    let server = Server::start();
    let mut client = server.client();
    client.announce("film", "ann");
    let with_offers = |offers: Value| announce("film", "ann", &json!({"offers": offers}));
    for message in [
        "[]".to_owned(),
        "\"announce\"".to_owned(),
        String::new(),
        "{".to_owned(),
        "{}".to_owned(),
        r#"{"action":"conquer"}"#.to_owned(),
        r#"{"action":"announce"}"#.to_owned(),
        with_offers(json!({})).to_string(),
        with_offers(json!([[]])).to_string(),
        format!("{{\"action\":{}", "{\"a\":".repeat(10_000)),
    ] {
        refused(&mut client, &message);
    }
    assert_eq!(client.announce("film", "ann")["incomplete"], 1);
}

#[test]
fn what_asks_for_too_much_is_refused_by_field_value_and_bound() {
    let server = Server::start();
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    ben.announce_with("film", "ben", &json!({"offers": [offer("o", &"x".repeat(16_384))]}));
    let heard = ann.hear();
    assert_eq!(heard["offer"]["sdp"].as_str().map(str::len), Some(16_384), "as long as it may be");

    let offers = json!({"offers": [offer("o", "sdp"), offer("p", &"x".repeat(16_385))]});
    let too_deep = format!(r#"{{"action":"announce","x":{}1{}}}"#, "[".repeat(16), "]".repeat(16));
    for (message, value, bound) in [
        (announce("film", "ann", &offers).to_string(), "sdp of an offer has 16385", "16384"),
        (answer("ann", &heard, &"é".repeat(8193)).to_string(), "an answer has 16386", "16384"),
        (too_deep, "nests deeper", "16 levels"),
    ] {
        let reason = refused(&mut ann, &message)["failure reason"].to_string();
        assert!(reason.contains(value) && reason.contains(bound), "{reason}");
    }
    // Nothing of it went to anybody, and the right answer is still waited for.
    assert_eq!(ben.fence("film"), [] as [Value; 0]);
    ann.say(&answer("ann", &heard, "sdp"));
    assert_eq!(ben.hear()["answer"]["sdp"], "sdp");
}

#[test]
fn offers_beyond_fifty_are_ignored_with_a_warning() {
    let server = Server::start();
    let mut client = server.client();
    let offers: Vec<Value> = (0..51).map(|n| offer(&format!("o{n}"), "sdp")).collect();
    let reply = client.announce_with("film", "ann", &json!({"offers": offers}));
    let warning = reply["warning message"].as_str().expect("a warning");
    assert!(warning.contains("offers has 51 elements, and 50 is the limit"), "{warning}");
    assert_eq!(reply["incomplete"], 1);
}

#[test]
fn a_refusal_names_the_swarm_that_it_is_about() {
    let server = Server::start();
    let mut client = server.client();
    let message = announce("film", "ann", &json!({"event": "exploded"}));
    assert_eq!(refused(&mut client, &message.to_string())["info_hash"], id("film"));
}
