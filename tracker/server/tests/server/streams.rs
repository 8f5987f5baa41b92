//! The origin's streams inside the tracker's process: on the tracker's port for a first look, and
//! with `origin.listen` on one of their own, by threads that give way to the tracker's.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::program::{Program, failure, ffmpegs_of, written};
use crate::support::tls::{self, Files, Identity, connect, trusting};
use crate::support::{Server, http, http_on, until};

const PLAYLIST: &str = "/live/clip/index.m3u8";
const OK: &str = "HTTP/1.1 200 OK";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found";

/// A clip, and where it is to be served.
fn clip(listen: &Value) -> Value {
    json!({"listen": listen, "streams": [{"name": "clip", "loop": {}}]})
}

/// On this machine alone, at a port of the system's choice.
fn anywhere() -> Value {
    json!({"host": "127.0.0.1", "port": 0})
}

fn status(address: SocketAddr, request: &str) -> String {
    http(address, &format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).0
}

fn settings(server: &Server) -> Value {
    serde_json::from_str(&server.get("/player.json").1).expect("JSON")
}

#[test]
fn without_a_listener_streams_are_on_the_trackers_port() {
    let server = Server::with(&json!({"web": {}, "origin": clip(&Value::Null)}));
    assert!(server.addresses.streams_at.is_none());
    assert_eq!(server.get(PLAYLIST).0, OK);
    assert_eq!(settings(&server)["streams"][0]["url"], PLAYLIST);
}

#[test]
fn with_a_listener_streams_are_there_and_nowhere_else() {
    let sections = json!({"web": {}, "origin": clip(&anywhere()), "metrics": {"port": 0}});
    let server = Server::with(&sections);
    let at = server.addresses.streams_at.expect("a listener");
    assert!(!at.tls);
    for request in ["GET /live/clip/index.m3u8", "HEAD /live/clip/index.m3u8", "GET /streams.json"]
    {
        assert_eq!(status(at.address, request), OK, "{request}");
        assert_eq!(status(server.address(), request), NOT_FOUND, "{request}");
    }
    assert_eq!(status(server.address(), "PUT /push/clip/index.m3u8"), NOT_FOUND);
    for path in ["/", "/player.json", "/stats.json", "/health"] {
        assert_eq!(server.get(path).0, OK, "{path}");
        assert_eq!(status(at.address, &format!("GET {path}")), NOT_FOUND, "{path}");
    }
    // A page finds it whatever name its host has.
    let url = format!("http://:{}{PLAYLIST}", at.address.port());
    assert_eq!(settings(&server)["streams"][0]["url"], url);
    // What it counts is on the page of the process, and on no other.
    let asked = r#"origin_requests_total{stream="clip",kind="playlist",status="200"}"#;
    assert_eq!(server.metrics().get(asked), Some(&2.0));
}

#[test]
fn a_listener_for_counts_is_the_binarys_alone() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut origin = clip(&anywhere());
    origin["metrics"] = json!({"port": holder.local_addr().expect("an address").port()});
    // It would not start if it asked for a port that is taken.
    Server::with(&json!({"origin": origin}));
}

#[test]
fn a_listener_with_a_certificate_speaks_tls_and_pages_know() {
    let identity = Identity::new();
    let files = Files::of(&identity);
    let tls = json!({"certFile": files.certificate(), "keyFile": files.key()});
    let listen = json!({"host": "127.0.0.1", "port": 0, "tls": tls});
    let server = Server::with(&json!({"web": {}, "origin": clip(&listen)}));
    let at = server.addresses.streams_at.expect("a listener");
    assert!(at.tls);
    let config = trusting(&[&identity]);
    let stream = connect(at.address, &config).expect("a TLS connection");
    let (status, playlist) = http_on(stream, &tls::request(PLAYLIST));
    assert_eq!(status, OK);
    assert!(playlist.starts_with("#EXTM3U"), "{playlist}");
    let url = format!("https://:{}{PLAYLIST}", at.address.port());
    assert_eq!(settings(&server)["streams"][0]["url"], url);

    let renewed = Identity::new();
    files.write(&renewed);
    server.reload_files();
    let config = trusting(&[&renewed]);
    let _ = until("the new certificate", || connect(at.address, &config).map(drop), Result::is_ok);
}

/// On either kind of listener; a change that can't be seen shows that it is the signal's doing.
#[test]
fn the_origins_files_are_read_again_when_the_trackers_are() {
    for listen in [anywhere(), Value::Null] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("secret");
        let (old, new) = ("a".repeat(32), "b".repeat(32));
        fs::write(&file, &old).expect("a file");
        let modified = fs::metadata(&file).and_then(|file| file.modified()).expect("a time");
        let mut origin = clip(&listen);
        origin["access"] = json!({"cdnSecret": {"files": [&file]}});
        let server = Server::with(&json!({"origin": origin}));
        let at = server.addresses.streams_at.map_or_else(|| server.address(), |at| at.address);
        let answer = |secret: &str| {
            let head = format!("GET {PLAYLIST} HTTP/1.1\r\nHost: x\r\nX-Origin-Secret: {secret}");
            http(at, &format!("{head}\r\nConnection: close\r\n\r\n")).0
        };
        assert_eq!((&answer(&old)[9..12], &answer(&new)[9..12]), ("200", "403"));
        let fresh = file.with_extension("new");
        fs::write(&fresh, &new).expect("a file");
        File::options()
            .write(true)
            .open(&fresh)
            .and_then(|f| f.set_modified(modified))
            .expect("set");
        fs::rename(&fresh, &file).expect("a rename");
        server.reload_files();
        until("the new secret", || answer(&new), |status| status == OK);
        assert_eq!(&answer(&old)[9..12], "403");
    }
}

#[test]
fn a_stop_takes_the_listener_along_while_connections_are_open() {
    let server = Server::with(&json!({"origin": clip(&anywhere())}));
    let at = server.addresses.streams_at.expect("a listener").address;
    until("a segment", || status(at, &format!("GET {PLAYLIST}")), |status| status == OK);
    let idle = TcpStream::connect(at).expect("a connection");
    let took = server.stop();
    assert!(took < Duration::from_secs(5), "{took:?}");
    TcpListener::bind(at).expect("the port is free");
    drop(idle);
}

#[test]
fn it_prints_where_the_streams_are_and_a_taken_port_is_exit_code_1() {
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    let mut program = Program::start(&json!({"servers": servers, "origin": clip(&anywhere())}));
    let url = program.url("stream").to_owned();
    let place = url.strip_prefix("http://").and_then(|url| url.strip_suffix(PLAYLIST)).expect(&url);
    let address: SocketAddr = place.parse().expect("an address");
    assert_ne!(address, program.address());
    assert_eq!(status(address, &format!("GET {PLAYLIST}")), OK);
    assert_eq!(program.signal("TERM").0, Some(0));

    let holder = TcpListener::bind(address).expect("the port is free");
    let listen = json!({"host": "127.0.0.1", "port": address.port()});
    let (_folder, path) =
        written(&json!({"servers": servers, "origin": clip(&listen)}).to_string());
    let (code, line) = failure(&path);
    assert_eq!(code, Some(1));
    for part in ["origin", &address.to_string(), "in use"] {
        assert!(line.contains(part), "no {part} in: {line}");
    }
    drop(holder);
}

/// A thread's priority, from 0 to 19, where more is less: the 19th field of `stat`. `None` is a
/// thread that has ended meanwhile.
fn niceness(of: &Path) -> Option<i32> {
    let stat = fs::read_to_string(of.join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(16)?.parse().ok()
}

/// The names of a process's threads: of those with the lowest priority, and of the others.
fn threads(process: u32) -> (Vec<String>, Vec<String>) {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("threads");
    let (mut lowest, mut others) = (Vec::new(), Vec::new());
    for task in tasks {
        let task = task.expect("a thread").path();
        let name = fs::read_to_string(task.join("comm"));
        if let (Some(nice), Ok(name)) = (niceness(&task), name) {
            if nice == 19 { &mut lowest } else { &mut others }.push(name.trim().to_owned());
        }
    }
    (lowest, others)
}

#[test]
fn downloads_give_way_to_the_tracker_and_encoders_do_not() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let stream =
        json!({"name": "card", "testcard": {"qualities": [{"height": 180, "videoKbps": 200}]}});
    let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    for listen in [Value::Null, anywhere()] {
        let sends_apart = !listen.is_null();
        let origin = json!({"folder": scratch.path(), "streams": [stream], "listen": listen});
        let config = json!({"servers": servers, "workers": 2, "origin": origin});
        let mut program = Program::start(&config);
        let ffmpegs = until("an ffmpeg", || ffmpegs_of(scratch.path()), |found| !found.is_empty());
        let usual = niceness(Path::new(&format!("/proc/{}", program.id())));
        assert_eq!(niceness(&ffmpegs[0]), usual, "it would fall behind");
        // As actix calls its workers, cut where the kernel cuts names.
        let workers =
            |of: &[String]| of.iter().filter(|name| name.starts_with("actix-rt|system")).count();
        let all_there = |(low, usual): &(Vec<String>, Vec<String>)| {
            workers(usual) == 2 && (workers(low) > 0) == sends_apart
        };
        let (_, usual) = until("all workers", || threads(program.id()), all_there);
        assert!(usual.iter().any(|name| name == "origin"), "{usual:?}");
        assert_eq!(program.signal("TERM").0, Some(0));
    }
}
