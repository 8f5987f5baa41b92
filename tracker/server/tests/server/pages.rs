//! Pages beside the sockets, on the same port.

use serde_json::json;

use crate::support::{Server, http};

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
fn the_web_section_puts_the_player_at_the_root_beside_the_sockets() {
    let server = Server::with(&json!({"web": {}}));
    let (status, page) = server.get("/");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(page.contains("<html"));
    assert_eq!(server.client().announce("film", "ann")["incomplete"], 1);
}

#[test]
fn nonsense_instead_of_http_is_answered_and_closed() {
    let server = Server::start();
    let (status, _) = http(server.address(), "\u{16}\u{3}\u{1} nonsense\r\n\r\n");
    assert!(status.contains(" 400 "), "{status}");
    assert_eq!(server.get("/health").1, "ok\n");
}
