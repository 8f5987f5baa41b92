//! What a browser is promised by the page's routes, asked over a real socket. Requests are written
//! by hand and answers read whole, so that nothing between the test and the wire can tidy them up.

#![allow(clippy::expect_used, missing_docs, reason = "tests")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use actix_web::{App, HttpServer, dev::ServerHandle};
use web::{PlayerSettings, PlayerStream};

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

async fn serve() -> (SocketAddr, ServerHandle) {
    let routes = web::routes(PlayerSettings {
        streams: vec![PlayerStream {
            name: "testcard".into(),
            url: "/live/testcard/index.m3u8".into(),
            digests: Some("/live/testcard/digests.json".into()),
            digests_key: None,
        }],
        trackers: vec!["/".into()],
        stun: vec![":3478".into()],
        ..PlayerSettings::default()
    });
    let server = HttpServer::new(move || App::new().configure(routes.clone()))
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_rt::spawn(server);
    (address, handle)
}

async fn ask(address: SocketAddr, method: &'static str, path: &str, header: &str) -> Answer {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{header}\r\n");
    let read = actix_rt::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).expect("the server listens");
        socket.write_all(request.as_bytes()).expect("the request is taken");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("the answer is text and ends");
        answer
    });
    let answer = read.await.expect("the reading thread ends");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP head");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    Answer { status, head: head.into(), body: body.into() }
}

/// The path of the script that the page names.
fn script_of(page: &Answer) -> String {
    let scripts =
        page.body.split('"').find(|word| word.starts_with("/assets/") && word.ends_with(".js"));
    scripts.expect("the page names a script").to_owned()
}

#[actix_rt::test]
async fn the_page_is_asked_for_again_and_sent_again_only_when_it_changed() {
    let (address, server) = serve().await;
    let first = ask(address, "GET", "/", "").await;
    assert_eq!(first.status, 200, "{}", first.head);
    assert_eq!(first.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    assert!(first.body.contains("<video"), "{}", first.body);

    let etag = first.header("etag").expect("an ETag");
    let again = ask(address, "GET", "/", &format!("If-None-Match: {etag}\r\n")).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(again.header("etag"), Some(etag));

    let other = ask(address, "GET", "/", "If-None-Match: \"another\"\r\n").await;
    assert_eq!(other.status, 200);
    server.stop(false).await;
}

#[actix_rt::test]
async fn the_page_may_run_its_own_scripts_only_and_load_streams_from_anywhere() {
    let (address, server) = serve().await;
    let page = ask(address, "GET", "/", "").await;
    let policy = page.header("content-security-policy").expect("a policy");
    for rule in ["default-src 'none'", "script-src 'self';", "http: https: ws: wss:", "blob:"] {
        assert!(policy.contains(rule), "{rule} is missing in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!page.body.contains("://"), "the page names another host: {}", page.body);
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    server.stop(false).await;
}

#[actix_rt::test]
async fn assets_are_kept_for_a_year_and_have_their_type() {
    let (address, server) = serve().await;
    let path = script_of(&ask(address, "GET", "/", "").await);
    let script = ask(address, "GET", &path, "").await;
    assert_eq!(script.status, 200, "{path}");
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let kind = script.header("content-type").expect("a type");
    assert!(kind.starts_with("text/javascript") || kind.starts_with("image/svg"), "{path}: {kind}");
    assert_eq!(script.header("content-length"), Some(script.body.len().to_string().as_str()));

    for missing in
        ["/assets/", "/assets/index.js", "/assets/../index.html", "/assets/%2e%2e/index.html"]
    {
        let answer = ask(address, "GET", missing, "").await;
        assert_eq!(answer.status, 404, "{missing}");
        assert_ne!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
    }
    server.stop(false).await;
}

/// The page is text, so what is read of it here are only heads.
#[actix_rt::test]
async fn script_and_page_are_sent_compressed_to_who_takes_it() {
    let (address, server) = serve().await;
    let page = ask(address, "GET", "/", "").await;
    let script = script_of(&page);
    for path in ["/", &script] {
        let plain = ask(address, "HEAD", path, "").await;
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        let mut lengths = vec![length(&plain)];
        for (accepted, coding) in [("gzip", "gzip"), ("gzip, deflate, br, zstd", "br")] {
            let header = format!("Accept-Encoding: {accepted}\r\n");
            let head = ask(address, "HEAD", path, &header).await;
            assert_eq!(head.header("content-encoding"), Some(coding), "{path}");
            assert_eq!(head.header("vary"), Some("accept-encoding"), "{path}");
            assert_eq!(head.header("content-type"), plain.header("content-type"), "{path}");
            lengths.push(length(&head));
        }
        assert!(lengths.is_sorted_by(|longer, shorter| longer > shorter), "{path}: {lengths:?}");
        let refused = ask(address, "HEAD", path, "Accept-Encoding: gzip;q=0\r\n").await;
        assert_eq!(length(&refused), lengths[0], "{path}");
    }
    // A cache that has one coding doesn't hand it to those who can't read it.
    let tag = |head: &Answer| head.header("etag").map(str::to_owned);
    let compressed = ask(address, "HEAD", "/", "Accept-Encoding: br\r\n").await;
    assert_ne!(tag(&compressed), tag(&page));
    server.stop(false).await;
}

fn length(head: &Answer) -> usize {
    head.header("content-length").expect("a length").parse().expect("a number")
}

#[actix_rt::test]
async fn the_settings_are_the_operators_and_never_kept() {
    let (address, server) = serve().await;
    let answer = ask(address, "GET", "/player.json", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let json: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    let expected = serde_json::json!({
        "streams": [{
            "name": "testcard",
            "url": "/live/testcard/index.m3u8",
            "digests": "/live/testcard/digests.json",
        }],
        "trackers": ["/"],
        "stun": [":3478"],
        "uncheckedSegments": "refuse",
        "sharing": {
            "consent": "assumed",
            "uploadKbps": 10_000,
            "behindTargets": 6,
            "httpSeconds": 3,
        },
    });
    assert_eq!(json, expected);
    server.stop(false).await;
}

#[actix_rt::test]
async fn head_is_get_without_the_body_and_other_methods_are_refused() {
    let (address, server) = serve().await;
    let script = script_of(&ask(address, "GET", "/", "").await);
    for path in ["/", "/player.json", &script] {
        let get = ask(address, "GET", path, "").await;
        let head = ask(address, "HEAD", path, "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        let post = ask(address, "POST", path, "Content-Length: 0\r\n").await;
        assert_eq!(post.status, 405, "{path}");
    }
    server.stop(false).await;
}
