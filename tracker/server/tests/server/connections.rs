//! How many sockets there may be, in all and of an address, whose address that is, and how long it
//! takes to open one.

use std::io::Read;

use serde_json::json;

use crate::limits::{behind_a_proxy, from, limited, limited_with};
use crate::support::{Client, Server, announce};

/// A client from `address`; the error holds the answer to a refused handshake.
fn try_from(server: &Server, address: &str) -> Result<Client, String> {
    try_forwarded(server, &[address])
}

fn try_forwarded(server: &Server, headers: &[&str]) -> Result<Client, String> {
    let headers: Vec<_> = headers.iter().map(|value| ("x-forwarded-for", *value)).collect();
    Client::try_with_headers(server.address(), "/", &headers)
}

fn assert_refused(client: Result<Client, String>, parts: &[&str]) {
    let why = client.err().expect("a refusal");
    for part in parts {
        assert!(why.contains(part), "no {part}: {why}");
    }
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
fn sockets_of_an_address_behind_a_proxy_are_opened_at_a_rate() {
    let server = behind_a_proxy(&json!({"connectionsPerSecondPerIp": 1}));
    let began = std::time::Instant::now();
    let open = |ip: &str| try_forwarded(&server, &[ip]).map(drop);
    let mut opened = 0;
    let refusal = loop {
        match open("203.0.113.7") {
            Ok(()) => opened += 1,
            Err(refusal) => break refusal,
        }
    };
    let most = 10 + 1 + began.elapsed().as_secs() as usize;
    assert!((10..=most).contains(&opened), "{opened}");
    let parts = ["429", "more than 1 connections a second", "limits.connectionsPerSecondPerIp"];
    assert_refused(Err(refusal), &parts);
    open("203.0.113.8").expect("another address has its own rate");

    let server = behind_a_proxy(&json!({"connectionsPerSecondPerIp": 0}));
    for _ in 0..50 {
        try_forwarded(&server, &["203.0.113.7"]).expect("a socket");
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
