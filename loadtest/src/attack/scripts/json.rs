//! What abuses whoever reads JSON: deep, long, or asking for much with little.

use super::{Attack, Manner, Scene, Script, announce, repeated, shown, text};
use crate::limits::PAYLOAD_BYTES_MAX;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "deep-json",
        what: "60,000 nested arrays in a message",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| flood(scene, &text(&"[".repeat(60_000))),
    },
    Attack {
        name: "long-json",
        what: "messages of the longest length, right until their last field",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let fields = "\"a\":[{}],".repeat((PAYLOAD_BYTES_MAX - 100) / 9);
            flood(scene, &text(&format!("{{{fields}\"action\":\"none\"}}")))
        },
    },
    Attack {
        name: "escapes",
        what: "messages of the longest length, a string of escapes",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let escapes = "\\u00e9".repeat((PAYLOAD_BYTES_MAX - 100) / 6);
            flood(scene, &text(&format!("{{\"x\":\"{escapes}\",\"action\":\"none\"}}")))
        },
    },
    Attack {
        name: "scrape-flood",
        what: "scrapes of 100 swarms each, 10 kB of answer for 2 kB of question",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let hashes: Vec<_> = (0..100)
                .map(|swarm| format!("\"{}\"", shown(&scene.ids.info_hash(swarm))))
                .collect();
            let scrape = format!(r#"{{"action":"scrape","info_hash":[{}]}}"#, hashes.join(","));
            flood(scene, &text(&scrape))
        },
    },
    Attack {
        name: "swarms-20000",
        what: "announces in 20,000 swarms, round and round",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let own = scene.ids.stranger(0);
            let swarm = |number| announce(&scene.ids.info_hash(number), &own, "");
            Script::flood(scene.come_close(), (1..=20_000).flat_map(swarm).collect())
        },
    },
];

fn flood(scene: &Scene, message: &[u8]) -> Script {
    Script::flood(scene.come_close(), repeated(message))
}
