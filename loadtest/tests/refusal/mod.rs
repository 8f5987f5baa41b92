//! What the command line asks for and cannot be: exit code 2, before any socket opens, and an error
//! that names flag, value and bound.

use std::process::Command;

/// Runs the program with `flags`, which it must refuse with an error that holds each of `named`.
pub(crate) fn assert_refused(flags: &[&str], named: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest")).args(flags).output();
    let output = output.expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{flags:?}: {error}");
    for part in named {
        assert!(error.contains(part), "{flags:?}: {error}");
    }
}
