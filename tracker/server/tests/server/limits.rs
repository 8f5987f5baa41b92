//! The section `limits`, a test for each: at the bound all is well, beyond it what the page on
//! operating says, and 0 is no limit. This machine is under no bound per IP, so clients of other
//! addresses come through it as a trusted proxy.

use std::io::Read;

use serde_json::{Value, json};

use crate::support::{Client, Server, announce, answer, frame, id, offer};

/// A tracker behind a proxy on this machine.
fn behind_a_proxy(limits: &Value) -> Server {
    limited_with(json!({"trustedProxies": ["127.0.0.1"], "limits": limits}))
}

fn limited(limits: &Value) -> Server {
    limited_with(json!({"limits": limits}))
}

/// Peers announce as often as the limits let them.
fn limited_with(mut sections: Value) -> Server {
    sections["tracker"] = json!({"minAnnounceInterval": 0});
    sections["metrics"] = json!({"port": 0});
    Server::with(&sections)
}

/// A client from `address`; the error holds the answer to a refused handshake.
fn try_from(server: &Server, address: &str) -> Result<Client, String> {
    try_forwarded(server, &[address])
}

fn try_forwarded(server: &Server, headers: &[&str]) -> Result<Client, String> {
    let headers: Vec<_> = headers.iter().map(|value| ("x-forwarded-for", *value)).collect();
    Client::try_with_headers(server.address(), "/", &headers)
}

fn from(server: &Server, address: &str) -> Client {
    try_from(server, address).expect(address)
}

fn assert_refused(client: Result<Client, String>, parts: &[&str]) {
    let why = client.err().expect("a refusal");
    for part in parts {
        assert!(why.contains(part), "no {part}: {why}");
    }
}

/// Why an announce, or what else was said, was refused.
fn reason(reply: &Value) -> &str {
    reply["failure reason"].as_str().unwrap_or_default()
}

#[test]
fn connections_in_all_are_bounded_and_a_closed_one_makes_room() {
    let server = limited(&json!({"connections": 3}));
    let mut open: Vec<_> = (0..3).map(|_| server.client()).collect();
    let refused = Client::try_connect(server.address(), "/", None);
    assert_refused(refused, &["503", "3 connections", "limits.connections"]);
    assert_eq!(server.get("/ready").0, "HTTP/1.1 503 Service Unavailable");
    open[0].announce("film", "ann");
    open.pop();
    server.stats_until("room", |stats| stats["servers"][0]["webSocketsCount"] == 2);
    open.push(server.client());
    let metrics = server.metrics();
    assert_eq!(metrics[r#"tracker_handshakes_refused_total{reason="full"}"#], 1.0);

    let server = limited(&json!({"connections": 0}));
    let open: Vec<_> = (0..20).map(|_| server.client()).collect();
    assert_eq!(server.get("/ready").0, "HTTP/1.1 200 OK");
    drop(open);
}

#[test]
fn of_two_bounds_of_all_connections_the_lower_one_is_told() {
    let websockets = json!({"maxConnections": 2});
    let listener = json!({"server": {"port": 0, "host": "127.0.0.1"}, "websockets": websockets});
    for (connections, key) in [(1, "limits.connections"), (9, "maxConnections")] {
        let limits = json!({"connections": connections});
        let server = limited_with(json!({"servers": [listener], "limits": limits}));
        let _open: Vec<_> = (0..connections.min(2)).map(|_| server.client()).collect();
        assert_refused(Client::try_connect(server.address(), "/", None), &["503", key]);
    }
}

#[test]
fn connections_of_an_address_are_bounded_wherever_its_sockets_are() {
    let server = behind_a_proxy(&json!({"connectionsPerIp": 2}));
    let mut open = vec![from(&server, "203.0.113.7"), from(&server, "203.0.113.7")];
    assert_refused(try_from(&server, "203.0.113.7"), &["429", "2 conn", "connectionsPerIp"]);
    from(&server, "203.0.113.8");
    // They move to the workers of their swarms, and stay counted.
    for (n, client) in open.iter_mut().enumerate() {
        for swarm in 0..4 {
            client.announce(&format!("s{n}{swarm}"), "ann");
        }
    }
    assert_refused(try_from(&server, "203.0.113.7"), &["429"]);
    open.pop();
    server.stats_until("room", |stats| stats["servers"][0]["webSocketsCount"] == 1);
    open.push(from(&server, "203.0.113.7"));
    let metrics = server.metrics();
    assert_eq!(metrics[r#"tracker_handshakes_refused_total{reason="per_ip"}"#], 2.0);

    let server = behind_a_proxy(&json!({"connectionsPerIp": 0}));
    let open: Vec<_> = (0..20).map(|_| from(&server, "203.0.113.7")).collect();
    assert_eq!(open.len(), 20);
}

#[test]
fn a_handshake_that_is_refused_for_its_token_is_not_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, [b's'; 32]).expect("a file");
    let server = limited_with(json!({
        "access": {"tokens": {"hs256SecretFile": secret}},
        "limits": {"connections": 1},
    }));
    for _ in 0..3 {
        assert_refused(Client::try_connect(server.address(), "/", None), &["401"]);
    }
    let metrics = server.metrics();
    assert_eq!(metrics[r#"tracker_handshakes_refused_total{reason="token"}"#], 3.0);
    assert_eq!(server.get("/ready").0, "HTTP/1.1 200 OK");
}

#[test]
fn this_machine_and_trusted_proxies_are_under_no_bound_per_ip() {
    let limits = json!({"connectionsPerIp": 1, "announcesPerSecondPerIp": 1});
    for proxies in [json!([]), json!(["127.0.0.1"])] {
        let server = limited_with(json!({"trustedProxies": proxies, "limits": limits}));
        let mut open: Vec<_> = (0..4).map(|_| server.client()).collect();
        for (n, client) in open.iter_mut().enumerate() {
            for swarm in 0..8 {
                let reply = client.announce(&format!("s{swarm}"), &format!("p{n}"));
                assert_eq!(reply["interval"], 120, "{reply}");
            }
        }
    }
}

#[test]
fn only_a_trusted_proxy_is_believed_and_only_what_it_says_itself() {
    let limits = json!({"connectionsPerIp": 1});
    // Whoever isn't trusted comes from where it comes from: here that is this machine.
    let server = limited_with(json!({"trustedProxies": ["192.0.2.1"], "limits": limits}));
    let _open: Vec<_> = (0..3).map(|_| from(&server, "203.0.113.7")).collect();

    let server = behind_a_proxy(&limits);
    let _open = try_forwarded(&server, &["198.51.100.1, 203.0.113.7"]).expect("a socket");
    // The left end is the client's own invention, in one header or in two.
    for headers in [
        &["198.51.100.2, 203.0.113.7"][..],
        &["rubbish, 203.0.113.7"],
        &["198.51.100.3", "203.0.113.7"],
        &["198.51.100.4, 203.0.113.7, 127.0.0.1"],
        &["203.0.113.7:4711"],
        &["::ffff:203.0.113.7"],
    ] {
        assert_refused(try_forwarded(&server, headers), &["429"]);
    }
    // What makes no sense is the proxy's word about nobody, and the proxy is under no bound.
    for headers in
        [&["203.0.113.7, rubbish"][..], &["203.0.113.7", ""], &["203.0.113.7, 127.0.0.1, "]]
    {
        let _both = [0, 1].map(|_| try_forwarded(&server, headers).expect("a socket"));
    }
}

#[test]
fn ipv6_addresses_are_one_by_their_64() {
    let server = behind_a_proxy(&json!({"connectionsPerIp": 1}));
    let _open = from(&server, "2001:470:0:1::1");
    assert_refused(try_from(&server, "2001:470:0:1:ffff:ffff:ffff:ffff"), &["429"]);
    assert_refused(try_from(&server, "[2001:470:0:1::2]:443"), &["429"]);
    let _next = from(&server, "2001:470:0:2::1");
}

#[test]
fn a_handshake_has_its_time_also_on_a_kept_connection() {
    let server = limited(&json!({"handshakeSeconds": 1}));
    let patient = limited(&json!({"handshakeSeconds": 0}));
    let mut waiting = patient.raw();
    waiting.write(b"GET / HTTP/1.1\r\nHost: test\r\n");

    let silent = server.raw();
    let mut half = server.raw();
    half.write(b"GET / HTTP/1.1\r\nHost: test\r\n");
    let mut kept = server.raw();
    kept.write(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(kept.read_head().starts_with("HTTP/1.1 200"));
    kept.write(b"GET / HTTP/1.1\r\nHost: test\r\n");
    let mut open = server.raw().upgrade(b"");
    for mut late in [silent, half, kept] {
        let mut rest = Vec::new();
        // An end, or a reset if half a request was never read.
        let _ = late.socket.read_to_end(&mut rest);
    }
    open.say(&announce("film", "ann", &json!({})).to_string());
    assert!(open.hear_text().contains("interval"), "its handshake was in time");

    waiting.write(
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert!(waiting.read_head().starts_with("HTTP/1.1 101"));
}

#[test]
fn depth_offers_and_sdp_of_a_message_are_the_files_to_choose() {
    let deep = announce("film", "ann", &json!({"more": [[[[[[]]]]]]}));
    let long = announce("film", "ann", &json!({"offers": [offer("o", &"x".repeat(20_000))]}));
    let server = limited(&json!({"jsonDepth": 6, "sdpBytes": 20_000, "offersPerAnnounce": 1}));
    let mut client = server.client();
    client.say(&deep);
    assert!(client.hear()["failure reason"].as_str().is_some_and(|why| why.contains('6')));
    client.say(&long);
    assert_eq!(client.hear()["interval"], 120);
    let mut longer = long.clone();
    longer["offers"][0]["offer"]["sdp"] = json!("x".repeat(20_001));
    client.say(&longer);
    assert!(client.hear()["failure reason"].as_str().is_some_and(|why| why.contains("20000")));
    let _others: Vec<_> = ["ben", "eve"]
        .map(|peer| {
            let mut other = server.client();
            other.announce("film", peer);
            other
        })
        .into();
    let offers: Vec<_> = ["o1", "o2"].map(|name| offer(name, "sdp")).into();
    client.announce_with("film", "ann", &json!({"offers": offers}));
    assert_eq!(server.stats()["offersRelayed"], 1, "the second isn't looked at");

    let server = limited(&json!({"jsonDepth": 0, "sdpBytes": 0, "offersPerAnnounce": 0}));
    let mut client = server.client();
    for message in [&deep, &longer] {
        client.say(message);
        assert_eq!(client.hear()["interval"], 120);
    }
}

#[test]
fn offers_to_a_receiver_have_the_rate_that_the_file_says() {
    const OFFERS: usize = 250;
    for rate in [1, 0] {
        let limits = json!({"offersPerSecondPerReceiver": rate, "announcesPerSecondPerSocket": 0});
        let server = limited(&limits);
        let (mut ann, mut ben) = (server.client(), server.client());
        ann.announce("film", "ann");
        let began = std::time::Instant::now();
        for n in 0..OFFERS {
            let offers = json!({"offers": [offer(&format!("o{n}"), "sdp")]});
            assert_eq!(ben.announce_with("film", "ben", &offers)["interval"], 120);
        }
        let most = 10 + 1 + began.elapsed().as_secs() as usize;
        let heard = ann.fence("film").len();
        if rate == 0 {
            assert_eq!(heard, OFFERS);
        } else {
            assert!((10..=most).contains(&heard), "{heard}");
        }
    }
}

#[test]
fn swarms_and_peer_ids_of_a_socket_are_bounded() {
    let server = limited(&json!({"swarmsPerSocket": 3, "peerIdsPerSocket": 2}));
    let mut client = server.client();
    client.announce("film", "one");
    client.announce("film", "two");
    let refused = client.announce("news", "three");
    assert_eq!(reason(&refused), "this connection has 2 peer ids already, which is the limit");
    assert_eq!(client.announce("news", "two")["incomplete"], 1);
    let refused = client.announce("film2", "one");
    assert_eq!(reason(&refused), "this connection is in 3 swarms already, which is the limit");
    // Who is there stays, and who leaves makes room.
    assert_eq!(client.announce("film", "one")["incomplete"], 2);
    client.announce_with("film", "one", &json!({"event": "stopped"}));
    assert_eq!(client.announce("news", "three")["incomplete"], 2);
    // Another socket has its own.
    assert_eq!(server.client().announce("film2", "four")["incomplete"], 1);

    let none =
        json!({"swarmsPerSocket": 0, "peerIdsPerSocket": 0, "announcesPerSecondPerSocket": 0});
    let server = limited(&none);
    let mut client = server.client();
    for n in 1..=200 {
        assert_eq!(client.announce("film", &format!("p{n}"))["incomplete"], n);
    }
}

#[test]
fn swarms_in_all_are_bounded_and_one_that_empties_makes_room() {
    let server = limited(&json!({"swarms": 2}));
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    ben.announce("news", "ben");
    for client in [&mut ann, &mut ben] {
        let refused = client.announce("sport", "p");
        assert_eq!(
            reason(&refused),
            "2 swarms are open already, which is the limit of this tracker"
        );
    }
    assert_eq!(ben.announce("film", "ben")["incomplete"], 2, "one that is open is joined");
    ann.announce_with("film", "ann", &json!({"event": "stopped"}));
    ben.announce_with("film", "ben", &json!({"event": "stopped"}));
    assert_eq!(ben.announce("sport", "ben")["incomplete"], 1);
    assert_eq!(server.stats()["torrentsCount"], 2);

    let server = limited(&json!({"swarms": 0}));
    let mut client = server.client();
    for n in 0..20 {
        assert_eq!(client.announce(&format!("s{n}"), "ann")["incomplete"], 1);
    }
}

#[test]
fn announces_of_a_socket_have_a_rate_and_the_socket_stays() {
    let server = limited(&json!({"announcesPerSecondPerSocket": 1}));
    let mut client = server.client();
    let scrape = json!({"action": "scrape", "info_hash": id("film")});
    // Ten seconds' worth at once, of announces, scrapes, and what is neither.
    let began = std::time::Instant::now();
    for n in 0..9 {
        match n % 3 {
            0 => assert_eq!(client.announce("film", "ann")["incomplete"], 1),
            1 => assert_eq!(client.fence("film"), [] as [Value; 0]),
            _ => {
                client.say(&json!({"action": "dance"}));
                assert!(reason(&client.hear()).contains("action"));
            }
        }
    }
    let text = "this connection says more than 1 messages a second, which is the limit";
    // One is left, and one a second comes back.
    let mut taken = 0;
    loop {
        let reply = client.announce("film", "ann");
        if reply.get("interval").is_none() {
            assert_eq!(reason(&reply), text);
            assert_eq!(reply["info_hash"], id("film"));
            break;
        }
        taken += 1;
    }
    assert!(taken >= 1 && taken <= 2 + began.elapsed().as_secs(), "{taken}");
    for (message, action) in [(scrape, "scrape"), (json!({"action": "dance"}), "announce")] {
        client.say(&message);
        let reply = client.hear();
        assert_eq!((reason(&reply), &reply["action"]), (text, &json!(action)));
    }
    assert_eq!(server.client().announce("film", "ben")["incomplete"], 2, "others have their own");
    while client.announce("film", "ann").get("interval").is_none() {}
    let metrics = server.metrics();
    assert!(metrics[r#"tracker_refusals_total{reason="too_many_messages"}"#] >= 3.0);

    let server = limited(&json!({"announcesPerSecondPerSocket": 0}));
    let mut client = server.client();
    for _ in 0..300 {
        assert_eq!(client.announce("film", "ann")["incomplete"], 1);
    }
}

#[test]
fn an_answer_is_no_announce() {
    let server = limited(&json!({"announcesPerSecondPerSocket": 1}));
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    while ann.announce("film", "ann").get("interval").is_some() {}
    ben.announce_with("film", "ben", &json!({"offers": [offer("o", "sdp")]}));
    let heard = ann.hear();
    ann.say(&answer("ann", &heard, "sdp"));
    assert_eq!(ben.hear()["answer"]["sdp"], "sdp");
}

#[test]
fn announces_of_an_address_have_a_rate_together() {
    let server = behind_a_proxy(&json!({"announcesPerSecondPerIp": 1}));
    let mut clients = ["203.0.113.7", "203.0.113.7", "203.0.113.8"].map(|ip| from(&server, ip));
    let text = "this address says more than 1 messages a second, which is the limit";
    let began = std::time::Instant::now();
    let mut taken = 0;
    loop {
        let swarm = format!("s{}", taken % 5);
        let reply = clients[taken % 2].announce(&swarm, &format!("p{}", taken % 2));
        if reply.get("interval").is_none() {
            assert_eq!(reason(&reply), text);
            break;
        }
        taken += 1;
    }
    let most = 10 + 1 + began.elapsed().as_secs() as usize;
    assert!((10..=most).contains(&taken), "{taken}");
    assert_eq!(clients[2].announce("film", "eve")["incomplete"], 1);
    // Who hangs up and comes again is the same address still.
    drop(clients);
    server.stats_until("gone", |stats| stats["servers"][0]["webSocketsCount"] == 0);
    let mut again = from(&server, "203.0.113.7");
    let refused = (0..10).any(|_| reason(&again.announce("film", "ann")) == text);
    assert!(refused);

    let server = behind_a_proxy(&json!({"announcesPerSecondPerIp": 0}));
    let mut client = from(&server, "203.0.113.7");
    for _ in 0..50 {
        assert_eq!(client.announce("film", "ann")["incomplete"], 1);
    }
}

#[test]
fn a_flood_of_frames_waits_and_nothing_of_it_is_lost() {
    let server = limited(&json!({"announcesPerSecondPerSocket": 1}));
    let mut raw = server.raw().upgrade(b"");
    // Twenty frames for each announce: ten seconds' worth are 200, and some more.
    let flood: Vec<u8> = (0..230_u8).flat_map(|n| frame(0x89, &[n])).collect();
    raw.write(&flood);
    for n in 0..230 {
        assert_eq!(raw.hear(), Some((0x8a, vec![n])));
    }
    let pauses = server.metrics()["tracker_read_pauses_total"];
    assert!((1.0..=30.0).contains(&pauses), "{pauses}");
    raw.say(&announce("film", "ann", &json!({})).to_string());
    assert!(raw.hear_text().contains("interval"));

    let server = limited(&json!({"announcesPerSecondPerSocket": 0}));
    let mut raw = server.raw().upgrade(b"");
    raw.write(&(0..10).flat_map(|_| flood.clone()).collect::<Vec<_>>());
    for n in (0..10).flat_map(|_| 0..230) {
        assert_eq!(raw.hear(), Some((0x8a, vec![n])));
    }
    assert_eq!(server.metrics()["tracker_read_pauses_total"], 0.0);
}

#[test]
fn what_waits_for_a_client_is_bounded_as_the_file_says() {
    let sdp = "x".repeat(60_000);
    let outcomes = [0, 256 << 10].map(|bytes| {
        let server = limited(&json!({"outboxBytes": bytes, "sdpBytes": 0,
            "announcesPerSecondPerSocket": 0, "offersPerSecondPerReceiver": 0}));
        let mut slow = server.raw().upgrade(b"");
        slow.say(&announce("film", "slow", &json!({})).to_string());
        assert!(slow.hear_text().contains("interval"));
        let mut shouter = server.client();
        // More than the kernel keeps for a connection on any machine.
        let offers = 500;
        for n in 0..offers {
            let offers = json!({"offers": [offer(&format!("o{n}"), &sdp)]});
            shouter.announce_with("film", "shouter", &offers);
        }
        if bytes == 0 {
            for n in 0..offers {
                assert!(slow.hear_text().contains(&id(&format!("o{n}"))), "offer {n}");
            }
        } else {
            server.stats_until("closed", |stats| stats["closes"]["slow_reader"] == 1);
        }
        server.stats()["closes"]["slow_reader"].clone()
    });
    assert_eq!(outcomes, [json!(0), json!(1)]);
}
