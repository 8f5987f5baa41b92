//! What the program tells its log, and what it keeps to itself.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::program::{Program, command, ran, written};
use crate::support::{Client, Raw};

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
    let mut program = Program::of(command(&path).env("RUST_LOG", "trace"), folder);
    let log = program.log();
    let log = std::thread::spawn(move || log.collect::<Vec<_>>().join("\n"));
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
fn the_dashboards_token_is_in_no_line_of_the_log_and_neither_is_a_session() {
    let (folder, path) = written("{}");
    let (token, wrong) = ("correct-horse-battery", "wrong-horse-battery");
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, token).expect("a file");
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    let config = json!({"servers": servers, "dashboard": {"tokenFile": &token_file}});
    std::fs::write(&path, config.to_string()).expect("a file");
    let mut program = Program::of(command(&path).env("RUST_LOG", "trace"), folder);
    let log = program.log();
    let log = std::thread::spawn(move || log.collect::<Vec<_>>().join("\n"));
    let sign_in = |token: &str| {
        let length = token.len();
        let request = format!(
            "POST /dashboard/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{token}"
        );
        let mut raw = Raw::connect(program.address());
        raw.write(request.as_bytes());
        raw.read_head()
    };
    assert!(sign_in(wrong).starts_with("HTTP/1.1 401"));
    let head = sign_in(token);
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    let cookie = cookie.expect("a cookie");
    let (_, proof) = cookie.split_once('.').expect("a proof");
    let (right, other) = (format!("Bearer {token}"), format!("Bearer {wrong}"));
    for (name, value, opens) in [
        ("authorization", &*right, true),
        ("authorization", &other, false),
        ("cookie", cookie, true),
    ] {
        let feed = [(name, value)];
        let feed = Client::try_with_headers(program.address(), "/dashboard/feed", &feed);
        assert_eq!(feed.is_ok(), opens, "{name}");
    }
    assert_eq!(program.signal("TERM").0, Some(0));
    let log = log.join().expect("a thread");
    assert!(log.contains("TRACE"), "the log says little");
    for secret in [token, wrong, proof] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn each_line_of_a_log_in_json_is_an_object_with_what_a_machine_looks_for() {
    let (folder, path) = written(r#"{"servers": [{"server": {"port": 0, "host": "127.0.0.1"}}]}"#);
    let mut run = command(&path);
    run.args(["--log-format", "json", "--log-level", "debug"]);
    let mut program = Program::of(run.env("TRACKER_COLOUR", "red"), folder);
    let mut client = Client::connect(program.address(), "/");
    client.announce("film", "ann");
    client.socket.close(None).expect("sent");
    client.close_code();
    drop(client);
    program.send("HUP");
    let log = program.log();
    let (code, _) = program.signal("TERM");
    assert_eq!(code, Some(0));
    let lines: Vec<Value> = log.map(|line| serde_json::from_str(&line).expect(&line)).collect();
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
        assert!(told, "no {message} with {key} {value}: {lines:?}");
    }
    let no_file = ran(command(Path::new("/nowhere")).args(["--log-format", "json"]));
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
    let mut raw = Raw::connect(program.address()).upgrade(b"");
    raw.say("nonsense");
    raw.hear_text();
    raw.write(&[0xff; 64]);
    raw.close_code();
    drop(client);
    let log = program.log();
    assert_eq!(program.signal("TERM").0, Some(0));
    for line in log {
        let ours = ["sockets at most", "serving", "stopping", "drain", "stopped"];
        assert!(ours.iter().any(|part| line.contains(part)), "{line}");
    }
}
