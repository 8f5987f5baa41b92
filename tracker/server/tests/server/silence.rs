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

#[test]
fn a_peer_id_of_a_dead_socket_goes_to_whoever_claims_it_and_of_a_live_one_does_not() {
    let server = Server::start();
    let mut dead = server.raw().upgrade(b"");
    dead.say(&announce("film", "ann", &json!({})).to_string());
    assert!(dead.hear_text().contains("interval"));
    let mut live = server.raw().upgrade(b"");
    live.say(&announce("film", "ben", &json!({})).to_string());
    assert!(live.hear_text().contains("interval"));

    let mut claimer = server.client();
    for (peer, owner) in [("ann", &mut dead), ("ben", &mut live)] {
        let reply = claimer.announce("film", peer);
        assert_eq!(reply["failure reason"], "peer_id belongs to another connection");
        assert_eq!(owner.hear(), Some(PING), "{peer} is asked for a sign of life");
    }
    live.write(&frame(0x8a, b""));
    server.stats_until("the dead one gone", |stats| stats["peersCount"] == 1);
    assert_eq!(dead.hear(), None);
    assert_eq!(claimer.announce("film", "ann")["incomplete"], 2);
    let reply = claimer.announce("film", "ben");
    assert_eq!(reply["failure reason"], "peer_id belongs to another connection");
}
