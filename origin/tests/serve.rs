//! The listeners of the binary: TLS and HTTP/2, and clients that are slow, say half a request, go in
//! the middle of an answer, or send what is no HTTP at all.

#![allow(clippy::expect_used)]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use origin::limits::{ANSWER_TIME_MIN, ANSWERS_SWEEP, REQUEST_TIMEOUT, WRITE_TIMEOUT};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use socket2::SockRef;
use support::server::{Raw, Running};
use support::{Playlist, eventually, get};
use tempfile::TempDir;

const CLIP: &str = r#"{ "streams": [{ "name": "clip", "loop": {} }], "metrics": {"port": 0} }"#;

/// A certificate for `localhost` in files, and what a client trusts.
struct Identity {
    folder: TempDir,
    trusted: CertificateDer<'static>,
}

impl Identity {
    fn new() -> Identity {
        let folder = tempfile::tempdir().expect("a folder");
        let trusted = write_identity(&folder);
        Identity { folder, trusted }
    }

    fn replace(&mut self) {
        self.trusted = write_identity(&self.folder);
    }

    fn section(&self) -> String {
        let file = |name: &str| self.folder.path().join(name);
        json!({"streams": [{"name": "clip", "loop": {}}], "metrics": {"port": 0},
            "listen": {"tls": {"certFile": file("cert.pem"), "keyFile": file("key.pem")}}})
        .to_string()
    }

    /// A connection that offers these protocols.
    fn connect(
        &self,
        to: SocketAddr,
        protocols: &[&str],
    ) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.clone()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3");
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        let socket = TcpStream::connect(to)?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut stream = StreamOwned::new(session, socket);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(stream)
    }
}

fn write_identity(folder: &TempDir) -> CertificateDer<'static> {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    std::fs::write(folder.path().join("cert.pem"), certificate.pem()).expect("a file");
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).expect("a file");
    certificate.der().clone()
}

fn newest_but_one(at: SocketAddr) -> String {
    let segments = eventually(Duration::from_secs(10), "three segments", || {
        let segments = Playlist::get(at, "clip").segments;
        (segments.len() >= 3).then_some(segments)
    });
    format!("/live/clip/{}", segments[segments.len() - 2])
}

#[test]
fn http_1_is_spoken_over_tls_to_those_who_ask_for_it_or_for_nothing() {
    let identity = Identity::new();
    let running = Running::start(&identity.section());
    for protocols in [&["http/1.1"][..], &[]] {
        let mut stream = identity.connect(running.address, protocols).expect("TLS");
        let request = b"GET /live/clip/video.m3u8 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).expect("a request");
        let mut answer = Vec::new();
        // Whether TLS is told of the end is no matter here.
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{protocols:?}");
        assert!(answer.ends_with(b".m4s\n"));
    }
}

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The beginning of a connection whose streams have this window.
fn preface(window: u32) -> Vec<u8> {
    let setting = [&[0, 4][..], &window.to_be_bytes()].concat();
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &setting)].concat()
}

/// `GET` of a path, with indexed fields and literals only (RFC 7541, appendix A).
fn get_frame(stream: u32, path: &str) -> Vec<u8> {
    let text = |index: u8, value: &str| [&[index, value.len() as u8], value.as_bytes()].concat();
    let block = [vec![0x82, 0x87], text(0x04, path), text(0x01, "localhost")].concat();
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block)
}

fn next_frame(stream: &mut impl Read) -> (u8, u8, u32, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).expect("a frame");
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).expect("a whole frame");
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    (head[3], head[4], id, payload)
}

#[test]
fn http_2_carries_many_answers_at_a_time_over_one_connection() {
    let identity = Identity::new();
    let running = Running::start(&identity.section());
    // The clip's segments come one by one, if quickly.
    let names = eventually(Duration::from_secs(10), "three segments", || {
        let mut stream = identity.connect(running.address, &[]).expect("TLS");
        let request = b"GET /live/clip/video.m3u8 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).expect("a request");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8(answer).expect("text");
        let names = text.lines().filter(|line| line.ends_with(".m4s")).map(str::to_owned);
        let names: Vec<_> = names.collect();
        (names.len() >= 3).then_some(names)
    });
    let asked = &names[names.len() - 3..];
    let mut stream = identity.connect(running.address, &["h2", "http/1.1"]).expect("TLS");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    // Windows that hold all of it.
    let mut said = preface(1 << 24);
    said.extend(frame(8, 0, 0, &(1u32 << 24).to_be_bytes()));
    for (place, name) in (0..).zip(asked) {
        said.extend(get_frame(2 * place + 1, &format!("/live/clip/{name}")));
    }
    stream.write_all(&said).expect("requests");
    let (mut bodies, mut open) = (vec![Vec::new(); 3], 3);
    while open > 0 {
        let (kind, flags, id, payload) = next_frame(&mut stream);
        let place = id.saturating_sub(1) as usize / 2;
        match kind {
            // `:status: 200` is field 8 of the static table.
            HEADERS => assert_eq!(payload[0], 0x88, "status"),
            DATA => {
                bodies[place].extend_from_slice(&payload);
                open -= usize::from(flags & END_STREAM != 0);
            }
            _ => {}
        }
    }
    for body in bodies {
        let begins = [&b"styp"[..], b"moof", b"sidx", b"prft"].contains(&&body[4..8]);
        assert!(body.len() > 10_000 && begins, "{} bytes", body.len());
    }
}

#[test]
fn a_stream_of_http_2_without_room_is_cut_and_the_connection_stays() {
    let identity = Identity::new();
    let running = Running::start(&identity.section());
    let path = {
        let address = running.address;
        eventually(Duration::from_secs(20), "a segment", || {
            let mut stream = identity.connect(address, &[]).ok()?;
            let request =
                b"GET /live/clip/video.m3u8 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            stream.write_all(request).ok()?;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            let text = String::from_utf8(answer).ok()?;
            text.lines()
                .rfind(|line| line.ends_with(".m4s"))
                .map(|name| format!("/live/clip/{name}"))
        })
    };
    let mut stream = identity.connect(running.address, &["h2"]).expect("TLS");
    // One byte of window, and no more.
    stream.write_all(&[preface(1), get_frame(1, &path)].concat()).expect("a request");
    let cut = r#"origin_cut_clients_total{stream="clip"}"#;
    let patience = ANSWER_TIME_MIN + ANSWERS_SWEEP + Duration::from_secs(20);
    eventually(patience, "the cut", || (running.count(cut) == 1.0).then_some(()));
    stream.write_all(&frame(PING, 0, 0, b"12345678")).expect("a ping");
    loop {
        let (kind, flags, _, payload) = next_frame(&mut stream);
        if (kind, flags) == (PING, 1) {
            assert_eq!(payload, b"12345678");
            break;
        }
    }
}

#[test]
fn a_new_certificate_is_shown_without_a_restart() {
    let mut identity = Identity::new();
    let running = Running::start(&identity.section());
    identity.connect(running.address, &[]).expect("the first certificate");
    identity.replace();
    eventually(Duration::from_secs(20), "the new certificate", || {
        identity.connect(running.address, &[]).ok().map(drop)
    });
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
    let clip = include_bytes!("../clip/clip/0.ts");
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
