//! Nodes that a real nats-server lets hear of each other: viewers meet whichever node they are on,
//! and whatever fails, each node goes on serving its own.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::feed::Feed;
use crate::support::nats::{Foreigner, Nats, count_until, knows, meet, two};
use crate::support::program::Program;
use crate::support::{Client, Server, announce, answer, offer, until};

/// The digest interval of the nodes.
const DIGEST: Duration = Duration::from_secs(1);

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

/// Many at once, in batches: none is lost, cut or sent to somebody else.
#[test]
fn what_crosses_arrives_and_so_does_its_answer() {
    const CLIENTS: usize = 30;
    const OFFERS: usize = 10;
    let nats = Nats::start();
    let node = |name| {
        let mut sections = nats.sections(name);
        sections["tracker"]["crossShare"] = json!(100);
        Server::with(&sections)
    };
    let (a, b) = (node("a"), node("b"));
    knows(&a, 1);
    knows(&b, 1);
    let sdp = |n: usize, o: usize| format!("{n}.{o} {}", "v=0 ".repeat(400));
    let mut clients: Vec<_> =
        (0..2 * CLIENTS).map(|n| if n < CLIENTS { a.client() } else { b.client() }).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.announce("film", &format!("peer{n}"));
    }
    for client in [0, CLIENTS] {
        count_until(&mut clients[client], "film", 2 * CLIENTS as u64);
    }
    for (n, client) in clients.iter_mut().enumerate() {
        let offers: Vec<_> = (0..OFFERS).map(|o| offer(&format!("{n}.{o}"), &sdp(n, o))).collect();
        client.say(&announce(
            "film",
            &format!("peer{n}"),
            &json!({"offers": offers, "numwant": OFFERS}),
        ));
    }
    let (mut offered, mut answered) = (HashSet::new(), HashSet::new());
    let all = 2 * CLIENTS * OFFERS;
    let look = || {
        for (n, client) in clients.iter_mut().enumerate() {
            for heard in client.fence("film") {
                if let Some(offer) = heard.get("offer") {
                    let from = heard["offer_id"].as_str().expect("an id").trim_end_matches('_');
                    let (peer, o) = from.split_once('.').expect("what it was called");
                    let (peer, o) = (peer.parse().expect("a peer"), o.parse().expect("an offer"));
                    assert_eq!(offer["sdp"], sdp(peer, o));
                    assert_ne!(peer < CLIENTS, n < CLIENTS, "it stayed on its node");
                    assert!(offered.insert(from.to_owned()), "{from} came twice");
                    client.say(&answer(&format!("peer{n}"), &heard, &sdp(peer, o)));
                } else if heard.get("answer").is_some() {
                    let id = heard["offer_id"].as_str().expect("an id").trim_end_matches('_');
                    let own = format!("{n}.");
                    let o = id.strip_prefix(&own).and_then(|o| o.parse().ok());
                    assert_eq!(heard["answer"]["sdp"], sdp(n, o.expect("an offer of its own")));
                    assert!(answered.insert(id.to_owned()), "{id} was answered twice");
                }
            }
        }
        (offered.len(), answered.len())
    };
    until("all of them", look, |counts| *counts == (all, all));
}

#[test]
fn the_dashboard_lists_the_other_nodes_and_what_they_carry() {
    let nats = Nats::start();
    let mut sections = nats.sections("a");
    sections["dashboard"] = json!({});
    let (a, b) = (Server::with(&sections), nats.node("b"));
    let mut feed = Feed::open(&a, &[]).expect("a feed");
    let mut bob = b.client();
    bob.announce("film", "bob");
    bob.announce("series", "bob");
    feed.until("the other node's viewer, in two swarms", |feed| {
        let node = &feed.survey["nodes"][0];
        node["name"] == "b" && node["connections"] == 1 && node["peers"] == 2
    });
    let node = &feed.survey["nodes"][0];
    assert_eq!(node["everySeconds"], DIGEST.as_secs());
    assert!(node["heardSecondsAgo"].as_u64() <= Some(3), "{node}");
    drop(b);
    feed.until("that it is gone", |feed| feed.survey["nodes"] == json!([]));
}

#[test]
fn the_dashboard_says_at_once_that_nats_is_away() {
    let mut nats = Nats::start();
    let mut sections = nats.sections("a");
    sections["dashboard"] = json!({});
    let a = Server::with(&sections);
    let mut feed = Feed::open(&a, &[]).expect("a feed");
    let is_well = |feed: &Feed| feed.tick["verdict"]["state"] == "well";
    feed.until("that all is well", is_well);
    nats.kill();
    feed.until("that it is alone", |feed| {
        feed.tick["verdict"]["reasons"][0]["alert"] == "TrackerAlone"
    });
    nats.begin();
    feed.until("that all is well again", is_well);
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
fn nodes_that_are_cut_in_two_share_on_their_side_and_come_together_again() {
    let (here, mut there, linking) = Nats::linked();
    let (a, b, c) = (here.node("a"), here.node("b"), there.node("c"));
    for node in [&a, &b, &c] {
        knows(node, 2);
    }
    let (mut anna, mut bob, mut carl) = (a.client(), b.client(), c.client());
    for (client, name) in [(&mut anna, "anna"), (&mut bob, "bob"), (&mut carl, "carl")] {
        client.announce("film", name);
    }
    count_until(&mut anna, "film", 3);

    there.restart_with("");
    knows(&a, 1);
    knows(&c, 0);
    c.metrics_until("with its NATS", |seen| seen["tracker_cluster_connected"] == 1.0);
    count_until(&mut anna, "film", 2);
    count_until(&mut carl, "film", 1);
    let (mut ada, mut cora) = (a.client(), c.client());
    meet(&mut cora, "cora", &mut carl, "carl", "film");
    ada.announce("another", "ada");
    meet(&mut bob, "bob", &mut ada, "ada", "another");

    there.restart_with(&linking);
    let began = Instant::now();
    for client in [&mut anna, &mut bob, &mut carl] {
        count_until(client, "film", 4);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
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
