//! What encoders send, as bytes on real sockets: what is taken, what is played of it, and what is
//! refused, with which words.

#![allow(clippy::expect_used, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod played;
mod refused;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use support::{Response, SEGMENTS, Served, read_response, send};

const TOKEN: &str = "correct-horse-battery";
const BEARER: (&str, &str) = ("Authorization", "Bearer correct-horse-battery");

const PATIENCE: Duration = Duration::from_secs(30);

fn served(keys: &str) -> Served {
    Served::start(&format!(
        r#"{{ "streams": [{{ "name": "tv", "playlistSegments": 6,
            "push": {{ "token": "{TOKEN}" {keys} }} }},
            {{ "name": "clip", "loop": {{}} }}] }}"#
    ))
}

fn put(to: SocketAddr, path: &str, body: &[u8]) -> Response {
    let length = body.len().to_string();
    send(to, "PUT", path, &[BEARER, ("Content-Length", &length)], body)
}

fn put_segment(to: SocketAddr, number: usize) {
    let segment = SEGMENTS[number % SEGMENTS.len()];
    assert_eq!(put(to, &format!("/push/tv/s{number}.ts"), segment).status, 201);
}

fn playlist(numbers: std::ops::Range<usize>) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{}\n",
        numbers.start
    );
    numbers.for_each(|number| text.push_str(&format!("#EXTINF:2.000,\ns{number}.ts\n")));
    text
}

fn put_playlist(to: SocketAddr, numbers: std::ops::Range<usize>) {
    let text = playlist(numbers);
    assert_eq!(put(to, "/push/tv/index.m3u8", text.as_bytes()).status, 201);
}

/// The head of an upload, on a connection that stays open.
fn begin(to: SocketAddr, path: &str, headers: &str) -> TcpStream {
    let mut socket = TcpStream::connect(to).expect("a connection");
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\n{headers}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).expect("a request");
    socket
}

fn chunk(socket: &mut TcpStream, bytes: &[u8]) {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    socket.write_all(&chunk).expect("a chunk");
}

fn assert_refused(response: &Response, status: u16, text: &str) {
    let told = response.text();
    assert_eq!(response.status, status, "{told}");
    assert!(told.contains(text), "{told}");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("access-control-allow-origin"), "", "no page may send");
    assert!(!told.contains(TOKEN), "{told}");
}

/// A request from another of this machine's addresses.
fn send_from(
    from: &str,
    to: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let address: SocketAddr = format!("{from}:0").parse().expect(from);
    bind(&stream, &address).expect("an address of this machine");
    connect(&stream, &to).expect("a connection");
    let mut stream = TcpStream::from(stream);
    let mut head = format!("PUT {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("a request");
    stream.write_all(body).expect("a body");
    read_response(stream)
}
