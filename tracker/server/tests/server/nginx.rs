//! The tracker behind nginx, with the very file that the docs give to operators: TLS ends there,
//! viewers meet through it, and the limits per address see the viewers' own.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal};
use serde_json::json;
use tempfile::TempDir;

use crate::support::tls::{self, Files, Identity, trusting};
use crate::support::{PATIENCE, Server, announce, answer, offer};

/// The file for operators, with its ports, its tracker and its certificate replaced by a test's.
const CONFIGURATION: &str = include_str!("../../../../docs/operating/nginx.conf");

/// A running nginx. It ends when it is dropped.
struct Nginx {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
    _certificate: Files,
}

impl Nginx {
    fn in_front_of(tracker: SocketAddr, identity: &Identity) -> Self {
        let files = Files::of(identity);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = free_address();
        let mut configuration = CONFIGURATION.to_owned();
        let mut replace = |from: &str, to: &str| {
            assert!(configuration.contains(from), "the file has no `{from}` any more");
            configuration = configuration.replace(from, to);
        };
        replace("listen 443 ssl;", &format!("listen {address} ssl;"));
        replace("        listen [::]:443 ssl;\n", "");
        replace("server 127.0.0.1:8000;", &format!("server {tracker};"));
        replace("/etc/ssl/tracker/cert.pem", &files.certificate().display().to_string());
        replace("/etc/ssl/tracker/key.pem", &files.key().display().to_string());
        // What a test's machine may be short of.
        replace("worker_rlimit_nofile 1048576;", "worker_rlimit_nofile 1024;");
        replace("worker_connections 262144;", "worker_connections 512;");
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration).expect("a file");
        let process = Command::new("nginx")
            .args(["-e", "stderr", "-g", "daemon off; pid nginx.pid;", "-c"])
            .arg(&file)
            .arg("-p")
            .arg(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx, which `make test` installs");
        let nginx = Self { address, process, _folder: folder, _certificate: files };
        nginx.wait_until_it_listens();
        nginx
    }

    fn wait_until_it_listens(&self) {
        let began = Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            assert!(began.elapsed() < PATIENCE, "nginx doesn't listen");
            std::thread::yield_now();
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only when it is asked to end.
        let pid = Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, Signal::TERM);
        let _ = self.process.wait();
    }
}

/// An address on which nobody listens, unless somebody takes it in between.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

#[test]
fn viewers_meet_through_nginx_which_speaks_tls_for_the_tracker() {
    let server = Server::with(&json!({"trustedProxies": ["127.0.0.1"]}));
    let identity = Identity::new();
    let nginx = Nginx::in_front_of(server.address(), &identity);
    let config = trusting(&[&identity]);

    let mut ann = tls::client(nginx.address, &config);
    let mut ben = tls::client(nginx.address, &config);
    ann.announce("film", "ann");
    ben.say(&announce("film", "ben", &json!({"offers": [offer("o", "an offer")]})));
    let heard = ann.hear();
    assert_eq!(heard["offer"]["sdp"], "an offer");
    ann.say(&answer("ann", &heard, "an answer"));
    assert_eq!(ben.reply_of("film")["incomplete"], 2);
    assert_eq!(ben.hear()["answer"]["sdp"], "an answer");
}

#[test]
fn the_limits_per_address_see_whom_nginx_saw() {
    let server = Server::with(&json!({
        "trustedProxies": ["127.0.0.1"],
        "limits": {"connectionsPerIp": 1},
    }));
    let identity = Identity::new();
    let nginx = Nginx::in_front_of(server.address(), &identity);
    let config = trusting(&[&identity]);
    // The test is on this machine, as nginx is, and so is believed like another proxy before it.
    let of = |viewer: &str| {
        let mut socket = tls::raw(nginx.address, &config);
        let head = socket.ask_for_upgrade(&format!("X-Forwarded-For: {viewer}\r\n"), b"");
        (socket, head.lines().next().unwrap_or_default().to_owned())
    };
    let (_first, status) = of("203.0.113.7");
    assert!(status.contains("101"), "the first socket of an address: {status}");
    let (_second, status) = of("203.0.113.7");
    assert!(status.contains("429"), "one too many: {status}");
    let (_other, status) = of("203.0.113.8");
    assert!(status.contains("101"), "another address: {status}");
}
