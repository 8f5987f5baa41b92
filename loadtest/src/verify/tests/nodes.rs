//! What the ledger makes of two nodes of one cluster.

use super::*;
use crate::client::id::OfferNumber;

#[test]
fn an_answer_from_another_node_may_be_lost_and_one_from_the_own_may_not() {
    let mut scene = Scene::of_two_nodes(0.12);
    let start = scene.start;
    scene.round(start, &[1, 2, 3, 4]);
    assert_eq!(scene.lost(), loss(0, 2));
    assert_eq!(scene.between().lost, Delivered { offers: 0, answers: 2 });
    assert_eq!(scene.between().near, Delivered { offers: 2, answers: 0 });
    assert_eq!(scene.between().far, Delivered { offers: 2, answers: 0 });
    assert_eq!(scene.between().lost_near(), 0);
}

#[test]
fn an_answer_to_another_node_excuses_one_refusal_until_it_has_arrived() {
    let mut scene = Scene::of_two_nodes(0.12);
    let start = scene.start;
    let announce = scene.round(start, &[1, 2, 3]);
    scene.answer(announce, 2, 3, start + MOMENT * 3);
    let refusals = [1, 1, 2, 3].map(|peer| scene.ledger.excuses_far_refusal(peer));
    assert_eq!(refusals, [true, false, false, false], "one, on the other node, is on its way");
    assert_eq!(scene.between().refused, 1);
}

#[test]
fn what_crosses_may_be_lost_for_ever_and_nobody_is_blamed() {
    let mut scene = Scene::of_two_nodes(0.5);
    let start = scene.start;
    // Of four offers two cross, on average, and two others are here.
    for round in 0..400 {
        scene.whole_round(start + MOMENT * 10 * round, &[2, 4]);
    }
    assert_eq!(scene.lost(), Loss::default());
    assert_eq!(scene.between().lost, Delivered { offers: 800, answers: 0 });
    assert_eq!(scene.between().lost_near(), 0);
    assert_eq!(scene.between().by_second.iter().map(|s| s.lost_offers).sum::<u32>(), 800);
}

#[test]
fn what_is_missing_of_the_own_node_beyond_chance_is_lost_there() {
    let mut scene = Scene::of_two_nodes(0.12);
    let start = scene.start;
    for round in 0..400 {
        scene.whole_round(start + MOMENT * 10 * round, &[1, 3, 5, 2]);
        assert!(scene.ledger.is_settled(), "all that four offers can reach");
    }
    let Kept { owed, margin, kept, .. } = scene.between().kept();
    // Two others here get two of four offers, unless three of four cross.
    assert!((790.0..800.0).contains(&owed) && kept == 400, "{owed}, {kept}");
    assert!(margin < 100.0, "{margin}");
    assert_eq!(scene.between().lost_near(), 0, "nothing is missing at all");
    for round in 400..800 {
        scene.whole_round(start + MOMENT * 10 * round, &[1, 3, 5]);
    }
    assert_eq!(scene.lost(), Loss::default());
    assert_eq!(scene.between().lost.offers, 400);
    assert_eq!(scene.between().lost_near(), 400);
}

#[test]
fn where_nothing_crosses_that_need_not_one_loss_is_enough() {
    let mut scene = Scene::of_two_nodes(0.0);
    let start = scene.start;
    scene.whole_round(start, &[1, 2, 4]);
    assert_eq!(scene.lost(), Loss::default());
    assert_eq!((scene.between().lost.offers, scene.between().lost_near()), (1, 0));
    scene.whole_round(start + MOMENT * 9, &[1, 3, 5]);
    assert_eq!(scene.lost(), Loss::default());
    assert_eq!((scene.between().lost.offers, scene.between().lost_near()), (2, 2));
}

#[test]
fn who_leaves_excuses_an_offer_on_its_own_node() {
    let mut scene = Scene::of_two_nodes(0.0);
    let start = scene.start;
    scene.whole_round(start, &[1, 2, 3]);
    scene.ledger.leave(4, start, start + MOMENT, None);
    assert_eq!(scene.lost(), Loss::default());
    assert_eq!((scene.between().lost.offers, scene.between().lost_near()), (0, 0));
}

#[test]
fn what_counts_as_lost_and_comes_from_another_node_is_late_and_not_wrong() {
    let mut scene = Scene::of_two_nodes(0.12);
    let start = scene.start;
    let offer = |scene: &mut Scene, announce, slot, to| {
        let maker_id = scene.ledger.roster.now(0).id;
        let id = OfferNumber { maker: scene.share.number(0), announce, slot }.id();
        let sdp = written(&scene.share.offer_sdp, &id, &maker_id);
        let info_hash = scene.share.swarms[0].info_hash;
        let text = message(&info_hash, &maker_id, &id, Body::Offer { sdp: &sdp });
        scene.ledger.offer(&scene.share, to, &text, &sdp, start + PATIENCE)
    };
    let first = scene.whole_round(start, &[1, 2, 4]);
    let later = start + scene.ledger.slowness.judge_after() * 2;
    scene.ledger.give_up(PATIENCE, later);
    assert!(scene.ledger.is_settled(), "nobody waits for what may be lost");
    assert_eq!(scene.between().lost.offers, 1);
    assert!(offer(&mut scene, first, 3, 3).is_ok_and(|offer| offer.is_answered));
    assert_eq!((scene.between().lost.offers, scene.between().late), (0, 1));
    let twice = offer(&mut scene, first, 3, 5);
    assert!(matches!(twice, Err(Violation::OfferTwice { .. })), "{twice:?}");
    // So much later that nobody knows what has come of it.
    let second = scene.whole_round(later, &[1, 2, 4]);
    for round in 1..=OVERDUE_ROUNDS_MAX as u32 + 1 {
        scene.round(later + MOMENT * round, &[]);
    }
    assert!(offer(&mut scene, second, 3, 3).is_ok_and(|offer| offer.is_late));
    let from_here = offer(&mut scene, second, 3, 2);
    assert!(matches!(from_here, Err(Violation::OfferTwice { .. })), "{from_here:?}");
}

#[test]
fn another_node_may_choose_the_same_viewer_twice_and_the_own_may_not() {
    let mut scene = Scene::of_two_nodes(0.12);
    let start = scene.start;
    scene.whole_round(start, &[1, 1, 2]);
    assert_eq!(scene.between().crowded, 1);
    let announce = scene.ledger.announce(0, start, start);
    let maker_id = scene.ledger.roster.now(0).id;
    let info_hash = scene.share.swarms[0].info_hash;
    for (slot, is_right) in [(0, true), (1, false)] {
        let id = OfferNumber { maker: scene.share.number(0), announce, slot }.id();
        let sdp = written(&scene.share.offer_sdp, &id, &maker_id);
        let text = message(&info_hash, &maker_id, &id, Body::Offer { sdp: &sdp });
        assert_eq!(scene.ledger.offer(&scene.share, 2, &text, &sdp, start).is_ok(), is_right);
    }
}

#[test]
fn the_mesh_is_made_of_answered_offers_of_those_who_are_there() {
    let mut scene = Scene::of_two_nodes(0.12);
    let start = scene.start;
    scene.round(start, &[5]);
    let alone = Mesh { swarms: 1, split: 1, viewers: 6, outside: 5, largest_remainder: 5 };
    assert_eq!(scene.ledger.mesh(), alone, "nobody has answered");
    scene.whole_round(start, &[1, 2, 3, 4]);
    let most = Mesh { outside: 1, largest_remainder: 1, ..alone };
    assert_eq!(scene.ledger.mesh(), most);
    scene.ledger.leave(5, start, start, None);
    assert_eq!(scene.ledger.mesh(), Mesh { swarms: 1, viewers: 5, ..Mesh::default() });
    scene.ledger.leave(0, start, start, None);
    let fallen = Mesh { swarms: 1, split: 1, viewers: 4, outside: 3, largest_remainder: 3 };
    assert_eq!(scene.ledger.mesh(), fallen, "they hung together by one who has left");
}
