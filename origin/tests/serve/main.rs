//! The listeners of the binary: TLS and HTTP/2, and clients that are slow, say half a request, go in
//! the middle of an answer, or send what is no HTTP at all.

#![allow(clippy::expect_used, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod tls;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use origin::limits::{REQUEST_TIMEOUT, WRITE_TIMEOUT};
use socket2::SockRef;
use support::server::{Raw, Running};
use support::{Playlist, eventually, get};

const CLIP: &str = r#"{ "streams": [{ "name": "clip", "loop": {} }], "metrics": {"port": 0} }"#;

fn newest_but_one(at: SocketAddr) -> String {
    let segments = eventually(Duration::from_secs(10), "three segments", || {
        let segments = Playlist::get(at, "clip").segments;
        (segments.len() >= 3).then_some(segments)
    });
    format!("/live/clip/{}", segments[segments.len() - 2])
}

/// Asks for a segment again and again, and takes a byte of all that, with as little room for more
/// as the kernel gives.
fn slow_client(at: SocketAddr, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(at).expect("a connection");
    SockRef::from(&socket).set_recv_buffer_size(2048).expect("a small buffer");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    // More than the kernel takes off the server's hands.
    socket.write_all(request.repeat(200).as_bytes()).expect("requests");
    socket.read_exact(&mut [0]).expect("a byte");
    socket
}

#[test]
fn a_client_that_does_not_read_is_cut_and_others_never_notice() {
    let running = Running::start(CLIP);
    let path = newest_but_one(running.address);
    let slow: Vec<_> = (0..5).map(|_| slow_client(running.address, &path)).collect();
    let began = Instant::now();
    assert_eq!(get(running.address, &path).status, 200);
    assert!(began.elapsed() < Duration::from_secs(5));
    // What they hold of segments is let go of first, ...
    let cut = r#"origin_cut_clients_total{stream="clip"}"#;
    eventually(Duration::from_secs(60), "the cut", || (running.count(cut) >= 5.0).then_some(()));
    // ... and their connections end soon after, with what was still in the kernel: whoever sends
    // something there hears that nobody knows him.
    for mut socket in slow {
        socket.set_nonblocking(true).expect("a socket");
        eventually(WRITE_TIMEOUT * 3, "the end", || {
            let end = socket.write(b"x").and_then(|_| socket.peek(&mut [0])).err()?;
            let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
            gone.contains(&end.kind()).then_some(())
        });
    }
}

#[test]
fn a_client_that_goes_in_the_middle_of_an_answer_costs_nobody_anything() {
    let running = Running::start(CLIP);
    let path = newest_but_one(running.address);
    for _ in 0..50 {
        let mut socket = TcpStream::connect(running.address).expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        socket.write_all(request.as_bytes()).expect("a request");
        socket.read_exact(&mut [0; 100]).expect("the beginning");
    }
    let whole = get(running.address, &path);
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    assert_eq!(running.count(r#"origin_cut_clients_total{stream="clip"}"#), 0.0, "they went");
}

/// More than the kernel takes off the server's hands, and than a slow client takes in time.
const LARGE_SEGMENT_BYTES: usize = 12 * 1024 * 1024;

#[test]
fn nothing_follows_a_body_that_did_not_come_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = include_bytes!("../../clip/clip/0.ts");
    let large = clip.repeat(LARGE_SEGMENT_BYTES / clip.len());
    std::fs::write(folder.path().join("0.ts"), large).expect("a file");
    let index = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n0.ts\n";
    std::fs::write(folder.path().join("index.m3u8"), index).expect("a playlist");
    let running = Running::start(&format!(
        r#"{{ "metrics": {{ "port": 0 }}, "streams": [{{ "name": "film", "playlistSegments": 3,
            "loop": {{ "folder": {:?} }} }}] }}"#,
        folder.path()
    ));
    let newest = Playlist::get(running.address, "film").segments.pop().expect("a segment");
    let mut slow = slow_client(running.address, &format!("/live/film/{newest}"));
    let cut = r#"origin_cut_clients_total{stream="film"}"#;
    eventually(WRITE_TIMEOUT * 3, "the cut", || (running.count(cut) >= 1.0).then_some(()));
    let mut answers = vec![b'H'];
    // A reset is an end, too.
    let _ = slow.read_to_end(&mut answers);
    let answers_begun = memchr::memmem::find_iter(&answers, b"HTTP/1.1 ").count();
    assert_eq!(answers_begun, 1, "{} bytes", answers.len());
}

#[test]
fn an_idle_connection_is_kept_for_longer_than_a_request_may_take() {
    let running = Running::start(CLIP);
    let path = newest_but_one(running.address);
    let mut socket = TcpStream::connect(running.address).expect("a connection");
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    for pause in [Duration::ZERO, REQUEST_TIMEOUT + Duration::from_secs(2)] {
        std::thread::sleep(pause);
        socket.write_all(request.as_bytes()).expect("a connection that is open");
        let mut head = [0; 12];
        socket.read_exact(&mut head).expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 200");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a socket");
        // The rest of the head; a file's body does not come.
        let _ = socket.read_to_end(&mut Vec::new());
        socket.set_read_timeout(None).expect("a socket");
    }
}

#[test]
fn half_a_request_is_not_waited_for() {
    let running = Running::start(CLIP);
    let (began, bound) = (Instant::now(), REQUEST_TIMEOUT + Duration::from_secs(20));
    for half in ["", "GET /live/clip/ind", "GET /live/clip/index.m3u8 HTTP/1.1\r\nHost: x\r\n"] {
        let mut raw = Raw::to(running.address);
        raw.say(half);
        // The other side stays open: it is the server that ends it.
        let mut answer = Vec::new();
        raw.0.read_to_end(&mut answer).expect("an end in time");
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{half}");
    }
    assert!(began.elapsed() < bound * 3);
}

#[test]
fn what_is_no_request_for_a_file_gets_nothing_but_a_refusal() {
    let running = Running::start(CLIP);
    Playlist::get(running.address, "clip");
    let long = format!("GET /live/clip/{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(500));
    for odd in [
        "GET /live/clip/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/..\\..\\etc\\passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET //etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip//etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/.index.m3u8 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/.git HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/index.m3u8%00.ts HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/index.m3u8/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /live/clip/index.m3u8 HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\x03\x03",
        "\r\n\r\n\0\0\0",
        &long,
        &many,
    ] {
        let mut raw = Raw::to(running.address);
        // It may have been refused before all of it was sent.
        let _ = raw.0.write_all(odd.as_bytes());
        let answer = raw.hear_all();
        let status = answer.split(' ').nth(1).unwrap_or("none");
        let start: String = odd.chars().take(60).collect();
        assert!(["400", "404", "414", "431", "505", "none"].contains(&status), "{start}: {answer}");
        assert!(!answer.contains("root:"), "{start}");
    }
    assert_eq!(get(running.address, "/live/clip/index.m3u8").status, 200);
}

#[test]
fn the_counts_tell_requests_by_kind_and_status_and_the_streams_health() {
    let running = Running::start(CLIP);
    let path = newest_but_one(running.address);
    let length = get(running.address, &path).body.len();
    get(running.address, "/live/clip/nothing.ts");
    get(running.address, "/live/nowhere/index.m3u8");
    for (sample, value) in [
        (r#"origin_stream_state{stream="clip",state="live"}"#, 1.0),
        (r#"origin_stream_state{stream="clip",state="failing"}"#, 0.0),
        (r#"origin_restarts_total{stream="clip"}"#, 0.0),
        (r#"origin_requests_total{stream="clip",kind="segment",status="200"}"#, 1.0),
        (r#"origin_requests_total{stream="clip",kind="segment",status="404"}"#, 1.0),
        (r#"origin_requests_total{stream="clip",kind="playlist",status="200"}"#, 2.0),
        (r#"origin_requests_total{stream="",kind="playlist",status="404"}"#, 1.0),
        (r#"origin_denied_total{stream="clip",reason="secret"}"#, 0.0),
    ] {
        assert_eq!(running.count(sample), value, "{sample}");
    }
    assert!(running.count(r#"origin_sent_bytes_total{stream="clip"}"#) >= length as f64);
    assert!(running.count(r#"origin_segment_age_seconds{stream="clip"}"#) < 10.0);
    assert!(running.count(r#"origin_bits_per_second{stream="clip"}"#) > 50_000.0);
    // Prometheus' format: each metric has a head, and each line a number.
    let page = get(running.metrics.expect("metrics"), "/metrics").text();
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let (name, value) = line.rsplit_once(' ').expect(line);
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let metric = name.split('{').next().expect(line);
        assert!(page.contains(&format!("# TYPE {metric} ")), "{line}");
    }
}
