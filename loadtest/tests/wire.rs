//! `wss` and `permessage-deflate`: against the real tracker, and against ones that get them wrong.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may end with a panic")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::Ordering::Relaxed;

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

mod deflating;
mod real;
mod refusal;
mod support;
use deflating::Lie;
use refusal::assert_refused;
use support::{Fault, PEERS};

/// A certificate for 127.0.0.1 and its key, in a folder of their own.
struct Identity {
    folder: TempDir,
}

impl Identity {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        let identity = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        std::fs::write(identity.certificate(), certificate.pem()).expect("a file");
        std::fs::write(identity.key(), key.serialize_pem()).expect("a file");
        identity
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Our tracker on TLS, where everybody may announce as often as they like.
    fn start(&self) -> SocketAddr {
        real::start_with(&unpaced(json!({
            "port": 0, "host": "127.0.0.1",
            "cert_file_name": self.certificate(), "key_file_name": self.key(),
        })))
    }

    /// The flag that makes it trusted.
    fn ca(&self) -> [String; 2] {
        ["--ca".to_owned(), self.certificate().display().to_string()]
    }
}

fn unpaced(server: Value) -> Value {
    json!({
        "servers": [{ "server": server }], "workers": 1,
        "tracker": { "minAnnounceInterval": 0 },
        "limits": { "announcesPerSecondPerSocket": 0, "announcesPerSecondPerIp": 0,
            "offersPerSecondPerReceiver": 0 },
    })
}

/// Loads `tracker` for a second; returns what was printed and the report.
fn load(scheme: &str, tracker: SocketAddr, more: &[&str]) -> (String, Output, Value) {
    let (url, peers) = (format!("{scheme}://{tracker}/"), PEERS.to_string());
    let args = ["--url", &url, "--peers", &peers, "--swarms", "2", "--in-flight", "8"];
    let brief = ["--offers", "5", "--warmup", "0s", "--duration", "1s"];
    let (output, report) = support::run(tracker, &[&args[..], &brief, more].concat());
    (String::from_utf8_lossy(&output.stdout).into_owned(), output, report)
}

fn is_right(report: &Value) -> bool {
    report["violations"] == 0
        && report["joined"].as_u64() == Some(PEERS as u64)
        && report["relays"].as_u64() > Some(100)
}

#[test]
fn peers_of_a_secure_tracker_get_what_was_sent() {
    let identity = Identity::new();
    let ca = identity.ca();
    let (table, output, report) = load("wss", identity.start(), &ca.each_ref().map(|a| &a[..]));
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(is_right(&report), "{report:#}");
    assert_eq!(report["wire"]["tls"], true);
    assert_eq!(report["wire"]["insecure"], false);
}

#[test]
#[cfg(target_os = "linux")]
fn whom_the_system_trusts_needs_no_flag() {
    let identity = Identity::new();
    let url = format!("wss://{}/", identity.start());
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        // OpenSSL's name for the file of certificates that a system trusts.
        .env("SSL_CERT_FILE", identity.certificate())
        .args(["--url", &url, "--peers", "8", "--swarms", "2", "--offers", "2"])
        .args(["--warmup", "0s", "--duration", "1s"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("wss, handshakes each in full\n"), "{table}");
    assert!(table.contains("no violations"), "{table}");
}

#[test]
fn records_that_arrive_in_pieces_are_put_together() {
    let identity = Identity::new();
    let ca = identity.ca();
    let dribbling = dribble(identity.start());
    // An announce of 30 kB is more than a record holds.
    let flags = ["--sdp-bytes", "6000", &ca[0], &ca[1]];
    let (table, output, report) = load("wss", dribbling, &flags);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(is_right(&report), "{report:#}");
}

/// A network before `tracker` that brings what it says in pieces that end anywhere.
fn dribble(tracker: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(tracker).expect("the tracker");
            client.set_nodelay(true).expect("an option");
            pass(&client, &server, 64 * 1024);
            pass(&server, &client, 997);
        }
    });
    address
}

/// Passes on what comes, `piece_bytes` at a time, until somebody ends it.
fn pass(from: &TcpStream, to: &TcpStream, piece_bytes: usize) {
    let (mut from, mut to) = (from.try_clone().expect("a copy"), to.try_clone().expect("a copy"));
    std::thread::spawn(move || {
        let mut piece = vec![0; piece_bytes];
        while let Ok(bytes) = from.read(&mut piece)
            && bytes > 0
            && to.write_all(&piece[..bytes]).is_ok()
        {}
        let _ = to.shutdown(Shutdown::Both);
    });
}

#[test]
fn a_certificate_that_nobody_vouches_for_stops_a_run_before_it_begins() {
    let (identity, other) = (Identity::new(), Identity::new());
    let tracker = identity.start();
    let plain = real::start();
    for (address, why) in [(tracker, "certificate"), (plain, "TLS")] {
        let url = format!("wss://{address}/");
        let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["--url", &url])
            .args(other.ca())
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        for part in [&url, why, "--ca", "--insecure"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn who_accepts_any_certificate_is_told_so_in_the_report() {
    let identity = Identity::new();
    let tracker = identity.start();
    let (table, output, report) = load("wss", tracker, &["--insecure", "--resume-tls"]);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(is_right(&report), "{report:#}");
    assert!(table.contains("certificates NOT CHECKED"), "{table}");
    assert_eq!(report["wire"]["insecure"], true);
    assert_eq!(report["wire"]["resumes_tls"], true);
}

#[test]
fn secure_trackers_are_compared_with_the_flags_of_one() {
    let identity = Identity::new();
    let [one, two] = [identity.start(), identity.start()];
    let [a, b] = [format!("a=wss://{one}/"), format!("b=wss://{two}/")];
    let args = ["--compare", &a, "--compare", &b, "--rounds", "1", "--swarms", "2"];
    let [ca, file] = identity.ca();
    let (peers, brief) = (PEERS.to_string(), ["--warmup", "0s", "--duration", "1s"]);
    let flags = [&args[..], &brief, &["--offers", "5", "--peers", &peers, &ca, &file]].concat();
    let (output, report) = support::run(one, &flags);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for tracker in report["trackers"].as_array().expect("trackers") {
        assert!(is_right(&tracker["rounds"][0]), "{tracker:#}");
        assert_eq!(tracker["rounds"][0]["wire"]["tls"], true);
    }
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(table.matches("/, wss, handshakes each in full").count(), 2, "{table}");
}

#[test]
fn compressed_messages_of_the_real_tracker_are_what_was_sent() {
    let identity = Identity::new();
    let plain = real::start_with(&unpaced(json!({ "port": 0, "host": "127.0.0.1" })));
    let secure = identity.start();
    let ca = identity.ca();
    let secure_flags = ["--deflate", &ca[0], &ca[1]];
    for (scheme, tracker, flags) in
        [("ws", plain, &["--deflate"][..]), ("wss", secure, &secure_flags)]
    {
        let (table, output, report) = load(scheme, tracker, flags);
        assert_eq!(output.status.code(), Some(0), "{table}");
        assert!(is_right(&report), "{report:#}");
        assert_eq!(report["wire"]["sockets_deflated"], PEERS);
    }
}

#[test]
fn a_tracker_that_does_not_compress_is_measured_and_the_report_says_so() {
    let (table, output, report) = load("ws", support::start(Fault::None), &["--deflate"]);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(is_right(&report), "{report:#}");
    assert_eq!(report["wire"]["sockets_deflated"], 0);
    assert!(table.contains("NOT AGREED"), "{table}");
}

#[test]
fn another_deflate_understands_what_peers_compress_and_they_it() {
    let deflating = deflating::start(support::start(Fault::None), Lie::None);
    let (table, output, report) = load("ws", deflating.address, &["--deflate"]);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(is_right(&report), "{report:#}");
    let deflated = deflating.deflated.load(Relaxed);
    assert!(deflated > 100, "{deflated} messages were compressed");
}

#[test]
fn a_compressed_message_that_stands_for_another_is_a_violation() {
    for (fault, kind) in
        [(Fault::ChangesOffers, "offer changed"), (Fault::ChangesAnswers, "answer changed")]
    {
        let deflating = deflating::start(support::start(fault), Lie::None);
        let (table, output, report) = load("ws", deflating.address, &["--deflate"]);
        assert_eq!(output.status.code(), Some(1), "{table}");
        let kinds = report["violations_by_kind"].as_object().expect("an object");
        assert_eq!(kinds.keys().collect::<Vec<_>>(), [kind], "{report:#}");
    }
}

#[test]
fn what_cannot_be_inflated_or_never_ends_cuts_the_peer_off_and_is_told() {
    for (lie, why) in [(Lie::Garbage, "cannot be inflated"), (Lie::Bomb, "more than 65536 bytes")] {
        let deflating = deflating::start(support::start(Fault::None), lie);
        let (table, output, report) = load("ws", deflating.address, &["--deflate"]);
        assert_eq!(output.status.code(), Some(1), "{table}");
        assert!(report["violations_by_kind"]["cut off"].as_u64() > Some(0), "{report:#}");
        assert!(table.contains(why), "{table}");
    }
}

#[test]
fn a_hostile_socket_speaks_what_the_good_swarm_speaks() {
    let identity = Identity::new();
    let tracker = identity.start();
    let (url, ca) = (format!("wss://{tracker}/"), identity.ca());
    let attacks = "ping-flood,deflate-bomb,half-frames,socket-churn";
    let args = ["attack", "--url", &url, &ca[0], &ca[1], "--deflate", "--only", attacks];
    let brief = ["--peers", "24", "--rounds", "1", "--announces-per-s", "25"];
    // How much is felt is another test's; here it is that everything arrives.
    let (output, report) = support::run(tracker, &[&args[..], &brief].concat());
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("permessage-deflate on 96 sockets"), "{table}");
    let verdicts = report["attacks"].as_array().expect("verdicts");
    assert_eq!(verdicts.len(), 4);
    for verdict in verdicts {
        assert_eq!(verdict["violations"], 0, "{verdict:#}");
        assert!(verdict["hostile"]["bytes_sent"].as_u64() > Some(0), "{verdict:#}");
    }
    let closes = &verdicts[1]["hostile"]["closes_by_code"];
    assert!(closes["1009"].as_u64() > Some(0), "a bomb is too big: {closes}");
}

#[test]
fn flags_for_tls_are_refused_where_there_is_none() {
    let no_certificate = tempfile::NamedTempFile::new().expect("a file");
    let empty = no_certificate.path().display().to_string();
    for (flags, named) in [
        (&["--url", "ws://127.0.0.1", "--insecure"][..], &["--insecure", "ws://127.0.0.1"][..]),
        (&["--url", "ws://127.0.0.1", "--ca", "x.pem"], &["--ca", "ws://127.0.0.1"]),
        (&["--url", "ws://127.0.0.1", "--resume-tls"], &["--resume-tls", "ws://127.0.0.1"]),
        (&["--url", "wss://127.0.0.1", "--ca", "/nowhere.pem"], &["--ca", "/nowhere.pem"]),
        (&["--url", "wss://127.0.0.1", "--ca", &empty], &[&empty, "no certificate"]),
        (&["--url", "http://127.0.0.1"], &["http://127.0.0.1", "wss://"]),
    ] {
        assert_refused(flags, named);
    }
}
