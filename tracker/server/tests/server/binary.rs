//! The program starts, and says where it is; or it doesn't, and says why in one line.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::program::{Program, failure, ffmpegs_of, written};
use crate::support::tls::{self, Files, Identity, trusting};
use crate::support::{Client, http_on};

/// wt-tracker's file as its sites have it.
const WT_TRACKER_FILE: &str = r#"{
  "servers": [{
    "server": { "port": 49199, "host": "127.0.0.1" },
    "websockets": { "path": "/*", "maxPayloadLength": 65536, "idleTimeout": 240,
                    "compression": 1, "maxConnections": 0 }
  }],
  "tracker": { "maxOffers": 20, "announceInterval": 120 }
}"#;

#[test]
fn it_prints_its_addresses_and_they_work() {
    let listeners = json!([
        {"server": {"port": 0, "host": "127.0.0.1"}, "websockets": {"path": "/announce"}},
        {"server": {"port": 0, "host": "127.0.0.1"}, "websockets": {"path": "/second/*"}},
    ]);
    let mut program = Program::start(&json!({
        "servers": listeners, "web": {}, "stun": {"port": 0, "host": "127.0.0.1"},
        "origin": {"streams": [{"name": "clip", "loop": {}}]}, "workers": 2,
        "metrics": {"port": 0},
    }));
    let words: Vec<&str> = program.lines.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["player", "tracker", "tracker", "stream", "stun", "metrics", "stats"]);
    for (_, url) in program.lines.iter().filter(|(word, _)| word == "tracker") {
        let (host, path) = url.trim_start_matches("ws://").split_once('/').expect("a path");
        Client::connect(host.parse().expect("an address"), &format!("/{path}"));
    }
    assert!(program.url("stream").ends_with("/live/clip/index.m3u8"));
    assert!(program.url("metrics").starts_with("http://127.0.0.1:"));
    assert!(program.url("stun").starts_with("stun:127.0.0.1:"));
    assert_eq!(program.signal("INT").0, Some(0));
}

#[test]
fn it_prints_the_addresses_of_a_secure_listener_as_such_and_they_work() {
    let identity = Identity::new();
    let files = Files::of(&identity);
    let plain = json!({"server": {"port": 0, "host": "127.0.0.1"}});
    let mut program = Program::start(&json!({
        "servers": [files.server("127.0.0.1"), plain], "web": {}, "workers": 2,
    }));
    let urls: Vec<_> = program.lines.iter().map(|(word, url)| (&word[..], &url[..])).collect();
    let [("player", player), ("tracker", secure), ("tracker", plain), ("stats", stats)] = urls[..]
    else {
        panic!("{urls:?}");
    };
    let host = secure.strip_prefix("wss://").and_then(|url| url.strip_suffix('/')).expect(secure);
    assert_eq!(player, format!("https://{host}/"));
    assert_eq!(stats, format!("https://{host}/stats.json"));
    assert!(plain.starts_with("ws://"), "{plain}");
    let (address, config) = (host.parse().expect("an address"), trusting(&[&identity]));
    assert_eq!(tls::client(address, &config).announce("film", "ann")["incomplete"], 1);
    let page = tls::connect(address, &config).expect("a TLS connection");
    let request = "GET /player.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let (status, settings) = http_on(page, request);
    assert_eq!(status, "HTTP/1.1 200 OK");
    // A path, which the page takes for one of its own host, and secure as the page is.
    let settings: Value = serde_json::from_str(&settings).expect("JSON");
    assert_eq!(settings["trackers"], json!(["/"]));
    assert_eq!(program.signal("TERM").0, Some(0));
}

#[test]
fn the_file_of_wt_tracker_works_unchanged_and_a_taken_port_is_exit_code_1() {
    // With the port held, as good as with it free: the file is read whole before.
    let holder = TcpListener::bind("127.0.0.1:49199");
    let (_folder, path) = written(WT_TRACKER_FILE);
    let loaded = tracker::config::Sources::file(&path).load().expect("a configuration");
    assert_eq!(loaded.unknown_keys, [] as [String; 0]);
    let server = &loaded.config.servers[0];
    assert_eq!(server.address, "127.0.0.1:49199".parse().expect("an address"));
    assert_eq!((server.frame_bytes_max, server.connections_max), (65536, 0));
    assert_eq!(server.idle_timeout, Some(Duration::from_secs(240)));
    assert_eq!(loaded.config.policy.settings.max_offers, 20);
    assert_eq!(loaded.config.policy.settings.announce_interval, Duration::from_secs(120));

    let (code, line) = failure(&path);
    assert_eq!(code, Some(1));
    for part in ["servers[0].server", "127.0.0.1:49199", "in use"] {
        assert!(line.contains(part), "no {part} in: {line}");
    }
    drop(holder);
}

#[test]
fn a_start_that_fails_leaves_no_ffmpeg_behind() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let origin = json!({"folder": scratch.path()});
    let servers = json!([{"server": {"port": port, "host": "127.0.0.1"}}]);
    let (_folder, path) = written(&json!({"servers": servers, "origin": origin}).to_string());
    assert_eq!(failure(&path).0, Some(1));
    assert_eq!(ffmpegs_of(scratch.path()), [] as [PathBuf; 0]);
}

#[test]
fn a_bad_file_is_exit_code_2_and_one_line_with_key_value_and_bound() {
    for (file, parts) in [
        (r#"{"servers": ["#, &["EOF", "line 1"][..]),
        (r#"{} {}"#, &["config.json: trailing"]),
        (r#"[]"#, &["config.json: invalid", "sequence", "an object"]),
        (r#"null"#, &["config.json: invalid", "null", "an object"]),
        (r#"{"tracker":[20, 120]}"#, &["tracker", "sequence", "an object"]),
        (r#"{"servers":[[]]}"#, &["servers[0]", "sequence", "an object"]),
        (r#"{"servers":[{"server":[80]}]}"#, &["servers[0].server", "sequence", "an object"]),
        (r#"{"stun":[3478]}"#, &["stun", "sequence", "an object"]),
        (r#"{"servers": []}"#, &["servers", "[]", "at least one"]),
        (
            r#"{"servers":[{"server":{"port":70000}}]}"#,
            &["servers[0].server.port", "70000", "65535"],
        ),
        (
            r#"{"servers":[{"server":{"port":"80"}}]}"#,
            &["servers[0].server.port", "80", "whole number"],
        ),
        (
            r#"{"servers":[{"server":{"port":-1}}]}"#,
            &["servers[0].server.port", "-1", "whole number"],
        ),
        (r#"{"tracker":{"maxOffers":1.5}}"#, &["tracker.maxOffers", "1.5", "whole number"]),
        (r#"{"tracker":{"announceInterval":0}}"#, &["tracker.announceInterval", "0", "1 to 86400"]),
        (
            r#"{"servers":[{"server":{"host":"example.com"}}]}"#,
            &["servers[0].server.host", "example.com", "IP address", "localhost"],
        ),
        (r#"{"workers":0}"#, &["workers", "0", "1 to 256"]),
        (r#"{"origin":{"streams":[{"testcard":{"fps":1000}}]}}"#, &["fps", "1000"]),
        (r#"{"stun":{"prot":1}}"#, &["stun", "prot"]),
        (r#"{"web":{"consent":"no"}}"#, &["web.consent", "no", "\"assumed\" or \"ask\""]),
        (r#"{"web":{"uploadKbps":1000001}}"#, &["web.uploadKbps", "1000001", "0 to 1000000"]),
        (r#"{"web":{"behindTargets":1}}"#, &["web.behindTargets", "1", "2 to 60"]),
        (
            r#"{"web":{"trackers":["/", "https://example.org/"]}}"#,
            &["web.trackers[1]", "\"https://example.org/\"", "ws or wss"],
        ),
        (r#"{"web":{"stun":["stun:example.org"]}}"#, &["web.stun[0]", "example.org", "HOST:PORT"]),
        (r#"{"web":{"stun":[":70000"]}}"#, &["web.stun[0]", "\":70000\"", "HOST:PORT"]),
        (
            r#"{"web":{"streams":[{"name":"tv","url":"ftp://example.org/tv.m3u8"}]}}"#,
            &["web.streams[0].url", "ftp://example.org/tv.m3u8", "http or https"],
        ),
        (
            r#"{"web":{"streams":[{"name":"tv","url":"/tv","digests":"d","digestsKey":"AAAA"}]}}"#,
            &["web.streams[0].digestsKey", "\"AAAA\"", "base64url"],
        ),
        (
            r#"{"access":{"denyInfoHashes":"/nowhere/list"}}"#,
            &["access.denyInfoHashes", "'/nowhere/list'", "can be read"],
        ),
    ] {
        let (_folder, path) = written(file);
        let (code, line) = failure(&path);
        assert_eq!(code, Some(2), "{file}: {line}");
        for part in parts {
            assert!(line.contains(part), "no {part} for {file}: {line}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_exit_code_2_and_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // To open one would wait for a writer.
    let pipe = folder.path().join("pipe.json");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let (_folder, long) = written(&" ".repeat((1 << 20) + 1));
    for (path, why) in [
        (Path::new("/nowhere/config.json"), "No such file"),
        (folder.path(), "no regular file"),
        (&pipe, "no regular file"),
        (&long, "more than 1048576 bytes"),
    ] {
        let (code, line) = failure(path);
        assert_eq!(code, Some(2), "{line}");
        assert!(line.contains(&path.display().to_string()) && line.contains(why), "{line}");
    }
}

#[test]
fn a_key_that_nobody_knows_is_a_warning() {
    let server =
        json!({"server": {"port": 0, "host": "127.0.0.1"}, "websockets": {"maxLifetime": 5}});
    let mut program = Program::start(&json!({"servers": [server], "colour": "red"}));
    assert_eq!(program.signal("TERM").0, Some(0));
    let log: Vec<String> = program.log().collect();
    for key in ["servers[0].websockets.maxLifetime", "colour"] {
        let named = |line: &str| line.contains("WARN") && line.contains(key);
        assert!(log.iter().any(|line| named(line)), "no warning of {key}: {log:?}");
    }
}
