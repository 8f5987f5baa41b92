//! STUN on real UDP sockets: a viewer learns its address, over IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use serde_json::json;
use stun_types::attribute::XorMappedAddress;
use stun_types::message::{BINDING, Message, MessageWrite, MessageWriteVec};

use crate::support::{PATIENCE, Server};

fn ask(socket: &UdpSocket, server: SocketAddr) {
    let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
    socket.send_to(&request, server).expect("sent");
    let mut reply = [0; 1500];
    let (bytes, from) = socket.recv_from(&mut reply).expect("a reply");
    assert_eq!(from, server);
    assert!(bytes <= 44, "{bytes} bytes in reply to {}", request.len());
    let reply = Message::from_bytes(&reply[..bytes]).expect("STUN");
    let asked = Message::from_bytes(&request).expect("STUN");
    assert_eq!(reply.transaction_id(), asked.transaction_id());
    let seen = reply.attribute::<XorMappedAddress>().expect("an address");
    let own = socket.local_addr().expect("an address");
    assert_eq!(seen.addr(reply.transaction_id()), own);
}

fn socket(ip: impl Into<IpAddr>) -> Option<UdpSocket> {
    let socket = UdpSocket::bind(SocketAddr::new(ip.into(), 0)).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    Some(socket)
}

#[test]
fn viewers_learn_their_address_over_ipv4_and_ipv6_on_one_port() {
    let server = Server::with(&json!({"stun": {"port": 0}}));
    let port = server.addresses.stun.expect("an address").port();
    let four = socket(Ipv4Addr::LOCALHOST).expect("IPv4");
    ask(&four, (Ipv4Addr::LOCALHOST, port).into());
    if let Some(six) = socket(Ipv6Addr::LOCALHOST) {
        ask(&six, (Ipv6Addr::LOCALHOST, port).into());
    }
}

#[test]
fn garbage_gets_no_reply_and_the_next_request_does() {
    let server = Server::with(&json!({"stun": {"port": 0, "host": "127.0.0.1"}}));
    let address = server.addresses.stun.expect("an address");
    let socket = socket(Ipv4Addr::LOCALHOST).expect("IPv4");
    for garbage in [&b""[..], b"\x00", &[0; 20], &[0x16; 1200], &[0xff; 60_000]] {
        socket.send_to(garbage, address).expect("sent");
    }
    // The one reply that comes is the one to this.
    ask(&socket, address);
    for _ in 0..200 {
        ask(&socket, address);
    }
}

#[test]
fn a_reply_that_nobody_takes_does_not_stop_the_next() {
    let server = Server::with(&json!({"stun": {"port": 0, "host": "127.0.0.1"}}));
    let address = server.addresses.stun.expect("an address");
    for _ in 0..20 {
        let gone = socket(Ipv4Addr::LOCALHOST).expect("IPv4");
        let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
        gone.send_to(&request, address).expect("sent");
    }
    ask(&socket(Ipv4Addr::LOCALHOST).expect("IPv4"), address);
}
