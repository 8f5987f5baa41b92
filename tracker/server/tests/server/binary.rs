//! The program as an operator meets it: its flags, its file, its output, its signals.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::tls::{self, Files, Identity, trusting};
use crate::support::{Client, PATIENCE, http_on, id, unpaced};

/// wt-tracker's file as its sites have it.
const WT_TRACKER_FILE: &str = r#"{
  "servers": [{
    "server": { "port": 49199, "host": "127.0.0.1" },
    "websockets": { "path": "/*", "maxPayloadLength": 65536, "idleTimeout": 240,
                    "compression": 1, "maxConnections": 0 }
  }],
  "tracker": { "maxOffers": 20, "announceInterval": 120 }
}"#;

/// A running `tracker`. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    /// What it has printed: `(word, url)` by line.
    lines: Vec<(String, String)>,
    _folder: TempDir,
}

impl Program {
    /// Starts it, and waits for the last of its lines.
    pub(crate) fn start(config: &Value) -> Self {
        let (folder, path) = written(&config.to_string());
        Self::of(&mut command(&path), folder)
    }

    /// Runs `command`, whose files are in `folder`.
    fn of(command: &mut Command, folder: TempDir) -> Self {
        let mut child = command.spawn().expect("the binary");
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            let line = line.expect("text");
            let (word, url) = line.split_once(' ').expect("`word  url`");
            lines.push((word.to_owned(), url.trim().to_owned()));
            if word == "stats" {
                break;
            }
        }
        Self { child, lines, _folder: folder }
    }

    fn url(&self, word: &str) -> &str {
        let line = self.lines.iter().find(|(name, _)| name == word);
        &line.unwrap_or_else(|| panic!("no {word} in {:?}", self.lines)).1
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let url = self.url("tracker").strip_prefix("ws://").expect("ws://");
        url.split('/').next().and_then(|host| host.parse().ok()).expect("an address")
    }

    /// Sends a signal, and returns the exit code and how long it took.
    fn signal(&mut self, name: &str) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.send(name);
        (exit_code(&mut self.child), began.elapsed())
    }

    fn send(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(sent.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exit_code(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        assert!(began.elapsed() < PATIENCE, "it goes on");
        std::thread::yield_now();
    }
}

fn written(config: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.json");
    std::fs::write(&path, config).expect("a file");
    (folder, path)
}

fn command(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracker"));
    command.arg(config).env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The exit code of a run that should fail, and the one line that says why.
fn failure(config: &Path) -> (Option<i32>, String) {
    let output = command(config).output().expect("the binary");
    let stderr = String::from_utf8(output.stderr).expect("text");
    let errors: Vec<&str> = stderr.lines().filter(|line| line.contains("ERROR")).collect();
    let [line] = errors[..] else {
        panic!("one line should say why: {stderr}");
    };
    assert!(output.stdout.is_empty());
    (output.status.code(), line.to_owned())
}

#[test]
fn it_prints_its_addresses_and_they_work() {
    let listeners = json!([
        {"server": {"port": 0, "host": "127.0.0.1"}, "websockets": {"path": "/announce"}},
        {"server": {"port": 0, "host": "127.0.0.1"}, "websockets": {"path": "/second/*"}},
    ]);
    let mut program = Program::start(&json!({
        "servers": listeners, "web": {}, "stun": {"port": 0, "host": "127.0.0.1"},
        "origin": {"streams": [{"name": "clip", "source": "loop"}]}, "workers": 2,
        "metrics": {"port": 0},
    }));
    let words: Vec<&str> = program.lines.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["player", "tracker", "tracker", "stream", "stun", "metrics", "stats"]);
    for (_, url) in program.lines.iter().filter(|(word, _)| word == "tracker") {
        let (host, path) = url.trim_start_matches("ws://").split_once('/').expect("a path");
        Client::connect(host.parse().expect("an address"), &format!("/{path}"));
    }
    assert!(program.url("stream").ends_with("/hls/clip/index.m3u8"));
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
            &["servers[0].server.host", "example.com"],
        ),
        (r#"{"workers":0}"#, &["workers", "0", "1 to 256"]),
        (r#"{"origin":{"streams":[{"fps":1000}]}}"#, &["fps", "1000"]),
        (r#"{"stun":{"prot":1}}"#, &["stun", "prot"]),
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
    let (_folder, long) = written(&" ".repeat((1 << 20) + 1));
    for (path, why) in [
        (Path::new("/nowhere/config.json"), "No such file"),
        (folder.path(), "Is a directory"),
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
    let mut log = String::new();
    let stderr = program.child.stderr.take().expect("its log");
    std::io::Read::read_to_string(&mut BufReader::new(stderr), &mut log).expect("text");
    for key in ["servers[0].websockets.maxLifetime", "colour"] {
        let named = |line: &str| line.contains("WARN") && line.contains(key);
        assert!(log.lines().any(named), "no warning of {key}: {log}");
    }
}

#[test]
fn a_list_that_breaks_is_told_to_the_log_and_the_last_good_one_stays_in_force() {
    let (folder, _) = written("{}");
    let list = folder.path().join("list");
    let of = |swarm: &str| id(swarm).bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    std::fs::write(&list, of("film")).expect("a file");
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    let access = json!({"allowInfoHashes": &list});
    let mut program = Program::start(&json!({"servers": servers, "access": access}));
    let stderr = program.child.stderr.take().expect("its log");
    let mut log = BufReader::new(stderr).lines().map(|line| line.expect("text"));
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
        let mut file = json!({"servers": servers});
        for (key, value) in sections.as_object().expect("sections") {
            file[key] = value.clone();
        }
        unpaced(&file).to_string()
    };
    let interval = |seconds: u32| json!({"announceInterval": seconds});
    let (folder, path) = written(&file(json!({"tracker": interval(100)})));
    let mut program = Program::of(&mut command(&path), folder);
    let stderr = program.child.stderr.take().expect("its log");
    let mut log = BufReader::new(stderr).lines().map(|line| line.expect("text"));
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
    let began = Instant::now();
    while client.announce("film", "ann")["interval"] != 50 {
        assert!(began.elapsed() < PATIENCE, "still the old interval");
    }
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
    let stderr = program.child.stderr.take().expect("its log");
    program.send("HUP");
    let mut log = BufReader::new(stderr).lines().map(|line| line.expect("text"));
    log.find(|line| line.contains("INFO") && line.contains("read again")).expect("good news");
    assert_eq!(program.signal("TERM").0, Some(0));
}

#[test]
fn a_token_is_in_no_line_of_the_log_however_much_is_logged() {
    use jsonwebtoken::{EncodingKey, Header, encode};
    let (folder, path) = written("{}");
    let secret_file = folder.path().join("secret");
    let secret = "a secret of thirty-two bytes or more";
    std::fs::write(&secret_file, secret).expect("a file");
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    let access = json!({"tokens": {"hs256SecretFile": &secret_file, "parameter": "t"}});
    let config = json!({"servers": servers, "access": access});
    std::fs::write(&path, config.to_string()).expect("a file");
    let mut command = command(&path);
    let mut program = Program::of(command.env("RUST_LOG", "trace"), folder);
    let mut stderr = program.child.stderr.take().expect("its log");
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut log).expect("text");
        log
    });
    let key = EncodingKey::from_secret(secret.as_bytes());
    let token = |exp: u64| encode(&Header::default(), &json!({"exp": exp}), &key).expect("a token");
    let (good, expired) = (token(u64::from(u32::MAX)), token(1));
    let forged = format!("{good}x");
    for (token, opens) in [(&good, true), (&expired, false), (&forged, false)] {
        match Client::try_connect(program.address(), &format!("/?t={token}"), None) {
            Ok(mut client) => {
                assert!(opens);
                client.announce("film", "ann");
            }
            Err(error) => assert!(!opens && error.contains("401"), "{error}"),
        }
    }
    assert_eq!(program.signal("TERM").0, Some(0));
    let log = log.join().expect("a thread");
    assert!(log.contains("TRACE"), "the log says little");
    for (name, text) in [("secret", secret), ("good", &good), ("expired", &expired)] {
        // A part of it would be as bad: signatures are at the end, claims in the middle.
        for part in text.split('.') {
            assert!(!log.contains(part), "the {name} token or secret is in the log");
        }
    }
}

#[test]
fn both_signals_stop_it_within_5_s_with_its_clients_told_and_ffmpeg_gone() {
    for name in ["INT", "TERM"] {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let stream = json!({"name": "card", "width": 320, "height": 180, "videoKbps": 200});
        let origin = json!({"folder": scratch.path(), "streams": [stream]});
        let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
        let mut program = Program::start(&json!({"servers": servers, "origin": origin}));
        let began = Instant::now();
        while ffmpegs_of(scratch.path()).is_empty() {
            assert!(began.elapsed() < PATIENCE, "no ffmpeg; this test needs it");
            std::thread::yield_now();
        }
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
    let stream = json!({"name": "card", "width": 320, "height": 180, "videoKbps": 200});
    let origin = json!({"folder": scratch.path(), "streams": [stream]});
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    let config = json!({"servers": servers, "origin": origin, "workers": 1, "drainSeconds": 600});
    let mut program = Program::start(&config);
    let began = Instant::now();
    while ffmpegs_of(scratch.path()).is_empty() {
        assert!(began.elapsed() < PATIENCE, "no ffmpeg; this test needs it");
        std::thread::yield_now();
    }
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

/// The ids of running ffmpegs whose working folder is in `folder`.
fn ffmpegs_of(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.canonicalize().expect("a folder");
    let processes = std::fs::read_dir("/proc").expect("processes");
    processes
        .filter_map(|process| Some(process.ok()?.path()))
        .filter(|process| {
            let named = |name: String| name.trim() == "ffmpeg";
            std::fs::read_to_string(process.join("comm")).is_ok_and(named)
                && process.join("cwd").read_link().is_ok_and(|cwd| cwd.starts_with(&folder))
        })
        .collect()
}

/// What a run printed and told, and its exit code.
fn ran(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("the binary");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

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

/// What is set to nothing, as orchestrators do with what nobody has filled in, is not set.
#[test]
fn an_empty_filter_leaves_the_log_as_the_configuration_has_it() {
    let (_folder, path) = written(r#"{"colour": "red"}"#);
    let check = |filter| ran(command(&path).arg("--check-config").env("RUST_LOG", filter)).2;
    assert!(check("").contains("colour"));
    assert_eq!(check("error"), "", "one that says something decides");
    let nonsense = check("tracker=loud");
    assert!(nonsense.contains("RUST_LOG") && nonsense.contains("colour"), "{nonsense}");
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

#[test]
fn each_line_of_a_log_in_json_is_an_object_with_what_a_machine_looks_for() {
    let (folder, path) = written(r#"{"servers": [{"server": {"port": 0, "host": "127.0.0.1"}}]}"#);
    let mut command = command(&path);
    command.args(["--log-format", "json", "--log-level", "debug"]);
    let mut program = Program::of(command.env("TRACKER_COLOUR", "red"), folder);
    let mut client = Client::connect(program.address(), "/");
    client.announce("film", "ann");
    client.socket.close(None).expect("sent");
    client.close_code();
    drop(client);
    program.send("HUP");
    let mut stderr = program.child.stderr.take().expect("its log");
    let (code, _) = program.signal("TERM");
    assert_eq!(code, Some(0));
    let mut log = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut log).expect("text");
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for line in &lines {
        for key in ["level", "timestamp", "target", "message"] {
            assert!(line[key].is_string(), "no {key}: {line}");
        }
    }
    let url = format!("ws://{}/", program.address());
    for (message, key, value) in [
        ("serving", "url", json!(url)),
        ("nobody here knows this environment variable", "variable", json!("TRACKER_COLOUR")),
        ("a socket has ended", "reason", json!("by_peer")),
        ("draining", "seconds", json!(1)),
        ("drained", "sockets", json!(0)),
    ] {
        let told = lines.iter().any(|line| line["message"] == message && line[key] == value);
        assert!(told, "no {message} with {key} {value}: {log}");
    }
    let no_file = ran(self::command(Path::new("/nowhere")).args(["--log-format", "json"]));
    let error: Value = serde_json::from_str(no_file.2.trim()).expect("one line");
    assert_eq!((no_file.0, &error["level"]), (Some(2), &json!("ERROR")));
}

#[test]
fn what_clients_do_is_in_no_line_of_the_log_unless_it_is_asked_for() {
    let (folder, path) = written(r#"{"servers": [{"server": {"port": 0, "host": "127.0.0.1"}}]}"#);
    let mut program = Program::of(&mut command(&path), folder);
    let mut client = Client::connect(program.address(), "/");
    client.announce("film", "ann");
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(200_000));
    for request in [
        "nonsense\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: odd\r\n\r\n",
        "POST /stats.json HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nx",
        &long,
    ] {
        use std::io::{Read, Write};
        let mut socket = std::net::TcpStream::connect(program.address()).expect("a connection");
        let _ = socket.write_all(request.as_bytes());
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let _ = socket.read_to_end(&mut Vec::new());
    }
    let mut raw = crate::support::Raw::connect(program.address()).upgrade(b"");
    raw.say("nonsense");
    raw.hear_text();
    raw.write(&[0xff; 64]);
    raw.close_code();
    drop(client);
    let mut stderr = program.child.stderr.take().expect("its log");
    assert_eq!(program.signal("TERM").0, Some(0));
    let mut log = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut log).expect("text");
    for line in log.lines() {
        let ours = ["sockets at most", "serving", "stopping", "drain", "stopped"];
        assert!(ours.iter().any(|part| line.contains(part)), "{line}");
    }
}
