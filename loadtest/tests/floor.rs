//! The yardstick as it is used: started, loaded, loaded again, and told to end.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test may end with a panic")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A running floor; killed when a test fails.
struct Floor {
    child: Child,
    address: SocketAddr,
}

impl Floor {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["floor", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("floor listens at ws://").expect("where it listens");
        Self { address: address.parse().expect("an address"), child }
    }

    /// A closed loop for a second; returns the report.
    fn load(&self) -> Value {
        let url = format!("ws://{}", self.address);
        let file = tempfile::NamedTempFile::new().expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["--url", &url, "--peers", "60", "--swarms", "3", "--offers", "10"])
            .args(["--warmup", "0s", "--duration", "1s", "--json"])
            .arg(file.path())
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&std::fs::read(file.path()).expect("a report")).expect("JSON")
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // It has ended, unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_it_is_for_is_said_where_one_looks() {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest")).args(["floor", "--help"]).output();
    let help = String::from_utf8(output.expect("the program runs").stdout).expect("text");
    for part in ["least that a relay can cost", "no product", "taskset -c 0 loadtest floor"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn it_relays_everything_to_those_who_are_there_until_it_is_told_to_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut floor = Floor::start();
        // The second crowd gets nothing that is meant for the first.
        for _ in 0..2 {
            let report = floor.load();
            assert_eq!(report["violations"], 0, "{report:#}");
            assert!(report["relays"].as_u64() > Some(1_000), "{report:#}");
        }
        let pid = Pid::from_child(&floor.child);
        kill_process(pid, signal).expect("it is there");
        assert_eq!(floor.child.wait().expect("it ends").code(), Some(0));
    }
}
