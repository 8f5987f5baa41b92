//! Who may open a socket, and where.

use serde_json::{Value, json};

use crate::support::{Client, Server, http};

fn server_with_access(access: &Value) -> Server {
    Server::with(&json!({"websocketsAccess": access}))
}

/// Whether a page of `origin` gets a socket; a refusal is 403.
fn opens(server: &Server, origin: Option<&str>) -> bool {
    match Client::try_connect(server.address(), "/", origin) {
        Ok(_) => true,
        Err(error) => {
            assert!(error.contains("403"), "{error}");
            false
        }
    }
}

#[test]
fn only_pages_of_allowed_origins_open_sockets() {
    let server = server_with_access(&json!({"allowOrigins": ["https://a.example"]}));
    assert!(opens(&server, Some("https://a.example")));
    assert!(!opens(&server, Some("https://b.example")));
    assert!(!opens(&server, Some("https://a.example.evil.example")));
    assert!(!opens(&server, None), "a list of who may is complete, as in wt-tracker");
}

#[test]
fn pages_of_denied_origins_open_none_and_all_others_do() {
    let server = server_with_access(&json!({"denyOrigins": ["https://b.example"]}));
    assert!(opens(&server, Some("https://a.example")));
    assert!(!opens(&server, Some("https://b.example")));
    assert!(opens(&server, None));
}

#[test]
fn a_request_without_an_origin_is_refused_where_the_file_says_so() {
    let server = server_with_access(&json!({"denyEmptyOrigin": true}));
    assert!(opens(&server, Some("https://a.example")));
    assert!(!opens(&server, None));
    assert!(!opens(&server, Some("")));
}

#[test]
fn max_connections_bounds_open_sockets_and_a_closed_one_makes_room() {
    let server = Server::with_websockets(&json!({"maxConnections": 3}));
    let mut clients: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for client in &mut clients {
        client.announce("film", &format!("peer{}", client.local_address().port()));
    }
    let refused = Client::try_connect(server.address(), "/", None).err();
    assert!(refused.is_some_and(|error| error.contains("503")));
    // Pages are still served.
    assert_eq!(server.stats()["servers"][0]["webSocketsCount"], 3);
    clients.pop();
    server.stats_until("room", |stats| stats["servers"][0]["webSocketsCount"] == 2);
    clients.push(server.client());
}

#[test]
fn sockets_open_at_the_path_of_the_file_only() {
    for (pattern, open, shut) in [
        ("/announce", &["/announce", "/announce?token=1"][..], &["/", "/announce/", "/a"][..]),
        ("/tracker/*", &["/tracker/", "/tracker/eu"], &["/", "/tracker"]),
        ("/*", &["/", "/announce", "/stats.json"], &[]),
    ] {
        let server = Server::with_websockets(&json!({"path": pattern}));
        for path in open {
            Client::connect(server.address(), path);
        }
        for path in shut {
            let refused = Client::try_connect(server.address(), path, None).err();
            assert!(refused.is_some_and(|error| error.contains("404")), "{pattern} {path}");
        }
    }
}

#[test]
fn an_upgrade_that_is_no_websocket_gets_an_http_error() {
    let server = Server::start();
    for headers in [
        "Upgrade: websocket\r\n",
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "Upgrade: websocket\r\nSec-WebSocket-Version: 7\r\nSec-WebSocket-Key: AAAA\r\n",
    ] {
        let head = format!("GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n{headers}\r\n");
        let (status, _) = http(server.address(), &head);
        assert!(status.contains(" 400 ") || status.contains(" 426 "), "{headers}: {status}");
    }
    assert_eq!(server.stats()["servers"][0]["webSocketsCount"], 0);
}

#[test]
fn an_offer_of_another_protocol_is_ignored_and_the_page_served() {
    let server = Server::start();
    let request = "GET /health HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\
        Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    assert_eq!(http(server.address(), request).0, "HTTP/1.1 200 OK");
}
