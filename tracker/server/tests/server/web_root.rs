//! A folder of files beside the sockets: what it serves, and what nobody gets out of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{PATIENCE, Server};

const PAGE: &str = "<h1>hello</h1>";
const SECRET: &str = "nobody's business";

/// A folder with files, and beside it one that is nobody's business.
fn folders() -> (TempDir, Server) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("public");
    let write = |path: &str, content: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    };
    write("secret.txt", SECRET);
    write("public-too/secret.txt", SECRET);
    write("public/index.html", PAGE);
    write("public/a b.css", "body {}");
    write("public/clip.ts", "0123456789");
    write("public/stats.json", SECRET);
    write("public/docs/index.html", PAGE);
    write("public/empty/file.txt", "text");
    write("public/.env", SECRET);
    write("public/.git/config", SECRET);
    let server = serving(&root);
    (folder, server)
}

fn serving(root: &Path) -> Server {
    Server::with(&json!({"webRoot": root}))
}

struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends the request line and headers as they stand.
fn ask(server: &Server, request: &str, headers: &str) -> Response {
    let mut socket = TcpStream::connect(server.address()).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let text = format!("{request} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n");
    socket.write_all(text.as_bytes()).expect("sent");
    let mut response = Vec::new();
    socket.read_to_end(&mut response).expect("a response");
    let response = String::from_utf8(response).expect("text");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    Response { status, head: head.to_owned(), body: body.to_owned() }
}

#[test]
fn a_file_is_served_with_its_type_and_a_folder_by_its_index() {
    let (_folder, server) = folders();
    for (path, kind, content) in [
        ("/index.html", "text/html; charset=utf-8", PAGE),
        ("/", "text/html; charset=utf-8", PAGE),
        ("/docs/", "text/html; charset=utf-8", PAGE),
        ("/a%20b.css?v=2", "text/css; charset=utf-8", "body {}"),
        ("/empty/file.txt", "text/plain; charset=utf-8", "text"),
        ("/docs/../empty/%2e%2e/index.html", "text/html; charset=utf-8", PAGE),
    ] {
        let response = ask(&server, &format!("GET {path}"), "");
        assert_eq!((response.status, response.body.as_str()), (200, content), "{path}");
        assert_eq!(response.header("content-type"), Some(kind), "{path}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(response.header("content-disposition"), None, "{path}");
    }
    let moved = ask(&server, "GET /docs", "");
    assert_eq!((moved.status, moved.header("location")), (308, Some("./docs/")));
    let moved = ask(&server, "GET /docs?stream=news&t=/a", "");
    assert_eq!((moved.status, moved.header("location")), (308, Some("./docs/?stream=news&t=/a")));
}

#[test]
fn a_part_a_head_and_what_has_not_changed_cost_no_more_than_they_should() {
    let (_folder, server) = folders();
    let whole = ask(&server, "GET /clip.ts", "");
    assert_eq!((whole.status, whole.body.as_str()), (200, "0123456789"));
    let tag = whole.header("etag").expect("an ETag");
    let time = whole.header("last-modified").expect("a time");

    let head = ask(&server, "HEAD /clip.ts", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), Some("10"));
    assert_eq!(head.header("etag"), Some(tag));

    let part = ask(&server, "GET /clip.ts", "Range: bytes=2-4\r\n");
    assert_eq!((part.status, part.body.as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    let beyond = ask(&server, "GET /clip.ts", "Range: bytes=10-\r\n");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */10")));

    for unchanged in [format!("If-None-Match: {tag}\r\n"), format!("If-Modified-Since: {time}\r\n")]
    {
        let response = ask(&server, "GET /clip.ts", &unchanged);
        assert_eq!((response.status, response.body.as_str()), (304, ""), "{unchanged}");
    }
    let changed = ask(&server, "GET /clip.ts", "If-None-Match: \"another\"\r\n");
    assert_eq!(changed.status, 200);
}

#[test]
fn nothing_comes_out_of_the_folder_that_is_not_in_it_or_is_hidden() {
    let (folder, server) = folders();
    let root = folder.path().join("public");
    symlink(folder.path().join("secret.txt"), root.join("link.txt")).expect("a link");
    symlink(folder.path(), root.join("up")).expect("a link");
    symlink("../public-too", root.join("beside")).expect("a link");
    symlink(".env", root.join("shown")).expect("a link");
    symlink("loop", root.join("loop")).expect("a link");
    symlink("docs/index.html", root.join("inside.html")).expect("a link");
    for path in [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/.%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "//../secret.txt",
        "/index.html%00",
        "/%00",
        "/secret.txt%00.html",
        "/link.txt",
        "/up/secret.txt",
        "/up/public/index.html/",
        "/beside/secret.txt",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/shown",
        "/empty",
        "/empty/",
        "/index.html/",
        "/nothing",
        "/%ff",
    ] {
        for method in ["GET", "HEAD"] {
            let response = ask(&server, &format!("{method} {path}"), "");
            assert!(!response.body.contains(SECRET), "{path}");
            assert!([400, 404].contains(&response.status), "{path}: {}", response.status);
        }
    }
    let looped = ask(&server, "GET /loop", "");
    assert!(looped.status >= 400, "{}", looped.status);
    assert_eq!(ask(&server, "GET /inside.html", "").body, PAGE, "a link that stays inside is fine");
    // What is no HTTP path is no path of ours either.
    assert!(ask(&server, "GET http://other/../../secret.txt", "").status >= 400);
}

#[test]
fn a_pipe_is_no_file_and_keeps_nobody_waiting() {
    let (folder, server) = folders();
    let pipe = folder.path().join("public/pipe");
    assert!(Command::new("mkfifo").arg(pipe).status().expect("mkfifo").success());
    assert_eq!(ask(&server, "GET /pipe", "").status, 404);
}

#[test]
fn files_stand_in_front_of_nothing_that_the_tracker_has() {
    let (folder, server) = folders();
    assert!(server.stats()["torrentsCount"].is_number());
    assert_eq!(server.get("/health").1, "ok\n");
    assert_eq!(server.client().announce("film", "ann")["incomplete"], 1, "sockets at `/`");
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let response = ask(&server, &format!("{method} /index.html"), "Content-Length: 0\r\n");
        assert_eq!(response.status, 405, "{method}");
        assert_eq!(response.header("allow"), Some("GET, HEAD"), "{method}");
    }
    let both = Server::with(&json!({"web": {}, "webRoot": folder.path().join("public")}));
    assert!(ask(&both, "GET /", "").body.contains("<html"), "the player");
    assert_eq!(ask(&both, "GET /index.html", "").body, PAGE);
}

#[test]
fn whoever_stops_reading_is_cut_off_and_whoever_pauses_gets_all_of_a_file() {
    const BYTES: usize = 64 << 20;
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("film.ts"), vec![b'x'; BYTES]).expect("a file");
    let server =
        Server::with(&json!({"webRoot": folder.path(), "limits": {"handshakeSeconds": 1}}));
    let [mut deaf, mut slow] = [0, 1].map(|_| {
        let mut socket = TcpStream::connect(server.address()).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let request = b"GET /film.ts HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        socket.write_all(request).expect("sent");
        socket
    });
    // Longer than a request may take, and not as long as a response.
    std::thread::sleep(Duration::from_secs(2));
    let mut whole = Vec::new();
    slow.read_to_end(&mut whole).expect("a response");
    assert!(whole.len() > BYTES, "{} bytes", whole.len());

    // Nobody reads this; that nobody can is what ends it.
    let began = Instant::now();
    while deaf.write_all(b"x").is_ok() {
        assert!(began.elapsed() < PATIENCE, "it is still served");
        std::thread::sleep(Duration::from_millis(20));
    }
}
