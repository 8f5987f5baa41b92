//! Nodes that a real nats-server lets hear of each other: viewers meet whichever node they are on,
//! and whatever fails, each node goes on serving its own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::nats::{Foreigner, Nats, knows, record};
use crate::support::program::Program;
use crate::support::tls::{Files, Identity};
use crate::support::{Client, Server, answer, id, offer, until};

/// The digest interval of these nodes.
const DIGEST: Duration = Duration::from_secs(1);

/// Two nodes that know each other.
fn two(nats: &Nats) -> (Server, Server) {
    let (a, b) = (nats.node("a"), nats.node("b"));
    knows(&a, 1);
    knows(&b, 1);
    (a, b)
}

/// How many members a swarm has, as a node knows it.
fn count(client: &mut Client, swarm: &str) -> u64 {
    client.say(&json!({"action": "scrape", "info_hash": id(swarm)}));
    loop {
        let heard = client.hear();
        if heard["action"] == "scrape" {
            return heard["files"][id(swarm)]["incomplete"].as_u64().expect("a count");
        }
    }
}

fn count_until(client: &mut Client, swarm: &str, members: u64) {
    until("counted", || count(client, swarm), |count| *count == members);
}

/// Announces with one offer, and does what the other needs to answer it.
fn meet(announcer: &mut Client, name: &str, other: &mut Client, other_name: &str, swarm: &str) {
    announcer.announce_with(swarm, name, &json!({"offers": [offer("an offer", name)]}));
    let heard = next(other, "offer");
    assert_eq!(heard["offer"]["sdp"], name);
    assert_eq!(heard["peer_id"], id(name));
    assert_eq!(heard["info_hash"], id(swarm));
    other.say(&answer(other_name, &heard, "yes"));
    let heard = next(announcer, "answer");
    assert_eq!(heard["answer"]["sdp"], "yes");
    assert_eq!(heard["peer_id"], id(other_name));
    assert_eq!(heard["offer_id"], id("an offer"));
}

/// The next offer or answer.
fn next(client: &mut Client, what: &str) -> Value {
    loop {
        let heard = client.hear();
        if heard.get(what).is_some() {
            return heard;
        }
    }
}

#[test]
fn a_swarm_of_two_one_on_each_node_meets_within_one_announce() {
    let nats = Nats::start();
    let (a, b) = two(&nats);
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
    meet(&mut anna, "anna", &mut bob, "bob", "film");
}

#[test]
fn both_nodes_count_all_members_and_those_who_leave_no_more() {
    let nats = Nats::start();
    let (a, b) = two(&nats);
    let mut here: Vec<_> = (0..5).map(|_| a.client()).collect();
    let mut there: Vec<_> = (0..7).map(|_| b.client()).collect();
    for (n, client) in here.iter_mut().chain(&mut there).enumerate() {
        client.announce("film", &format!("peer{n}"));
    }
    count_until(&mut here[0], "film", 12);
    count_until(&mut there[0], "film", 12);
    assert_eq!(here[1].announce("film", "peer1")["incomplete"], 12);
    there.truncate(1);
    count_until(&mut here[0], "film", 6);
    drop(there);
    count_until(&mut here[0], "film", 5);
}

#[test]
fn what_a_node_says_of_its_swarms_is_heard_by_those_that_have_them() {
    let nats = Nats::start();
    let (a, b) = two(&nats);
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    bob.announce("another", "bob");
    count_until(&mut anna, "another", 0);
    meet(&mut bob, "bob", &mut anna, "anna", "film");
    for node in [&a, &b] {
        let seen = node.metrics();
        for reason in ["malformed", "unknown", "stranger", "version", "overrun"] {
            let dropped = format!("tracker_cluster_dropped_total{{reason=\"{reason}\"}}");
            assert_eq!(seen[&dropped], 0.0, "{reason}");
        }
        assert_eq!(seen["tracker_undelivered_total"], 0.0);
    }
}

#[test]
fn a_node_without_nats_serves_its_own_viewers_and_finds_the_others_when_it_comes() {
    let mut nats = Nats::stopped();
    let (a, b) = (nats.node("a"), nats.node("b"));
    let (mut anna, mut ada, mut bob) = (a.client(), a.client(), b.client());
    anna.announce("film", "anna");
    meet(&mut ada, "ada", &mut anna, "anna", "film");
    bob.announce("film", "bob");
    assert_eq!(a.metrics()["tracker_cluster_connected"], 0.0);
    nats.begin();
    knows(&a, 1);
    knows(&b, 1);
    count_until(&mut bob, "film", 3);
    count_until(&mut anna, "film", 3);
    let mut ben = b.client();
    ben.announce_with("film", "ben", &json!({"event": "started"}));
    assert_eq!(ben.announce("film", "ben")["incomplete"], 4);
}

#[test]
fn nats_killed_and_started_again_costs_no_local_relay_and_sharing_goes_on_within_ten_seconds() {
    let mut nats = Nats::start();
    let (a, b) = two(&nats);
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");

    nats.kill();
    a.metrics_until("without NATS", |seen| seen["tracker_cluster_connected"] == 0.0);
    let (mut ada, mut abel) = (a.client(), a.client());
    ada.announce("local", "ada");
    for _ in 0..20 {
        meet(&mut abel, "abel", &mut ada, "ada", "local");
    }
    // Those who are silent for three digests are not counted, and nobody was hung up on.
    count_until(&mut anna, "film", 1);
    a.metrics_until("alone", |seen| seen["tracker_cluster_nodes"] == 0.0);

    nats.begin();
    let began = Instant::now();
    count_until(&mut anna, "film", 2);
    count_until(&mut bob, "film", 2);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    meet(&mut anna, "anna", &mut bob, "bob", "film");
}

#[test]
fn a_nats_that_stands_still_holds_up_nobody_and_sharing_goes_on_with_it() {
    let nats = Nats::start();
    let (a, b) = two(&nats);
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
    nats.send("STOP");
    let (mut ada, mut abel) = (a.client(), a.client());
    ada.announce("local", "ada");
    for _ in 0..50 {
        meet(&mut abel, "abel", &mut ada, "ada", "local");
    }
    count_until(&mut anna, "film", 1);
    nats.send("CONT");
    count_until(&mut anna, "film", 2);
    meet(&mut anna, "anna", &mut bob, "bob", "film");
}

#[test]
fn the_members_of_a_node_that_crashes_are_gone_within_three_digests_and_nobody_else_is() {
    let nats = Nats::start();
    let a = nats.node("a");
    let mut b = Program::start(&{
        let mut sections = nats.sections("b");
        sections["servers"] = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
        sections
    });
    knows(&a, 1);
    let (mut anna, mut bob) = (a.client(), Client::connect(b.address(), "/"));
    anna.announce("film", "anna");
    bob.announce("film", "bob");
    count_until(&mut anna, "film", 2);
    let began = Instant::now();
    b.signal("KILL");
    count_until(&mut anna, "film", 1);
    // It may have said the last one an interval ago or just now; the clock ticks once a second.
    assert!(began.elapsed() < DIGEST * 3 + Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(a.stats()["peersCount"], 1);
    let mut ada = a.client();
    meet(&mut ada, "ada", &mut anna, "anna", "film");
}

#[test]
fn the_members_of_a_node_that_stops_are_gone_at_once() {
    let nats = Nats::start();
    let (a, b) = two(&nats);
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    bob.announce("film", "bob");
    count_until(&mut anna, "film", 2);
    b.stop();
    knows(&a, 0);
    count_until(&mut anna, "film", 1);
}

#[test]
fn a_node_that_starts_again_under_its_name_takes_the_place_of_its_last_run() {
    let nats = Nats::start();
    let a = nats.node("a");
    let mut foreigner = Foreigner::connect(&nats);
    foreigner.join(&a, "b");
    let _b = nats.node("b");
    a.metrics_until("counted", |seen| {
        seen["tracker_cluster_nodes"] == 1.0 && seen["tracker_cluster_twins_total"] == 0.0
    });
}

#[test]
fn two_nodes_of_one_name_share_all_the_same_and_are_told_of() {
    let nats = Nats::start();
    let (a, twin) = (nats.node("a"), nats.node("a"));
    for node in [&a, &twin] {
        node.metrics_until("told", |seen| seen["tracker_cluster_twins_total"] >= 1.0);
        knows(node, 1);
    }
    let (mut anna, mut bob) = (a.client(), twin.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
}

/// What the swarm's digests are said in, from its name: FNV-1a, folded to a byte.
fn digests_of(swarm: &str) -> String {
    let hash = id(swarm).bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let bucket = hash.to_le_bytes().into_iter().fold(0, |folded, byte| folded ^ byte);
    format!("tracker.digests.{bucket:02x}")
}

fn inbox(node: [u8; 8]) -> String {
    format!("tracker.node.{:016x}", u64::from_le_bytes(node))
}

/// The bytes on the wire: what another release has to say, and to understand.
#[test]
fn a_node_of_another_release_is_understood_by_what_it_says_first() {
    let nats = Nats::start();
    let a = nats.node("a");
    let mut anna = a.client();
    anna.announce("film", "anna");
    let mut later = Foreigner::connect(&nats);
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
    until("counted", || dropped(&a, "malformed") - before, |count| *count == 6.0);
    assert_eq!(dropped(&a, "version"), 1.0);
    let mut bob = a.client();
    meet(&mut bob, "bob", &mut anna, "anna", "film");
}

#[test]
fn what_nats_does_not_take_is_dropped_and_the_oldest_first() {
    let mut nats = Nats::stopped();
    let a = nats.node_with("a", &json!({"queueBytes": 65536}));
    let mut anna = a.client();
    for n in 0..1500 {
        anna.announce_with(&format!("s{n}"), "anna", &json!({"event": "started"}));
        anna.announce_with(&format!("s{n}"), "anna", &json!({"event": "stopped"}));
    }
    let seen = a.metrics_until("full", |seen| {
        seen["tracker_cluster_dropped_total{reason=\"queue_full\"}"] > 0.0
    });
    assert!(seen["tracker_cluster_queue_bytes"] <= 65536.0);
    nats.begin();
    a.metrics_until("sent", |seen| seen["tracker_cluster_queue_bytes"] == 0.0);
}

#[test]
fn nats_lets_in_who_has_its_password_and_the_password_is_in_no_log() {
    let mut nats = Nats::with("authorization { user: tracker, password: \"correct-horse\" }\n");
    let good = nats.node_with("a", &json!({"user": "tracker", "password": "correct-horse"}));
    good.metrics_until("let in", |seen| seen["tracker_cluster_connected"] == 1.0);

    let mut sections = nats.sections("b");
    sections["servers"] = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    sections["cluster"]["user"] = json!("tracker");
    sections["cluster"]["password"] = json!("wrong-battery");
    sections["log"] = json!({"level": "trace"});
    let mut program = Program::start(&sections);
    let mut log = program.log();
    let told = log.by_ref().find(|line| line.contains("NATS is away")).expect("a line");
    assert!(told.to_lowercase().contains("authorization"), "{told}");
    program.send("TERM");
    for line in log {
        assert!(!line.contains("wrong-battery"), "{line}");
    }
    nats.kill();
}

#[test]
fn nats_lets_in_who_has_its_token() {
    let nats = Nats::with("authorization { token: \"s3cr3t\" }\n");
    let good = nats.node_with("a", &json!({"token": "s3cr3t"}));
    let bad = nats.node_with("b", &json!({"token": "another"}));
    good.metrics_until("let in", |seen| seen["tracker_cluster_connected"] == 1.0);
    assert_eq!(bad.metrics()["tracker_cluster_connected"], 0.0);
}

#[test]
fn nats_is_spoken_to_with_tls_and_only_if_it_can_be_trusted() {
    let identity = Identity::new();
    let files = Files::of(&identity);
    let tls =
        format!("tls {{ cert_file: {:?}, key_file: {:?} }}\n", files.certificate(), files.key());
    let nats = Nats::with(&tls);
    let servers = format!("tls://localhost:{}", nats.port);
    let trusting = json!({"servers": servers, "tls": {"caFile": files.certificate()}});
    let (a, b) = (nats.node_with("a", &trusting), nats.node_with("b", &trusting));
    knows(&a, 1);
    knows(&b, 1);
    let stranger = Files::of(&Identity::new());
    let suspicious = json!({"servers": servers, "tls": {"caFile": stranger.certificate()}});
    let c = nats.node_with("c", &suspicious);
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
    assert_eq!(c.metrics()["tracker_cluster_connected"], 0.0);
}
