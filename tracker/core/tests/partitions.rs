//! A swarm in several partitions: its members meet across them, as they do within one, and an
//! answer goes back the way that its offer came.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use support::cluster::{Cluster, sibling};
use support::{
    Did, Parcel, announce, announce_offers, answer, id, merged, peer, refusal, relayed_answer,
    reply, without_pace,
};
use tracker_core::{CrossAnswer, Digest, InfoHash, Limits, Reason, ReturnToken, Settings};

/// Whom offers went to, by tracker and connection, with the id of each.
fn offers_in(done: &[(usize, Did)]) -> Vec<(usize, u64, String)> {
    let offer = |(at, did): &(usize, Did)| match did {
        Did::Send(to, message) if message.get("offer").is_some() => {
            Some((*at, *to, message["offer_id"].as_str().expect("an offer_id").to_owned()))
        }
        _ => None,
    };
    done.iter().filter_map(offer).collect()
}

fn join(swarm: &str, conn: u64) -> Value {
    announce(swarm, &peer(conn), &json!({"event": "started"}))
}

/// A swarm of so many members at each tracker, the first ones' connections first, who all know how
/// many they are.
fn populated(settings: &Settings, members: &[u64]) -> (Cluster, String) {
    let (mut cluster, swarm, mut conn) = (Cluster::new(members.len(), settings), id("s"), 0);
    for (at, members) in members.iter().enumerate() {
        for _ in 0..*members {
            cluster.hear(at, conn, &join(&swarm, conn));
            conn += 1;
        }
    }
    cluster.wait_s(5);
    (cluster, swarm)
}

fn digest(complete: u32, incomplete: u32) -> Digest {
    Digest { complete, incomplete, opening: false }
}

fn hash(swarm: &str) -> InfoHash {
    InfoHash::decode(swarm.as_bytes()).expect("an info hash")
}

/// The answers among what was told to siblings.
fn answers_in(done: &[Did]) -> Vec<Parcel> {
    let parcel = |did: &Did| match did {
        Did::Tell(_, parcel @ Parcel::Answer(..)) => Some(parcel.clone()),
        _ => None,
    };
    done.iter().filter_map(parcel).collect()
}

#[test]
fn a_swarm_of_two_in_two_partitions_meets_with_the_second_ones_first_announce() {
    let (mut cluster, swarm) = (Cluster::new(2, &without_pace()), id("s"));
    cluster.hear(0, 1, &join(&swarm, 1));
    let done = cluster.hear(1, 2, &announce_offers(&swarm, &peer(2), 5));
    // Nobody else was known when it announced.
    assert_eq!(done[0], (1, reply(2, &swarm, 0, 1)));
    assert_eq!(offers_in(&done), [(0, 1, id("o0"))]);

    let done = cluster.hear(0, 1, &answer(&swarm, &peer(1), &peer(2), &id("o0")));
    assert_eq!(done, [(1, relayed_answer(2, &swarm, &peer(1), &id("o0")))]);
    let done = cluster.hear(0, 1, &answer(&swarm, &peer(1), &peer(2), &id("o0")));
    assert_eq!(done, [(0, refusal(1, &swarm, Reason::ReceiverLeft))], "there is one answer");
}

#[test]
fn what_crosses_arrives_as_it_was_written() {
    let (mut cluster, swarm) = (Cluster::new(2, &without_pace()), id("é\"s"));
    let [one, other, offer] = ["\u{0}a", "\\b", "\u{ff}o"].map(id);
    cluster.hear(0, 1, &announce(&swarm, &one, &json!({})));
    let description = json!({"type": "offer", "sdp": "v=0\r\n\"é", "more": [1.50, null]});
    let offers = json!([{"offer_id": offer, "offer": description}]);
    let done =
        cluster.hear(1, 2, &announce(&swarm, &other, &json!({"numwant": 1, "offers": offers})));
    let expected = json!({"action": "announce", "info_hash": swarm, "peer_id": other,
        "offer_id": offer, "offer": description});
    assert_eq!(done[1..], [(0, Did::Send(1, expected))]);
    let answered = merged(
        answer(&swarm, &one, &other, &offer),
        &json!({"answer": {"sdp": "\u{1f}", "type": "answer"}}),
    );
    let expected = json!({"action": "announce", "info_hash": swarm, "peer_id": one,
        "offer_id": offer, "answer": {"sdp": "\u{1f}", "type": "answer"}});
    assert_eq!(cluster.hear(0, 1, &answered), [(1, Did::Send(2, expected))]);
}

/// 12 of 100 by default; with none of them, or all, no chance is left.
#[test]
fn a_share_of_the_offers_crosses_and_the_others_stay() {
    for (cross_share_percent, expected) in [(0, 0..=0), (12, 500..=700), (100, 5000..=5000)] {
        let settings = Settings { cross_share_percent, ..without_pace() };
        let (mut cluster, swarm) = populated(&settings, &[30, 30]);
        let mut crossed = 0;
        for round in 0..1000 {
            let conn = round % 30;
            let done = cluster.hear(0, conn, &announce_offers(&swarm, &peer(conn), 5));
            let offers = offers_in(&done);
            let ids: BTreeSet<_> = offers.iter().map(|(_, _, offer_id)| offer_id).collect();
            assert_eq!((offers.len(), ids.len()), (5, 5), "each offer goes to one");
            crossed += offers.iter().filter(|(at, ..)| *at == 1).count();
        }
        assert!(expected.contains(&crossed), "{cross_share_percent} %: {crossed}");
        let counters = cluster.trackers[0].shard.counters();
        assert_eq!(counters.cross_offers_sent, crossed as u64);
        assert_eq!(counters.offers_relayed, 5000 - crossed as u64);
        let there = cluster.trackers[1].shard.counters();
        assert_eq!((there.cross_offers_relayed, there.cross_offers_dropped), (crossed as u64, 0));
    }
}

#[test]
fn all_offers_cross_that_find_nobody_here_and_never_more_than_there_are_others() {
    // Members here and elsewhere, offers, and how many of them go there.
    for (here, elsewhere, offers, crossing) in
        [(1, 9, 5, 5), (2, 9, 5, 4), (3, 2, 9, 2), (2, 1, 9, 1), (5, 9, 4, 0), (1, 3, 5, 3)]
    {
        let settings = Settings { cross_share_percent: 0, ..without_pace() };
        let (mut cluster, swarm) = populated(&settings, &[here, elsewhere]);
        let done = cluster.hear(0, 0, &announce_offers(&swarm, &peer(0), offers));
        let receivers: BTreeSet<_> =
            offers_in(&done).iter().map(|(at, conn, _)| (*at, *conn)).collect();
        let expected = (here - 1 + elsewhere).min(offers as u64) as usize;
        assert_eq!(receivers.len(), expected, "{here} and {elsewhere}: {receivers:?}");
        assert_eq!(receivers.iter().filter(|(at, _)| *at == 1).count(), crossing);
    }
}

#[test]
fn the_limits_of_an_announce_hold_over_all_partitions() {
    let settings = Settings { max_offers: 4, cross_share_percent: 50, ..without_pace() };
    let (mut cluster, swarm) = populated(&settings, &[10, 10, 10]);
    for (numwant, expected) in [(0, 0), (3, 3), (9, 4)] {
        let frame = announce_offers(&swarm, &peer(0), 9);
        let done = cluster.hear(0, 0, &merged(frame, &json!({ "numwant": numwant })));
        assert_eq!(offers_in(&done).len(), expected);
    }
}

#[test]
fn offers_that_come_too_early_do_not_cross() {
    let min_announce_interval = Duration::from_secs(30);
    let settings = Settings { min_announce_interval, ..without_pace() };
    let (mut cluster, swarm) = populated(&settings, &[1, 5]);
    let offers = announce_offers(&swarm, &peer(0), 3);
    assert_eq!(offers_in(&cluster.hear(0, 0, &offers)).len(), 3);
    assert_eq!(offers_in(&cluster.hear(0, 0, &offers)).len(), 0);
    let counters = cluster.trackers[0].shard.counters();
    assert_eq!((counters.cross_offers_sent, counters.offers_early), (3, 3));
}

#[test]
fn who_has_had_enough_is_not_sent_the_offers_of_siblings_either() {
    let limits = Limits { offers_per_second_per_receiver: 1, ..Limits::default() };
    let settings = Settings { limits, ..without_pace() };
    let (mut cluster, swarm) = populated(&settings, &[1, 1]);
    let mut received = 0;
    for _ in 0..30 {
        received += offers_in(&cluster.hear(0, 0, &announce_offers(&swarm, &peer(0), 1))).len();
    }
    assert_eq!(received, 10, "ten seconds' worth at once");
    let counters = cluster.trackers[1].shard.counters();
    assert_eq!((counters.cross_offers_relayed, counters.cross_offers_dropped), (10, 20));
}

/// A viewer has come back to another node, and its old place is not yet forgotten.
#[test]
fn nobody_is_offered_what_it_offers_itself() {
    let settings = without_pace();
    let mut cluster = Cluster::new(2, &settings);
    let (swarm, twin) = (id("s"), id("twin"));
    cluster.hear(0, 1, &announce(&swarm, &twin, &json!({})));
    let done = cluster.hear(1, 2, &announce_offers(&swarm, &twin, 5));
    assert_eq!(offers_in(&done), []);
    assert_eq!(cluster.trackers[0].shard.counters().cross_offers_dropped, 1);
    // Another one is there as well.
    cluster.hear(0, 3, &join(&swarm, 3));
    cluster.wait_s(5);
    for _ in 0..20 {
        let done = cluster.hear(1, 2, &announce_offers(&swarm, &twin, 1));
        assert_eq!(offers_in(&done), [(0, 3, id("o0"))]);
    }
}

#[test]
fn an_answer_is_accepted_once_from_where_its_offer_went_and_within_a_minute() {
    type Change = fn(&mut Parcel);
    let token: Change = |parcel| {
        if let Parcel::Answer(CrossAnswer { token: ReturnToken(token), .. }, _) = parcel {
            *token ^= 2;
        }
    };
    let offer: Change = |parcel| {
        if let Parcel::Answer(CrossAnswer { offer_id, .. }, _) = parcel {
            offer_id.0[0] ^= 1;
        }
    };
    let receiver: Change = |parcel| {
        if let Parcel::Answer(CrossAnswer { to_peer_id, .. }, _) = parcel {
            to_peer_id.0[0] ^= 1;
        }
    };
    let none: Change = |_| {};
    // From which sibling, after how many seconds, changed how, and whether it is heard.
    for (from, after_s, change, is_heard) in [
        (1, 0, none, true),
        (1, 60, none, true),
        (1, 61, none, false),
        (2, 0, none, false),
        (1, 0, token, false),
        (1, 0, offer, false),
        (1, 0, receiver, false),
    ] {
        let (mut cluster, swarm) = populated(&without_pace(), &[1, 1]);
        let done = cluster.hear(0, 0, &announce_offers(&swarm, &peer(0), 1));
        assert_eq!(offers_in(&done), [(1, 1, id("o0"))]);
        let done = cluster.trackers[1].hear(1, &answer(&swarm, &peer(1), &peer(0), &id("o0")));
        let [mut parcel] = answers_in(&done).try_into().expect("one answer");
        change(&mut parcel);
        let offerer = &mut cluster.trackers[0];
        offerer.wait_s(after_s);
        let relayed = relayed_answer(0, &swarm, &peer(1), &id("o0"));
        let expected = if is_heard { vec![relayed] } else { vec![] };
        assert_eq!(offerer.unpack(sibling(from), &parcel), expected);
        // Nobody is told of those that are dropped: it would be told what it can't understand.
        assert_eq!(offerer.unpack(sibling(from), &parcel), []);
        let counters = offerer.shard.counters();
        let dropped = 1 + u64::from(!is_heard);
        assert_eq!(
            (counters.cross_answers_relayed, counters.cross_answers_dropped, counters.refusals),
            (u64::from(is_heard), dropped, 0)
        );
    }
}

#[test]
fn a_late_answer_finds_nobody_who_has_left_or_come_back_since() {
    let all_cross = Settings { cross_share_percent: 100, ..without_pace() };
    for comes_back in [false, true] {
        // Connection 1 keeps the swarm open.
        let (mut cluster, swarm) = populated(&all_cross, &[2, 1]);
        let offer = announce_offers(&swarm, &peer(0), 1);
        assert_eq!(offers_in(&cluster.hear(0, 0, &offer)), [(1, 2, id("o0"))]);
        let done = cluster.trackers[1].hear(2, &answer(&swarm, &peer(2), &peer(0), &id("o0")));
        let [late] = answers_in(&done).try_into().expect("one answer");
        cluster.left(0, 0, &swarm, &peer(0));
        if comes_back {
            // Under the same name, and with an offer of the same name.
            assert_eq!(offers_in(&cluster.hear(0, 0, &offer)), [(1, 2, id("o0"))]);
        }
        assert_eq!(cluster.unpack(1, 0, &late), []);
        assert_eq!(cluster.trackers[0].shard.counters().cross_answers_dropped, 1);
        let expected = relayed_answer(0, &swarm, &peer(2), &id("o0"));
        let expected = if comes_back { vec![(0, expected)] } else { vec![] };
        let done = cluster.hear(1, 2, &answer(&swarm, &peer(2), &peer(0), &id("o0")));
        assert_eq!(done.into_iter().filter(|(at, _)| *at == 0).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn only_who_has_received_an_offer_of_a_sibling_may_answer_it() {
    let (mut cluster, swarm) = populated(&without_pace(), &[1, 2]);
    let done = cluster.hear(0, 0, &announce_offers(&swarm, &peer(0), 1));
    let [(1, receiver, _)] = offers_in(&done)[..] else { panic!("one offer: {done:?}") };
    let other = 3 - receiver;
    let left = |to| [(1, refusal(to, &swarm, Reason::ReceiverLeft))];
    let answer = |from, offer_id| answer(&swarm, &peer(from), &peer(0), &id(offer_id));
    assert_eq!(cluster.hear(1, other, &answer(other, "o0")), left(other));
    assert_eq!(cluster.hear(1, receiver, &answer(receiver, "o1")), left(receiver));
    let stranger = [(1, refusal(9, &swarm, Reason::NotAnnounced))];
    assert_eq!(cluster.hear(1, 9, &answer(receiver, "o0")), stranger);
    let expected = [(0, relayed_answer(0, &swarm, &peer(receiver), &id("o0")))];
    assert_eq!(cluster.hear(1, receiver, &answer(receiver, "o0")), expected);
}

#[test]
fn an_offer_of_a_sibling_may_be_answered_for_a_minute() {
    for (after_s, is_answered) in [(60, true), (61, false), (130, false)] {
        let (mut cluster, swarm) = populated(&without_pace(), &[1, 1]);
        cluster.hear(0, 0, &announce_offers(&swarm, &peer(0), 1));
        let receiver = &mut cluster.trackers[1];
        receiver.wait_s(after_s);
        let done = receiver.hear(1, &answer(&swarm, &peer(1), &peer(0), &id("o0")));
        assert_eq!(answers_in(&done).len(), usize::from(is_answered), "{after_s}: {done:?}");
    }
}

/// The bus may say it again: both answer perhaps, and one of them is heard.
#[test]
fn an_offer_that_comes_twice_gets_one_answer() {
    let (mut cluster, swarm) = populated(&without_pace(), &[1, 2]);
    let done = cluster.trackers[0].hear(0, &announce_offers(&swarm, &peer(0), 1));
    cluster.post(0, done.clone());
    cluster.post(0, done);
    let done = cluster.settle();
    let receivers: Vec<_> = offers_in(&done).iter().map(|(_, conn, _)| *conn).collect();
    assert_eq!(
        receivers.iter().collect::<BTreeSet<_>>().len(),
        2,
        "rather not to one: {receivers:?}"
    );
    let mut heard = Vec::new();
    for conn in receivers {
        heard.extend(cluster.hear(1, conn, &answer(&swarm, &peer(conn), &peer(0), &id("o0"))));
    }
    assert_eq!(heard.len(), 1, "{heard:?}");
}

/// A browser takes a second to answer, and what a slow bus held up comes at once.
#[test]
fn offers_of_two_announces_that_come_together_are_both_answered() {
    let (mut cluster, swarm) = populated(&without_pace(), &[1, 1]);
    let mut heard = Vec::new();
    for number in 0..2 {
        let offers = json!([{"offer_id": id(format!("o{number}")), "offer": {"type": "offer", "sdp": "v=0"}}]);
        let again = announce(&swarm, &peer(0), &json!({"offers": offers, "numwant": 1}));
        heard.extend(offers_in(&cluster.hear(0, 0, &again)));
    }
    assert_eq!(heard.len(), 2);
    for (at, conn, offer_id) in heard {
        let done = cluster.hear(at, conn, &answer(&swarm, &peer(conn), &peer(0), &offer_id));
        assert_eq!(done, [(0, relayed_answer(0, &swarm, &peer(conn), &offer_id))]);
    }
}

#[test]
fn an_offer_for_a_swarm_that_has_closed_is_dropped() {
    let (mut cluster, swarm) = populated(&without_pace(), &[1, 1]);
    let done = cluster.trackers[0].hear(0, &announce_offers(&swarm, &peer(0), 1));
    cluster.left(1, 1, &swarm, &peer(1));
    cluster.post(0, done);
    assert_eq!(cluster.settle(), []);
    assert_eq!(cluster.trackers[1].shard.counters().cross_offers_dropped, 1);
}

/// Its digest was lost, or its partition has just opened.
#[test]
fn an_offer_of_a_sibling_that_nobody_knew_is_delivered_and_answered() {
    let mut cluster = Cluster::new(2, &without_pace());
    let swarm = id("s");
    cluster.hear(1, 1, &join(&swarm, 1));
    cluster.bus.clear();
    let done = cluster.trackers[0].hear(0, &join(&swarm, 0));
    drop(done);
    let told = cluster.trackers[0].unpack(sibling(1), &Parcel::Digest(hash(&swarm), digest(0, 1)));
    cluster.post(0, told);
    let done = cluster.hear(0, 0, &announce_offers(&swarm, &peer(0), 1));
    assert_eq!(offers_in(&done), [(1, 1, id("o0"))]);
    let done = cluster.hear(1, 1, &answer(&swarm, &peer(1), &peer(0), &id("o0")));
    assert_eq!(done, [(0, relayed_answer(0, &swarm, &peer(1), &id("o0")))]);
}
