//! What abuses the tracker's own job: everything here is well-formed, and aimed at the good swarm.

use super::{Attack, Manner, Scene, Script, shown, text};
use crate::client::id::Id;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "announce-flood",
        what: "announces with 50 offers for the good swarm, as fast as they go",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: offers,
    },
    Attack {
        name: "deaf-announcer",
        what: "the same, and what the good swarm answers is never read",
        manner: Manner::Floods { reads: false },
        strangers: 1,
        script: offers,
    },
    Attack {
        name: "bare-announces",
        what: "announces without offers, as fast as they go",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let own = scene.ids.stranger(0);
            Script::flood(scene.join(), scene.announce(&own, "").repeat(300))
        },
    },
    Attack {
        name: "join-and-leave",
        what: "one peer that joins the good swarm and leaves it, over and over",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| Script::flood(scene.come_close(), scene.come_close().repeat(150)),
    },
    Attack {
        name: "many-peers",
        what: "128 peers of one socket in the good swarm, to which its offers go",
        manner: Manner::Floods { reads: true },
        strangers: 128,
        script: |scene| {
            let join = |peer| scene.announce(&scene.ids.stranger(peer), "");
            let joins: Vec<u8> = (0..128).flat_map(join).collect();
            Script::flood(joins.clone(), joins)
        },
    },
    Attack {
        name: "unasked-answers",
        what: "answers to offers that nobody made, for each good peer",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| answers(scene, |_| scene.ids.stranger(0)),
    },
    Attack {
        name: "false-answers",
        what: "the same in the names of good peers",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| answers(scene, |at| scene.members[(at + 1) % scene.members.len()]),
    },
    Attack {
        name: "hijack",
        what: "announces with the good peers' ids, whose owners are asked for a sign of life",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let claims = scene.members.iter().flat_map(|victim| scene.announce(victim, ""));
            Script::flood(scene.come_close(), claims.collect())
        },
    },
    Attack {
        name: "stopped-for-others",
        what: "'stopped' with the good peers' ids",
        manner: Manner::Floods { reads: true },
        strangers: 1,
        script: |scene| {
            let stop = |victim| scene.announce(victim, r#","event":"stopped""#);
            let stops = scene.members.iter().flat_map(stop);
            Script::flood(scene.come_close(), stops.collect())
        },
    },
];

/// 20 announces with offers of their own ids, as short as they can be: the most relays for a byte.
fn offers(scene: &Scene) -> Script {
    let own = scene.ids.stranger(0);
    let announce = |number: u32| {
        let offers: Vec<_> = (0..50)
            .map(|slot| {
                format!(
                    r#"{{"offer":{{"type":"offer","sdp":"v=0"}},"offer_id":"x{number:09}{slot:010}"}}"#
                )
            })
            .collect();
        scene.announce(&own, &format!(r#","offers":[{}]"#, offers.join(",")))
    };
    Script::flood(scene.join(), (0..20).flat_map(announce).collect())
}

/// An answer for each good peer, in the name that `from` gives for its place.
fn answers(scene: &Scene, from: impl Fn(usize) -> Id) -> Script {
    let info_hash = shown(&scene.info_hash);
    let answer = |(at, to): (usize, &Id)| {
        let (from, to) = (from(at), shown(to));
        let from = shown(&from);
        text(&format!(
            r#"{{"action":"announce","info_hash":"{info_hash}","peer_id":"{from}","to_peer_id":"{to}","answer":{{"type":"answer","sdp":"v=0"}},"offer_id":"00000000000000000000"}}"#
        ))
    };
    let answers = scene.members.iter().enumerate().flat_map(answer);
    Script::flood(scene.join(), answers.collect())
}
