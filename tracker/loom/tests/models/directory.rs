//! Threads that take places, give them up, and look at the directory meanwhile.

use std::collections::BTreeSet;

use loom::sync::mpsc;
use loom::thread;
use tracker_core::Reason;
use tracker_loom::{Node, Place};

use super::{ONE_PARTITION, OTHER, PARTITIONS, SWARM, in_every_order, join, spawn};

/// What holds for whoever has a place: its partition is there, and no worker has two.
fn assert_there(node: &Node, place: &Place) {
    let workers = node.workers_of(SWARM);
    assert!(workers.contains(&place.worker()), "{workers:?}");
    assert_eq!(workers.iter().collect::<BTreeSet<_>>().len(), workers.len(), "{workers:?}");
}

/// Takes a place, takes it again, and gives up one after the other.
fn come_and_go(node: &Node, home: u16, check: fn(&Node, &Place)) {
    let place = node.place(SWARM, home).expect("room");
    check(node, &place);
    let again = place.again();
    drop(place);
    check(node, &again);
}

#[test]
fn a_swarm_that_is_not_split_is_on_one_worker_whoever_comes_and_goes_meanwhile() {
    in_every_order(1, ONE_PARTITION, |node| {
        let check = |node: &Node, place: &Place| {
            assert_eq!(node.workers_of(SWARM), [place.worker()]);
            assert!(!node.is_split(SWARM));
        };
        let other = spawn(node, move |node| come_and_go(node, 1, check));
        come_and_go(node, 0, check);
        join([other]);
    });
}

#[test]
fn a_place_keeps_its_partition_whichever_others_open_and_close_meanwhile() {
    in_every_order(1, PARTITIONS, |node| {
        let other = spawn(node, |node| come_and_go(node, 1, assert_there));
        come_and_go(node, 0, assert_there);
        join([other]);
    });
}

#[test]
fn three_workers_open_and_close_partitions_of_one_swarm() {
    in_every_order(1, PARTITIONS, |node| {
        let visit = |node: &Node, home| {
            let place = node.place(SWARM, home).expect("room");
            assert_there(node, &place);
        };
        let others = [1, 2].map(|home| spawn(node, move |node| visit(node, home)));
        visit(node, 0);
        join(others);
    });
}

#[test]
fn no_swarm_opens_beyond_the_bound_and_none_is_refused_while_there_is_room() {
    in_every_order(1, ONE_PARTITION, |node| {
        let open = |node: &Node, swarm, other| match node.place(swarm, 0) {
            Ok(_place) => {
                assert!(node.workers_of(other).is_empty(), "both are open");
                true
            }
            Err(reason) => {
                assert_eq!(reason, Reason::TooManySwarmsOpen { bound: 1 });
                false
            }
        };
        let thread = thread::spawn({
            let node = node.clone();
            move || open(&node, OTHER, SWARM)
        });
        let opened = open(node, SWARM, OTHER);
        let other_opened = thread.join().expect("no panic");
        assert!(opened || other_opened, "each was refused, and neither was there");
    });
}

#[test]
fn a_swarm_that_is_seen_to_be_gone_has_left_its_room_to_others() {
    in_every_order(1, ONE_PARTITION, |node| {
        let place = node.place(SWARM, 0).expect("room");
        let leaver = spawn(node, |_| drop(place));
        if node.workers_of(SWARM).is_empty() {
            drop(node.place(OTHER, 0).expect("room"));
        }
        join([leaver]);
    });
}

#[test]
fn a_partition_that_is_seen_to_be_gone_is_counted_no_more() {
    for leaves in [0, 1] {
        in_every_order(1, PARTITIONS, move |node| {
            let mut places: Vec<_> =
                [0, 1].into_iter().map(|home| node.place(SWARM, home).expect("room")).collect();
            assert_eq!(node.workers_of(SWARM), [0, 1]);
            let place = places.remove(leaves);
            let leaver = spawn(node, |_| drop(place));
            if node.workers_of(SWARM).len() == 1 {
                assert_eq!(node.further_partitions(), 0);
            }
            join([leaver]);
        });
    }
}

/// What must be seen by whoever has a place in the partition of worker 1 while worker 0 has one, too.
fn assert_split(node: &Node, place: &Place) {
    assert_eq!(place.worker(), 1);
    assert!(node.is_split(SWARM));
    assert!(node.siblings_of(SWARM, 1).contains(&0));
}

#[test]
fn whoever_joins_a_second_partition_sees_that_the_swarm_is_split() {
    in_every_order(1, PARTITIONS, |node| {
        let _first = node.place(SWARM, 0).expect("room");
        let other = spawn(node, |node| {
            drop(node.place(SWARM, 1).expect("room"));
            drop(node.place(SWARM, 1).expect("room"));
        });
        let place = node.place(SWARM, 1).expect("room");
        assert_split(node, &place);
        join([other]);
    });
}

#[test]
fn whoever_is_handed_a_place_in_a_second_partition_sees_that_the_swarm_is_split() {
    in_every_order(1, PARTITIONS, |node| {
        let _first = node.place(SWARM, 0).expect("room");
        let (moves, adopts) = mpsc::channel();
        let acceptor = spawn(node, move |node| {
            let place = node.place(SWARM, 1).expect("room");
            moves.send(place).expect("a worker");
        });
        // Another one opens and closes meanwhile.
        let third = spawn(node, |node| drop(node.place(SWARM, 2).expect("room")));
        let place = adopts.recv().expect("a socket");
        assert_split(node, &place);
        join([acceptor, third]);
        assert_split(node, &place);
    });
}

#[test]
fn a_swarm_is_never_seen_to_be_split_because_another_one_is() {
    in_every_order(2, PARTITIONS, |node| {
        let other = spawn(node, |node| {
            let first = node.place(OTHER, 0).expect("room");
            let second = node.place(OTHER, 1).expect("room");
            assert!(node.is_split(OTHER));
            drop((first, second));
        });
        let place = node.place(SWARM, 2).expect("room");
        assert!(!node.is_split(SWARM));
        assert!(node.siblings_of(SWARM, place.worker()).is_empty());
        drop(place);
        join([other]);
    });
}
