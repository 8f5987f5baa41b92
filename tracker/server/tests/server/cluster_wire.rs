//! What nodes say to each other, byte by byte: releases that differ have to understand it, and what
//! makes no sense has to hurt nobody.

use serde_json::{Value, json};

use crate::support::nats::{Foreigner, Nats, hello, inbox, meet, next, record};
use crate::support::{Server, answer, id, offer, until};

/// What the swarm's digests are said in, from its name: FNV-1a, folded to a byte.
fn digests_of(swarm: &str) -> String {
    let hash = id(swarm).bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let bucket = hash.to_le_bytes().into_iter().fold(0, |folded, byte| folded ^ byte);
    format!("tracker.digests.{bucket:02x}")
}

/// The bytes on the wire: what another release has to say, and to understand.
#[test]
fn a_node_of_another_release_is_understood_by_what_it_says_first() {
    let nats = Nats::start();
    let a = nats.node("a");
    let mut later = Foreigner::connect(&nats);
    later.subscribe(&digests_of("film"));
    let mut anna = a.client();
    anna.announce("film", "anna");
    // It hears the swarm's digests before it says its own.
    later.hear_record(3);
    later.unsubscribe();
    later.join(&a, "z");
    later.subscribe(&inbox(later.own));
    // What it adds to what we know, and a kind that we don't know.
    let greeting = record(1, &[&[1], b"z", &[2, 0xe8, 0x07, 1], b"and more"]);
    later.say("tracker.presence", &[record(99, &[b"?"]), greeting]);
    let (node, said) = later.hear_record(1);
    assert_eq!(said[..2], [1, b'a']);

    // "film" opens over there, on its worker 1: it is told how many members there are here.
    let film = id("film");
    let digest = record(3, &[&[1, 0], film.as_bytes(), &[0, 1, 1], b"and more"]);
    later.say(&digests_of("film"), &[digest]);
    let (_, said) = later.hear_record(3);
    assert!(said[0] < 2, "a worker of this node's");
    assert_eq!(said[1], 2, "for worker 1, which is 2 on the wire");
    assert_eq!(said[2..], [film.as_bytes(), &[0, 1, 0]].concat(), "one member, not opening");

    // It offers, and is answered.
    let worker = said[0];
    let sdp = br#"{"type":"offer","sdp":"v=0"}"#;
    let (peer, offered, token) = (id("zoe"), id("offer"), [1, 2, 3, 4, 5, 6, 7, 8]);
    let offer = record(
        4,
        &[
            &[1, worker + 1],
            film.as_bytes(),
            peer.as_bytes(),
            offered.as_bytes(),
            &token,
            &[sdp.len() as u8],
            sdp,
        ],
    );
    later.say(&inbox(node), &[offer]);
    let heard = next(&mut anna, "offer");
    assert_eq!((&heard["peer_id"], &heard["offer"]["sdp"]), (&json!(peer), &json!("v=0")));
    anna.say(&answer("anna", &heard, "yes"));
    let (_, said) = later.hear_record(5);
    assert_eq!(said[..2], [worker, 2]);
    let ids = [&film, &id("anna"), &peer, &offered].map(|id| id.as_bytes()).concat();
    assert_eq!(said[2..82], ids);
    assert_eq!(said[82..90], token);
    let answer: Value = serde_json::from_slice(&said[91..]).expect("JSON");
    assert_eq!(answer, json!({"type": "answer", "sdp": "yes"}));
    assert_eq!(dropped(&a, "unknown"), 1.0);
}

/// Messages may come twice, late, or from somebody who has not been asked.
#[test]
fn an_answer_is_passed_on_once_and_only_with_what_the_offer_brought() {
    let nats = Nats::start();
    let a = nats.node("a");
    let mut other = Foreigner::connect(&nats);
    other.subscribe(&digests_of("film"));
    let (mut anna, film) = (a.client(), id("film"));
    anna.announce("film", "anna");
    // It hears the swarm's digests before it says its own.
    other.hear_record(3);
    other.unsubscribe();
    other.join(&a, "z");
    other.subscribe(&inbox(other.own));
    let digest = record(3, &[&[0, 0], film.as_bytes(), &[0, 1, 1]]);
    other.say(&digests_of("film"), &[digest]);
    let (node, _) = other.hear_record(3);
    anna.announce_with("film", "anna", &json!({"offers": [offer("an offer", "v=0")]}));
    let (_, said) = other.hear_record(4);
    let (from, token) = (said[0], &said[62..70]);
    assert_eq!(said[2..62], [&film, &id("anna"), &id("an offer")].map(|id| id.as_bytes()).concat());
    let answer = |token: &[u8], sdp: &str| {
        let sdp = json!({"type": "answer", "sdp": sdp}).to_string();
        let ids = [&film, &id("zoe"), &id("anna"), &id("an offer")];
        let ids = ids.map(|id| id.as_bytes()).concat();
        record(5, &[&[0, from + 1], &ids, token, &[sdp.len() as u8], sdp.as_bytes()])
    };
    let forged: Vec<u8> = token.iter().map(|byte| byte ^ 1).collect();
    let said = [answer(&forged, "forged"), answer(token, "first"), answer(token, "second")];
    other.say(&inbox(node), &said);
    assert_eq!(next(&mut anna, "answer")["answer"]["sdp"], "first");
    a.metrics_until("counted", |seen| {
        seen["tracker_crossed_total{kind=\"answer_relayed\"}"] == 1.0
            && seen["tracker_crossed_total{kind=\"answer_dropped\"}"] == 2.0
    });
    assert!(anna.fence("film").iter().all(|heard| heard.get("answer").is_none()));
}

fn dropped(node: &Server, reason: &str) -> f64 {
    node.metrics()[&format!("tracker_cluster_dropped_total{{reason=\"{reason}\"}}")]
}

#[test]
fn what_makes_no_sense_is_counted_and_hurts_nobody() {
    let nats = Nats::start();
    let a = nats.node("a");
    a.metrics_until("with NATS", |seen| seen["tracker_cluster_connected"] == 1.0);
    let mut anna = a.client();
    anna.announce("film", "anna");
    let mut foreigner = Foreigner::connect(&nats);
    let film = id("film");
    let offer = |offer: &[u8]| {
        let ids = [film.as_bytes(), &[b'z'; 40], &[1; 8]].concat();
        record(4, &[&[0, 0], &ids, &[offer.len() as u8], offer])
    };
    let to = digests_of("film");
    let strangers = || {
        foreigner.say(&to, &[offer(br#"{"type":"offer","sdp":"v=0"}"#)]);
        dropped(&a, "stranger")
    };
    until("heard by a node that has film", strangers, |count| *count > 0.0);
    foreigner.join(&a, "b");
    let before = dropped(&a, "malformed");
    for nonsense in [
        &[][..],
        &[1],
        &[1, 2, 3, 4, 5, 6, 7, 8],
        &[&[1][..], &foreigner.own, &[3, 255, 255, 255, 255]].concat(),
    ] {
        foreigner.publish(&to, nonsense);
    }
    foreigner.publish(&to, &[9; 20]);
    // What would break the message that it is put into, in a browser.
    foreigner.say(&to, &[offer(br#"{"sdp":"v=0"},"action":{}"#)]);
    foreigner.say(&to, &[offer(b"\"no object\"")]);
    // It has said that it has two workers.
    foreigner.say(&to, &[record(3, &[&[2, 0], film.as_bytes(), &[0, 1, 0]])]);
    until("counted", || dropped(&a, "malformed") - before, |count| *count == 7.0);
    assert_eq!(dropped(&a, "version"), 1.0);
    // Coming and going makes all shards look at all their swarms: once a message.
    let greetings = [hello("b", false), record(2, &[]), hello("b", false)];
    foreigner.say("tracker.presence", &greetings);
    until("counted", || dropped(&a, "malformed") - before, |count| *count == 9.0);
    let mut bob = a.client();
    meet(&mut bob, "bob", &mut anna, "anna", "film");
}
