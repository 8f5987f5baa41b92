//! Who is where: each peer, swarm and node gets its part.

use std::collections::HashSet;
use std::net::SocketAddr;

use super::*;
use crate::client::wire::Wire;

pub(crate) fn small_plan() -> Plan {
    let target = Target {
        url: "ws://127.0.0.1:1".parse().expect("a URL"),
        address: SocketAddr::from(([127, 0, 0, 1], 1)),
        wire: Wire::default(),
        server_pid: None,
    };
    Plan {
        peers: 23,
        swarms: 5,
        offers: 2,
        sdp_bytes: 300,
        in_flight: 23,
        threads: 2,
        ..Plan::calm(target)
    }
}

#[test]
fn every_peer_and_every_swarm_is_on_exactly_one_worker() {
    let shares = small_plan().shares();
    let peers = shares.iter().flat_map(|share| share.peers.iter().map(|peer| peer.id));
    let hashes = shares.iter().flat_map(|share| share.swarms.iter().map(|s| s.info_hash));
    let members = shares.iter().flat_map(|share| share.swarms.iter().map(|s| s.members));
    assert_eq!(peers.collect::<HashSet<_>>().len(), 23);
    assert_eq!(hashes.collect::<HashSet<_>>().len(), 5);
    assert!(members.clone().all(|members| (4..=5).contains(&members)));
    assert_eq!(members.sum::<u32>(), 23);
}

#[test]
fn each_swarm_is_on_all_nodes_in_equal_parts_and_so_is_the_whole() {
    let mut plan =
        Plan { peers: 3_000, swarms: 200, zipf_exponent: 1.0, threads: 2, ..small_plan() };
    plan.nodes = vec![plan.nodes[0].clone(); 5];
    let mut all = [0_u32; 5];
    for share in plan.shares() {
        let mut on = vec![[0_u32; 5]; share.swarms.len()];
        for peer in &share.peers {
            on[peer.swarm as usize][usize::from(peer.node)] += 1;
            all[usize::from(peer.node)] += 1;
        }
        for (swarm, on) in share.swarms.iter().zip(on) {
            assert_eq!(on.iter().sum::<u32>(), swarm.members);
            let (most, fewest) = (on.iter().max(), on.iter().min());
            assert!(most <= fewest.map(|fewest| fewest + 1).as_ref(), "{on:?}");
        }
    }
    assert!(all.iter().all(|peers| peers.abs_diff(600) < 40), "{all:?}");
    assert_eq!([0, 3, 4].map(|node| plan.node_after(node)), [1, 4, 0]);
}

#[test]
fn a_tracker_that_stands_alone_has_everybody() {
    let plan = small_plan();
    assert!(plan.shares().iter().flat_map(|share| &share.peers).all(|peer| peer.node == 0));
    assert_eq!(plan.node_after(0), 0);
}

#[test]
fn zipf_swarms_fall_with_their_rank_and_threads_get_equal_parts() {
    let plan = Plan { peers: 12_000, swarms: 100, zipf_exponent: 1.0, threads: 2, ..small_plan() };
    let sizes = plan.sizes();
    assert_eq!(sizes.iter().sum::<u32>(), 12_000);
    assert!(sizes.iter().all(|members| *members >= 2));
    // Of the 11,800 above two each, the first has 1/5.187 (the hundredth harmonic number).
    assert!((2_100..2_450).contains(&sizes[0]), "{}", sizes[0]);
    assert!((1_050..1_230).contains(&sizes[1]), "{}", sizes[1]);
    let shares = plan.shares();
    let first = shares[0].peers.len() as i64;
    assert!((first - 6_000).abs() <= 2, "{first}");
    assert_eq!(plan.sizes(), sizes);
}

#[test]
fn the_shares_of_slow_and_misbehaving_peers_are_kept() {
    let oddities = Oddities { slow_share: 0.2, misbehaving_share: 0.1, ..Oddities::default() };
    let plan = Plan { peers: 100, threads: 1, oddities, ..small_plan() };
    let share = plan.shares().remove(0);
    let with = |role| share.peers.iter().filter(|peer| peer.role == role).count();
    assert_eq!((with(Role::Slow), with(Role::Misbehaving)), (20, 10));
    let slow = share.peers.iter().filter(|peer| peer.role == Role::Slow);
    let swarms: HashSet<_> = slow.map(|peer| peer.swarm).collect();
    assert!(swarms.len() > 2, "they are spread");
}
