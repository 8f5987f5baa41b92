//! A stop is orderly: everybody is told, and everything is given back.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use serde_json::json;

use crate::support::{Client, Server, announce};

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
