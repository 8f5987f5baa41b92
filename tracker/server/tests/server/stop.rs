//! A stop is orderly: everybody is told, and everything is given back.

use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, Server, announce, http};

#[test]
fn a_stop_tells_every_client_1001_and_gives_the_ports_back_within_5_s() {
    let server = Server::with(&json!({"stun": {"port": 0, "host": "127.0.0.1"}}));
    let mut clients: Vec<Client> = (0..50).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate().skip(10) {
        client.announce(&format!("s{}", n % 7), &format!("peer{n}"));
    }
    let (address, stun) = (server.address(), server.addresses.stun.expect("an address"));
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| assert_eq!(client.close_code(), Some(1001)));
        }
        let took = server.stop();
        assert!(took < Duration::from_secs(5), "{took:?}");
    });
    TcpListener::bind(address).expect("the port is free");
    UdpSocket::bind(stun).expect("the port is free");
}

#[test]
fn a_client_that_does_not_hang_up_delays_a_stop_by_less_than_5_s() {
    let server = Server::start();
    let mut raw = server.raw().upgrade(b"");
    raw.say(&announce("film", "ann", &json!({})).to_string());
    assert!(raw.hear_text().contains("interval"));
    let mut half_open = server.raw();
    half_open.write(b"GET /health HTTP/1.1\r\n");
    let took = server.stop();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(raw.close_code(), Some(1001));
}

#[test]
fn clients_are_told_evenly_over_the_window() {
    let window = Duration::from_secs(2);
    let server = Server::with(&json!({"drainSeconds": 2}));
    let mut clients: Vec<Client> = (0..40).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        // Both workers have half of them: each swarm is where its first member is.
        client.announce(&format!("s{}", n % 20), &format!("peer{n}"));
    }
    let began = Instant::now();
    let mut told: Vec<Duration> = std::thread::scope(|scope| {
        let told = |client: &mut Client| {
            assert_eq!(client.close_code(), Some(1001));
            began.elapsed()
        };
        let clients: Vec<_> =
            clients.iter_mut().map(|client| scope.spawn(move || told(client))).collect();
        server.stop();
        clients.into_iter().map(|client| client.join().expect("a client")).collect()
    });
    told.sort();
    for (n, told) in told.iter().enumerate() {
        // Each worker counts its own; the last of two small shares may be one step early.
        let due = window.mul_f64((n as f64 - 2.0).max(0.0) / 40.0);
        assert!(*told >= due, "client {n} after {told:?} instead of {due:?}");
    }
    assert!(told[39] < window + Duration::from_secs(2), "{told:?}");
}

#[test]
fn while_it_drains_a_node_takes_nobody_and_serves_those_who_are_left() {
    let server = Server::with(&json!({"drainSeconds": 60, "workers": 1, "metrics": {"port": 0}}));
    let (mut first, mut last) = (server.client(), server.client());
    first.announce("film", "ann");
    last.announce("film", "bob");
    let (address, private) = (server.address(), server.addresses.metrics.expect("an address"));
    let get = |address, path: &str| {
        let end = "Connection: close\r\n\r\n";
        http(address, &format!("GET {path} HTTP/1.1\r\nHost: test\r\n{end}"))
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let stopped = scope.spawn(|| {
            assert_eq!(first.close_code(), Some(1001));
            drop(first);
            let (status, why) = get(address, "/ready");
            assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
            assert_eq!(why, "the tracker is stopping");
            assert_eq!(get(address, "/health").1, "ok\n");
            assert!(get(private, "/metrics").1.contains("\ntracker_stopping 1\n"));
            let refused = Client::try_connect(address, "/", None).err().expect("no socket");
            assert!(refused.contains("503"), "{refused}");
            assert!(last.announce("film", "bob")["interval"].is_number());
            // Nobody is left to be told.
            drop(last);
        });
        server.stop();
        stopped.join().expect("the clients");
    });
    assert!(began.elapsed() < Duration::from_secs(30), "it waited for the window's end");
}
