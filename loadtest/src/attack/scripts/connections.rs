//! What abuses connections: opened for nothing, or never finished.

use super::{Attack, Manner, Script, frame};

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "half-handshakes",
        what: "500 connections that never finish their handshake",
        manner: Manner::Holds,
        strangers: 0,
        script: |scene| {
            let opening = scene.request[..scene.request.len() - 4].to_vec();
            Script { opening, ..Script::default() }
        },
    },
    Attack {
        name: "half-frames",
        what: "500 sockets in the middle of a message of 60,000 bytes",
        manner: Manner::Holds,
        strangers: 0,
        script: |scene| {
            let mut opening = scene.request.clone();
            opening.extend(&frame(0x81, &[b' '; 60_000])[..30_000]);
            Script { opening, ..Script::default() }
        },
    },
    Attack {
        name: "connect-churn",
        what: "connects and breaks off, as fast as it goes",
        manner: Manner::Churns,
        strangers: 0,
        script: |_| Script::default(),
    },
    Attack {
        name: "socket-churn",
        what: "opens a WebSocket in the good swarm and breaks off, as fast as it goes",
        manner: Manner::Churns,
        strangers: 1,
        script: |scene| {
            let mut opening = scene.request.clone();
            opening.extend(scene.join());
            Script { opening, ..Script::default() }
        },
    },
    Attack {
        name: "stun-flood",
        what: "binding requests to the STUN server (with --stun)",
        manner: Manner::Datagrams,
        strangers: 0,
        script: |_| {
            // RFC 8489, section 5: type, no attributes, magic cookie, transaction id.
            let flood = [b"\x00\x01\x00\x00\x21\x12\xa4\x42".as_slice(), &[7; 12]].concat();
            Script { flood, ..Script::default() }
        },
    },
];
