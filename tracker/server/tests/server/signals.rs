//! SIGHUP has the program read its files again, and SIGINT and SIGTERM stop it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::program::{Program, command, ffmpegs_of, written};
use crate::support::{Client, id, unpaced, until, with};

#[test]
fn a_list_that_breaks_is_told_to_the_log_and_the_last_good_one_stays_in_force() {
    let (folder, _) = written("{}");
    let list = folder.path().join("list");
    let of = |swarm: &str| id(swarm).bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    std::fs::write(&list, of("film")).expect("a file");
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    let access = json!({"allowInfoHashes": &list});
    let mut program = Program::start(&json!({"servers": servers, "access": access}));
    let mut log = program.log();
    let mut client = Client::connect(program.address(), "/");
    let mut serves = |swarm| client.announce(swarm, "ann").get("interval").is_some();

    // Seen by itself, once it is gone and once it is back with a line that makes no sense.
    std::fs::remove_file(&list).expect("removed");
    let error = log.find(|line| line.contains("ERROR")).expect("an error");
    assert!(error.contains("access.allowInfoHashes") && error.contains("No such file"), "{error}");
    std::fs::write(&list, format!("{}\nnews", of("news"))).expect("a file");
    let error = log.find(|line| line.contains("ERROR")).expect("an error");
    assert!(error.contains("line 2") && error.contains("\"news\""), "{error}");
    assert!(serves("film") && !serves("news"));

    // A signal has it read whatever it looks like, and doesn't end the program.
    program.send("HUP");
    log.find(|line| line.contains("ERROR") && line.contains("line 2")).expect("an error");
    assert!(serves("film") && !serves("news"));
    std::fs::write(&list, of("news")).expect("a file");
    log.find(|line| line.contains("INFO") && line.contains("read again")).expect("good news");
    assert!(serves("news") && !serves("film"));
    assert_eq!(program.signal("TERM").0, Some(0));
}

#[test]
fn a_signal_has_the_file_read_again_and_one_that_makes_no_sense_changes_nothing() {
    let file = |sections: Value| {
        let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
        unpaced(&with(json!({"servers": servers}), &sections)).to_string()
    };
    let interval = |seconds: u32| json!({"announceInterval": seconds});
    let (folder, path) = written(&file(json!({"tracker": interval(100)})));
    let mut program = Program::of(&mut command(&path), folder);
    let mut log = program.log();
    let mut client = Client::connect(program.address(), "/");
    assert_eq!(client.announce("film", "ann")["interval"], 100);

    let mut reload = |content: &str, told: &[&str]| {
        std::fs::write(&path, content).expect("a file");
        program.send("HUP");
        let is_told = |line: &String| told.iter().all(|part| line.contains(part));
        log.find(is_told).unwrap_or_else(|| panic!("no {told:?}"));
    };
    // What takes a restart is named, and the rest is in force.
    let elsewhere = file(json!({"tracker": interval(50), "servers": [{"server": {"port": 1}}],
        "stun": {"port": 1}, "colour": "red"}));
    reload(&elsewhere, &["WARN", "servers", "restart"]);
    reload(&elsewhere, &["WARN", "stun", "restart"]);
    reload(&elsewhere, &["WARN", "colour"]);
    let interval_now = || client.announce("film", "ann")["interval"].clone();
    until("the new interval", interval_now, |interval| *interval == 50);
    for (content, told) in [
        (
            file(json!({"tracker": interval(40), "limits": {"swarms": -1}})),
            ["ERROR", "limits.swarms", "-1"],
        ),
        (
            file(json!({"tracker": interval(0)})),
            ["ERROR", "tracker.announceInterval", "1 to 86400"],
        ),
        ("{".to_owned(), ["ERROR", "EOF", "stay as they are"]),
    ] {
        reload(&content, &told);
        assert_eq!(client.announce("film", "ann")["interval"], 50);
    }
    std::fs::remove_file(&path).expect("removed");
    program.send("HUP");
    log.find(|line| line.contains("ERROR") && line.contains("cannot read")).expect("an error");
    assert_eq!(client.announce("film", "ann")["interval"], 50);
    assert_eq!(program.signal("TERM").0, Some(0));
}

/// In a container there may be variables alone.
#[test]
fn the_files_that_variables_name_are_read_again_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let list = folder.path().join("served");
    std::fs::write(&list, "").expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracker"));
    command.env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in [
        ("TRACKER_SERVERS", r#"[{"server": {"port": 0, "host": "127.0.0.1"}}]"#),
        ("TRACKER_ACCESS__ALLOW_INFO_HASHES", list.to_str().expect("text")),
        ("TRACKER_ORIGIN", "null"),
        ("TRACKER_STUN", "null"),
        ("TRACKER_WEB", "null"),
    ] {
        command.env(name, value);
    }
    let mut program = Program::of(&mut command, folder);
    program.send("HUP");
    let mut log = program.log();
    log.find(|line| line.contains("INFO") && line.contains("read again")).expect("good news");
    assert_eq!(program.signal("TERM").0, Some(0));
}

#[test]
fn both_signals_stop_it_within_5_s_with_its_clients_told_and_ffmpeg_gone() {
    for name in ["INT", "TERM"] {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let stream =
            json!({"name": "card", "testcard": {"qualities": [{"height": 180, "videoKbps": 200}]}});
        let origin = json!({"folder": scratch.path(), "streams": [stream]});
        let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
        let mut program = Program::start(&json!({"servers": servers, "origin": origin}));
        until(
            "an ffmpeg, which this test needs",
            || ffmpegs_of(scratch.path()),
            |found| !found.is_empty(),
        );
        let mut client = Client::connect(program.address(), "/");
        client.announce("film", "ann");
        let told = std::thread::spawn(move || client.close_code());
        let (code, took) = program.signal(name);
        assert_eq!(code, Some(0), "{name}");
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        assert_eq!(told.join().expect("a thread"), Some(1001), "{name}");
        assert_eq!(ffmpegs_of(scratch.path()), [] as [PathBuf; 0], "{name}");
    }
}

#[test]
fn a_second_signal_ends_a_drain_at_once_and_leaves_no_ffmpeg_behind() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let stream =
        json!({"name": "card", "testcard": {"qualities": [{"height": 180, "videoKbps": 200}]}});
    let origin = json!({"folder": scratch.path(), "streams": [stream]});
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    let config = json!({"servers": servers, "origin": origin, "workers": 1, "drainSeconds": 600});
    let mut program = Program::start(&config);
    until(
        "an ffmpeg, which this test needs",
        || ffmpegs_of(scratch.path()),
        |found| !found.is_empty(),
    );
    let mut clients = [0, 1].map(|_| Client::connect(program.address(), "/"));
    for client in &mut clients {
        client.announce("film", &client.local_address().port().to_string());
    }
    program.send("TERM");
    assert_eq!(clients[0].close_code(), Some(1001), "the drain has begun");
    let (code, took) = program.signal("INT");
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(clients[1].close_code(), None, "it was not its turn");
    assert_eq!(ffmpegs_of(scratch.path()), [] as [PathBuf; 0]);
}
