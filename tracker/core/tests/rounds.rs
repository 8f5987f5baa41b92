//! What is written together goes to few: in a round of many announces, the offers of a large swarm
//! are dealt out among some of its members at a time. In the long run everybody gets as many, and
//! what is written at once is for anybody.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use support::{Tracker, announce_offers, id, peer, without_pace};
use tracker_core::limits::{WINDOW_MEMBERS, WINDOW_OFFERS};
use tracker_core::{
    ConnId, CrossOffer, Incoming, InfoHash, Input, Limits, OfferId, Outbox, Outgoing, PeerId,
    ReturnToken, Settings, SiblingId, parse,
};

const MEMBERS: u64 = 2000;
const OFFERS: usize = 10;

/// Notes whom offers went to in one round, or in none.
struct Receivers {
    round: Option<u64>,
    offered: Vec<u64>,
}

impl Outbox for Receivers {
    fn send(&mut self, to: ConnId, message: &Outgoing<'_>) {
        if matches!(message, Outgoing::Offer { .. }) {
            self.offered.push(to.0);
        }
    }

    fn round(&self) -> Option<u64> {
        self.round
    }

    fn probe(&mut self, _: ConnId) {}
}

/// Member `conn` announces with [`OFFERS`] offers; whom they went to.
fn offer(tracker: &mut Tracker, conn: u64, round: Option<u64>) -> Vec<u64> {
    let frame = announce_offers(&id("s"), &peer(conn), OFFERS).to_string();
    let Ok(Incoming::Announce(announce)) = parse(Bytes::from(frame), &Limits::default()) else {
        panic!("an announce");
    };
    let mut receivers = Receivers { round, offered: Vec::new() };
    let input = Input::Announce { from: ConnId(conn), announce: &announce };
    tracker.shard.handle(input, tracker.now, &mut tracker.rng, &mut receivers);
    let distinct: BTreeSet<_> = receivers.offered.iter().collect();
    assert_eq!(distinct.len(), receivers.offered.len(), "one member has two offers");
    assert!(!distinct.contains(&conn), "an offer came back");
    receivers.offered
}

/// A sibling brings an offer of its member with this number; whom it went to.
fn cross_offer(tracker: &mut Tracker, number: u64, round: Option<u64>) -> Option<u64> {
    let mut name = [0; 20];
    name[..8].copy_from_slice(&number.to_le_bytes());
    let Ok(info_hash) = id("s").into_bytes().try_into() else { panic!("20 bytes") };
    let offer = CrossOffer {
        info_hash: InfoHash(info_hash),
        peer_id: PeerId(name),
        offer_id: OfferId(name),
        offer: br#"{"type":"offer","sdp":"v=0"}"#,
        token: ReturnToken(number),
    };
    let mut receivers = Receivers { round, offered: Vec::new() };
    let input = Input::CrossOffer { from: SiblingId(1), offer: &offer };
    tracker.shard.handle(input, tracker.now, &mut tracker.rng, &mut receivers);
    receivers.offered.pop()
}

/// How often each was offered to, when members 0 to `announces` announce in these rounds.
fn receivers(
    tracker: &mut Tracker,
    announces: u64,
    round: impl Fn(u64) -> Option<u64>,
) -> BTreeMap<u64, usize> {
    let mut times = BTreeMap::new();
    for conn in 0..announces {
        for receiver in offer(tracker, conn % MEMBERS, round(conn)) {
            *times.entry(receiver).or_default() += 1;
        }
    }
    times
}

fn large() -> Tracker {
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), MEMBERS);
    tracker
}

#[test]
fn the_offers_of_a_round_go_to_few_members_at_a_time() {
    // One more, since the first of a round may offer to anybody.
    let announces = 1 + (WINDOW_OFFERS / OFFERS) as u64;
    let in_one = receivers(&mut large(), announces, |_| Some(7));
    assert!(in_one.len() <= WINDOW_MEMBERS + OFFERS, "{} receivers", in_one.len());
    let each = in_one.values().max().expect("a receiver");
    assert!(*each <= 4 * WINDOW_OFFERS / WINDOW_MEMBERS, "{each} for one of them");
    // What comes then goes to others.
    let in_two = receivers(&mut large(), 2 * announces, |_| Some(7));
    assert!(in_two.len() > WINDOW_MEMBERS + OFFERS, "{} receivers", in_two.len());
}

#[test]
fn the_offers_that_siblings_bring_in_a_round_go_to_few_members_at_a_time() {
    let reached = |offers: u64, round: fn(u64) -> Option<u64>| {
        let mut tracker = large();
        let receivers = (0..offers).map(|number| cross_offer(&mut tracker, number, round(number)));
        receivers.map(|receiver| receiver.expect("one")).collect::<BTreeSet<_>>().len()
    };
    let offers = WINDOW_OFFERS as u64;
    let in_one = reached(1 + offers, |_| Some(7));
    assert!(in_one <= WINDOW_MEMBERS + 1, "{in_one} receivers");
    let in_two = reached(1 + 2 * offers, |_| Some(7));
    assert!(in_two > WINDOW_MEMBERS + 1, "{in_two} receivers");
    // Of 2,048 offers at random, 64 % of 2,000 members get one.
    let each_alone = reached(offers, Some);
    assert!((1180..1390).contains(&each_alone), "{each_alone} receivers");
}

#[test]
fn an_announce_that_is_written_alone_offers_to_anybody() {
    for round in [|_| None, |announce| Some(announce)] {
        let times = receivers(&mut large(), 200, round);
        // Of 2,000 offers at random, 63 % of 2,000 members get one.
        assert!((1150..1380).contains(&times.len()), "{} receivers", times.len());
    }
}

#[test]
fn a_round_of_a_small_swarm_reaches_everybody() {
    let members = WINDOW_MEMBERS as u64 + 1;
    let mut tracker = Tracker::new();
    tracker.populate(&id("s"), members);
    let mut reached = BTreeSet::new();
    for conn in 0..members {
        reached.extend(offer(&mut tracker, conn, Some(7)));
    }
    assert_eq!(reached.len() as u64, members);
}

#[test]
fn in_the_long_run_everybody_is_offered_to_as_often() {
    let (announces, a_round) = (8_000, 20);
    let times = receivers(&mut large(), announces, |announce| Some(announce / a_round));
    let mean = announces as usize * OFFERS / MEMBERS as usize;
    let (least, most) = (times.values().min(), times.values().max());
    assert_eq!(times.len() as u64, MEMBERS);
    assert!(least > Some(&(mean / 4)) && most < Some(&(3 * mean)), "{least:?} to {most:?}");
}

#[test]
fn whoever_had_enough_in_a_round_is_spared() {
    let limits = Limits { offers_per_second_per_receiver: 1, ..Limits::default() };
    let mut tracker = Tracker::with(Settings { limits, ..without_pace() }, 1);
    tracker.populate(&id("s"), MEMBERS);
    // 10 each may come at once, and so many would use up three quarters of all.
    let announces = MEMBERS * 3 / 4;
    let times = receivers(&mut tracker, announces, |announce| Some(announce / 500));
    assert!(times.values().all(|times| *times <= 10));
    let relayed = times.values().sum::<usize>();
    assert!(relayed > announces as usize * OFFERS * 9 / 10, "{relayed} offers");
}

#[test]
fn an_offer_of_a_sibling_finds_who_may_receive_it_when_the_few_of_a_round_had_enough() {
    let limits = Limits { offers_per_second_per_receiver: 1, ..Limits::default() };
    let mut tracker = Tracker::with(Settings { limits, ..without_pace() }, 1);
    tracker.populate(&id("s"), MEMBERS);
    // 10 each may come at once; the few of a window have had them long before all have.
    let offers = MEMBERS * 8;
    let delivered =
        (0..offers).filter(|&number| cross_offer(&mut tracker, number, Some(7)).is_some()).count();
    assert!(delivered as u64 > offers * 97 / 100, "{delivered} of {offers}");
}

#[test]
fn members_may_leave_while_a_round_lasts() {
    let mut tracker = large();
    let last = WINDOW_MEMBERS as u64 + 1;
    for conn in (last + 1..MEMBERS).rev() {
        offer(&mut tracker, conn, Some(7));
        tracker.left(conn, &id("s"), &peer(conn));
        for receiver in offer(&mut tracker, conn % last, Some(7)) {
            assert!(receiver < conn, "{receiver} has left");
        }
    }
}
