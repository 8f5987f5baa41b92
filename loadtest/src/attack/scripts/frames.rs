//! What abuses WebSocket's frames: cheap to send, and each wants to be looked at.

use super::{Attack, Manner, Scene, Script, frame, repeated};
use crate::limits::PAYLOAD_BYTES_MAX;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "ping-flood",
        what: "empty pings, each of which wants a pong",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| flood(scene, &frame(0x89, b"")),
    },
    Attack {
        name: "ping-deaf",
        what: "pings of 125 bytes, and the pongs are never read",
        manner: Manner::Floods { reads: false },
        strangers: 1,
        script: |scene| flood(scene, &frame(0x89, &[b'p'; 125])),
    },
    Attack {
        name: "pong-flood",
        what: "empty pongs, which nobody asked for",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| flood(scene, &frame(0x8a, b"")),
    },
    Attack {
        name: "tiny-frames",
        what: "empty text messages, each of which is refused",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| flood(scene, &frame(0x81, b"")),
    },
    Attack {
        name: "huge-garbage",
        what: "binary messages of the longest length, with no JSON in them",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| flood(scene, &frame(0x82, &noise(PAYLOAD_BYTES_MAX))),
    },
    Attack {
        name: "too-long",
        what: "a frame that says it has a gigabyte; closed, and back again",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let header = [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4];
            flood(scene, &header)
        },
    },
    Attack {
        name: "endless-fragments",
        what: "a message of empty fragments without an end; closed, and back again",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let mut script = flood(scene, &frame(0x00, b""));
            script.opening.extend(frame(0x01, b"{"));
            script
        },
    },
    Attack {
        name: "long-fragments",
        what: "messages in a thousand fragments, put together and refused",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let mut message = frame(0x01, &[b' '; 64]);
            message.extend(frame(0x00, &[b' '; 64]).repeat(998));
            message.extend(frame(0x80, b"x"));
            flood(scene, &message)
        },
    },
    Attack {
        name: "invalid-utf8",
        what: "text that is not UTF-8; closed, and back again",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| flood(scene, &frame(0x81, b"{\"action\":\"\xff\xfe\"}")),
    },
    Attack {
        name: "deflate-long",
        what: "80 bytes that inflate to 65,000, which are looked through and refused",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let end = [0x6f, 0x06];
            deflated(scene, b"\xec\xc1\x81\0\0\0\0\xc3\x20\x95\xf9\x53\x1e\xe4\x55\x01", 62, end)
        },
    },
    Attack {
        name: "deflate-bomb",
        what: "1 kB that inflates to a megabyte; closed, and back again",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let end = [0x7c, 0x06];
            let start = b"\xec\xc1\x31\x01\0\0\0\xc2\xa0\x2a\xeb\x9f\xd2\x10\xbe\x40\x01";
            deflated(scene, start, 1015, end)
        },
    },
    Attack {
        name: "deflate-garbage",
        what: "compressed messages of the longest length that are none; closed, and back again",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let flood = repeated(&frame(0xc1, &noise(PAYLOAD_BYTES_MAX)));
            Script { opening: scene.come_close(), flood, deflates: true }
        },
    },
];

fn flood(scene: &Scene, message: &[u8]) -> Script {
    Script::flood(scene.come_close(), repeated(message))
}

/// Spaces as zlib's best level compresses them: mostly zeros itself.
fn deflated(scene: &Scene, start: &[u8], zeros: usize, end: [u8; 2]) -> Script {
    let payload = [start, &vec![0; zeros], &end].concat();
    let flood = repeated(&frame(0xc1, &payload));
    Script { opening: scene.come_close(), flood, deflates: true }
}

/// Bytes that are no text, and the same each time (a linear congruential generator, Knuth's MMIX).
fn noise(bytes: usize) -> Vec<u8> {
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    std::iter::successors(Some(1), next).map(|state: u64| (state >> 56) as u8).take(bytes).collect()
}
