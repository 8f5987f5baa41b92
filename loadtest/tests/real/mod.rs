//! The real tracker, with one worker, so that whoever connects shares it with the good swarm.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tracker::Tracker;
use tracker::config::Sources;

/// Starts it on a free port with its own defaults; it ends with its thread, at the end of the test
/// run.
pub(crate) fn start() -> SocketAddr {
    start_with(&json!({}), &json!({}))
}

/// The same without the rules that keep viewers from announcing as fast as a load test does; it
/// asks for an announce every other second, and keeps less for who doesn't read.
#[allow(dead_code, reason = "not every test file loads with more than viewers do")]
pub(crate) fn start_unlimited() -> SocketAddr {
    let tracker = json!({ "minAnnounceInterval": 0, "announceInterval": 2 });
    let limits = json!({ "announcesPerSecondPerSocket": 0, "offersPerSecondPerReceiver": 0,
        "outboxBytes": 65536 });
    start_with(&tracker, &limits)
}

fn start_with(settings: &Value, limits: &Value) -> SocketAddr {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    // Half of the sockets are in this process.
    rlimit::increase_nofile_limit(u64::MAX).expect("descriptors");
    let number = STARTED.fetch_add(1, Relaxed);
    let name = format!("loadtest-{}-{number}.config.json", std::process::id());
    let file = std::env::temp_dir().join(name);
    let config = json!({ "servers": [{ "server": { "port": 0, "host": "127.0.0.1" } }],
        "workers": 1, "tracker": settings, "limits": limits });
    std::fs::write(&file, config.to_string()).expect("a file");
    let config = Sources::file(&file).load().expect("a configuration").config;
    std::fs::remove_file(&file).expect("the file is ours");
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
