//! Several nodes of one cluster under one load: what crosses between them is counted, may be lost
//! and may not be wrong, and what stays on a node must arrive.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may end with a panic")]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

mod real;
mod refusal;
mod support;
use refusal::assert_refused;
use support::{Fault, PEERS};

fn urls(nodes: &[SocketAddr]) -> String {
    nodes.iter().map(|node| format!("ws://{node}/")).collect::<Vec<_>>().join(",")
}

/// Loads a small cluster of two nodes with this fault for two seconds.
fn load(fault: Fault) -> (Output, Value) {
    load_with(fault, &[])
}

fn load_with(fault: Fault, more: &[&str]) -> (Output, Value) {
    let nodes = support::start_nodes(2, fault);
    let (urls, peers) = (urls(&nodes), PEERS.to_string());
    let args = ["--url", &urls, "--peers", &peers, "--swarms", "2", "--offers", "5"];
    let paced = ["--cross-share", "13", "--settle", "100ms", "--warmup", "0s", "--duration", "2s"];
    support::run(nodes[0], &[&args[..], &paced, more].concat())
}

fn kinds(report: &Value) -> Vec<&str> {
    let kinds = report["violations_by_kind"].as_object().expect("an object");
    kinds.keys().map(String::as_str).collect()
}

fn count(report: &Value, key: &str) -> u64 {
    report["between_nodes"][key].as_u64().unwrap_or_else(|| panic!("{key}: {report:#}"))
}

#[test]
fn a_right_cluster_passes_and_what_crosses_is_told() {
    let page = tempfile::NamedTempFile::new().expect("a file");
    let (output, report) = load_with(Fault::None, &["--html", &page.path().to_string_lossy()]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{table}");
    let page = std::fs::read_to_string(page.path()).expect("a page");
    assert!(page.contains("offers and answers between nodes, per second"), "{page}");
    assert_eq!(kinds(&report), Vec::<&str>::new());
    for side in ["offers", "answers"] {
        let share = report["between_nodes"][format!("{side}_share")].as_f64().expect("a share");
        assert!((0.10..0.15).contains(&share), "{side}: {share}");
    }
    assert_eq!((count(&report, "lost_offers"), count(&report, "lost_answers")), (0, 0));
    for kind in ["offer_near", "offer_far", "answer_near", "answer_far"] {
        let p50 = report["between_nodes"]["latency_us"][kind]["p50"].as_u64();
        assert!(p50 > Some(0), "{kind}: {report:#}");
    }
    assert_eq!(report["mesh"]["swarms"], 2);
    assert_eq!(report["mesh"]["split"], 0);
    assert_eq!(report["nodes"].as_array().map(Vec::len), Some(2));
    for told in ["between nodes: ", "mesh: all 2 swarms are one component", "offer, far"] {
        assert!(table.contains(told), "{told}: {table}");
    }
    for node in report["nodes"].as_array().expect("two") {
        assert_eq!(node["cut_off"], 0);
        let url = node["url"].as_str().expect("a URL");
        assert!(table.contains(url) && page.contains(&format!("<th>{url}</th>")), "{table}");
    }
    // Half of the peers on each node: as many connect, and none announces before the end of that.
    let moments = report["timeline"].as_array().expect("samples");
    let settling: Vec<_> = moments.iter().filter(|moment| moment["phase"] == "settle").collect();
    assert!(!settling.is_empty(), "{moments:#?}");
    assert!(settling.iter().all(|moment| moment["relays_per_s"] == 0.0), "{settling:#?}");
}

#[test]
fn what_crosses_may_be_lost_and_is_counted_second_by_second() {
    let (output, report) = load(Fault::LosesWhatCrosses);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{table}");
    let lost = count(&report, "lost_offers");
    assert!(lost > 5, "{report:#}");
    assert_eq!(count(&report, "offers"), 0);
    let seconds = report["between_nodes"]["by_second"].as_array().expect("seconds");
    let by_second = seconds.iter().map(|second| second["lost_offers"].as_u64().expect("a count"));
    assert_eq!(by_second.sum::<u64>(), lost);
    assert_eq!(report["mesh"]["split"], 2, "nobody has met anybody on the other node");
    for told in ["were lost, of announces in the seconds", "mesh: 2 of 2 swarms fall into"] {
        assert!(table.contains(told), "{told}: {table}");
    }
}

#[test]
fn what_stays_on_a_node_may_not_be_lost() {
    let (output, report) = load(Fault::LosesOffersNear);
    assert_eq!((output.status.code(), kinds(&report)), (Some(1), vec!["offer lost"]), "{report:#}");
    let (output, report) = load(Fault::LosesAnswersNear);
    assert_eq!((output.status.code(), kinds(&report)), (Some(1), vec!["answer lost"]));
    assert_eq!(count(&report, "lost_answers"), 0, "none that crossed");
}

#[test]
fn what_crosses_may_not_be_wrong() {
    let (_, report) = load(Fault::RepeatsWhatCrosses);
    assert_eq!(kinds(&report), ["answer twice", "offer twice"], "{report:#}");
    for (fault, kind) in [
        (Fault::ChangesOffers, "offer changed"),
        (Fault::RenamesTheAnswerer, "answer in another name"),
        (Fault::AnswersTheWrongPeer, "answer to the wrong peer"),
    ] {
        let (output, report) = load(fault);
        assert_eq!(output.status.code(), Some(1));
        assert!(kinds(&report).contains(&kind), "{fault:?}: {report:#}");
    }
}

#[test]
fn viewers_that_come_again_come_to_the_next_node_and_nobody_is_wronged() {
    let nodes = support::start_nodes(3, Fault::None);
    let (urls, peers) = (urls(&nodes), "48");
    let args = ["--url", &urls, "--scenario", "churn", "--peers", peers, "--swarms", "2"];
    let paced = ["--announces-per-s", "60", "--leaves-per-s", "5", "--switches-per-s", "0"];
    let short = ["--settle", "100ms", "--warmup", "0s", "--duration", "3s", "--cross-share", "13"];
    let (output, report) = support::run(nodes[0], &[&args[..], &paced, &short].concat());
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert!(report["unrest"]["rejoins"].as_u64() > Some(5), "{report:#}");
}

#[test]
fn nodes_that_cannot_be_are_refused_by_flag_and_value() {
    let (one, two) = ("ws://127.0.0.1:1", "ws://127.0.0.1:2");
    let pid = std::process::id().to_string();
    for (flags, named) in [
        (&["--url", one, "--url", one][..], &["--url ws://127.0.0.1:1/", "twice"][..]),
        (&["--url", "ws://127.0.0.1:1,wss://127.0.0.1:2"], &["ws://127.0.0.1:1", "all wss://"]),
        (&["--url", one, "--url", two, "--server-pid", &pid], &["--server-pid", "1 times", "2"]),
        (&["--url", one, "--url", two, "--cross-share", "101"], &["--cross-share", "0 to 100"]),
        (&["attack", "--url", one, "--url", two], &["--url ws://127.0.0.1:2", "one tracker", "2"]),
        (&["soak", "--url", "ws://127.0.0.1:1,ws://127.0.0.1:2"], &["one tracker"]),
        (
            &[
                "--compare",
                "a=ws://127.0.0.1:1,ws://127.0.0.1:2",
                "--compare",
                "b=ws://127.0.0.1:3",
            ],
            &["--compare", "one tracker has one address", "--url"],
        ),
    ] {
        assert_refused(flags, named);
    }
}

#[test]
fn the_node_that_is_not_there_is_named() {
    let there = support::start(Fault::None);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}/", gone.local_addr().expect("an address"));
    drop(gone);
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["--url", &format!("ws://{there}"), "--url", &url])
        .output()
        .expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains(&format!("nothing listens at {url}")), "{error}");
}

/// A nats-server, which ends with it.
struct Nats {
    port: u16,
    child: Child,
}

impl Nats {
    fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        Self { port, child: Self::begin(port) }
    }

    fn begin(port: u16) -> Child {
        let child = Command::new("nats-server")
            .args(["-a", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server: `.ci/get nats-server` gets it");
        let patience = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "nats-server doesn't listen");
            sleep(Duration::from_millis(10));
        }
        child
    }

    fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("an end");
    }

    fn restart(&mut self) {
        self.child = Self::begin(self.port);
    }

    /// A node that hears of others through it.
    fn node(&self, name: &str) -> SocketAddr {
        real::start_with(&json!({
            "servers": [{ "server": { "port": 0, "host": "127.0.0.1" } }],
            "workers": 1,
            "tracker": { "minAnnounceInterval": 0, "digestInterval": 1 },
            "limits": { "announcesPerSecondPerSocket": 0, "announcesPerSecondPerIp": 0,
                "offersPerSecondPerReceiver": 0 },
            "cluster": { "servers": format!("nats://127.0.0.1:{}", self.port), "node": name },
        }))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn real_nodes_lose_what_crosses_while_nats_is_away_and_nothing_else() {
    let mut nats = Nats::start();
    let nodes = ["a", "b", "c"].map(|name| nats.node(name));
    let file = std::env::temp_dir().join(format!("nodes-{}.json", nats.port));
    let mut run = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["--url", &urls(&nodes), "--scenario", "paced", "--announces-per-s", "100"])
        .args(["--peers", "90", "--swarms", "3", "--offers", "5", "--settle", "4s"])
        .args(["--warmup", "0s", "--duration", "16s", "--json"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut phases = BufReader::new(run.stderr.take().expect("piped")).lines();
    let settled = phases.find(|line| line.as_ref().is_ok_and(|line| line.contains("settle")));
    assert!(settled.is_some(), "it has not settled");
    sleep(Duration::from_secs(2));
    nats.kill();
    sleep(Duration::from_secs(3));
    nats.restart();
    let output = run.wait_with_output().expect("an end");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let report: Value =
        serde_json::from_slice(&std::fs::read(&file).expect("a report")).expect("JSON");
    std::fs::remove_file(&file).expect("the report is ours");
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(count(&report, "lost_offers") > 10, "{table}");
    assert!(count(&report, "offers") > 100, "{table}");
    // It is back for 11 s, and sharing goes on within 10 s of that.
    let seconds = report["between_nodes"]["by_second"].as_array().expect("seconds");
    let crossed = seconds.iter().rev().take(2).map(|second| second["crossed"].as_u64());
    assert!(crossed.clone().any(|crossed| crossed > Some(0)), "{table}");
    assert_eq!(report["mesh"]["split"], 0, "{table}");
}
