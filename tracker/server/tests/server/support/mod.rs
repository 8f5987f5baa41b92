//! A real tracker on real sockets, and the clients that the tests send at it: a well-behaved one
//! ([`Client`], with a WebSocket library of its own) and a hostile one ([`Raw`], bytes by hand).
//! Every wait is for an event and has a bound.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this")]

mod client;
pub mod feed;
pub mod nats;
pub mod program;
mod raw;
pub mod tls;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tracker::config::{Config, LoadError, Loaded, Sources};
use tracker::{Addresses, Tracker};

pub use client::{Client, announce, answer, id, offer};
pub use raw::{Raw, frame};

/// No event that a test waits for takes this long, on a machine however busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A tracker on a thread of its own. It is stopped when it is dropped.
pub struct Server {
    pub addresses: Addresses,
    /// What is asked of its handle, a configuration or none; it is stopped when this is gone.
    reload: Option<UnboundedSender<Option<Config>>>,
    thread: Option<JoinHandle<()>>,
}

/// These sections of a configuration, and that everybody may announce, and be offered to, as often
/// as they like.
pub fn unpaced(sections: &Value) -> Value {
    let mut sections = sections.clone();
    for (section, key) in [
        ("tracker", "minAnnounceInterval"),
        ("limits", "announcesPerSecondPerSocket"),
        ("limits", "offersPerSecondPerReceiver"),
    ] {
        sections[section][key] = json!(0);
    }
    sections
}

/// `object` with these members, instead of its own where it has them.
pub fn with(mut object: Value, members: &Value) -> Value {
    for (key, value) in members.as_object().expect("an object") {
        object[key] = value.clone();
    }
    object
}

/// Asks until the answer is as `wanted`, and returns it. What is `what` came too late otherwise.
pub fn until<T: Debug>(what: &str, mut ask: impl FnMut() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let began = Instant::now();
    loop {
        let answer = ask();
        if wanted(&answer) {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "not {what}: {answer:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reads a configuration the way the binary does: from a file.
pub fn load(config: &Value) -> Result<Loaded, LoadError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.json");
    std::fs::write(&path, config.to_string()).expect("a file");
    Sources::file(path).load()
}

impl Server {
    /// Two workers on a port of the system's choice, with wt-tracker's defaults.
    pub fn start() -> Self {
        Self::with(&json!({}))
    }

    /// The same, where everybody may announce, and be offered to, as often as they like.
    pub fn without_pace() -> Self {
        Self::with(&unpaced(&json!({})))
    }

    /// The same, with these settings of `websockets`.
    pub fn with_websockets(websockets: &Value) -> Self {
        let server = json!({"server": {"port": 0, "host": "127.0.0.1"}, "websockets": websockets});
        Self::with(&json!({"servers": [server]}))
    }

    /// The same, with these sections of the configuration instead of ours.
    pub fn with(sections: &Value) -> Self {
        let config = Self::config(sections);
        // All tests' sockets are this process's; near its limit a node asks for longer intervals.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        let (tell, told) = mpsc::channel();
        let (reload, mut asked) = unbounded_channel();
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                let tracker = Tracker::start(config).expect("a tracker");
                tell.send(tracker.addresses().clone()).expect("a test");
                while let Some(config) = asked.recv().await {
                    match config {
                        Some(config) => tracker.reload(config),
                        None => tracker.reload_files().await,
                    }
                }
                tracker.stop().await;
            });
        });
        Self {
            addresses: told.recv_timeout(PATIENCE).expect("addresses"),
            reload: Some(reload),
            thread: Some(thread),
        }
    }

    fn config(sections: &Value) -> Config {
        let ours = json!({
            "servers": [{"server": {"port": 0, "host": "127.0.0.1"}}],
            "workers": 2,
        });
        load(&with(ours, sections)).expect("a configuration").config
    }

    pub fn address(&self) -> SocketAddr {
        self.addresses.servers[0].address
    }

    /// Has it read its files again, as SIGHUP does.
    pub fn reload_files(&self) {
        self.ask(None);
    }

    /// Has it obey another configuration, as SIGHUP does: soon these sections are in force.
    pub fn reload(&self, sections: &Value) {
        self.ask(Some(Self::config(sections)));
    }

    fn ask(&self, what: Option<Config>) {
        let reload = self.reload.as_ref().expect("it runs");
        reload.send(what).expect("it runs");
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address(), "/")
    }

    pub fn raw(&self) -> Raw {
        Raw::connect(self.address())
    }

    /// Stops it, and says how long that took.
    pub fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.stop_now();
        began.elapsed()
    }

    fn stop_now(&mut self) {
        self.reload = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the tracker's thread has panicked");
        }
    }

    /// Sends one request without an upgrade; status line and body come back.
    pub fn get(&self, path: &str) -> (String, String) {
        let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        http(self.address(), &head)
    }

    pub fn stats(&self) -> Value {
        let (_, body) = self.get("/stats.json");
        serde_json::from_str(&body).expect("JSON")
    }

    /// Waits until the stats are as `wanted`, and returns them.
    pub fn stats_until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.stats(), wanted)
    }

    /// The page that Prometheus reads.
    pub fn metrics_page(&self) -> String {
        let address = self.addresses.metrics.expect("a `metrics` section");
        let head = "GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        let (status, page) = http(address, head);
        assert_eq!(status, "HTTP/1.1 200 OK");
        page
    }

    /// Its samples: `name{label="value"}` to value.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let page = self.metrics_page();
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        samples
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
            .collect()
    }

    /// Waits until the samples are as `wanted`, and returns them.
    pub fn metrics_until(
        &self,
        what: &str,
        wanted: impl Fn(&BTreeMap<String, f64>) -> bool,
    ) -> BTreeMap<String, f64> {
        until(what, || self.metrics(), wanted)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_now();
    }
}

/// Sends a request as it stands and reads to the end; status line and body come back.
pub fn http(address: SocketAddr, request: &str) -> (String, String) {
    let socket = TcpStream::connect(address).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    http_on(socket, request)
}

/// The same on a stream that is there already.
pub fn http_on(mut socket: impl Read + Write, request: &str) -> (String, String) {
    socket.write_all(request.as_bytes()).expect("sent");
    let mut response = Vec::new();
    socket.read_to_end(&mut response).expect("a response");
    let response = String::from_utf8_lossy(&response).into_owned();
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let status = head.lines().next().unwrap_or_default();
    (status.to_owned(), body.to_owned())
}

/// A seed for a random test, from `SEED` if that is set, and told if the test fails.
pub fn seed() -> u64 {
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    #[allow(clippy::print_stderr, reason = "cargo shows it when the test fails")]
    {
        eprintln!("to see this run again: SEED={seed}");
    }
    seed
}
