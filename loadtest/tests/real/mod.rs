//! The real tracker, with one worker, so that whoever connects shares it with the good swarm.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tracker::Tracker;
use tracker::config::Sources;

/// Trackers of this process so far; each has a configuration of its own.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// Starts it on a free port with its own defaults; it ends with its thread, at the end of the test
/// run.
#[allow(dead_code, reason = "not every test has a use for it")]
pub(crate) fn start() -> SocketAddr {
    start_with(json!({}))
}

/// The same without the rules that keep viewers from announcing as fast as it goes.
#[allow(dead_code, reason = "not every test has a use for it")]
pub(crate) fn start_for_saturation() -> SocketAddr {
    start_with(json!({
        "tracker": { "minAnnounceInterval": 0 },
        "limits": { "announcesPerSecondPerSocket": 0, "announcesPerSecondPerIp": 0,
            "offersPerSecondPerReceiver": 0 },
    }))
}

fn start_with(mut config: Value) -> SocketAddr {
    // Half of the sockets are in this process.
    rlimit::increase_nofile_limit(u64::MAX).expect("descriptors");
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let name = format!("loadtest-{}-{number}.config.json", std::process::id());
    let file = std::env::temp_dir().join(name);
    config["servers"] = json!([{ "server": { "port": 0, "host": "127.0.0.1" } }]);
    config["workers"] = json!(1);
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
