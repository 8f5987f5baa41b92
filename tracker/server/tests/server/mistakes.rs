//! What other trackers get wrong, in the order of a table of what was measured of them: each of
//! its rows is a test here (`refusals.rs` has more of the kind). The answer is a refusal with a
//! reason, the socket stays, and nobody else notices.
//!
//! | Input | wt-tracker | aquatic_ws | bittorrent-tracker |
//! |---|---|---|---|
//! | message `null` | process dies | error | error |
//! | `offers:[null]` | close | error | process dies |
//! | 30,000 nested `[` (60 kB) | close | process aborts | error |
//! | answer to a peer that left | closes the answerer | drops | ignores |
//! | answer to no offer, or in another's name | relayed | refused | relayed |
//! | announce with another's peer_id | taken over | ignored | overwritten |
//! | `stopped` for another's peer_id | victim removed | ignored | victim removed |
//! | a socket with 2 peer ids | fine | closes | ghost peers |
//! | a reader that never reads, 60 MB | +5 MB | +4 MB | +60 MB |
//! | a handshake that never ends | closed after 10 s | open | open |
//! | scrape of everything, list in stats | allowed | refused | allowed |
//! | 20,000 swarms from one socket | accepted | accepted | accepted |
//! | IPv4 and IPv6 viewers of one stream | meet | never meet | meet |

use std::io::{Read, Write};
use std::net::{Ipv6Addr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::program::Program;
use crate::support::{
    Client, PATIENCE, Raw, Server, announce, answer, frame, http, id, offer, unpaced,
};

/// Sends a message, which must be refused; the refusal comes back.
pub(crate) fn refused(client: &mut Client, message: &str) -> Value {
    client.send(tungstenite::Message::text(message));
    let heard = client.hear();
    assert!(heard["failure reason"].is_string(), "{message}: {heard}");
    assert!(heard["action"].is_string(), "a client would close: {heard}");
    heard
}

/// A client that is in a swarm sends a message, which must be refused, and is still there.
fn refused_softly(message: &str) {
    let server = Server::start();
    let mut client = server.client();
    client.announce("film", "ann");
    refused(&mut client, message);
    assert_eq!(client.fence("film"), [] as [Value; 0]);
    assert_eq!(server.stats()["peersCount"], 1);
}

/// What a tracker is told that should serve as fast as a test can ask.
fn without_rates() -> Value {
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    unpaced(&json!({"servers": servers, "workers": 2}))
}

#[test]
fn a_message_of_null_is_refused() {
    refused_softly("null");
}

#[test]
fn an_offer_of_null_is_refused() {
    refused_softly(&announce("film", "ann", &json!({"offers": [null]})).to_string());
}

#[test]
fn brackets_nested_30000_deep_are_refused() {
    refused_softly(&"[".repeat(30_000));
    refused_softly(&["[".repeat(30_000), "]".repeat(30_000)].concat());
}

#[test]
fn an_answer_to_a_peer_that_left_is_refused_and_the_answerer_stays() {
    let server = Server::start();
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    ben.announce_with("film", "ben", &json!({"offers": [offer("o", "sdp")]}));
    let heard = ann.hear();
    ben.announce_with("film", "ben", &json!({"event": "stopped"}));
    ann.say(&answer("ann", &heard, "sdp"));
    assert_eq!(ann.hear()["failure reason"], "to_peer_id has left the swarm");
    assert_eq!(ann.announce("film", "ann")["incomplete"], 1);
}

#[test]
fn an_answer_without_its_offer_or_in_anothers_name_reaches_nobody() {
    let server = Server::start();
    let (mut ann, mut ben, mut eve) = (server.client(), server.client(), server.client());
    ann.announce("film", "ann");
    ben.announce_with("film", "ben", &json!({"offers": [offer("o", "sdp")]}));
    let heard = ann.hear();
    eve.announce("film", "eve");

    // Never made; made, but for somebody else; made, but answered in its receiver's name; and
    // from outside of the swarm.
    let mut never = heard.clone();
    never["offer_id"] = json!(id("never made"));
    let (mut clients, by_ann, by_eve) = ([ann, eve], 0, 1);
    for (who, peer, offer) in [
        (by_eve, "eve", &never),
        (by_ann, "ann", &never),
        (by_eve, "eve", &heard),
        (by_eve, "ann", &heard),
    ] {
        clients[who].say(&answer(peer, offer, "forged"));
        assert!(clients[who].hear()["failure reason"].is_string());
    }
    let [mut ann, _eve] = clients;
    let mut outsider = server.client();
    outsider.say(&answer("outsider", &heard, "forged"));
    assert!(outsider.hear()["failure reason"].is_string());

    assert_eq!(ben.fence("film"), [] as [Value; 0]);
    ann.say(&answer("ann", &heard, "genuine"));
    assert_eq!(ben.hear()["answer"]["sdp"], "genuine");
    ann.say(&answer("ann", &heard, "again"));
    assert!(ann.hear()["failure reason"].is_string(), "an offer is answered once");
}

#[test]
fn a_peer_id_of_another_socket_is_neither_taken_over_nor_removed() {
    let server = Server::start();
    let (mut ann, mut eve) = (server.client(), server.client());
    ann.announce("film", "ann");
    for event in ["started", "update", "completed", "stopped"] {
        eve.say(&announce("film", "ann", &json!({"event": event})));
        // The victim is asked whether it lives, and answers when it reads.
        let reply = loop {
            ann.fence("film");
            if let Some(heard) = eve.hear_now() {
                break heard;
            }
        };
        assert!(reply["failure reason"].is_string(), "{event}: {reply}");
    }
    eve.announce_with("film", "eve", &json!({"offers": [offer("o", "sdp")]}));
    let heard = ann.hear();
    assert_eq!(heard["offer_id"], id("o"), "the victim still gets the offers");
    ann.say(&answer("ann", &heard, "sdp"));
    assert_eq!(eve.hear()["answer"]["sdp"], "sdp");
    drop(eve);
    server.stats_until("only the victim", |stats| stats["peersCount"] == 1);
    assert_eq!(ann.announce("film", "ann")["incomplete"], 1);
}

#[test]
fn a_stop_of_anothers_peer_id_removes_nobody() {
    let server = Server::start();
    let (mut ann, mut eve) = (server.client(), server.client());
    ann.announce("film", "ann");
    eve.announce("film", "eve");
    let stop = announce("film", "ann", &json!({"event": "stopped"}));
    assert_eq!(refused(&mut eve, &stop.to_string())["info_hash"], id("film"));
    assert_eq!(server.stats()["peersCount"], 2);
    eve.announce_with("film", "eve", &json!({"offers": [offer("o", "sdp")]}));
    assert_eq!(ann.hear()["offer_id"], id("o"), "the victim is still met");
}

#[test]
fn a_socket_with_two_peer_ids_is_two_peers_until_it_closes() {
    let server = Server::start();
    let mut client = server.client();
    client.announce("film", "one");
    assert_eq!(client.announce("film", "two")["incomplete"], 2);
    assert_eq!(client.announce("series", "one")["incomplete"], 1);
    drop(client);
    server.stats_until("empty", |stats| stats["peersCount"] == 0 && stats["torrentsCount"] == 0);
}

#[test]
fn a_reader_that_never_reads_is_closed_with_bounded_memory_and_others_go_on() {
    const SDP_BYTES: usize = 15_000;
    // A process of its own: its memory is its own.
    let program = Program::start(&without_rates());
    let address = program.address();
    let stats = || -> Value {
        let request = "GET /stats.json HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        serde_json::from_str(&http(address, request).1).expect("JSON")
    };
    let memory = || stats()["memory"]["rss"].as_u64().expect("bytes");

    let mut deaf = Raw::connect(address).upgrade(b"");
    // As many peers as may each be offered a part of it at once.
    for n in 0..60 {
        deaf.say(&announce("film", &format!("deaf{n}"), &json!({})).to_string());
        assert!(deaf.hear_text().contains("interval"));
    }
    let mut shouter = Client::connect(address, "/");
    let sdp = "x".repeat(SDP_BYTES);
    let offers: Vec<Value> = (0..4).map(|n| offer(&format!("o{n}"), &sdp)).collect();
    let before = memory();
    let mut most = before;
    for n in 0..60_000_000 / (4 * SDP_BYTES) {
        shouter.announce_with("film", "shouter", &json!({"offers": offers}));
        if n % 64 == 0 {
            most = most.max(memory());
        }
    }
    assert!(most < before + 8_000_000, "{before} to {most} bytes");
    assert_eq!(shouter.announce("film", "shouter")["incomplete"], 1, "the deaf one is gone");
}

#[test]
fn a_handshake_that_never_ends_is_cut_off() {
    let server = Server::start();
    let mut silent = server.raw();
    let mut half = server.raw();
    half.write(b"GET / HTTP/1.1\r\nHost: test\r\n");
    // One that is never silent, and never comes to its end either.
    let mut slow = server.raw();
    slow.write(b"GET / HTTP/1.1\r\n");
    let began = Instant::now();
    while slow.socket.write_all(b"X: y\r\n").is_ok() {
        assert!(began.elapsed() < PATIENCE, "the slow one is still open");
        std::thread::sleep(Duration::from_millis(200));
    }
    for raw in [&mut silent, &mut half] {
        let mut rest = Vec::new();
        raw.socket.read_to_end(&mut rest).expect("an end within the time limit");
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"));
    }
}

#[test]
fn a_scrape_of_everything_is_refused_and_no_list_of_swarms_is_shown() {
    let server = Server::start();
    let mut client = server.client();
    client.announce("a secret stream", "ann");
    refused(&mut client, r#"{"action":"scrape"}"#);
    let hashes: Vec<String> = (0..101).map(|n| id(&format!("s{n}"))).collect();
    let message = json!({"action": "scrape", "info_hash": hashes}).to_string();
    assert_eq!(refused(&mut client, &message)["action"], "scrape");
    assert!(!server.stats().to_string().contains("secret"));
}

#[test]
fn of_20000_swarms_one_socket_opens_128() {
    const SWARMS: usize = 20_000;
    let server = Server::with(&without_rates());
    let mut raw = server.raw().upgrade(b"");
    let writer = raw.socket.try_clone().expect("a socket");
    let mut accepted = 0;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..SWARMS {
                let message = announce(&format!("s{n}"), "ann", &json!({})).to_string();
                (&writer).write_all(&frame(0x81, message.as_bytes())).expect("sent");
            }
        });
        for _ in 0..SWARMS {
            let heard: Value = serde_json::from_str(&raw.hear_text()).expect("JSON");
            match heard["failure reason"].as_str() {
                None => accepted += 1,
                Some(why) => assert!(why.contains("128"), "{why}"),
            }
        }
    });
    assert_eq!(accepted, 128);
    assert_eq!(server.stats()["torrentsCount"], 128);
}

#[test]
fn ipv4_and_ipv6_viewers_of_one_stream_meet() {
    if TcpListener::bind("[::1]:0").is_err() {
        // A machine without IPv6 has no such viewers.
        return;
    }
    let listener = json!({"server": {"port": 0, "host": "::"}});
    let server = Server::with(&json!({"servers": [listener]}));
    let port = server.address().port();
    let mut four = Client::connect(([127, 0, 0, 1], port).into(), "/");
    let mut six = Client::connect((Ipv6Addr::LOCALHOST, port).into(), "/");
    four.announce("film", "four");
    six.announce_with("film", "six", &json!({"offers": [offer("o", "sdp")]}));
    assert_eq!(four.hear()["peer_id"], id("six"));
}
