//! What the directory promises to threads that meet in it, in every order in which they can: each
//! test is run once for each of them.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod directory;
mod moves;

use loom::model::Builder;
use loom::thread::{self, JoinHandle};
use tracker_core::{InfoHash, Reason};
use tracker_loom::Node;

const SWARM: InfoHash = InfoHash([1; 20]);
const OTHER: InfoHash = InfoHash([2; 20]);
const SWARMS: [InfoHash; 3] = [SWARM, OTHER, InfoHash([3; 20])];

/// No swarm is so large that it gets another partition.
const ONE_PARTITION: usize = usize::MAX;
/// Whoever comes from another worker than those that have the swarm opens a partition.
const PARTITIONS: usize = 1;

/// Runs `model` in every order, each time with a new node, which must be as new when it is over.
/// `LOOM_LOG=trace` shows the order in which it fails.
fn in_every_order(
    swarms_max: usize,
    members_max: usize,
    model: impl Fn(&Node) + Send + Sync + 'static,
) {
    loom::model(move || with_new_node(swarms_max, members_max, &model));
}

/// The same, where there are too many orders, in those in which a thread is interrupted
/// `preemptions_max` times at most.
fn in_orders_with(
    preemptions_max: usize,
    swarms_max: usize,
    members_max: usize,
    model: impl Fn(&Node) + Send + Sync + 'static,
) {
    let mut orders = Builder::new();
    orders.preemption_bound = Some(preemptions_max);
    orders.check(move || with_new_node(swarms_max, members_max, &model));
}

fn with_new_node(swarms_max: usize, members_max: usize, model: &dyn Fn(&Node)) {
    let node = Node::new(swarms_max, members_max);
    model(&node);
    assert!(node.is_alone(), "something of a place is left");
    assert_eq!(node.further_partitions(), 0);
    assert!(SWARMS.iter().all(|swarm| node.workers_of(*swarm).is_empty()));
    let place = |swarm| node.place(swarm, 0);
    let open = SWARMS.iter().take(swarms_max);
    let _open: Vec<_> = open.map(|swarm| place(*swarm).expect("room")).collect();
    let refused = Reason::TooManySwarmsOpen { bound: swarms_max };
    assert_eq!(place(SWARMS[swarms_max]).err(), Some(refused));
}

fn spawn(node: &Node, act: impl FnOnce(&Node) + 'static) -> JoinHandle<()> {
    let node = node.clone();
    thread::spawn(move || act(&node))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}
