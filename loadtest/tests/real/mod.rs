//! The real tracker, with one worker, so that whoever connects shares it with the good swarm.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tracker::Tracker;
use tracker::config::Sources;

/// Starts it on a free port with its own defaults.
#[allow(dead_code, reason = "not every test file has a use for it")]
pub(crate) fn start() -> SocketAddr {
    start_with(&on_a_free_port())
}

/// The same without the rules that keep viewers from announcing as fast as a load test does; it
/// asks for an announce every other second, and keeps less for who doesn't read.
#[allow(dead_code, reason = "not every test file has a use for it")]
pub(crate) fn start_unlimited() -> SocketAddr {
    let mut config = on_a_free_port();
    config["tracker"] = json!({ "minAnnounceInterval": 0, "announceInterval": 2 });
    config["limits"] = json!({ "announcesPerSecondPerSocket": 0, "announcesPerSecondPerIp": 0,
        "offersPerSecondPerReceiver": 0, "outboxBytes": 65536 });
    start_with(&config)
}

fn on_a_free_port() -> Value {
    json!({ "servers": [{ "server": { "port": 0, "host": "127.0.0.1" } }], "workers": 1 })
}

/// Starts it with this configuration; it ends with its thread, at the end of the test run.
pub(crate) fn start_with(config: &Value) -> SocketAddr {
    // Half of the sockets are in this process.
    rlimit::increase_nofile_limit(u64::MAX).expect("descriptors");
    let file = tempfile::Builder::new().suffix(".json").tempfile().expect("a file");
    std::fs::write(file.path(), config.to_string()).expect("written");
    let config = Sources::file(file.path()).load().expect("a configuration").config;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let tracker = Tracker::start(config).expect("a tracker");
            tell.send(tracker.addresses().servers[0].address).expect("a test");
            std::future::pending::<()>().await;
        });
    });
    told.recv_timeout(Duration::from_secs(30)).expect("an address")
}
