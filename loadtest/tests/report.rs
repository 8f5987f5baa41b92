//! What the program shows: the table, the JSON file and the page hold the same figures, a comparison
//! holds all of its rounds, and whoever asks for a tracker that is not there is told what to do.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may end with a panic")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

mod real;
mod refusal;
mod support;
use refusal::assert_refused;
use support::{Fault, PEERS};

/// A short load on few peers.
const SHORT: [&str; 8] =
    ["--swarms", "2", "--offers", "5", "--warmup", "300ms", "--duration", "1500ms"];

/// What one call of the program left behind.
struct Shown {
    output: Output,
    table: String,
    json: Value,
    html: String,
}

/// Runs the program with `args` and a page, on the peers of the tests.
fn show(tracker: SocketAddr, args: &[&str]) -> Shown {
    let html = page(tracker);
    let file = html.display().to_string();
    let peers = PEERS.to_string();
    let (output, json) =
        support::run(tracker, &[&SHORT[..], &["--peers", &peers, "--html", &file], args].concat());
    let text = std::fs::read_to_string(&html).expect("a page");
    std::fs::remove_file(&html).expect("the page is ours");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    Shown { output, table, json, html: text }
}

fn page(tracker: SocketAddr) -> PathBuf {
    std::env::temp_dir().join(format!("loadtest-{}.html", tracker.port()))
}

fn program(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest")).args(args).output();
    let output = output.expect("the program runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// An address where nothing listens, for as long as the socket is kept: another test could get it
/// otherwise.
fn deaf() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    let address = socket.local_addr().expect("an address").as_socket().expect("IPv4");
    (socket, address)
}

/// The value in the table's line of this name.
fn value<'a>(table: &'a str, name: &str) -> &'a str {
    let lines = table.lines().filter(|line| line.len() > 22);
    let mut found =
        lines.filter(|line| line[..22].trim_end() == name).map(|line| line[22..].trim());
    found.next().unwrap_or_else(|| panic!("no {name} in {table}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// `1234567` as people write it.
fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.round());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn the_table_the_json_and_the_page_hold_the_same_figures() {
    let tracker = real::start_unlimited();
    let (url, pid) = (format!("ws://{tracker}/"), std::process::id().to_string());
    let shown = show(tracker, &["--url", &url, "--server-pid", &pid]);
    let Shown { output, table, json, html } = &shown;
    assert_eq!(output.status.code(), Some(0), "{table}");

    for (name, key) in [
        ("relays/s", "relays_per_s"),
        ("announces/s", "announces_per_s"),
        ("connects/s", "connects_per_s"),
    ] {
        assert_eq!(value(table, name), grouped(number(&json[key])), "{name}");
    }
    let server = &json["server"];
    let us = number(&server["cpu_us_per_relay"]);
    assert_eq!(value(table, "CPU per relay"), format!("{us:.2} µs"));
    let seconds = number(&server["cpu_s_per_1000_relays"]);
    assert!((seconds * 1e3 - us).abs() < 1e-6, "{seconds} s for 1,000, {us} us for one");
    assert_eq!(value(table, "CPU per 1,000 relays"), format!("{seconds:.5} s"));
    let connect = number(&server["cpu_us_per_connect"]);
    assert_eq!(value(table, "CPU per connect"), format!("{connect:.0} µs"));
    let joined = number(&server["rss_bytes_joined"]) / 1024.0 / 1024.0;
    assert_eq!(value(table, "RSS, all joined"), format!("{joined:.2} MiB"));

    // Each line of figures, and each cell of latencies, is in the page as it is in the table.
    let figures = table.lines().skip_while(|line| !line.starts_with("relays/s"));
    let figures: Vec<_> = figures.take_while(|line| line.len() > 22).collect();
    assert!(figures.len() > 10, "{table}");
    for line in figures.iter().filter(|line| !line.starts_with("bottleneck")) {
        let cells = format!("<th>{}</th><td>{}</td>", line[..22].trim(), line[22..].trim());
        assert!(html.contains(&cells), "{cells}");
    }
    for kind in ["reply", "offer", "answer", "join"] {
        let quantiles = ["p50", "p90", "p99", "p99_9"];
        let quantiles = quantiles.map(|name| number(&json["latency_us"][kind][name]) / 1e3);
        let cells = quantiles.map(|ms| format!("{ms:.2}"));
        let line = table.lines().find(|line| line.starts_with(kind)).expect("a line");
        assert_eq!(line.split_whitespace().skip(1).collect::<Vec<_>>(), cells, "{kind}");
        let cells = cells.map(|cell| format!("<td>{cell}</td>")).concat();
        assert!(html.contains(&format!("<th>{kind}</th>{cells}")), "{kind}");
    }
    assert!(html.contains(&url) && html.contains(json["ended_at"].as_str().expect("a time")));
}

#[test]
fn a_run_is_sampled_from_its_first_connect_to_its_last_relay() {
    let tracker = real::start_unlimited();
    let (url, pid) = (format!("ws://{tracker}/"), std::process::id().to_string());
    let Shown { json, output, .. } = show(tracker, &["--url", &url, "--server-pid", &pid]);
    let timeline = json["timeline"].as_array().expect("samples");
    let of = |phase: &'static str| timeline.iter().filter(move |moment| moment["phase"] == phase);
    let length = |phase| of(phase).map(|moment| number(&moment["length_s"])).sum::<f64>();
    assert!((0.3..1.0).contains(&length("warm-up")), "{timeline:#?}");
    assert!((length("measure") - number(&json["window_s"])).abs() < 0.2, "{timeline:#?}");
    assert!(of("measure").count() >= 4, "{timeline:#?}");
    let sum = |phase: &'static str, key: &'static str| -> f64 {
        of(phase).map(|moment| number(&moment[key]) * number(&moment["length_s"])).sum()
    };
    let (sampled, relays) = (sum("measure", "relays_per_s"), number(&json["relays"]));
    assert!((sampled / relays - 1.0).abs() < 0.1, "{sampled} of {relays} relays");
    assert_eq!(sum("join", "connects_per_s").round() as usize, PEERS);
    assert!(of("measure").all(|moment| moment["connections"].as_u64() == Some(PEERS as u64)));
    assert!(of("measure").all(|moment| moment["server_rss_bytes"].as_u64() > Some(0)));
    assert!(sum("measure", "server_cores") > 0.0, "{timeline:#?}");
    let histogram = &json["latency_us"]["histogram"];
    let counts = |kind: &str| histogram[kind].as_array().expect("counts").iter().map(number);
    assert_eq!(counts("offer").count(), histogram["up_to_us"].as_array().expect("ends").len());
    assert!(counts("offer").sum::<f64>() > 100.0, "{histogram}");

    // Nobody watches standard error here, so it has one line a phase.
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let phases: Vec<_> = error.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(phases, ["join", "warm-up", "measure", "drain"], "{error}");
}

#[test]
fn the_page_asks_for_nothing_and_runs_nothing() {
    let tracker = support::start(Fault::ChangesAnswers);
    // What a page would run, if it were written into it as it is.
    let url = format!("ws://{tracker}/<script>alert(1)</script>");
    let Shown { output, html, .. } = show(tracker, &["--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(html.contains("answer changed"), "violations are named");
    for request in ["<script", "<link", "<img", "<iframe", "src=", "href=", "url(", "@import"] {
        assert!(!html.contains(request), "{request}");
    }
    assert!(html.contains("default-src 'none'") && html.contains("prefers-color-scheme: dark"));
    let plots = html.matches("<svg").count();
    assert_eq!(plots, 2 * 3, "latency, throughput and peers, each for wide pages and narrow ones");
    let rules = |ink: &str| html.contains(&format!("[stroke=\"{ink}\"]"));
    for ink in html.split("stroke=\"#").skip(1).filter_map(|rest| rest.get(..6)) {
        assert!(rules(&format!("#{ink}")), "the style has no colour for #{ink}");
    }
}

#[test]
fn a_comparison_holds_all_rounds_their_medians_and_ratios() {
    let (right, wrong) = (real::start_unlimited(), support::start(Fault::RepeatsOffers));
    let pid = std::process::id();
    let right_is = format!("right=ws://{right}/,pid={pid}");
    let wrong_is = format!("wrong=ws://{wrong}/");
    let args = ["--compare", &right_is, "--compare", &wrong_is, "--rounds", "3"];
    let Shown { output, table, json, html } = show(right, &args);
    assert_eq!(output.status.code(), Some(1), "a tracker is wrong: {table}");
    let trackers = json["trackers"].as_array().expect("trackers");
    assert_eq!(trackers.len(), 2);
    let median = |tracker: usize| number(&trackers[tracker]["figures"]["relays_per_s"]["median"]);
    for (tracker, name) in trackers.iter().zip(["right", "wrong"]) {
        assert_eq!(tracker["name"], name);
        let rounds = tracker["rounds"].as_array().expect("rounds");
        let mut relays: Vec<_> = rounds.iter().map(|r| number(&r["relays_per_s"])).collect();
        relays.sort_by(f64::total_cmp);
        let figure = &tracker["figures"]["relays_per_s"];
        let found = ["min", "median", "max"].map(|key| number(&figure[key]));
        assert_eq!(relays, found, "{name}");
        let seeds: Vec<_> = rounds.iter().map(|r| &r["load"]["seed"]).collect();
        assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2], "{seeds:?}");
        let (shown, ratio) = (grouped(number(&figure["median"])), number(&figure["ratio"]));
        assert!((ratio - number(&figure["median"]) / median(0)).abs() < 1e-9, "{name}");
        let line = table.lines().find(|line| line.starts_with("relays/s")).expect("a line");
        assert!(line.contains(&shown) && html.contains(&shown), "{shown}: {table}");
        assert!(html.contains(&format!("Rounds of {name}")));
    }
    let places = |tracker: usize| trackers[tracker]["rounds"].as_array().expect("rounds").iter();
    assert!(places(0).map(|r| &r["place"]).eq([1, 2, 1].iter()), "{:?}", places(0));
    assert!(places(1).map(|r| &r["place"]).eq([2, 1, 2].iter()), "{:?}", places(1));
    assert!(trackers[0]["figures"]["server.cpu_us_per_relay"]["median"].is_number());
    assert!(trackers[1]["figures"]["server.cpu_us_per_relay"].is_null(), "not named, not known");
    let before = |round: usize| number(&trackers[0]["rounds"][round]["server"]["rss_bytes_before"]);
    assert!((0..3).all(|round| before(round) > 0.0));
    assert_eq!(trackers[0]["violations"], 0, "{json:#}");
    assert!(trackers[1]["violations"].as_u64() > Some(0));
    assert!(table.contains("VIOLATIONS in 3 of 3 rounds") && table.contains("twice"), "{table}");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(error.lines().count(), 6, "one line a round: {error}");
}

#[test]
fn a_tracker_that_is_tolerated_is_shown_as_wrong_and_fails_no_comparison() {
    let (right, wrong) = (support::start(Fault::None), support::start(Fault::RepeatsOffers));
    let [right_is, wrong_is] = [format!("right=ws://{right}"), format!("wrong=ws://{wrong}")];
    let trackers = ["--compare", &right_is, "--compare", &wrong_is, "--rounds", "1"];
    let tolerates = |name| show(right, &[&trackers[..], &["--tolerate", name]].concat());
    let Shown { output, table, json, html } = tolerates("wrong");
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(table.contains("VIOLATIONS in 1 of 1 rounds, tolerated"), "{table}");
    assert!(html.contains("tolerated"));
    assert_eq!(json["trackers"][1]["is_tolerated"], true);
    let Shown { output, table, .. } = tolerates("right");
    assert_eq!(output.status.code(), Some(1), "the other one is still wrong: {table}");
}

#[test]
fn who_asks_for_a_tracker_that_is_not_there_is_told_which_and_what_to_do() {
    let (_port, missing) = deaf();
    let url = format!("ws://{missing}");
    let (code, error) = program(&["--url", &url]);
    assert_eq!(code, Some(1));
    assert!(error.contains(&url) && error.contains("cargo run --release"), "{error}");
    let there = support::start(Fault::None);
    let [here, gone] = [format!("here=ws://{there}"), format!("gone=ws://{missing}")];
    let (code, error) = program(&["--compare", &here, "--compare", &gone]);
    assert_eq!(code, Some(1));
    assert!(error.contains("--compare gone") && error.contains(&missing.to_string()), "{error}");
    assert!(error.contains("cargo run --release"), "{error}");
    let help = Command::new(env!("CARGO_BIN_EXE_loadtest")).arg("--help").output();
    let help = String::from_utf8_lossy(&help.expect("the program runs").stdout).into_owned();
    for default in ["ws://127.0.0.1:8000", "2000", "30s"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
    }
}

#[test]
fn a_comparison_that_cannot_be_is_refused_by_name() {
    let (one, two) = ("a=ws://127.0.0.1:1", "b=ws://127.0.0.1:2");
    for (args, named) in [
        (&["--compare", one][..], &["--compare", "1 times", "2 to 6"][..]),
        (&["--compare", one, "--compare", one], &["--compare a", "two trackers"]),
        (&["--compare", one, "--compare", two, "--tolerate", "c"], &["--tolerate c", "--compare"]),
        (&["--compare", one, "--compare", "b=http://127.0.0.1"], &["--compare b", "http://"]),
        (
            &["--compare", one, "--compare", "b=ws://127.0.0.1:2,pid=4194305"],
            &["--compare b", "4194305", "no such process"],
        ),
        (&["--compare", one, "--compare", "ws://127.0.0.1"], &["--compare", "NAME=URL"]),
        (&["--compare", one, "--compare", two, "--url", "ws://127.0.0.1"], &["--compare", "--url"]),
        (&["--compare", one, "--compare", two, "--rounds", "100"], &["--rounds", "100", "99"]),
        (&["--rounds", "3"], &["--compare"]),
        (
            &["--html", "/nowhere/report.html"],
            &["--html", "/nowhere/report.html", "no such folder"],
        ),
    ] {
        assert_refused(args, named);
    }
}
