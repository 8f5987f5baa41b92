//! The bounds of the ledger, which no run against a right tracker ever meets, and what it excuses.

use std::time::Duration;

use super::*;
use crate::client::id::{Id, OfferNumber};
use crate::client::incoming::Body;
use crate::limits::{NOTICE_MIN, OVERDUE_ROUNDS_MAX, STRAGGLE_MIN};
use crate::plan::tests::small_plan;

mod nodes;

const PATIENCE: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

/// One swarm of six, who have all joined, and announce with four offers.
struct Scene {
    share: Share,
    ledger: Ledger,
    start: Instant,
}

impl Scene {
    fn new() -> Self {
        Self::of(Plan { peers: 6, swarms: 1, threads: 1, offers: 4, ..small_plan() })
    }

    /// The even ones are on one node, the odd ones on another.
    fn of_two_nodes(cross_share: f64) -> Self {
        let plan = Plan { peers: 6, swarms: 1, threads: 1, offers: 4, ..small_plan() };
        let nodes = vec![plan.nodes[0].clone(); 2];
        Self::of(Plan { nodes, cross_share, ..plan })
    }

    fn of(plan: Plan) -> Self {
        let share = plan.shares().remove(0);
        let mut ledger = Ledger::new(&plan, &share);
        (0..6).for_each(|peer| ledger.joined(peer));
        Self { share, ledger, start: Instant::now() }
    }

    /// Peer 0 announces, is replied to at once, and its offers reach the peers `to`.
    fn round(&mut self, at: Instant, to: &[u32]) -> u32 {
        let announce = self.ledger.announce(0, at, at);
        let info_hash = self.share.swarms[0].info_hash;
        let reply = Reply { interval: Some(120), ..Reply::default() };
        let text = message(&info_hash, b"", b"", Body::Reply(reply));
        self.ledger.reply(&self.share, 0, &text, reply, at + MOMENT).expect("a reply");
        let maker_id = self.ledger.roster.now(0).id;
        for (slot, to) in (0..).zip(to) {
            let maker = self.share.number(0);
            let id = OfferNumber { maker, announce, slot }.id();
            let sdp = written(&self.share.offer_sdp, &id, &maker_id);
            let text = message(&info_hash, &maker_id, &id, Body::Offer { sdp: &sdp });
            let offer = self.ledger.offer(&self.share, *to, &text, &sdp, at + MOMENT * 2);
            assert!(offer.expect("a good offer").is_answered);
        }
        announce
    }

    fn answer(&mut self, announce: u32, slot: u16, from: u32, at: Instant) {
        let info_hash = self.share.swarms[0].info_hash;
        let id = OfferNumber { maker: self.share.number(0), announce, slot }.id();
        let me = self.ledger.roster.now(from).id;
        let sdp = written(&self.share.answer_sdp, &id, &me);
        let text = message(&info_hash, &me, &id, Body::Answer { sdp: &sdp });
        self.ledger.answer(&self.share, 0, &text, &sdp, at).expect("a good answer");
    }

    /// An announce whose offers reach the peers `to`, all of whom answer.
    fn whole_round(&mut self, at: Instant, to: &[u32]) -> u32 {
        let announce = self.round(at, to);
        for (slot, from) in (0..).zip(to) {
            self.answer(announce, slot, *from, at + MOMENT * 3);
        }
        announce
    }

    fn between(&self) -> &Between {
        self.ledger.between.as_ref().expect("two nodes")
    }

    fn lost(&mut self) -> Loss {
        let lost = self.ledger.missing();
        assert!(lost.iter().all(|(peer, _)| *peer == 0));
        lost.first().map(|(_, loss)| *loss).unwrap_or_default()
    }
}

fn message<'a>(
    info_hash: &'a [u8],
    peer_id: &'a [u8],
    offer_id: &'a [u8],
    body: Body<'a>,
) -> Incoming<'a> {
    Incoming { info_hash, peer_id, offer_id, body }
}

fn written(sdp: &crate::client::sdp::SdpTemplate, head: &Id, tail: &Id) -> Vec<u8> {
    let mut text = sdp.text().to_vec();
    text[crate::client::sdp::HEAD_AT..][..head.len()].copy_from_slice(head);
    let tail_at = sdp.tail_at();
    text[tail_at..][..tail.len()].copy_from_slice(tail);
    text
}

fn loss(offers: u64, answers: u64) -> Loss {
    Loss { replies: 0, offers, answers }
}

#[test]
fn an_announce_is_judged_when_too_many_later_ones_are_overdue() {
    let Scene { mut ledger, start, .. } = Scene::new();
    for round in 0..=OVERDUE_ROUNDS_MAX {
        ledger.announce(0, start, start);
        assert_eq!(ledger.give_up(PATIENCE, start + PATIENCE * 2), 1);
        assert_eq!(ledger.next_completed(), Some(0));
        let oldest = Loss { replies: 1, offers: 4, answers: 0 };
        let oldest = (round == OVERDUE_ROUNDS_MAX).then_some((0, oldest));
        assert_eq!(ledger.take_lost().first().copied(), oldest);
    }
    assert_eq!(ledger.open_rounds, OVERDUE_ROUNDS_MAX);
}

#[test]
fn patience_is_kept_until_it_is_exceeded() {
    let Scene { mut ledger, start, .. } = Scene::new();
    ledger.announce(0, start, start);
    assert_eq!(ledger.give_up(PATIENCE, start + PATIENCE), 0);
    assert_eq!(ledger.next_completed(), None);
}

#[test]
fn who_leaves_in_the_middle_of_an_announce_excuses_one_of_its_offers() {
    let mut scene = Scene::new();
    let start = scene.start;
    scene.round(start, &[]);
    scene.ledger.leave(5, start, start + MOMENT, None);
    assert_eq!(scene.lost(), loss(3, 0));
    assert_eq!(scene.ledger.excused.offers, 1);
    assert!(!scene.ledger.is_settled());
}

#[test]
fn who_left_long_before_or_leaves_long_after_an_announce_excuses_nothing() {
    let mut scene = Scene::new();
    let start = scene.start + NOTICE_MIN * 4;
    scene.ledger.leave(5, start - NOTICE_MIN * 2, start - NOTICE_MIN * 2, None);
    scene.ledger.begin_to_leave(4, start - NOTICE_MIN / 2);
    scene.ledger.finish_leaving(4, start - MOMENT);
    let announce = scene.round(start, &[1, 2]);
    (0..2).for_each(|slot| scene.answer(announce, slot, u32::from(slot) + 1, start + MOMENT * 3));
    let later = start + STRAGGLE_MIN * 2;
    scene.ledger.leave(3, later, later, None);
    // Four are left of six, so three offers were owed.
    assert_eq!(scene.lost(), loss(1, 0));
    assert_eq!(scene.ledger.excused, Excused::default());
}

#[test]
fn who_got_an_offer_of_an_announce_excuses_no_other_one_of_it() {
    let mut scene = Scene::new();
    let start = scene.start;
    let announce = scene.round(start, &[1, 2, 3]);
    (0..3).for_each(|slot| scene.answer(announce, slot, u32::from(slot) + 1, start + MOMENT * 3));
    scene.ledger.leave(3, start, start + MOMENT * 4, None);
    assert_eq!(scene.lost(), loss(1, 0));
}

#[test]
fn who_leaves_excuses_the_answers_that_it_gave_and_no_others() {
    let mut scene = Scene::new();
    let start = scene.start;
    scene.round(start, &[1, 2, 3, 4]);
    scene.ledger.leave(2, start + MOMENT * 3, start + MOMENT * 3, None);
    assert_eq!(scene.lost(), loss(0, 3));
    assert_eq!(scene.ledger.excused.answers, 1);
}

#[test]
fn a_slow_reader_that_is_closed_excuses_what_came_since_it_read() {
    let mut scene = Scene::new();
    let start = scene.start;
    for round in 0..3 {
        let at = start + Duration::from_secs(round);
        let announce = scene.round(at, &[1, 2, 3]);
        let answered = at + MOMENT * 3;
        (0..3).for_each(|slot| scene.answer(announce, slot, u32::from(slot) + 1, answered));
    }
    let read_until = start + Duration::from_millis(1_500);
    scene.ledger.leave(5, read_until, start + Duration::from_secs(9), None);
    assert_eq!(scene.lost(), loss(2, 0));
    assert_eq!(scene.ledger.excused.offers, 1);
}

#[test]
fn what_is_missing_is_decided_while_it_is_known_who_left() {
    let mut scene = Scene::new();
    let start = scene.start;
    let announce = scene.round(start, &[1, 2, 3]);
    (0..3).for_each(|slot| scene.answer(announce, slot, u32::from(slot) + 1, start + MOMENT * 3));
    scene.ledger.leave(5, start, start + MOMENT, None);
    let mut now = start;
    for _ in 0..200 {
        now += Duration::from_millis(200);
        scene.ledger.give_up(PATIENCE, now);
        scene.ledger.come(&scene.share, 4, 0, false);
        scene.ledger.leave(4, now, now, None);
    }
    assert!(scene.ledger.is_settled());
    assert_eq!(scene.lost(), Loss::default());
    assert_eq!(scene.ledger.excused.offers, 1);
}

#[test]
fn a_peer_that_comes_again_is_another_and_owes_and_is_owed_nothing() {
    let mut scene = Scene::new();
    let start = scene.start;
    let before = scene.ledger.roster.now(0);
    scene.round(start, &[1]);
    scene.ledger.leave(0, start, start + MOMENT * 3, None);
    scene.ledger.come(&scene.share, 0, 0, false);
    assert_ne!(scene.ledger.roster.now(0).id, before.id);
    assert!(scene.ledger.is_settled());
    // The answer of peer 1, and an offer that was on its way, come too late for anybody.
    scene.answer(0, 0, 1, start + MOMENT * 4);
    let id = OfferNumber { maker: scene.share.number(0), announce: 0, slot: 1 }.id();
    let sdp = written(&scene.share.offer_sdp, &id, &before.id);
    let info_hash = scene.share.swarms[0].info_hash;
    let text = message(&info_hash, &before.id, &id, Body::Offer { sdp: &sdp });
    let late = scene.ledger.offer(&scene.share, 2, &text, &sdp, start + MOMENT * 4);
    assert!(late.is_ok_and(|offer| offer.is_late && offer.is_answered));
    assert_eq!(scene.ledger.excused.late, 2);
}
