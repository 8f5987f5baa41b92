//! The parser against everything. Valid frames are damaged at random: nothing may panic, and of
//! whatever is accepted, each piece that is relayed must be what another JSON parser reads there.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod oracle;
mod support;

use bytes::Bytes;
use oracle::check;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use support::{announce, answer, id, merged, some_offers};
use tracker_core::Limits;

/// Damaged frames per run: a few seconds of an unoptimized build.
const FRAMES: u64 = 60_000;

/// What damage is made of: every token that means something somewhere in a message.
const TOKENS: [&str; 38] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\\"",
    "\\u0041",
    "\\u00e9",
    "\\ud83c",
    "\\udfac",
    "\\u12",
    "\\n",
    "\n",
    "\u{0}",
    " ",
    "é",
    "🎬",
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "1.5",
    "\"action\":",
    "\"offers\":",
    "\"offer\":",
    "\"offer_id\":",
    "\"info_hash\":",
    "\"answer\":",
    "\"type\":\"offer\"",
    "\"type\":\"answer\"",
    "\"sdp\":\"\"",
    "{\"type\":\"offer\",\"sdp\":\"\"}",
    "\"scrape\"",
    "[[[[[[[[",
];

fn seeds() -> [u64; 2] {
    match std::env::var("PARSER_SEED") {
        Ok(seed) => [seed.parse().expect("PARSER_SEED must be a number"); 2],
        Err(_) => [1, rand::random()],
    }
}

#[test]
fn what_a_damaged_frame_still_relays_is_what_a_json_parser_reads_in_it() {
    let frames = valid_frames();
    for seed in seeds() {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut accepted = 0;
        for number in 0..FRAMES {
            let mut frame = frames[rng.random_range(..frames.len())].clone();
            for _ in 0..rng.random_range(1..4) {
                damage(&mut frame, &mut rng);
            }
            let bytes = Bytes::from(frame);
            let outcome = std::panic::catch_unwind(|| check(&bytes, &Limits::default()));
            let shown = String::from_utf8_lossy(&bytes);
            let fine = outcome.unwrap_or_else(|_| {
                panic!("PARSER_SEED={seed} replays this: frame {number} {shown}")
            });
            accepted += u64::from(fine);
        }
        assert!(accepted > FRAMES / 20, "PARSER_SEED={seed}: too much damage: {accepted}");
    }
}

#[test]
fn a_frame_cut_off_anywhere_is_refused() {
    for frame in valid_frames() {
        assert!(check(&Bytes::from(frame.clone()), &Limits::default()));
        for length in 0..frame.len() {
            assert!(
                !check(&Bytes::copy_from_slice(&frame[..length]), &Limits::default()),
                "cut at {length}"
            );
        }
    }
}

fn valid_frames() -> Vec<Vec<u8>> {
    let offers = json!({"numwant": 3, "left": null, "event": "started", "offers": some_offers(3)});
    let odd = "\u{0}é\"\\/\u{1f}\u{7f}\u{ff}............";
    let frames = [
        announce(&id("s"), &id("a"), &offers),
        announce(odd, odd, &json!({"left": 0, "numwant": 1e1, "x": {"y": [1, -2.5e-3, {}]}})),
        merged(offers, &announce(&id("s"), &id("é"), &json!({"event": "stopped"}))),
        answer(&id("s"), odd, &id("b"), odd),
        json!({"action": "scrape", "info_hash": id("s")}),
        json!({"action": "scrape", "info_hash": [id("s"), odd]}),
    ];
    let compact = frames.iter().map(|frame| frame.to_string().into_bytes());
    let spaced =
        frames.iter().map(|frame| format!(" {frame:#}\r\n\t").trim_end().as_bytes().to_vec());
    compact.chain(spaced).collect()
}

fn damage(frame: &mut Vec<u8>, rng: &mut SmallRng) {
    let at = rng.random_range(..=frame.len());
    let end = (at + rng.random_range(0..12)).min(frame.len());
    let token = TOKENS[rng.random_range(..TOKENS.len())].bytes();
    match rng.random_range(0..6) {
        0 if at < frame.len() => frame[at] = rng.random(),
        1 => drop(frame.drain(at..end)),
        2 => drop(frame.splice(at..end, token)),
        3 => drop(frame.splice(at..at, token)),
        4 => {
            let piece = frame[at..end].to_vec();
            let to = rng.random_range(..=frame.len());
            drop(frame.splice(to..to, piece));
        }
        // A whole member or element twice.
        _ => {
            let commas: Vec<_> = (0..frame.len()).filter(|&at| frame[at] == b',').collect();
            if commas.len() >= 2 {
                let pick = rng.random_range(1..commas.len());
                let member = frame[commas[pick - 1]..commas[pick]].to_vec();
                drop(frame.splice(commas[pick]..commas[pick], member));
            }
        }
    }
}
