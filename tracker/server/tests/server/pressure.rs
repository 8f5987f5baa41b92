//! More than a client reads at once: one that only pauses, or is sent much at a time, loses nothing.
//! What becomes of one that never reads is told in `mistakes.rs`.

use serde_json::json;

use crate::support::{Server, announce, frame, id, offer};

const SDP_BYTES: usize = 15_000;

/// Announces of `peer` with an offer of [`SDP_BYTES`] each, `range` of them in one packet.
fn burst(peer: &str, range: std::ops::Range<usize>) -> Vec<u8> {
    let sdp = "x".repeat(SDP_BYTES);
    let mut packet = Vec::new();
    for n in range {
        let offers = json!({"offers": [offer(&format!("o{n}"), &sdp)]});
        packet.extend(frame(0x81, announce("film", peer, &offers).to_string().as_bytes()));
    }
    packet
}

#[test]
fn a_reader_that_pauses_gets_everything_in_order() {
    let server = Server::without_pace();
    let mut slow = server.raw().upgrade(b"");
    slow.say(&announce("film", "slow", &json!({})).to_string());
    assert!(slow.hear_text().contains("interval"));
    let mut other = server.client();
    let mut next = 0;
    for _ in 0..20 {
        for n in next..next + 8 {
            let sdp = "x".repeat(SDP_BYTES);
            let offers = json!({"offers": [offer(&format!("o{n}"), &sdp)]});
            other.announce_with("film", "other", &offers);
        }
        other.fence("film");
        for n in next..next + 8 {
            assert!(slow.hear_text().contains(&id(&format!("o{n}"))), "offer {n}");
        }
        next += 8;
    }
}

#[test]
fn a_reader_is_not_closed_for_what_is_sent_to_it_at_once() {
    let server = Server::without_pace();
    let mut ann = server.raw().upgrade(b"");
    ann.say(&announce("film", "ann", &json!({})).to_string());
    assert!(ann.hear_text().contains("interval"));
    // 80 offers of 15 kB in one go are 1.2 MB for one receiver, who does read.
    let mut raw = server.raw().upgrade(b"");
    let packet = burst("ben", 0..80);
    let writer = raw.socket.try_clone().expect("a socket");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            use std::io::Write;
            (&writer).write_all(&packet).expect("sent");
        });
        scope.spawn(move || {
            for _ in 0..80 {
                assert!(raw.hear_text().contains("interval"));
            }
        });
        for n in 0..80 {
            assert!(ann.hear_text().contains(&id(&format!("o{n}"))), "offer {n}");
        }
    });
}

#[test]
fn a_message_as_long_as_the_file_allows_reaches_its_receiver() {
    let server = json!({"server": {"port": 0, "host": "127.0.0.1"},
        "websockets": {"maxPayloadLength": 1 << 20}});
    let limits = json!({"sdpBytes": 0});
    let server = Server::with(&json!({"servers": [server], "limits": limits}));
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    let sdp = "x".repeat(1_000_000);
    ben.announce_with("film", "ben", &json!({"offers": [offer("o", &sdp)]}));
    assert_eq!(ann.hear()["offer"]["sdp"].as_str().map(str::len), Some(1_000_000));
}
