//! The scanner against a JSON parser and against itself: what it accepts, where it stops, and how
//! deep it goes.

use super::*;
use crate::limits::JSON_DEPTH_CEILING;

fn accepts(text: &[u8]) -> bool {
    let mut scanner = Scanner::new(text, JSON_DEPTH_CEILING);
    scanner.value().and_then(|_| scanner.end()).is_ok()
}

#[test]
fn it_accepts_exactly_what_a_json_parser_accepts() {
    let pieces: [&[u8]; 26] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\\",
        b"\\u00e9",
        b"\\u12",
        b"\\n",
        b"\\x",
        b"0",
        b"1",
        b"-",
        b".",
        b"e",
        b"+",
        b"true",
        b"null",
        b"fals",
        b"\"a\"",
        b"\"a\":",
        b" ",
        b"\n",
        "é".as_bytes(),
    ];
    let mut agreed = [0, 0];
    // All sequences of up to four pieces, on their own and as an array and a member.
    for number in 0..pieces.len().pow(4) {
        let mut text = Vec::new();
        let mut rest = number;
        while rest > 0 {
            text.extend(pieces[rest % pieces.len()]);
            rest /= pieces.len();
        }
        let json = serde_json::from_slice::<serde_json::Value>(&text).is_ok();
        assert_eq!(accepts(&text), json, "{:?}", String::from_utf8_lossy(&text));
        agreed[usize::from(json)] += 1;
    }
    assert!(agreed[1] > 100, "the pieces make too few valid documents: {agreed:?}");
}

#[test]
fn control_characters_in_strings_are_refused_wherever_they_are() {
    for length in 0..40 {
        for at in 0..length {
            for bad in [0x00, b'\n', 0x1f] {
                let mut text = vec![b'"'; length + 2];
                text[1..=length].fill(b'x');
                assert!(accepts(&text));
                text[1 + at] = bad;
                assert!(!accepts(&text), "{bad:#x} at {at} of {length}");
            }
        }
    }
}

#[test]
fn plain_prefix_finds_the_first_special_byte_and_no_other() {
    for at in 0..60 {
        for byte in 0..=255 {
            let mut text = [b'x'; 60];
            text[at] = byte;
            let special = byte < 0x20 || byte == b'"' || byte == b'\\';
            assert_eq!(plain_prefix(&text), if special { at } else { 60 }, "{byte} at {at}");
        }
    }
}
