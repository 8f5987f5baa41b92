//! What the program is told on its command line and by its environment.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::program::{command, ran, written};

#[test]
fn a_printed_configuration_starts_the_same_and_flags_and_variables_are_in_it() {
    let (folder, path) = written(r#"{"tracker": {"announceInterval": 30}, "colour": 1}"#);
    let flags = ["--port", "7", "--host", "127.0.0.1", "--workers", "3", "--set", "stun={}"];
    let mut print = command(&path);
    print.args(flags).arg("--print-config").env("TRACKER_TRACKER__MAX_OFFERS", "4");
    let (code, page, log) = ran(&mut print);
    assert_eq!(code, Some(0));
    for line in ["port = 7", "workers = 3", "maxOffers = 4", "announceInterval = 30", "[stun]"] {
        assert!(page.lines().any(|printed| printed == line), "no {line}: {page}");
    }
    assert!(log.contains("WARN") && log.contains("colour"), "{log}");
    let again = folder.path().join("again.toml");
    std::fs::write(&again, &page).expect("a file");
    assert_eq!(ran(command(&again).arg("--print-config")), (Some(0), page, String::new()));
    let (_, json, _) = ran(command(&again).args(["--print-config", "--format", "json"]));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["servers"][0]["server"], json!({"port": 7, "host": "127.0.0.1"}));
}

#[test]
fn a_configuration_can_be_checked_without_a_start() {
    let (_folder, good) = written(r#"{"stun": {}}"#);
    let check = |path: &Path, flags: &[&str]| ran(command(path).arg("--check-config").args(flags));
    let said = "the configuration is good\n".to_owned();
    assert_eq!(check(&good, &[]), (Some(0), said.clone(), String::new()));
    let (code, page, log) = check(&good, &["--port", "70000"]);
    assert_eq!((code, page.as_str()), (Some(2), ""));
    let why = "--port 70000: servers[0].server.port is 70000, but must be 0 to 65535";
    assert!(log.contains(why), "{log}");
    let (_folder, odd) = written(r#"{"colour": "red"}"#);
    let (code, page, log) = check(&odd, &[]);
    assert_eq!((code, page), (Some(0), said));
    assert!(log.contains("WARN") && log.contains("colour"), "{log}");
}

#[test]
fn a_variable_that_is_no_text_is_not_passed_over_in_silence() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let (_folder, path) = written("{}");
    let mut check = command(&path);
    check.arg("--check-config").env("TRACKER_WORKERS", OsStr::from_bytes(b"\xff"));
    let (code, _, log) = ran(&mut check);
    assert_eq!(code, Some(2));
    assert!(log.contains("TRACKER_WORKERS"), "{log}");
}

#[test]
fn flags_that_make_no_sense_are_exit_code_2() {
    let (_folder, path) = written("{}");
    for flags in [
        &["--set", "workers"][..],
        &["--set", "workers=none"],
        &["--set", "worker=1"],
        &["--format", "json"],
        &["--print-config", "--check-config"],
        &["--workers", "0"],
    ] {
        let (code, page, log) = ran(command(&path).args(flags));
        assert_eq!((code, page.as_str()), (Some(2), ""), "{flags:?}");
        assert!(log.contains(flags[0]), "{log}");
    }
}
