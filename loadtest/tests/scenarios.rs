//! Every scenario that comes with the program, small and short, against the real tracker: what it
//! is about happens, and nobody is wronged.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may end with a panic")]

use serde_json::Value;

use std::net::SocketAddr;
use std::process::{Command, Output};

mod real;
mod refusal;
mod support;
use refusal::assert_refused;
use support::{Fault, PEERS};

/// Runs a scenario for three seconds with `more` flags against the real tracker; returns its
/// report, which is right.
fn run(name: &str, more: &[&str]) -> Value {
    let (output, report) = run_against(real::start_unlimited(), name, more);
    let table = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}\n{report:#}");
    assert!(report["relays"].as_u64() > Some(100), "{table}");
    report
}

fn run_against(tracker: SocketAddr, name: &str, more: &[&str]) -> (Output, Value) {
    let url = format!("ws://{tracker}/");
    let args = ["--url", &url, "--scenario", name, "--warmup", "0s"];
    let duration: &[&str] = if more.contains(&"--duration") { &[] } else { &["--duration", "3s"] };
    support::run(tracker, &[&args[..], duration, more].concat())
}

/// Runs a scenario against a small tracker with a fault; returns the kinds of violation found.
fn found(fault: Fault, name: &str, more: &[&str]) -> Vec<String> {
    let peers = PEERS.to_string();
    let args = ["--peers", &peers, "--swarms", "2", "--offers", "5", "--announces-per-s", "60"];
    let (output, report) = run_against(support::start(fault), name, &[&args[..], more].concat());
    let kinds = report["violations_by_kind"].as_object().expect("an object");
    let code = i32::from(!kinds.is_empty());
    assert_eq!(output.status.code(), Some(code), "{fault:?}: {report:#}");
    kinds.keys().cloned().collect()
}

const SMALL: [&str; 4] = ["--peers", "120", "--swarms", "6"];
const PACED: [&str; 6] = ["--peers", "120", "--swarms", "6", "--announces-per-s", "100"];

fn unrest(report: &Value, what: &str) -> u64 {
    report["unrest"][what].as_u64().expect("a count")
}

#[test]
fn saturation_is_what_runs_when_nothing_is_named() {
    let report = run("saturation", &SMALL);
    assert_eq!(report["load"]["scenario"]["pace"], "closed");
    assert!(report["own"]["lag_us"].is_null());
}

#[test]
fn steady_viewers_announce_as_often_as_the_tracker_asks() {
    let report = run("steady", &SMALL);
    // 120 viewers every 2 s.
    let rate = report["announces_per_s"].as_f64().expect("a rate");
    assert!((45.0..75.0).contains(&rate), "{rate} announces a second");
    assert!(report["own"]["lag_us"]["p99"].as_u64().is_some());
}

#[test]
fn paced_announces_keep_their_rate_and_relays_can_be_named_instead() {
    let report = run("paced", &PACED);
    let rate = report["announces_per_s"].as_f64().expect("a rate");
    assert!((90.0..110.0).contains(&rate), "{rate} announces a second");
    let swarms = ["--peers", "120", "--swarms", "6", "--relays-per-s", "1000"];
    let report = run("paced", &swarms);
    let relays = report["relays_per_s"].as_f64().expect("a rate");
    assert!((850.0..1_150.0).contains(&relays), "{relays} relays a second");
}

#[test]
fn a_ramp_lets_peers_connect_and_announce_at_a_rate_that_grows() {
    let ramp = ["--connects-per-s", "100", "--rate-ramp", "3s"];
    let report = run("ramp", &[&PACED[..], &ramp].concat());
    let connects = report["connects_per_s"].as_f64().expect("a rate");
    assert!((70.0..105.0).contains(&connects), "{connects} connects a second");
    // The rate is reached at the end: half of it on the way.
    let rate = report["announces_per_s"].as_f64().expect("a rate");
    assert!((40.0..60.0).contains(&rate), "{rate} announces a second");
}

#[test]
fn churn_wrongs_nobody_who_stays() {
    let report = run("churn", &PACED);
    for what in ["goodbyes", "breaks", "rejoins", "switches", "stops"] {
        assert!(unrest(&report, what) > 3, "{what}: {report:#}");
    }
    assert!(report["latency_us"]["join"]["p99"].as_u64() > Some(0));
}

#[test]
fn a_storm_breaks_sockets_at_once_and_they_come_back() {
    let storm = ["--storm-every", "1s", "--storm-window", "500ms"];
    let report = run("storm", &[&PACED[..], &storm].concat());
    assert!(unrest(&report, "breaks") > 60, "{report:#}");
    let rejoins = unrest(&report, "rejoins");
    assert!(rejoins > 60, "{report:#}");
    // Both are seen over time: that half of them are gone, and that they connect again.
    let timeline = report["timeline"].as_array().expect("samples");
    let there = timeline.iter().filter(|moment| moment["phase"] == "measure");
    let there = there.filter_map(|moment| moment["connections"].as_u64());
    assert!(there.clone().min() < Some(105) && there.max() <= Some(120), "{timeline:#?}");
    let of = |moment: &Value, key: &str| moment[key].as_f64().expect("a number");
    let connects = timeline.iter().map(|m| of(m, "connects_per_s") * of(m, "length_s"));
    let connects = connects.sum::<f64>().round() as u64;
    assert!((121..=120 + rejoins).contains(&connects), "{connects} connects, {rejoins} rejoins");
}

#[test]
fn one_hot_swarm_has_everybody_in_it() {
    let report = run("hot", &["--peers", "150"]);
    assert_eq!(report["load"]["swarms"], 1);
}

#[test]
fn zipf_swarms_are_shared_by_two_threads() {
    run("zipf", &["--peers", "150", "--swarms", "30", "--threads", "2"]);
}

#[test]
fn slow_readers_lose_what_is_their_own_and_nobody_else_does() {
    let slow = ["--slow-pause", "700ms"];
    run("slow-readers", &[&PACED[..], &slow].concat());
    // One who never reads gets so much that neither kernel nor tracker can keep it.
    let few = ["--peers", "5", "--swarms", "1", "--slow-share", "0.2", "--duration", "8s"];
    let loud = ["--announces-per-s", "100", "--sdp-bytes", "12000", "--offers", "4"];
    let loud = [&few[..], &loud].concat();
    let report = run("slow-readers", &loud);
    assert!(unrest(&report, "slow_closed") > 0, "{report:#}");
}

#[test]
fn who_misbehaves_is_refused_or_closed_and_nobody_else_notices() {
    let many = ["--misbehaving-per-s", "10", "--misbehaving-share", "0.5"];
    let report = run("misbehaving", &[&PACED[..], &many].concat());
    for what in ["misbehaving_said", "misbehaving_refused", "misbehaving_closed"] {
        assert!(unrest(&report, what) > 5, "{what}: {report:#}");
    }
}

#[test]
fn a_file_is_a_scenario_too_and_flags_go_over_it() {
    let file = std::env::temp_dir().join(format!("own-{}.toml", std::process::id()));
    std::fs::write(&file, "peers = 60\nswarms = 3\npace = \"rate\"\nannounces_per_s = 100\n")
        .expect("a file");
    let report = run(&file.to_string_lossy(), &["--swarms", "4"]);
    std::fs::remove_file(&file).expect("the file is ours");
    let keys = &report["load"]["scenario"];
    assert_eq!([&keys["peers"], &keys["swarms"]], [60, 4]);
    assert_eq!([&keys["pace"], &keys["duration"]], ["rate", "3s"]);
}

/// So few that most announces meet no departure.
const LITTLE_CHURN: [&str; 6] =
    ["--leaves-per-s", "2", "--switches-per-s", "0", "--broken-share", "0.2"];

#[test]
fn a_small_tracker_without_a_fault_passes_where_peers_come_and_go() {
    let nothing: [String; 0] = [];
    assert_eq!(found(Fault::None, "churn", &LITTLE_CHURN), nothing);
    let switches = ["--leaves-per-s", "5", "--switches-per-s", "5"];
    assert_eq!(found(Fault::None, "churn", &switches), nothing);
    assert_eq!(found(Fault::None, "storm", &["--storm-every", "1s"]), nothing);
    assert_eq!(found(Fault::None, "slow-readers", &[]), nothing);
}

#[test]
fn a_loss_that_no_leave_excuses_is_found_where_peers_come_and_go() {
    assert_eq!(found(Fault::LosesOffers, "churn", &LITTLE_CHURN), ["offer lost"]);
    assert_eq!(found(Fault::LosesAnswers, "churn", &LITTLE_CHURN), ["answer lost"]);
    assert_eq!(found(Fault::LosesOffers, "slow-readers", &[]), ["offer lost"]);
    // A storm excuses what is lost for a second and more, on a busy machine for longer.
    let storm = ["--storm-every", "3s", "--storm-share", "0.2", "--duration", "5s"];
    assert_eq!(found(Fault::LosesOffers, "storm", &storm), ["offer lost"]);
}

#[test]
fn a_leave_excuses_one_offer_and_not_all_of_an_announce() {
    let fault = Fault::LosesOffersBehindALeave;
    assert_eq!(found(fault, "churn", &LITTLE_CHURN), ["offer lost"]);
}

#[test]
fn a_tracker_that_never_notices_a_leave_is_caught() {
    assert_eq!(found(Fault::KeepsWhoHasLeft, "churn", &LITTLE_CHURN), ["offer lost"]);
}

#[test]
fn other_lies_are_found_where_peers_come_and_go() {
    for (fault, kind) in [
        (Fault::RepeatsOffers, "offer twice"),
        (Fault::ChangesAnswers, "answer changed"),
        (Fault::RenamesTheMaker, "offer in another name"),
        (Fault::ForgetsTheInterval, "reply without interval"),
    ] {
        assert_eq!(found(fault, "churn", &LITTLE_CHURN), [kind], "{fault:?}");
    }
}

#[test]
fn a_viewer_that_is_closed_is_no_slow_reader() {
    let kinds = found(Fault::Closes, "slow-readers", &[]);
    assert!(kinds.contains(&"cut off".to_owned()), "{kinds:?}");
}

#[test]
fn a_tracker_that_passes_on_what_misbehaving_clients_make_up_is_caught() {
    // This small tracker relays every answer, as some real ones do.
    let many = ["--misbehaving-per-s", "20", "--misbehaving-share", "0.2"];
    let kinds = found(Fault::None, "misbehaving", &many);
    assert!(kinds.contains(&"answer unknown".to_owned()), "{kinds:?}");
}

#[test]
fn offers_that_come_too_early_in_an_open_loop_are_throttled_and_not_lost() {
    let (output, report) = run_against(real::start(), "paced", &PACED);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert!(report["announces_throttled"].as_u64() > Some(0), "{report:#}");
}

#[test]
fn loadtest_says_so_when_it_sends_later_than_it_should() {
    // More than any core can say, and than this tracker can hear.
    let few = ["--peers", "60", "--swarms", "2", "--offers", "2", "--sdp-bytes", "200"];
    let flood = [&few[..], &["--announces-per-s", "1000000"]].concat();
    let (output, report) = run_against(real::start_unlimited(), "paced", &flood);
    let late = report["own"]["is_late"].as_bool().expect("a flag");
    let held_up = report["announces_held_up"].as_u64().expect("a count");
    assert!(late || held_up > 0, "{report:#}");
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("LOADTEST ITSELF WAS LATE") || table.contains("held their peers up"));
    assert_eq!(report["violations"], 0, "{table}");
}

#[test]
fn a_scenario_that_cannot_be_run_is_refused_with_key_value_and_bound() {
    for (flags, named) in [
        (&["--scenario", "nowhere.toml"][..], ["nowhere.toml", "no such file", "--list-scenarios"]),
        (&["--storm-share", "1.5"], ["--storm-share", "1.5", "0 to 1"]),
        (&["--slow-share", "0.1"], ["--pace closed", "--slow-share 0.1", "--pace rate"]),
        (
            &["--switches-per-s", "1", "--swarms", "3", "--threads", "2"],
            ["--switches-per-s 1", "--swarms 4", "there are 3"],
        ),
        (&["--source-addresses", "192.0.2.1"], ["--source-addresses", "192.0.2.1", "doesn't have"]),
        (&["--source-addresses", "::1"], ["--source-addresses", "::1", "another kind"]),
    ] {
        assert_refused(flags, &named);
    }
}

#[test]
fn peers_connect_from_the_addresses_that_are_named() {
    let addresses = ["--source-addresses", "127.0.0.21,127.0.0.22"];
    run("paced", &[&PACED[..], &addresses].concat());
}

#[test]
fn the_scenarios_can_be_listed() {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest")).arg("--list-scenarios").output();
    let output = output.expect("the program runs");
    assert_eq!(output.status.code(), Some(0));
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["saturation", "steady", "slow-readers"] {
        assert!(list.contains(name), "{list}");
    }
}
