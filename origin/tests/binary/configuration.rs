//! What it says of its configuration: what is wrong in a line, and what it will do.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

use rustix::process::Signal;

use super::{config, names_in};
use crate::support::running::{Running, command};
use crate::support::{require_ffmpeg, send};

/// Runs it to its end, which must come by itself.
fn refused(config: &str) -> Output {
    let (mut command, _folder) = command(config, None);
    command.output().expect("the binary")
}

#[test]
fn a_config_that_cannot_work_is_one_clear_line_and_exit_code_2() {
    for (config, clear) in [
        (
            r#"{"origin":{"streams":[{"testcard":{"fps":0}}]}}"#,
            "origin.streams[0].testcard.fps is 0, but must be 1 to 120",
        ),
        (
            r#"{"origin":{"streams":[{"testcard":{"fps":"x"}}]}}"#,
            "origin.streams[0].testcard.fps: invalid type: string",
        ),
        (r#"{"origin":{"strems":[]}}"#, "origin.strems: unknown field `strems`"),
        (r#"{"origin":{}} x"#, "trailing characters at line 1"),
        (r#"{"origin":"#, "EOF while parsing"),
        ("[]", "invalid type: sequence, expected an object"),
    ] {
        let output = refused(config);
        let log = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{config}: {log}");
        assert!(log.contains(clear), "{config}: {log}");
        assert!(log.contains("config.json"), "{config}: {log}");
        assert_eq!(log.lines().count(), 1, "{config}: {log}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_secret_may_come_from_the_environment_and_no_error_shows_it() {
    let config = r#"{ "origin": { "listen": { "host": "127.0.0.1", "port": 0 },
        "streams": [{ "name": "tv", "push": {} }] } }"#;
    let with = |token: &str| {
        let (mut command, folder) = command(config, None);
        command.env("TRACKER_ORIGIN__STREAMS__0__PUSH__TOKEN", token);
        (command, folder)
    };
    let token = "1234567890123456";
    let (command, folder) = with(token);
    let running = Running::from(command, folder, 1);
    let put = |token: &str| {
        let shown = format!("Bearer {token}");
        let headers = [("Authorization", shown.as_str()), ("Content-Length", "1")];
        send(running.address, "PUT", "/push/tv/1.ts", &headers, b"x").status
    };
    assert_eq!((put(token), put("6543210987654321")), (201, 401));
    assert_eq!(running.end(Signal::TERM).0.code(), Some(0));

    let (mut command, _folder) = with("s3cr3t");
    let output = command.output().expect("the binary");
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{log}");
    assert!(log.contains("origin.streams[0].push.token") && !log.contains("s3cr3t"), "{log}");
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_its_reason_once() {
    let config = r#"{ "origin": { "folder": "/dev/null/x", "streams": [{ "loop": {} }] } }"#;
    let output = refused(config);
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("cannot make the folder /dev/null/x for segments"), "{log}");
    assert_eq!(log.matches("os error").count(), 1, "{log}");
}

#[test]
fn a_port_that_is_taken_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let port = address.port();
    let output = refused(&format!(
        r#"{{ "origin": {{ "listen": {{ "host": "127.0.0.1", "port": {port} }},
            "streams": [{{ "loop": {{}} }}] }} }}"#
    ));
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains(&format!("cannot listen on {address}: Address already in use")), "{log}");
}

#[test]
fn the_trackers_sections_are_left_to_the_tracker_by_name() {
    let config = config(&["shared"]).replacen('{', r#"{ "servers": [], "tracker": {}, "#, 1);
    let running = Running::start(&config, 1, Some("/nonexistent"));
    let (status, _, log) = running.end(Signal::TERM);
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("not the origin's, and not read: servers, tracker"), "{log}");
}

#[test]
fn check_config_says_what_each_stream_will_do_and_starts_nothing() {
    let config = r#"{ "origin": { "listen": { "host": "127.0.0.1", "port": 1 },
        "metrics": { "port": 9109 },
        "streams": [{ "name": "clip", "loop": {} },
                    { "name": "card", "start": "onDemand", "testcard": {} }] } }"#;
    for (path, ffmpeg) in
        [(None, "by ffmpeg, which is here"), (Some("/nonexistent"), "IS NOT HERE")]
    {
        if path.is_none() {
            require_ffmpeg();
        }
        let (mut command, folder) = command(config, path);
        let output = command.arg("--check-config").output().expect("the binary");
        let said = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.status.code(), Some(0), "{said}");
        for part in [
            "stream   /live/clip/: loop, always, 12 segments",
            "stream   /live/card/: testcard, ",
            ffmpeg,
            "on demand, 60 s longer",
            "listens  127.0.0.1:1\n",
            "metrics  127.0.0.1:9109\n",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert_eq!(names_in(folder.path()), ["config.json"]);
    }
    let (mut command, _folder) = command(r#"{"origin":{"strems":[]}}"#, None);
    let output = command.arg("--check-config").output().expect("the binary");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn a_file_whose_name_says_so_is_toml_as_it_is_to_the_tracker() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let check = |config: &str| {
        fs::write(&file, config).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_origin"));
        command.arg("--check-config").arg(&file).env_remove("RUST_LOG");
        let output = command.output().expect("the binary");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, plan, log) = check(
        "drainSeconds = 5\n[[servers]]\nserver = { port = 80 }\n[[origin.streams]]\n\
         name = \"clip\"\nloop = {}\n",
    );
    assert_eq!(code, Some(0), "{log}");
    assert!(plan.contains("stream   /live/clip/: loop, always, 12 segments"), "{plan}");
    assert!(log.contains("not read: drainSeconds, servers"), "{log}");
    let (code, _, log) = check("[origin]\nstreams = [\n");
    assert_eq!((code, log.lines().count()), (Some(2), 1), "{log}");
    assert!(log.contains("config.toml: ") && log.contains(" at line 2 column "), "{log}");
}
