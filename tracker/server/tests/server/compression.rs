//! `permessage-deflate` on the wire (RFC 7692): who gets it, what is sent compressed, and what a
//! client can't do with it. What is compressed here is so by another implementation than the
//! tracker's.

use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::decompress_to_vec;
use miniz_oxide::{MZFlush, MZStatus};
use serde_json::{Value, json};

use crate::support::{Raw, Server, announce, frame, id, offer};

/// A flush ends with it, a message goes without it.
const TAIL: &[u8] = b"\x00\x00\xff\xff";

/// The first byte of a whole text message, plain and compressed.
const PLAIN: u8 = 0x81;
const DEFLATED: u8 = 0xc1;

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(9, -15, 0));
    let mut out = vec![0; plain.len() + 1000];
    let result = deflate(&mut compressor, plain, &mut out, MZFlush::Sync);
    assert_eq!((result.status, result.bytes_consumed), (Ok(MZStatus::Ok), plain.len()));
    out[..result.bytes_written].strip_suffix(TAIL).expect("a flush").to_vec()
}

fn inflated(payload: &[u8]) -> String {
    // It wants an end: an empty final block.
    let plain = decompress_to_vec(&[payload, TAIL, b"\x03\x00"].concat()).expect("deflate");
    String::from_utf8(plain).expect("UTF-8")
}

/// An SDP of about `bytes`, which compresses as real ones do.
fn sdp(bytes: usize) -> String {
    let mut sdp =
        "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n".to_owned();
    for n in 0.. {
        if sdp.len() >= bytes {
            break;
        }
        let (foundation, port) = (n * 2_654_435_761_u64 % 4_294_967_296, 40_000 + n);
        sdp += &format!(
            "a=candidate:{foundation} 1 udp 2113937151 192.0.2.{n} {port} typ host generation 0\r\n"
        );
    }
    sdp
}

/// An announce of `peer` with one offer.
fn offering(swarm: &str, peer: &str, sdp: &str) -> Value {
    announce(swarm, peer, &json!({"offers": [offer("o", sdp)]}))
}

/// The very bytes that the offer's receiver is to read.
fn relayed(swarm: &str, peer: &str, sdp: &str) -> String {
    let (swarm, peer, offer) = (id(swarm), id(peer), offer("o", sdp));
    let (offer_id, offer) = (&offer["offer_id"], &offer["offer"]);
    let ids = format!(r#""info_hash":"{swarm}","peer_id":"{peer}","offer_id":{offer_id}"#);
    format!(r#"{{"action":"announce",{ids},"offer":{offer}}}"#)
}

/// A client in a swarm that understands compressed messages.
fn member(server: &Server, swarm: &str, peer: &str) -> Raw {
    let mut raw = server.raw().upgrade_with_deflate();
    raw.say(&announce(swarm, peer, &json!({})).to_string());
    assert!(raw.hear_text().contains("interval"));
    raw
}

fn extensions(server: &Server, headers: &str) -> Option<String> {
    let head = server.raw().shake_hands(headers, b"").to_ascii_lowercase();
    let mut lines = head.lines();
    let line = lines.find_map(|line| line.strip_prefix("sec-websocket-extensions: "));
    line.map(str::to_owned)
}

#[test]
fn compression_is_agreed_on_with_whoever_offers_it_unless_it_is_off() {
    let accepted = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let smaller = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n";
    let other = "Sec-WebSocket-Extensions: permessage-bzip2\r\n";
    let server = Server::start();
    assert_eq!(extensions(&server, offer).as_deref(), Some(accepted));
    assert_eq!(extensions(&server, &format!("{other}{offer}")).as_deref(), Some(accepted));
    let with_window = format!("{accepted}; server_max_window_bits=9");
    assert_eq!(extensions(&server, smaller), Some(with_window));
    assert_eq!(extensions(&server, other), None);
    assert_eq!(extensions(&server, ""), None);
    for (mode, answer) in [(0, None), (1, Some(accepted)), (2, Some(accepted))] {
        let server = Server::with_websockets(&json!({"compression": mode}));
        assert_eq!(extensions(&server, offer).as_deref(), answer, "mode {mode}");
    }
}

#[test]
fn an_announce_that_comes_compressed_reaches_its_receivers_each_as_it_understands_it() {
    let server = Server::start();
    let mut ann = member(&server, "film", "ann");
    let mut ben = server.raw().upgrade_with_deflate();
    ben.write(&frame(
        DEFLATED,
        &deflated(offering("film", "ben", &sdp(1500)).to_string().as_bytes()),
    ));
    assert!(ben.hear_text().contains("interval"), "a short reply is sent as it is");
    let Some((DEFLATED, payload)) = ann.hear() else { panic!("not compressed") };
    let wanted = relayed("film", "ben", &sdp(1500));
    assert_eq!(inflated(&payload), wanted);
    assert!(payload.len() < wanted.len() * 2 / 3, "{} of {}", payload.len(), wanted.len());

    // Who doesn't understand it gets the same in plain, from whom ever it comes.
    let mut cid = server.raw().upgrade(b"");
    cid.say(&announce("series", "cid", &json!({})).to_string());
    assert!(cid.hear_text().contains("interval"));
    ben.write(&frame(
        DEFLATED,
        &deflated(offering("series", "ben", &sdp(1500)).to_string().as_bytes()),
    ));
    assert_eq!(cid.hear(), Some((PLAIN, relayed("series", "ben", &sdp(1500)).into_bytes())));
}

#[test]
fn a_receiver_on_any_worker_gets_its_offers_compressed() {
    let server = Server::start();
    // Its place is its first swarm's worker; about half of the others are on the other one.
    let mut ann = member(&server, "s0", "ann");
    for n in 1..20 {
        let swarm = format!("s{n}");
        let mut ben = member(&server, &swarm, "ben");
        ann.say(&announce(&swarm, "ann", &json!({})).to_string());
        assert!(ann.hear_text().contains("interval"));
        ben.say(&offering(&swarm, "ben", &sdp(1500)).to_string());
        let Some((DEFLATED, payload)) = ann.hear() else { panic!("not compressed") };
        assert_eq!(inflated(&payload), relayed(&swarm, "ben", &sdp(1500)));
        // And back, to one whose socket may have moved.
        assert!(ben.hear_text().contains("interval"));
        ann.say(&offering(&swarm, "ann", &sdp(1500)).to_string());
        let Some((DEFLATED, payload)) = ben.hear() else { panic!("not compressed") };
        assert_eq!(inflated(&payload), relayed(&swarm, "ann", &sdp(1500)));
        assert!(ann.hear_text().contains("interval"));
    }
}

#[test]
fn what_is_shorter_than_the_threshold_is_sent_as_it_is() {
    let bytes = relayed("film", "ben", &sdp(700)).len();
    for (threshold, first) in
        [(bytes, DEFLATED), (bytes + 1, PLAIN), (0, DEFLATED), (16 << 20, PLAIN)]
    {
        let server = Server::with_websockets(&json!({"compressionThreshold": threshold}));
        let mut ann = server.raw().upgrade_with_deflate();
        ann.say(&announce("film", "ann", &json!({})).to_string());
        // The reply is too short to be sent compressed but where everything is.
        assert!(ann.hear().is_some_and(|(head, _)| threshold == 0 || head == PLAIN));
        let mut ben = server.raw().upgrade(b"");
        ben.say(&offering("film", "ben", &sdp(700)).to_string());
        assert_eq!(ann.hear().map(|(head, _)| head), Some(first), "threshold {threshold}");
    }
}

#[test]
fn what_is_longer_than_the_window_that_a_client_asks_for_is_sent_as_it_is() {
    let server = Server::without_pace();
    let mut ann = server.raw();
    let window = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=11\r\n";
    ann.shake_hands(window, b"");
    ann.say(&announce("film", "ann", &json!({})).to_string());
    assert!(ann.hear_text().contains("interval"));
    let mut ben = server.raw().upgrade(b"");
    for (bytes, first) in [(1500, DEFLATED), (2500, PLAIN)] {
        ben.say(&offering("film", "ben", &sdp(bytes)).to_string());
        assert_eq!(ann.hear().map(|(head, _)| head), Some(first), "{bytes} bytes");
    }
}

#[test]
fn a_compressed_message_in_fragments_is_read_with_pings_in_between() {
    let server = Server::start();
    let mut raw = server.raw().upgrade_with_deflate();
    let payload = deflated(offering("film", "ann", &sdp(1500)).to_string().as_bytes());
    let parts: Vec<&[u8]> = payload.chunks(payload.len() / 3).collect();
    let last = parts.len() - 1;
    for (n, part) in parts.iter().enumerate() {
        let opcode = if n == 0 { 0x41 } else { 0x00 };
        let fin = if n == last { 0x80 } else { 0x00 };
        raw.write(&frame(opcode | fin, part));
        if n != last {
            raw.write(&frame(0x89, b"?"));
            assert_eq!(raw.hear(), Some((0x8a, b"?".to_vec())));
        }
    }
    assert!(raw.hear_text().contains(r#""incomplete":1"#));
    // The next message may be plain, and a plain one in fragments stays so.
    let text = announce("film", "ann", &json!({})).to_string();
    let (start, end) = text.as_bytes().split_at(20);
    raw.write(&[frame(0x01, start), frame(0x80, end)].concat());
    assert!(raw.hear_text().contains(r#""incomplete":1"#));
}

#[test]
fn an_empty_compressed_message_is_refused_as_an_empty_one_is() {
    let server = Server::start();
    let mut raw = server.raw().upgrade_with_deflate();
    for payload in [&b"\x00"[..], b"", b"\x03\x00"] {
        raw.write(&frame(DEFLATED, payload));
        assert!(raw.hear_text().contains("not valid JSON"));
    }
}

fn code_for(server: &Server, bytes: &[u8]) -> Option<u16> {
    let mut raw = server.raw().upgrade_with_deflate();
    raw.write(bytes);
    raw.close_code()
}

#[test]
fn the_bit_for_compression_where_it_has_no_place_ends_with_1002() {
    let server = Server::start();
    let mut plain = server.raw().upgrade(b"");
    plain.write(&frame(DEFLATED, &deflated(b"{}")));
    assert_eq!(plain.close_code(), Some(1002), "nobody has agreed on it");
    let started = frame(0x41, &deflated(b"{}"));
    for (what, bytes) in [
        ("a ping", frame(0xc9, b"")),
        ("a close frame", frame(0xc8, b"")),
        ("a continuation", [started, frame(0xc0, b"")].concat()),
        ("another bit", frame(0xa1, b"{}")),
        ("both", frame(0xe1, b"{}")),
    ] {
        assert_eq!(code_for(&server, &bytes), Some(1002), "{what}");
    }
}

#[test]
fn what_cannot_be_inflated_or_is_no_text_then_ends_with_1007() {
    let server = Server::with(&json!({"metrics": {"port": 0}}));
    assert_eq!(code_for(&server, &frame(DEFLATED, b"{\"action\":\"scrape\"}")), Some(1007));
    let behind_the_end = [&deflated(b"{}")[..], b"\xff\xfe"].concat();
    assert_eq!(code_for(&server, &frame(DEFLATED, &behind_the_end)), Some(1007));
    assert_eq!(code_for(&server, &frame(DEFLATED, &deflated(b"\"\xff\""))), Some(1007));
    server.metrics_until("counted by their reasons", |seen| {
        seen[r#"tracker_closes_total{reason="not_deflate"}"#] == 2.0
            && seen[r#"tracker_closes_total{reason="not_utf8"}"#] == 1.0
    });
    // A binary message needn't be text; it is refused, and the socket stays.
    let mut raw = server.raw().upgrade_with_deflate();
    raw.write(&frame(0xc2, &deflated(b"\xff")));
    assert!(raw.hear_text().contains("not UTF-8"));
}

#[test]
fn max_payload_length_is_for_what_comes_out_and_a_bomb_costs_no_more_than_that() {
    let server = Server::start();
    let mut raw = server.raw().upgrade_with_deflate();
    raw.write(&frame(DEFLATED, &deflated(&[b' '; 65_536])));
    assert!(raw.hear_text().contains("failure reason"), "65,536 bytes are read");
    raw.write(&frame(DEFLATED, &deflated(&[b' '; 65_537])));
    assert_eq!(raw.close_code(), Some(1009));

    let bomb = deflated(&vec![b' '; 64 << 20]);
    assert!(bomb.len() <= 65_536, "it is no longer than a message may be");
    let before = server.stats()["memory"]["rss"].as_u64().expect("bytes");
    for _ in 0..20 {
        assert_eq!(code_for(&server, &frame(DEFLATED, &bomb)), Some(1009));
    }
    let after = server.stats()["memory"]["rss"].as_u64().expect("bytes");
    // Other tests share this process; a bomb that went off would still stand out.
    assert!(after < before + 50_000_000, "{before} to {after} bytes");
    // In fragments it is measured as a whole.
    let (start, end) = bomb.split_at(bomb.len() / 2);
    let fragments = [frame(0x41, start), frame(0x80, end)].concat();
    assert_eq!(code_for(&server, &fragments), Some(1009));
}

#[test]
fn many_small_messages_that_become_large_are_all_answered() {
    let server = Server::without_pace();
    let mut raw = server.raw().upgrade_with_deflate();
    let one = frame(DEFLATED, &deflated(&[b' '; 60_000]));
    raw.write(&one.repeat(200));
    for _ in 0..200 {
        assert!(raw.hear_text().contains("not valid JSON"));
    }
}

#[test]
fn a_client_that_pauses_loses_nothing_of_what_fits_only_compressed() {
    let server = Server::without_pace();
    let mut ann = member(&server, "film", "ann");
    let mut ben = server.raw().upgrade(b"");
    let sdp = "x".repeat(15_000);
    // 30 MB, of which neither the kernel nor an outbox would hold a half. Compressed they fit.
    for _ in 0..20 {
        ben.write(&frame(PLAIN, offering("film", "ben", &sdp).to_string().as_bytes()).repeat(100));
        for _ in 0..100 {
            assert!(ben.hear_text().contains("interval"));
        }
    }
    for _ in 0..2000 {
        let Some((DEFLATED, payload)) = ann.hear() else { panic!("not compressed") };
        assert!(payload.len() < 1000);
    }
    ann.say(&announce("film", "ann", &json!({})).to_string());
    assert!(ann.hear_text().contains("interval"));
}

#[test]
fn what_compression_saves_is_counted() {
    let server = Server::with(&json!({"metrics": {"port": 0}}));
    let mut ann = member(&server, "film", "ann");
    let text = offering("film", "ben", &sdp(1500)).to_string();
    let came = deflated(text.as_bytes());
    let mut ben = server.raw().upgrade(b"");
    ben.say(&offering("film", "ben", &sdp(700)).to_string());
    assert_eq!(ann.hear().map(|(head, _)| head), Some(PLAIN));
    drop(ben);
    server.stats_until("gone", |stats| stats["peersCount"] == 1);
    let mut ben = server.raw().upgrade_with_deflate();
    ben.write(&frame(DEFLATED, &came));
    let Some((DEFLATED, sent)) = ann.hear() else { panic!("not compressed") };
    let seen = server.metrics();
    let bytes = |kind: &str| seen[&format!("tracker_deflate_bytes_total{{kind=\"{kind}\"}}")];
    assert_eq!(bytes("received_deflated"), came.len() as f64);
    assert_eq!(bytes("received_plain"), text.len() as f64);
    assert_eq!(bytes("sent_deflated"), sent.len() as f64);
    assert_eq!(bytes("sent_plain"), relayed("film", "ben", &sdp(1500)).len() as f64);
}
