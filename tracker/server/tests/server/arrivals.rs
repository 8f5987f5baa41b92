//! How many connections of an address may be no sockets: those that say nothing, shake hands with
//! TLS, or speak HTTP; and how fast it may open them. The loopback is under no such bound, so each
//! test runs in a network of its own, which has another address and leads nowhere (Linux).

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::limits::limited_with;
use crate::support::tls::{self, Files, Identity, trusting};
use crate::support::{Client, PATIENCE, Raw, Server, announce, http};

/// An address for documentation (RFC 5737), that is nobody's.
const OUTWARD: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// A tracker on all addresses of the machine that keeps silent connections, and where it is for
/// others. One that is `secure` speaks TLS.
fn tracker(connections_per_ip: u32, secure: Option<&Files>) -> (Server, SocketAddr) {
    // Tests that look for room often would run into the rate, which has tests of its own.
    tracker_with(
        secure,
        json!({
            "connectionsPerIp": connections_per_ip,
            "connectionsPerSecondPerIp": 0,
            "handshakeSeconds": 0,
        }),
    )
}

fn tracker_with(secure: Option<&Files>, limits: Value) -> (Server, SocketAddr) {
    let everywhere = "0.0.0.0";
    let plain = || json!({"server": {"port": 0, "host": everywhere}});
    let server = limited_with(json!({
        "servers": [secure.map_or_else(plain, |files| files.server(everywhere))],
        "limits": limits,
    }));
    let address = SocketAddr::new(IpAddr::V4(OUTWARD), server.address().port());
    (server, address)
}

/// Runs a test, by its full name, in a network of its own: this program again, and only that test.
fn in_own_network(name: &str, test: impl FnOnce()) {
    const INSIDE: &str = "TEST_IN_OWN_NETWORK";
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let network = format!("ip link set lo up && ip addr add {OUTWARD}/32 dev lo && exec \"$@\"");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", &network, "sh"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", name])
        .env(INSIDE, "1")
        .output()
        .expect("unshare, of util-linux");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{complained}");
}

/// Waits until another connection is kept, and asks for something on it.
fn until_there_is_room(address: SocketAddr) -> Raw {
    let began = Instant::now();
    loop {
        let mut raw = Raw::connect(address);
        let mut byte = [0];
        let request = b"HEAD / HTTP/1.1\r\nHost: test\r\n\r\n";
        let asked = raw.socket.write_all(request);
        // One that is closed at once has an end, or a reset, instead of an answer.
        if asked.is_ok() && matches!(raw.socket.peek(&mut byte), Ok(1)) {
            assert!(raw.read_head().starts_with("HTTP/1.1 "));
            return raw;
        }
        assert!(began.elapsed() < PATIENCE, "no room");
        std::thread::yield_now();
    }
}

/// Opens so many silent connections, of which `kept` stay open: those that the tracker takes first,
/// which needn't be those that were opened first.
fn open(address: SocketAddr, count: usize, kept: usize) -> Vec<Raw> {
    let mut open: Vec<_> = (0..count).map(|_| Raw::connect(address)).collect();
    let began = Instant::now();
    while open.len() > kept {
        assert!(began.elapsed() < PATIENCE, "{} are open", open.len());
        open.retain_mut(|raw| is_open(&raw.socket));
        std::thread::yield_now();
    }
    open
}

/// Whether nothing has come, an end included.
fn is_open(socket: &TcpStream) -> bool {
    socket.set_nonblocking(true).expect("a socket");
    let nothing = socket.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    socket.set_nonblocking(false).expect("a socket");
    nothing
}

/// Handshakes that the metrics say were refused for their address. A secure tracker has them too.
fn refused(server: &Server) -> f64 {
    server.metrics()[r#"tracker_handshakes_refused_total{reason="per_ip"}"#]
}

fn open_websockets(stats: &Value) -> &Value {
    &stats["servers"][0]["webSocketsCount"]
}

#[test]
fn silent_connections_of_an_address_are_bounded_and_one_that_ends_makes_room() {
    in_own_network(
        "arrivals::silent_connections_of_an_address_are_bounded_and_one_that_ends_makes_room",
        || {
            let (server, address) = tracker(3, None);
            // One that is kept for a further request counts as well.
            let _kept = until_there_is_room(address);
            let before = refused(&server);
            let mut silent = open(address, 4, 2);
            assert_eq!(refused(&server) - before, 2.0);
            silent.pop();
            let _next = until_there_is_room(address);
            open(address, 1, 0);
            assert!(is_open(&silent[0].socket));
        },
    );
}

#[test]
fn a_connection_that_becomes_a_socket_makes_room_for_another_one() {
    in_own_network(
        "arrivals::a_connection_that_becomes_a_socket_makes_room_for_another_one",
        || {
            let (_server, address) = tracker(2, None);
            let mut silent = open(address, 3, 2);
            let first = silent.pop().expect("a connection").upgrade(b"");
            let second = until_there_is_room(address).upgrade(b"");
            let third = until_there_is_room(address).ask_for_upgrade("", b"");
            assert!(third.starts_with("HTTP/1.1 429"), "{third}");
            // Two sockets, and one connection that says nothing: the bounds don't add up.
            let _fourth = until_there_is_room(address);
            open(address, 1, 0);
            for mut socket in [first, second] {
                socket.say(&announce("film", "ann", &json!({})).to_string());
                socket.hear_text();
            }
        },
    );
}

#[test]
fn a_socket_that_closes_leaves_no_count_behind() {
    in_own_network("arrivals::a_socket_that_closes_leaves_no_count_behind", || {
        let (server, address) = tracker(1, None);
        for _ in 0..5 {
            drop(until_there_is_room(address).upgrade(b""));
            server.stats_until("gone", |stats| *open_websockets(stats) == 0);
        }
    });
}

#[test]
fn connections_count_before_within_and_after_their_tls_handshake() {
    in_own_network(
        "arrivals::connections_count_before_within_and_after_their_tls_handshake",
        || {
            let identity = Identity::new();
            let files = Files::of(&identity);
            let (server, address) = tracker(2, Some(&files));
            let mut silent = open(address, 3, 2);
            assert_eq!(refused(&server), 1.0);
            let mut half = silent.pop().expect("a connection");
            half.write(&[0x16, 3, 1, 2, 0, 1]);
            open(address, 1, 0);
            drop(half);
            let (began, trust) = (Instant::now(), trusting(&[&identity]));
            let secure = loop {
                match tls::connect(address, &trust) {
                    Ok(secure) => break secure,
                    Err(error) => assert!(began.elapsed() < PATIENCE, "no room: {error}"),
                }
            };
            // It is still counted when the handshake is over, and not any more as a socket.
            open(address, 1, 0);
            let mut client = Client::on(secure, "/");
            client.announce("film", "ann");
            let began = Instant::now();
            while let Err(error) = tls::connect(address, &trust) {
                assert!(began.elapsed() < PATIENCE, "no room: {error}");
            }
        },
    );
}

#[test]
fn loopback_and_trusted_proxies_may_have_as_many_connections_as_they_like() {
    in_own_network(
        "arrivals::loopback_and_trusted_proxies_may_have_as_many_connections_as_they_like",
        || {
            let (server, address) = tracker(1, None);
            let loopback = server.address().port();
            let mut silent: Vec<_> =
                (0..5).map(|_| Raw::connect(([127, 0, 0, 1], loopback).into())).collect();
            let get = "GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
            assert_eq!(
                http(silent[0].socket.peer_addr().expect("an address"), get).0,
                "HTTP/1.1 200 OK"
            );

            server.reload(&json!({
                "servers": [{"server": {"port": 0, "host": "0.0.0.0"}}],
                "trustedProxies": [address.ip().to_string()],
                "limits": {"connectionsPerIp": 1, "handshakeSeconds": 0},
            }));
            silent.push(Raw::connect(address));
            for _ in 0..5 {
                silent.push(until_there_is_room(address));
            }
        },
    );
}

#[test]
fn connections_that_come_too_fast_wait_in_line_and_beyond_its_end_are_closed() {
    in_own_network(
        "arrivals::connections_that_come_too_fast_wait_in_line_and_beyond_its_end_are_closed",
        || {
            let limits = json!({"connectionsPerSecondPerIp": 1, "handshakeSeconds": 0});
            let (server, address) = tracker_with(None, limits);
            let began = Instant::now();
            let mut burst: Vec<_> = (0..10).map(|_| Raw::connect(address)).collect();
            for raw in &mut burst {
                raw.write(b"HEAD /health HTTP/1.1\r\nHost: test\r\n\r\n");
                raw.read_head();
            }
            // Five seconds' worth wait; a second or two may have passed on a busy machine.
            let mut line: Vec<_> = (0..9).map(|_| Raw::connect(address)).collect();
            let waiting = |line: &mut Vec<Raw>| {
                line.retain(|raw| is_open(&raw.socket));
                line.len()
            };
            let refused =
                || server.metrics()[r#"tracker_handshakes_refused_total{reason="per_ip_rate"}"#];
            while refused() == 0.0 {
                assert!(began.elapsed() < PATIENCE, "all are let in");
            }
            while waiting(&mut line) > 9 - refused() as usize {
                assert!(began.elapsed() < PATIENCE, "refused, and not closed");
                std::thread::yield_now();
            }
            assert!((5..9).contains(&line.len()), "{} wait", line.len());
            assert!(server.metrics()["tracker_connections_delayed_total"] >= 4.0);
            // Whoever waits is served when its turn has come, one a second.
            let mut socket = line.remove(0).upgrade(b"");
            assert!(began.elapsed().as_millis() >= 900, "it hasn't waited");
            socket.say(&announce("film", "ann", &json!({})).to_string());
            socket.hear_text();
            // Others are under no such bound.
            let loopback = ([127, 0, 0, 1], address.port()).into();
            for _ in 0..20 {
                Raw::connect(loopback).upgrade(b"");
            }
        },
    );
}

#[test]
fn zero_is_no_limit() {
    in_own_network("arrivals::zero_is_no_limit", || {
        let (server, address) = tracker(0, None);
        let _silent: Vec<_> = (0..50).map(|_| Raw::connect(address)).collect();
        assert_eq!(until_there_is_room(address).socket.peer_addr().expect("an address"), address);
        assert_eq!(refused(&server), 0.0);
    });
}
