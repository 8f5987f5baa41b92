//! Pages beside the sockets, on the same port.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, PATIENCE, Server, http};

#[test]
fn stats_have_the_keys_of_wt_tracker() {
    let server = Server::start();
    let mut client = server.client();
    client.announce("film", "ann");
    client.announce("series", "ann");
    let stats = server.stats();
    assert_eq!(stats["torrentsCount"], 2);
    assert_eq!(stats["peersCount"], 2);
    assert_eq!(stats["servers"][0]["webSocketsCount"], 1);
    assert!(stats["memory"]["rss"].as_u64() > Some(1 << 20));
    assert_eq!(stats["announces"], 2);
}

#[test]
fn stats_count_the_sockets_of_each_listener_wherever_they_are_served() {
    let listener = json!({"server": {"port": 0, "host": "127.0.0.1"}});
    let server = Server::with(&json!({"servers": [listener, listener, listener]}));
    let counts = || {
        let stats = server.stats();
        let servers = stats["servers"].as_array().expect("a list").clone();
        servers.iter().map(|server| server["webSocketsCount"].as_u64()).collect::<Vec<_>>()
    };
    let connect =
        |listener: usize| Client::connect(server.addresses.servers[listener].address, "/");
    let mut clients: Vec<_> = [0, 1, 1, 1, 1, 1].map(connect).into();
    // They come to be on one worker, through whatever listener.
    for (number, client) in clients.iter_mut().enumerate() {
        client.announce("film", &format!("peer{number}"));
    }
    assert_eq!(counts(), [Some(1), Some(5), Some(0)]);
    clients.truncate(3);
    server.stats_until("three left", |stats| stats["servers"][1]["webSocketsCount"] == 2);
    assert_eq!(counts(), [Some(1), Some(2), Some(0)]);
}

#[test]
fn stats_tell_how_sockets_ended() {
    let server = Server::start();
    let mut polite = server.client();
    polite.socket.close(None).expect("sent");
    polite.close_code();
    drop(server.client());
    let stats = server.stats_until("both gone", |stats| {
        stats["closes"]["by_peer"] == 1 && stats["closes"]["lost"] == 1
    });
    assert_eq!(stats["closes"]["slow_reader"], 0, "{stats}");
}

#[test]
fn health_says_ok_and_an_unknown_path_is_404() {
    let server = Server::start();
    assert_eq!(server.get("/health"), ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
    let (status, _) = server.get("/nobody/knows/this");
    assert_eq!(status, "HTTP/1.1 404 Not Found");
    let (status, _) = server.get("/");
    assert_eq!(status, "HTTP/1.1 404 Not Found", "no `web` section, no page");
}

#[test]
fn a_node_is_ready_while_it_takes_sockets() {
    let server = Server::with_websockets(&json!({"maxConnections": 2}));
    let ready = || server.get("/ready");
    // A listener answers before the last of its workers has begun.
    let began = Instant::now();
    while ready().0 != "HTTP/1.1 200 OK" {
        assert!(began.elapsed() < PATIENCE, "{:?}", ready());
    }
    assert_eq!(ready().1, "ready\n");
    let clients = [server.client(), server.client()];
    server.stats_until("full", |stats| stats["servers"][0]["webSocketsCount"] == 2);
    let full =
        ("HTTP/1.1 503 Service Unavailable", "2 connections are open, which is maxConnections");
    assert_eq!(ready(), (full.0.to_owned(), full.1.to_owned()));
    assert_eq!(server.get("/health").1, "ok\n", "full, and in good health");
    drop(clients);
    server.stats_until("empty", |stats| stats["servers"][0]["webSocketsCount"] == 0);
    assert_eq!(ready().0, "HTTP/1.1 200 OK");
}

#[test]
fn a_stream_that_has_no_segment_yet_keeps_no_node_from_being_ready() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let stream =
        json!({"name": "card", "testcard": {"qualities": [{"height": 180}], "segmentSeconds": 10}});
    let origin = json!({"folder": scratch.path(), "streams": [stream]});
    let began = Instant::now();
    let server = Server::with(&json!({"origin": origin, "workers": 1}));
    assert_eq!(server.get("/ready").1, "ready\n");
    assert!(began.elapsed() < Duration::from_secs(10), "its first segment may be there");
}

#[test]
fn the_web_section_puts_the_player_at_the_root_beside_the_sockets() {
    let server = Server::with(&json!({"web": {}}));
    let (status, page) = server.get("/");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(page.contains("<html"));
    assert_eq!(server.client().announce("film", "ann")["incomplete"], 1);
}

#[test]
fn the_page_is_told_how_viewers_share() {
    let web = json!({"consent": "ask", "uploadKbps": 0, "behindTargets": 10, "httpSeconds": 5});
    let server = Server::with(&json!({"web": web}));
    let told: Value = serde_json::from_str(&server.get("/player.json").1).expect("JSON");
    assert_eq!(told["sharing"], web);
}

#[test]
fn nonsense_instead_of_http_is_answered_and_closed() {
    let server = Server::start();
    let (status, _) = http(server.address(), "\u{16}\u{3}\u{1} nonsense\r\n\r\n");
    assert!(status.contains(" 400 "), "{status}");
    assert_eq!(server.get("/health").1, "ok\n");
}
