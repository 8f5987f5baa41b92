//! A swarm is one swarm, whichever worker accepted its sockets and however many come at once.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::sync::Barrier;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::support::{Client, Raw, Server, announce, answer, frame, id, offer, seed};

#[test]
fn sockets_of_one_swarm_end_on_one_worker() {
    let server = Server::start();
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        let reply = client.announce("film", &format!("peer{n}"));
        assert_eq!(reply["incomplete"], n + 1);
    }
    let stats = server.stats();
    let relocated = stats["relocated"].as_u64().expect("a count");
    // The accepting thread spreads sockets evenly, so half of them are on the other worker.
    assert!((5..=15).contains(&relocated), "{stats}");
    assert_eq!(stats["torrentsCount"], 1);
    assert_eq!(stats["peersCount"], 20);
    assert_eq!(stats["servers"][0]["webSocketsCount"], 20);
}

/// In a round of many announces the offers go to some of a large swarm at a time; what comes alone
/// must reach all of it.
#[test]
fn announces_one_by_one_offer_to_anybody() {
    const MEMBERS: usize = 600;
    let server = Server::without_pace();
    let mut clients: Vec<Client> = (0..MEMBERS).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.announce("film", &format!("peer{n}"));
    }
    let (announcer, others) = clients.split_first_mut().expect("a client");
    let offers: Vec<_> = (0..10).map(|n| offer(&format!("o{n}"), "v=0")).collect();
    for _ in 0..60 {
        announcer.announce_with("film", "peer0", &json!({"offers": offers, "numwant": 10}));
    }
    let reached = others.iter_mut().filter_map(|other| {
        other.fence("film").iter().any(|heard| heard.get("offer").is_some()).then_some(())
    });
    // Of 600 at random, 63 % of 599 get one; the members of a window would be 266 at most.
    let reached = reached.count();
    assert!((330..430).contains(&reached), "{reached} were offered something");
}

/// What peer `n` says in a row: twenty announces in "film" with an offer each, and `stopped`, whose
/// end is returned apart, so that it stays half said until the socket has moved.
pub(crate) fn talk(n: usize, sdp: &str) -> (Vec<u8>, Vec<u8>) {
    let said = |more: &Value| {
        frame(0x81, announce("film", &format!("peer{n}"), more).to_string().as_bytes())
    };
    let offers = |o| json!({"offers": [offer(&format!("o{n}.{o}"), sdp)]});
    let mut talk: Vec<u8> = (0..20).flat_map(|o| said(&offers(o))).collect();
    let mut last = said(&json!({"event": "stopped"}));
    let end = last.split_off(30);
    talk.extend(last);
    (talk, end)
}

/// All that peer `n` has said is answered, `sam` has its offers in order, and so it goes on.
pub(crate) fn assert_heard_in_order<S: Read + Write>(
    raw: &mut Raw<S>,
    sam: &mut Client<S>,
    n: usize,
    end: &[u8],
) {
    for _ in 0..20 {
        assert!(raw.hear_text().contains(r#""incomplete":2"#));
    }
    for o in 0..20 {
        assert_eq!(sam.hear()["offer_id"], id(&format!("o{n}.{o}")));
    }
    raw.write(end);
    assert!(raw.hear_text().contains(r#""incomplete":1"#));
}

#[test]
fn what_follows_the_first_announce_moves_along_in_order_and_none_is_lost() {
    let server = Server::without_pace();
    let mut sam = server.client();
    sam.announce("film", "sam");
    for n in 0..12 {
        let (talk, end) = talk(n, "sdp");
        let packet = [frame(0x81, b"garbage before"), talk].concat();
        let mut raw = server.raw().upgrade(&packet);
        assert!(raw.hear_text().contains("not valid JSON"));
        assert_heard_in_order(&mut raw, &mut sam, n, &end);
    }
    assert!(server.stats()["relocated"].as_u64() > Some(0));
}

#[test]
fn a_socket_that_leaves_one_swarm_for_another_hears_all_replies() {
    let server = Server::start();
    let mut holders: Vec<Client> = (0..8).map(|_| server.client()).collect();
    for (n, holder) in holders.iter_mut().enumerate() {
        holder.announce(&format!("s{n}"), "holder");
    }
    let mut raw = server.raw().upgrade(b"");
    let mut packet = Vec::new();
    for n in 0..8 {
        for event in ["started", "stopped"] {
            let message = announce(&format!("s{n}"), "zapper", &json!({"event": event}));
            packet.extend(frame(0x81, message.to_string().as_bytes()));
        }
    }
    raw.write(&packet);
    let mut heard = HashSet::new();
    while heard.len() < 16 {
        let reply: Value = serde_json::from_str(&raw.hear_text()).expect("JSON");
        let key = format!("{} {}", reply["info_hash"], reply["incomplete"]);
        assert!(heard.insert(key), "twice: {reply}");
    }
}

#[test]
fn one_socket_takes_part_in_swarms_of_both_workers() {
    let server = Server::start();
    let swarms: Vec<String> = (0..24).map(|n| format!("s{n}")).collect();
    let mut holders: Vec<Client> = swarms.iter().map(|_| server.client()).collect();
    for (holder, swarm) in holders.iter_mut().zip(&swarms) {
        holder.announce(swarm, "holder");
    }
    let mut roamer = server.client();
    for (holder, swarm) in holders.iter_mut().zip(&swarms) {
        // Offer and answer go both ways.
        let offers = json!({"offers": [offer("from roamer", swarm)]});
        assert_eq!(roamer.announce_with(swarm, "roamer", &offers)["incomplete"], 2);
        let heard = holder.hear();
        assert_eq!(heard["offer"]["sdp"], **swarm);
        holder.say(&answer("holder", &heard, "yes"));
        assert_eq!(roamer.hear()["answer"]["sdp"], "yes");

        holder.announce_with(swarm, "holder", &json!({"offers": [offer("from holder", swarm)]}));
        let heard = roamer.hear();
        assert_eq!(heard["offer_id"], id("from holder"));
        roamer.say(&answer("roamer", &heard, "no"));
        assert_eq!(holder.hear()["answer"]["sdp"], "no");
    }
    let hashes: Vec<String> = swarms.iter().map(|swarm| id(swarm)).collect();
    roamer.say(&json!({"action": "scrape", "info_hash": hashes}));
    let files = roamer.hear();
    assert_eq!(files["files"].as_object().map(serde_json::Map::len), Some(24));
    for hash in &hashes {
        assert_eq!(files["files"][hash]["incomplete"], 2, "{hash}");
    }
    drop(roamer);
    server.stats_until("left everywhere", |stats| stats["peersCount"] == 24);
    drop(holders);
    server.stats_until("empty", |stats| stats["torrentsCount"] == 0);
}

#[test]
fn many_swarms_spread_over_the_workers() {
    let server = Server::start();
    let mut clients: Vec<Client> = (0..60).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.announce(&format!("s{n}"), "peer");
    }
    // A socket accepted here with its swarm placed there moves; about half do if both are used.
    let relocated = server.stats()["relocated"].as_u64().expect("a count");
    assert!((12..=48).contains(&relocated), "{relocated} of 60");
}

#[test]
fn those_who_open_a_swarm_at_the_same_moment_are_in_one_swarm() {
    let server = Server::start();
    let mut clients: Vec<Client> = (0..24).map(|_| server.client()).collect();
    for round in 0..20 {
        let swarm = format!("round{round}");
        let start = Barrier::new(clients.len());
        std::thread::scope(|scope| {
            for (n, client) in clients.iter_mut().enumerate() {
                let (start, swarm) = (&start, &swarm);
                scope.spawn(move || {
                    start.wait();
                    client.announce(swarm, &format!("peer{n}"));
                });
            }
        });
        let reply = clients[0].announce(&swarm, "peer0");
        assert_eq!(reply["incomplete"], 24, "round {round}");
    }
}

/// What the socket says about the swarm goes there, and would overtake what went elsewhere: a
/// goodbye that overtakes an announce leaves a ghost.
#[test]
fn a_swarm_that_all_have_left_stays_with_its_worker_while_a_socket_remembers_it() {
    let round = || {
        let tracker = json!({"announceInterval": 2});
        let server = Server::with(&json!({"tracker": tracker, "metrics": {"port": 0}}));
        let mut first = server.client();
        first.announce("film", "first");
        let worker = worker_with_peers(&server);
        server.stats_until("forgotten", |stats| stats["torrentsCount"] == 0);
        let mut second = server.client();
        second.announce("film", "second");
        assert_eq!(worker_with_peers(&server), worker, "the swarm has moved");
        assert_eq!(first.announce("film", "first")["incomplete"], 2);
        drop((first, second));
        server.stats_until("empty", |stats| stats["torrentsCount"] == 0);
    };
    // The first one's worker is the more loaded one, which a swarm that is new is placed on in one
    // of four cases.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(round);
        }
    });
}

fn worker_with_peers(server: &Server) -> usize {
    let seen = server.metrics();
    let peers = [0, 1].map(|worker| seen[&format!("tracker_peers{{worker=\"{worker}\"}}")]);
    peers.iter().position(|&peers| peers == 1.0).unwrap_or_else(|| panic!("{peers:?}"))
}

#[test]
fn swarms_that_empty_and_open_again_neither_split_nor_linger() {
    let server = Server::without_pace();
    let seed = seed();
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let server = &server;
            scope.spawn(move || {
                let mut rng = StdRng::seed_from_u64(seed ^ thread);
                let mut client = server.client();
                let peer = format!("peer{thread}");
                for _ in 0..300 {
                    let swarm = format!("s{}", rng.random_range(0..3));
                    let event = ["started", "stopped"][rng.random_range(0..2)];
                    match rng.random_range(0..20) {
                        0 => client = server.client(),
                        _ => drop(client.announce_with(&swarm, &peer, &json!({"event": event}))),
                    }
                }
                for n in 0..3 {
                    let swarm = format!("s{n}");
                    client.announce_with(&swarm, &peer, &json!({"event": "started"}));
                }
                drop(client);
            });
        }
    });
    server.stats_until("empty", |stats| stats["torrentsCount"] == 0 && stats["peersCount"] == 0);
    // And nobody is alone in a swarm that others are in.
    let mut clients: Vec<Client> = (0..8).map(|_| server.client()).collect();
    for n in 0..3 {
        for (count, client) in clients.iter_mut().enumerate() {
            let reply = client.announce(&format!("s{n}"), &format!("new{count}"));
            assert_eq!(reply["incomplete"], count + 1);
        }
    }
}
