//! The real tracker, with one worker, so that whoever connects shares it with the good swarm.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;
use tracker::Tracker;
use tracker::config::Sources;

/// Starts it on a free port with its own defaults; it ends with its thread, at the end of the test
/// run.
pub(crate) fn start() -> SocketAddr {
    // Half of the sockets are in this process.
    rlimit::increase_nofile_limit(u64::MAX).expect("descriptors");
    let file = std::env::temp_dir().join(format!("attack-{}.config.json", std::process::id()));
    let config =
        json!({ "servers": [{ "server": { "port": 0, "host": "127.0.0.1" } }], "workers": 1 });
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
