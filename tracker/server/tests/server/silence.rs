//! Sockets that say nothing: pings find out which of them still live.

use serde_json::json;

use crate::support::{Server, announce, frame};

const PING: (u8, Vec<u8>) = (0x89, Vec::new());

#[test]
fn a_silent_socket_is_pinged_and_stays_while_it_answers() {
    let server = Server::with_websockets(&json!({"idleTimeout": 1}));
    let mut raw = server.raw().upgrade(b"");
    for _ in 0..3 {
        assert_eq!(raw.hear(), Some(PING));
        raw.write(&frame(0x8a, b""));
    }
    raw.say(&announce("film", "ann", &json!({})).to_string());
    assert!(raw.hear_text().contains("interval"));
}

#[test]
fn a_socket_that_answers_no_ping_is_closed_after_the_idle_timeout() {
    let server = Server::with_websockets(&json!({"idleTimeout": 1}));
    let mut raw = server.raw().upgrade(b"");
    raw.say(&announce("film", "ann", &json!({})).to_string());
    assert!(raw.hear_text().contains("interval"));
    assert_eq!(raw.hear(), Some(PING));
    assert_eq!(raw.close_code(), Some(1001));
    drop(raw);
    server.stats_until("empty", |stats| stats["peersCount"] == 0);
}
