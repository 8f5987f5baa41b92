//! With TLS: both versions of HTTP, and a certificate that is renewed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use origin::limits::{ANSWER_TIME_MIN, ANSWERS_SWEEP};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use tempfile::TempDir;

use crate::support::eventually;
use crate::support::server::Running;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

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
