//! The load generator against trackers that are right and trackers that are wrong: each broken
//! promise is named, and the exit code says it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may end with a panic")]

use std::net::SocketAddr;
use std::process::Output;

use serde_json::Value;

mod real;
mod refusal;
mod support;
use refusal::assert_refused;
use support::{Fault, PEERS};

/// Runs the program for a second against `tracker`; returns what it printed and its report.
fn load(tracker: SocketAddr, swarms: usize) -> (Output, Value) {
    load_with(tracker, swarms, &["--duration", "1s"])
}

fn load_with(tracker: SocketAddr, swarms: usize, more: &[&str]) -> (Output, Value) {
    let (url, peers) = (format!("ws://{tracker}/announce"), PEERS.to_string());
    let (swarms, offers) = (swarms.to_string(), ["--offers", "5", "--warmup", "0s"]);
    let args = ["--url", &url, "--peers", &peers, "--swarms", &swarms, "--in-flight", "8"];
    support::run(tracker, &[&args[..], &offers, more].concat())
}

/// The fault is called by its name, and by no other: a loss must not pass for a repetition.
fn catches(fault: Fault, kind: &str) {
    catches_all(fault, &[kind]);
}

fn catches_all(fault: Fault, expected: &[&str]) {
    let (output, report) = load(support::start(fault), 2);
    let kinds = report["violations_by_kind"].as_object().expect("an object");
    assert_eq!(kinds.keys().collect::<Vec<_>>(), expected, "{fault:?}: {report:#}");
    assert_eq!(output.status.code(), Some(1), "{fault:?}");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("VIOLATIONS"), "{table}");
    for (kind, count) in kinds {
        assert!(count.as_u64() > Some(0) && table.contains(kind), "{fault:?}: {table}");
    }
}

#[test]
fn a_right_tracker_passes_and_is_measured() {
    let own_pid = std::process::id().to_string();
    let (output, report) =
        load_with(support::start(Fault::None), 2, &["--duration", "1s", "--server-pid", &own_pid]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(report["violations"], 0);
    assert_eq!(report["joined"].as_u64(), Some(PEERS as u64));
    let relays = report["relays"].as_u64().expect("a count");
    assert!(relays > 100, "{relays} relays in a second");
    let quantile = |of: &str, which: &str| report["latency_us"][of][which].as_u64();
    for of in ["reply", "offer", "answer"] {
        assert!(quantile(of, "p50") > Some(0) && quantile(of, "p99_9") >= quantile(of, "p50"));
    }
    if cfg!(target_os = "linux") {
        assert!(report["server"]["cpu_us_per_relay"].as_f64() > Some(0.0), "{report:#}");
        assert!(report["server"]["rss_bytes_end"].as_u64() > Some(0), "{report:#}");
    }
}

#[test]
fn swarms_are_shared_by_two_threads_without_a_violation() {
    let (output, report) =
        load_with(support::start(Fault::None), 2, &["--duration", "1s", "--threads", "2"]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(report["load"]["threads"], 2);
}

#[test]
fn a_swarm_smaller_than_its_offers_relays_to_all_others_once() {
    // Two members a swarm: of five offers one can be delivered, and four are not lost.
    let (output, report) = load(support::start(Fault::None), PEERS / 2);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let (relays, announces) = (&report["relays_per_s"], &report["announces_per_s"]);
    let per_announce = relays.as_f64().expect("a rate") / announces.as_f64().expect("a rate");
    assert!((1.5..2.5).contains(&per_announce), "{per_announce} relays an announce");
}

#[test]
fn offers_that_came_too_early_are_throttled_and_not_lost() {
    let (output, report) = load(support::start(Fault::Throttles), 2);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert!(report["announces_throttled"].as_u64() > Some(0), "{report:#}");
    assert_eq!(report["violations"], 0);
}

#[test]
fn a_tracker_that_asks_for_a_min_interval_gets_it_and_the_report_says_so() {
    let (output, report) = load_with(real::start(), 2, &["--duration", "5s"]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(report["announces_throttled"], 0);
    assert_eq!(report["min_interval_s"], 30);
    assert!(report["relays"].as_u64() > Some(0), "{report:#}");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("tracker.minAnnounceInterval"), "{table}");
}

#[test]
fn lost_messages_are_counted_at_the_end() {
    catches(Fault::LosesOffers, "offer lost");
    catches(Fault::LosesAnswers, "answer lost");
    catches(Fault::LosesReplies, "reply lost");
}

#[test]
fn repeated_messages_are_caught() {
    catches(Fault::RepeatsOffers, "offer twice");
    catches(Fault::RepeatsAnswers, "answer twice");
}

#[test]
fn changed_bytes_are_caught() {
    catches(Fault::ChangesOffers, "offer changed");
    catches(Fault::ChangesAnswers, "answer changed");
}

#[test]
fn messages_to_the_wrong_peer_are_caught() {
    catches(Fault::OffersToTheSender, "offer to its sender");
    catches(Fault::OffersTwiceToOne, "two offers of one announce");
    catches(Fault::MixesSwarms, "offer of another swarm");
    // The right peer never gets it: one fault, two broken promises.
    let promises = ["answer lost", "answer to the wrong peer"];
    catches_all(Fault::AnswersTheWrongPeer, &promises);
}

#[test]
fn messages_in_a_wrong_name_are_caught() {
    catches(Fault::RenamesTheMaker, "offer in another name");
    catches(Fault::RenamesTheAnswerer, "answer in another name");
}

#[test]
fn replies_that_clients_cannot_use_are_caught() {
    catches(Fault::ForgetsTheInterval, "reply without interval");
    catches(Fault::SendsBinary, "unreadable");
    catches(Fault::Refuses, "refused");
}

#[test]
fn a_needless_close_is_caught_and_counted_by_code() {
    let (output, report) = load(support::start(Fault::Closes), 2);
    assert_eq!(output.status.code(), Some(1));
    assert!(report["closes_by_code"]["1005"].as_u64() > Some(0), "{report:#}");
    assert!(report["violations_by_kind"]["cut off"].as_u64() > Some(0), "{report:#}");
}

#[test]
fn a_refusal_names_key_value_and_bound() {
    for (flags, named) in [
        (["--offers", "101"], ["--offers", "101", "100"]),
        (["--duration", "10ms"], ["--duration", "10ms", "1s"]),
        (["--peers", "39"], ["--peers", "39", "20 swarms"]),
        (["--threads", "21"], ["--threads", "21", "20"]),
        (["--sdp-bytes", "10"], ["--sdp-bytes", "10", "160"]),
        (["--peers", "1000000"], ["--peers", "1000000", "file descriptors"]),
        (["--url", "wt://127.0.0.1"], ["--url", "wt://127.0.0.1", "ws://"]),
        (["--json", "/nowhere/report.json"], ["--json", "/nowhere/report.json", "no such folder"]),
        (["--server-pid", "4194305"], ["--server-pid", "4194305", "no such process"]),
    ] {
        assert_refused(&flags, &named);
    }
}
