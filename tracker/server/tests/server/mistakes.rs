//! What clients get wrong and what attackers try, a test for each row of the protocol's table:
//! the answer is a refusal with a reason, the socket stays, and nobody else notices.

use serde_json::{Value, json};

use crate::support::{Client, Server, announce, answer, id, offer, unpaced};

fn refused(client: &mut Client, message: &str) -> Value {
    client.send(tungstenite::Message::text(message));
    let heard = client.hear();
    assert!(heard["failure reason"].is_string(), "{message}: {heard}");
    assert!(heard["action"].is_string(), "a client would close: {heard}");
    heard
}

#[test]
fn messages_that_killed_or_closed_elsewhere_are_refused_softly() {
    let server = Server::start();
    let mut client = server.client();
    client.announce("film", "ann");
    let with_offers = |offers: Value| announce("film", "ann", &json!({"offers": offers}));
    for message in [
        "null".to_owned(),
        "[]".to_owned(),
        "\"announce\"".to_owned(),
        String::new(),
        "{".to_owned(),
        "{}".to_owned(),
        r#"{"action":"conquer"}"#.to_owned(),
        r#"{"action":"announce"}"#.to_owned(),
        with_offers(json!([null])).to_string(),
        with_offers(json!({})).to_string(),
        with_offers(json!([[]])).to_string(),
        "[".repeat(30_000),
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
fn one_socket_opens_128_swarms_and_not_20000() {
    let server = Server::without_pace();
    let mut client = server.client();
    for n in 0..128 {
        assert_eq!(client.announce(&format!("s{n}"), "ann")["incomplete"], 1);
    }
    let reply = client.announce("one more", "ann");
    assert!(reply["failure reason"].as_str().is_some_and(|why| why.contains("128")));
    assert_eq!(server.stats()["torrentsCount"], 128);
    // Leaving one makes room for another.
    client.announce_with("s7", "ann", &json!({"event": "stopped"}));
    assert_eq!(client.announce("one more", "ann")["incomplete"], 1);
}

#[test]
fn a_page_that_never_says_stopped_may_go_on_to_new_swarms_once_old_ones_have_expired() {
    let server = Server::with(&unpaced(&json!({"tracker": {"announceInterval": 1}})));
    let mut client = server.client();
    for n in 0..128 {
        client.announce(&format!("s{n}"), "ann");
    }
    server.stats_until("expired", |stats| stats["peersCount"] == 0);
    assert_eq!(client.announce("one more", "ann")["incomplete"], 1);
}

#[test]
fn a_handshake_that_never_ends_is_cut_off() {
    use std::io::{Read, Write};
    let server = Server::start();
    let mut raw = server.raw();
    raw.write(b"GET / HTTP/1.1\r\nHost: test\r\n");
    let mut silent = server.raw();
    let mut rest = Vec::new();
    raw.socket.read_to_end(&mut rest).expect("an end within the time limit");
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"));
    silent.socket.read_to_end(&mut rest).expect("an end within the time limit");
    let _ = silent.socket.write(b"x");
}

#[test]
fn ipv4_and_ipv6_viewers_of_one_stream_meet() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        // A machine without IPv6 has no such viewers.
        return;
    }
    let listener = json!({"server": {"port": 0, "host": "::"}});
    let server = Server::with(&json!({"servers": [listener]}));
    let port = server.address().port();
    let mut four = Client::connect(([127, 0, 0, 1], port).into(), "/");
    let mut six = Client::connect((std::net::Ipv6Addr::LOCALHOST, port).into(), "/");
    four.announce("film", "four");
    six.announce_with("film", "six", &json!({"offers": [offer("o", "sdp")]}));
    assert_eq!(four.hear()["peer_id"], id("six"));
}
