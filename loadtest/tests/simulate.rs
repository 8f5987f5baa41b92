//! The simulation as it is run from a command line: no tracker, a table, a report, an exit code.

#![allow(clippy::expect_used, reason = "a test may end with a panic")]

use std::process::{Command, Output};

use serde_json::Value;

fn simulate(flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.arg("simulate").args(flags).output().expect("the program runs")
}

#[test]
fn a_small_evening_needs_no_tracker_and_repeats_itself() {
    let file = std::env::temp_dir().join(format!("simulate-{}.json", std::process::id()));
    let path = file.to_str().expect("a path");
    let mut outcomes = [0, 1].map(|_| {
        let flags = ["--viewers", "800", "--minutes", "5", "--seed", "3", "--json", path];
        let output = simulate(&flags);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in ["800 viewers of 10 channels", "time to first peer, p99", "spared the CDN"] {
            assert!(table.contains(line), "{line}: {table}");
        }
        let report = std::fs::read(&file).expect("a report");
        let mut report: Value = serde_json::from_slice(&report).expect("JSON");
        report["outcome"].take()
    });
    std::fs::remove_file(&file).expect("the report is ours");
    let [first, second] = &mut outcomes;
    assert_eq!(first, second);
    assert_eq!(first["counts"]["viewers_came"], 800);
    assert_eq!(first["samples"].as_array().map(Vec::len), Some(5));
}

#[test]
fn a_population_that_cannot_be_is_refused_before_anything_runs() {
    let file = std::env::temp_dir().join(format!("population-{}.toml", std::process::id()));
    let evening = include_str!("../src/simulate/evening.toml");
    std::fs::write(&file, evening.replace("zipf = 0.9", "zipf = 9")).expect("a file");
    let output = simulate(&["--population", file.to_str().expect("a path")]);
    std::fs::remove_file(&file).expect("the file is ours");
    assert_eq!(output.status.code(), Some(2));
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(why.contains("channels.zipf = 9: must be 0 to 3"), "{why}");
}
