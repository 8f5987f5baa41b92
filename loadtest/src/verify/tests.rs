//! The bounds of the ledger, which no run against a right tracker ever meets.

use super::*;
use crate::limits::OVERDUE_ROUNDS_MAX;
use crate::plan::tests::small_plan;

const PATIENCE: Duration = Duration::from_secs(1);

#[test]
fn an_announce_is_judged_when_too_many_later_ones_are_overdue() {
    let plan = small_plan();
    let share = plan.shares().remove(0);
    let mut ledger = Ledger::new(&share, plan.offers);
    let start = Instant::now();
    for round in 0..=OVERDUE_ROUNDS_MAX {
        ledger.announce(0, share.peers[0].swarm, start);
        assert_eq!(ledger.give_up(PATIENCE, start + PATIENCE * 2), 1);
        assert_eq!(ledger.next_completed(), Some(0));
        let oldest = (round == OVERDUE_ROUNDS_MAX).then_some((1, plan.offers.into(), 0));
        let lost = ledger.take_lost();
        let lost = lost.first().map(|(_, loss)| (loss.replies, loss.offers, loss.answers));
        assert_eq!(lost, oldest);
    }
    assert_eq!(ledger.open_rounds, OVERDUE_ROUNDS_MAX);
}

#[test]
fn patience_is_kept_until_it_is_exceeded() {
    let plan = small_plan();
    let share = plan.shares().remove(0);
    let mut ledger = Ledger::new(&share, plan.offers);
    let start = Instant::now();
    ledger.announce(0, share.peers[0].swarm, start);
    assert_eq!(ledger.give_up(PATIENCE, start + PATIENCE), 0);
    assert_eq!(ledger.next_completed(), None);
}

#[test]
fn a_member_that_was_cut_off_excuses_what_is_missing_in_its_swarm_only() {
    let plan = small_plan();
    let share = plan.shares().remove(0);
    let mut ledger = Ledger::new(&share, plan.offers);
    let swarm = |peer: u32| share.peers[peer as usize].swarm;
    let mate = (1..).find(|peer| swarm(*peer) == swarm(0)).expect("a second member");
    let stranger = (1..).find(|peer| swarm(*peer) != swarm(0)).expect("another swarm");
    for peer in [0, mate, stranger] {
        ledger.announce(peer, swarm(peer), Instant::now());
    }
    ledger.leave(mate, swarm(mate));
    let (lost, excused) = ledger.missing(&share);
    assert_eq!(excused, u64::from(plan.offers));
    assert_eq!(lost.iter().map(|(peer, _)| *peer).collect::<Vec<_>>(), [stranger]);
    assert!(!ledger.is_settled());
}
