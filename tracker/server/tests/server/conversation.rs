//! Two viewers meet, whatever way their bytes take; and a socket ends the way RFC 6455 says.

use serde_json::json;
use tungstenite::Message;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Raw, Server, announce, answer, frame, id, offer};

#[test]
fn two_viewers_meet_and_the_sdp_arrives_as_it_was_sent() {
    let server = Server::start();
    let (mut ann, mut ben) = (server.client(), server.client());
    let reply = ann.announce("film", "ann");
    assert_eq!(reply["interval"], 120);
    assert_eq!((&reply["complete"], &reply["incomplete"]), (&json!(0), &json!(1)));

    let sdp = "v=0\r\n\t\"q\" \\ / \u{7f} é € 𝄞";
    let offers = json!({"offers": [offer("o1", sdp)], "event": "started"});
    let reply = ben.announce_with("film", "ben", &offers);
    assert_eq!(reply["incomplete"], 2);

    let heard = ann.hear();
    assert_eq!(
        heard,
        json!({"action": "announce", "info_hash": id("film"), "offer_id": id("o1"),
            "peer_id": id("ben"), "offer": {"type": "offer", "sdp": sdp}})
    );
    ann.say(&answer("ann", &heard, sdp));
    assert_eq!(
        ben.hear(),
        json!({"action": "announce", "info_hash": id("film"), "offer_id": id("o1"),
            "peer_id": id("ann"), "answer": {"type": "answer", "sdp": sdp}})
    );
}

#[test]
fn every_byte_of_an_id_comes_back_as_the_client_spelled_it() {
    let server = Server::start();
    let mut client = server.client();
    for start in (0..=255u32).step_by(20) {
        let swarm: String = (start..start + 20).map(|c| char::from((c % 256) as u8)).collect();
        let mut message = announce("", "peer", &json!({}));
        message["info_hash"] = json!(swarm);
        client.say(&message);
        assert_eq!(client.hear()["info_hash"], json!(swarm));
    }
}

#[test]
fn json_in_binary_frames_is_understood_and_answered_in_text() {
    let server = Server::start();
    let mut client = server.client();
    let message = announce("film", "ann", &json!({})).to_string();
    client.send(Message::binary(message));
    assert_eq!(client.hear()["incomplete"], 1);
}

#[test]
fn a_message_in_fragments_with_a_ping_between_them_is_one_message() {
    let server = Server::start();
    let mut raw = server.raw().upgrade(b"");
    let text = announce("film", "ann", &json!({})).to_string();
    let (start, rest) = text.as_bytes().split_at(40);
    let (middle, end) = rest.split_at(1);
    raw.write(&frame(0x01, start));
    raw.write(&frame(0x00, middle));
    raw.write(&frame(0x89, b"still there?"));
    assert_eq!(raw.hear(), Some((0x8a, b"still there?".to_vec())));
    raw.write(&frame(0x80, end));
    assert!(raw.hear_text().contains(r#""incomplete":1"#));
}

#[test]
fn a_ping_is_answered_with_its_payload() {
    let server = Server::start();
    let mut raw = server.raw().upgrade(b"");
    for payload in [&b""[..], b"a", &[0xff; 125]] {
        raw.write(&frame(0x89, payload));
        assert_eq!(raw.hear(), Some((0x8a, payload.to_vec())));
    }
}

#[test]
fn bytes_in_the_packet_of_the_handshake_are_not_lost() {
    let server = Server::start();
    let text = announce("film", "ann", &json!({})).to_string();
    let whole = frame(0x81, text.as_bytes());
    let mut raw = server.raw().upgrade(&whole);
    assert!(raw.hear_text().contains(r#""incomplete":1"#));
    // Half a frame in the packet, and the other half later.
    let text = announce("film", "ben", &json!({})).to_string();
    let whole = frame(0x81, text.as_bytes());
    let (start, end) = whole.split_at(whole.len() / 2);
    let mut raw = server.raw().upgrade(start);
    raw.write(end);
    assert!(raw.hear_text().contains(r#""incomplete":2"#));
}

#[test]
fn a_frame_that_comes_a_byte_at_a_time_is_read() {
    let server = Server::start();
    let mut raw = server.raw().upgrade(b"");
    let text = announce("film", "ann", &json!({})).to_string();
    for byte in frame(0x81, text.as_bytes()) {
        raw.write(&[byte]);
    }
    assert!(raw.hear_text().contains(r#""incomplete":1"#));
}

#[test]
fn many_messages_in_one_packet_are_answered_in_their_order() {
    let server = Server::without_pace();
    let mut raw = server.raw().upgrade(b"");
    let mut packet = Vec::new();
    for n in 0..50 {
        let text = announce("film", "ann", &json!({"n": n, "event": "update"})).to_string();
        packet.extend(frame(0x81, text.as_bytes()));
        packet.extend(frame(0x81, format!("garbage {n}").as_bytes()));
    }
    raw.write(&packet);
    let mut replies = 0;
    let mut refusals = 0;
    while replies < 50 || refusals < 50 {
        let text = raw.hear_text();
        replies += usize::from(text.contains("interval"));
        refusals += usize::from(text.contains("not valid JSON"));
    }
}

#[test]
fn a_close_frame_is_answered_and_the_connection_ends() {
    let server = Server::start();
    let mut client = server.client();
    client.announce("film", "ann");
    let frame = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
    client.socket.close(Some(frame)).expect("sent");
    assert_eq!(client.close_code(), Some(1000));
    server.stats_until("empty", |stats| {
        stats["peersCount"] == 0 && stats["servers"][0]["webSocketsCount"] == 0
    });
}

fn code_for(server: &Server, bytes: &[u8]) -> Option<u16> {
    let mut raw: Raw = server.raw().upgrade(b"");
    raw.write(bytes);
    raw.close_code()
}

#[test]
fn what_breaks_the_websocket_protocol_ends_with_1002() {
    let server = Server::start();
    let cases: [(&str, Vec<u8>); 10] = [
        ("an unmasked frame", b"\x81\x02{}".to_vec()),
        ("a reserved bit", frame(0xc1, b"{}")),
        ("a reserved opcode", frame(0x83, b"{}")),
        ("a reserved control opcode", frame(0x8b, b"")),
        ("a ping in fragments", frame(0x09, b"")),
        ("a ping of 126 bytes", frame(0x89, &[0; 126])),
        ("a continuation of nothing", frame(0x80, b"{}")),
        ("a message inside another", [frame(0x01, b"{"), frame(0x81, b"}")].concat()),
        ("a close frame of one byte", frame(0x88, b"\x03")),
        ("a close code that nobody may send", frame(0x88, &1005u16.to_be_bytes())),
    ];
    for (what, bytes) in cases {
        assert_eq!(code_for(&server, &bytes), Some(1002), "{what}");
    }
}

#[test]
fn a_text_message_that_is_not_utf8_ends_with_1007() {
    let server = Server::start();
    assert_eq!(code_for(&server, &frame(0x81, b"{\"a\":\"\xff\"}")), Some(1007));
    let split = [frame(0x01, b"{\"a\":\"\xe2\x82"), frame(0x80, b"\"}")].concat();
    assert_eq!(code_for(&server, &split), Some(1007));
}

#[test]
fn bytes_that_are_not_utf8_in_a_binary_message_are_refused_and_the_socket_stays() {
    let server = Server::start();
    let mut raw = server.raw().upgrade(b"");
    raw.write(&frame(0x82, b"\xff"));
    assert!(raw.hear_text().contains("not UTF-8"));
    raw.write(&frame(0x89, b"?"));
    assert_eq!(raw.hear(), Some((0x8a, b"?".to_vec())));
}

#[test]
fn a_message_over_max_payload_length_ends_with_1009_at_its_header() {
    let server = Server::with_websockets(&json!({"maxPayloadLength": 2000}));
    let header = &frame(0x81, &[b' '; 2001])[..8];
    assert_eq!(code_for(&server, header), Some(1009));
    let fragments = [frame(0x01, &[b' '; 1500]), frame(0x80, &[b' '; 501])].concat();
    assert_eq!(code_for(&server, &fragments), Some(1009));
    let mut raw = server.raw().upgrade(b"");
    raw.write(&frame(0x81, &[b' '; 2000]));
    assert!(raw.hear_text().contains("failure reason"), "2,000 bytes are read");
}
