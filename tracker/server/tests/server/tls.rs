//! TLS on a listener: what holds on a plain socket holds on a secure one, and viewers of both meet.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use rustls::{ClientConfig, HandshakeKind};
use serde_json::json;

use crate::support::tls::{
    self, Files, Identity, Secure, connect, ends_cleanly, raw, request, speaking, trusting,
};
use crate::support::{Client, PATIENCE, Server, announce, answer, frame, http_on, id, offer};
use crate::swarms::{assert_heard_in_order, talk};

#[test]
fn viewers_on_secure_sockets_are_introduced_and_told_of_the_end() {
    let secure = Secure::start();
    let (mut ann, mut bob) = (secure.client(), secure.client());
    ann.announce("film", "ann");
    bob.announce_with("film", "bob", &json!({"offers": [offer("o1", "an offer")]}));
    let heard = ann.hear();
    assert_eq!(heard["offer"]["sdp"], "an offer");
    ann.say(&answer("ann", &heard, "an answer"));
    assert_eq!(bob.hear()["answer"]["sdp"], "an answer");
    // First the close frame, then TLS's own end, then the connection's.
    bob.socket.close(None).expect("sent");
    assert_eq!(bob.close_code(), Some(1000));
    assert!(ends_cleanly(bob.socket.get_mut()));
    secure.stats_until("gone", |stats| stats["peersCount"] == 1);
    // A client that goes without a word of TLS has gone all the same.
    drop(ann);
    secure.stats_until("empty", |stats| stats["closes"]["lost"] == 1);
}

#[test]
fn viewers_of_secure_and_plain_sockets_and_of_both_versions_of_ip_meet() {
    let identity = Identity::new();
    let (files, config) = (Files::of(&identity), trusting(&[&identity]));
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    let secure = files.server(if has_ipv6 { "::" } else { "0.0.0.0" });
    let plain = json!({"server": {"port": 0, "host": "127.0.0.1"}});
    let server = Server::with(&json!({"servers": [secure, plain]}));
    let [secure, plain] = &server.addresses.servers[..] else {
        panic!("two listeners");
    };
    assert!(secure.tls && !plain.tls);
    let port = secure.address.port();
    let mut four = tls::client(([127, 0, 0, 1], port).into(), &config);
    let mut plain = Client::connect(plain.address, "/");
    assert_eq!(four.announce("film", "four")["incomplete"], 1);
    assert_eq!(plain.announce("film", "plain")["incomplete"], 2);
    let offers = json!({"offers": [offer("o1", "a"), offer("o2", "b")]});
    if !has_ipv6 {
        // A machine without IPv6 has no such viewers.
        plain.announce_with("film", "plain", &offers);
        assert_eq!(four.hear()["peer_id"], id("plain"));
        return;
    }
    let mut six = tls::client((Ipv6Addr::LOCALHOST, port).into(), &config);
    six.announce_with("film", "six", &offers);
    for heard in [four.hear(), plain.hear()] {
        assert_eq!(heard["peer_id"], id("six"));
    }
}

#[test]
fn a_secure_socket_moves_to_its_swarms_worker_and_loses_nothing() {
    let secure = Secure::without_pace();
    let mut sam = secure.client();
    sam.announce("film", "sam");
    for n in 0..12 {
        let (talk, end) = talk(n, &"x".repeat(900));
        // All of it is in the records right behind the handshake.
        let mut raw = raw(secure.server.address(), &secure.config).upgrade(&talk);
        assert_heard_in_order(&mut raw, &mut sam, n, &end);
    }
    assert!(secure.stats()["relocated"].as_u64() > Some(0));
}

#[test]
fn a_message_as_long_as_the_file_allows_passes_in_both_directions() {
    let identity = Identity::new();
    let files = Files::of(&identity);
    let mut listener = files.server("127.0.0.1");
    listener["websockets"] = json!({"maxPayloadLength": 1 << 20});
    let server = Server::with(&json!({"servers": [listener], "limits": {"sdpBytes": 0}}));
    let config = trusting(&[&identity]);
    let mut ann = tls::client(server.address(), &config);
    let mut ben = tls::client(server.address(), &config);
    ann.announce("film", "ann");
    let sdp = "x".repeat(1_000_000);
    ben.announce_with("film", "ben", &json!({"offers": [offer("o", &sdp)]}));
    assert_eq!(ann.hear()["offer"]["sdp"].as_str().map(str::len), Some(1_000_000));
}

#[test]
fn a_reader_that_never_reads_is_closed_and_others_go_on() {
    const SDP_BYTES: usize = 15_000;
    let secure = Secure::without_pace();
    let mut deaf = raw(secure.server.address(), &secure.config).upgrade(b"");
    deaf.say(&announce("film", "deaf", &json!({})).to_string());
    assert!(deaf.hear_text().contains("interval"));
    let mut shouter = secure.client();
    let sdp = "x".repeat(SDP_BYTES);
    let message = announce("film", "shouter", &json!({"offers": [offer("o", &sdp)]}));
    let mut sent = 0;
    // The kernel takes some MB for it, the outbox and TLS 320 KiB together.
    while secure.stats()["closes"]["slow_reader"] == 0 {
        for _ in 0..16 {
            shouter.say(&message);
            sent += SDP_BYTES;
        }
        shouter.fence("film");
        assert!(sent < 60_000_000, "{sent} bytes wait for a client that doesn't read");
    }
    secure.stats_until("gone", |stats| stats["peersCount"] == 1);
    assert_eq!(shouter.announce("film", "shouter")["incomplete"], 1);
}

#[test]
fn a_reader_that_pauses_gets_everything_in_order() {
    let secure = Secure::without_pace();
    let mut slow = raw(secure.server.address(), &secure.config).upgrade(b"");
    slow.say(&announce("film", "slow", &json!({})).to_string());
    assert!(slow.hear_text().contains("interval"));
    let mut other = secure.client();
    let sdp = "x".repeat(15_000);
    for round in 0..20 {
        let names: Vec<_> = (0..8).map(|n| format!("o{}", 8 * round + n)).collect();
        for name in &names {
            other.announce_with("film", "other", &json!({"offers": [offer(name, &sdp)]}));
        }
        other.fence("film");
        for name in &names {
            assert!(slow.hear_text().contains(&id(name)), "offer {name}");
        }
    }
}

#[test]
fn a_session_is_resumed_by_its_ticket() {
    let identity = Identity::new();
    let files = Files::of(&identity);
    let server = Server::with(
        &json!({"servers": [files.server("127.0.0.1")], "metrics": {"port": 0}, "workers": 2}),
    );
    for version in rustls::ALL_VERSIONS {
        let config = speaking(&[version], &[&identity]);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
            let stream = connect(server.address(), &config).expect("a TLS connection");
            assert_eq!(stream.conn.handshake_kind(), Some(kind), "{version:?}");
            // TLS 1.3 sends its tickets behind the handshake.
            let mut client = Client::on(stream, "/");
            client.announce("film", "ann");
            client.socket.close(None).expect("sent");
            client.close_code();
        }
    }
    let seen = server.metrics_until("counted", |seen| {
        seen[r#"tracker_tls_handshakes_total{result="resumed"}"#] == 4.0
    });
    assert_eq!(seen[r#"tracker_tls_handshakes_total{result="full"}"#], 2.0);
}

#[test]
fn a_client_that_writes_its_records_byte_by_byte_is_understood() {
    let secure = Secure::without_pace();
    let mut client = raw(secure.server.address(), &secure.config).upgrade(b"");
    let text = announce("film", "ann", &json!({})).to_string();
    let socket = &mut client.socket;
    socket.conn.writer().write_all(&frame(0x81, text.as_bytes())).expect("room");
    let mut records = Vec::new();
    while socket.conn.wants_write() {
        socket.conn.write_tls(&mut records).expect("room");
    }
    for byte in records {
        socket.sock.write_all(&[byte]).expect("sent");
    }
    assert!(client.hear_text().contains("interval"));
}

#[test]
fn keys_that_a_client_renews_are_renewed_by_the_server_too() {
    let secure = Secure::without_pace();
    let mut client = raw(secure.server.address(), &secure.config).upgrade(b"");
    for _ in 0..3 {
        client.socket.conn.refresh_traffic_keys().expect("TLS 1.3");
        client.say(&announce("film", "ann", &json!({})).to_string());
        // Under its own new keys: else this could not be read.
        assert!(client.hear_text().contains("interval"));
    }
}

#[test]
fn a_handshake_message_that_never_ends_is_cut_off_at_its_bound() {
    let secure = Secure::with(&json!({"limits": {"handshakeSeconds": 600}}));
    let mut socket = TcpStream::connect(secure.server.address()).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    // A ClientHello of 60,000 bytes, half of which comes, a byte in each record.
    let hello = [&[1, 0, 0xea, 0x60][..], &[0; 30_000]].concat();
    let records: Vec<u8> = hello.iter().flat_map(|&byte| [0x16, 3, 1, 0, 1, byte]).collect();
    // It is cut off before all of it is sent.
    let _ = socket.write_all(&records);
    if let Err(error) = socket.read_to_end(&mut Vec::new()) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(secure.client().announce("film", "ann")["incomplete"], 1);
}

#[test]
fn http_1_1_is_all_that_is_spoken_on_a_secure_listener() {
    let secure = Secure::start();
    let offering = |protocols: &[&str]| {
        let mut config = ClientConfig::clone(&secure.config);
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        connect(secure.server.address(), &Arc::new(config))
    };
    let both = offering(&["h2", "http/1.1"]).expect("a TLS connection");
    assert_eq!(both.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let alert = offering(&["h2"]).expect_err("nothing in common").to_string();
    assert!(alert.contains("NoApplicationProtocol"), "{alert}");
}

#[test]
fn pages_are_served_and_handshakes_refused_over_tls_and_both_end_cleanly() {
    let secure = Secure::with(&json!({"web": {}}));
    for (path, status) in [
        ("/stats.json", "HTTP/1.1 200 OK"),
        ("/ready", "HTTP/1.1 200 OK"),
        ("/", "HTTP/1.1 200 OK"),
        ("/nobody", "HTTP/1.1 404 Not Found"),
    ] {
        // An end without TLS's own would be an error here.
        let (heard, body) = http_on(secure.connect(), &request(path));
        assert_eq!(heard, status, "{path}");
        assert_eq!(body.is_empty(), status.ends_with("Found"), "{path}: {body}");
    }
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 12\r\n\r\n";
    let (status, _) = http_on(secure.connect(), upgrade);
    assert!(status.starts_with("HTTP/1.1 426"), "{status}");
}

#[test]
fn plain_http_and_garbage_on_a_secure_listener_are_cut_off_and_harm_nobody() {
    let secure = Secure::start();
    let mut client = secure.client();
    client.announce("film", "ann");
    let hello = |bytes: usize| {
        let [high, low] = (bytes as u16).to_be_bytes();
        [&[0x16, 3, 1, high, low, 1], &vec![0; bytes][..]].concat()
    };
    for garbage in [
        request("/").into_bytes(),
        vec![0; 100_000],
        vec![0xff; 100_000],
        hello(100),
        hello(16_000),
        // A record longer than any may be.
        hello(65_000),
    ] {
        let mut socket = TcpStream::connect(secure.server.address()).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        // It may be cut off before all of it is sent.
        let _ = socket.write_all(&garbage);
        let mut answer = Vec::new();
        match socket.read_to_end(&mut answer) {
            // At most an alert, which is 7 bytes long (RFC 8446, section 6).
            Ok(_) => assert!(answer.is_empty() || answer[0] == 0x15 && answer.len() == 7),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    // Garbage behind a good handshake ends that connection alone.
    let mut broken = raw(secure.server.address(), &secure.config).upgrade(b"");
    broken.socket.sock.write_all(&[0x17, 3, 3, 0, 40]).expect("sent");
    broken.socket.sock.write_all(&[7; 40]).expect("sent");
    assert_eq!(broken.hear(), None);
    assert_eq!(client.announce("film", "ann")["incomplete"], 1);
}

#[test]
fn a_tls_handshake_that_never_ends_is_cut_off() {
    let secure = Secure::start();
    let silent = TcpStream::connect(secure.server.address()).expect("a connection");
    let mut half = TcpStream::connect(secure.server.address()).expect("a connection");
    half.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]).expect("sent");
    for mut socket in [silent, half] {
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).expect("an end within the time limit");
        assert_eq!(rest, [0; 0]);
    }
}

/// As many as a worker shakes hands with at a time, and more, of which none says a word.
#[test]
fn a_crowd_that_says_nothing_keeps_nobody_waiting() {
    let secure = Secure::with(&json!({"workers": 1}));
    let address = secure.server.address();
    let silent: Vec<_> =
        (0..4200).map(|_| TcpStream::connect(address).expect("a connection")).collect();
    let began = Instant::now();
    let mut client = secure.client();
    assert_eq!(client.announce("film", "ann")["incomplete"], 1);
    assert!(began.elapsed() < PATIENCE / 4, "it had to wait for {:?}", began.elapsed());
    drop(silent);
}
