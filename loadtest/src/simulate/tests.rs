//! What can be foretold of a simulation: small ones to the last connection, and of all of them that
//! nothing comes from nothing.

use std::time::Duration;

use super::args::SimulatePlan;
use super::crowd::{Crowd, Linked, NONE, Viewer};
use super::mesh::Mesh;
use super::offload::Flows;
use super::population::Population;
use super::record::Outcome;
use super::simulation::Simulation;
use super::spread::SpreadBy;

fn plan(viewers: u32, minutes: u64, seed: u64) -> SimulatePlan {
    let population = Population::evening().expect("valid");
    SimulatePlan {
        viewers,
        duration: Duration::from_secs(minutes * 60),
        channels: 3,
        nodes: 1,
        spread: SpreadBy::Chance,
        cross_share_percent: 12,
        seed,
        announce_interval: Duration::from_secs(120),
        offers: 5,
        peers_max: population.client.peers_max as usize,
        population,
        json: None,
    }
}

/// Viewers of one quality of one channel who stay, and whose every connection comes about.
fn ideal(viewers: u32) -> SimulatePlan {
    let mut plan = plan(viewers, 10, 1);
    plan.channels = 1;
    plan.population.quality.truncate(1);
    plan.population.quality[0].share = 1.0;
    plan.population.nat.truncate(1);
    (plan.population.nat[0].share, plan.population.nat[0].success) = (1.0, vec![1.0]);
    plan.population.upload.truncate(1);
    (plan.population.upload[0].share, plan.population.upload[0].kbps) = (1.0, 1e6);
    plan.population.watching.median_s = 86_400.0;
    plan.population.watching.sigma = 0.0;
    plan
}

fn run(plan: &SimulatePlan) -> Outcome {
    Simulation::new(plan).expect("a valid plan").run(|_| {})
}

#[test]
fn one_seed_gives_one_report_and_another_seed_another() {
    let json = |seed| serde_json::to_string(&run(&plan(2000, 6, seed))).expect("JSON");
    let first = json(11);
    assert_eq!(first, json(11));
    assert_ne!(first, json(12));
}

/// More of them than there are ticks.
#[test]
fn everybody_comes_however_many_in_a_moment() {
    let mut plan = plan(20_000, 2, 3);
    plan.population.arrivals.rush = 1.0;
    plan.population.arrivals.rush_scale_s = 1.0;
    assert_eq!(run(&plan).counts.viewers_came, 20_000);
}

#[test]
fn two_viewers_meet_and_spare_one_of_two_copies() {
    let plan = ideal(2);
    let outcome = run(&plan);
    assert_eq!(outcome.counts.connections, 1);
    let last = outcome.samples.last().expect("a sample");
    assert_eq!((last.mesh.components, last.mesh.alone), (1, 0));
    assert_eq!((last.mesh.in_largest, last.mesh.degree.p50), (1.0, 1));
    let share = plan.population.sharing.efficiency / 2.0;
    assert!((last.flows.share_from_peers() - share).abs() < 1e-9);
    assert_eq!(outcome.first_peer.never, 0);
}

#[test]
fn all_members_of_a_small_swarm_meet_all_others() {
    let outcome = run(&ideal(5));
    let last = outcome.samples.last().expect("a sample");
    assert_eq!(outcome.counts.connections, 5 * 4 / 2);
    assert_eq!((last.mesh.degree.p10, last.mesh.degree.max, last.mesh.components), (4, 4, 1));
}

#[test]
fn nobody_has_more_peers_than_allowed() {
    let mut plan = ideal(60);
    plan.peers_max = 4;
    let outcome = run(&plan);
    assert_eq!(outcome.samples.last().expect("a sample").mesh.degree.max, 4);
    assert!(outcome.counts.offers_to_full > 0);
}

#[test]
fn symmetric_nats_never_meet_and_spare_nothing() {
    let mut plan = plan(500, 10, 5);
    plan.population.nat.retain(|nat| nat.name == "symmetric");
    (plan.population.nat[0].share, plan.population.nat[0].success) = (1.0, vec![0.0]);
    let outcome = run(&plan);
    assert!(outcome.counts.answers_delivered > 1000);
    assert_eq!(outcome.counts.connections_failed, outcome.counts.answers_delivered);
    assert_eq!((outcome.counts.connections, outcome.bytes.from_peers), (0, 0.0));
    assert_eq!(outcome.first_peer.never, outcome.first_peer.never_could);
    assert!(outcome.bytes.watched > 0.0);
}

/// What viewers say is what the tracker hears, and what it passes on is what they get.
#[test]
fn no_offer_and_no_answer_appears_or_is_lost() {
    for seed in 0..3 {
        let mut plan = plan(3000, 12, seed);
        plan.population.audio.kbps = f64::from(u32::from(seed == 2)) * 128.0;
        plan.peers_max = if seed == 1 { 8 } else { 500 };
        let outcome = run(&plan);
        let (counts, tracker) = (outcome.counts, outcome.tracker);
        assert_eq!(counts.offers_delivered, tracker.offers_relayed, "seed {seed}");
        assert!(counts.offers_delivered + tracker.offers_over_rate <= counts.offers_made);
        assert_eq!(
            counts.offers_delivered,
            counts.offers_to_gone
                + counts.offers_to_former
                + counts.offers_to_full
                + counts.answers_begun,
            "seed {seed}"
        );
        assert!(counts.answers <= counts.answers_begun && counts.answers > 0);
        assert_eq!(counts.answers_delivered, tracker.answers_relayed, "seed {seed}");
        assert_eq!(counts.answers, counts.answers_delivered + counts.refused, "seed {seed}");
        assert_eq!(counts.refused, tracker.refusals, "seed {seed}");
        let ends = counts.connections
            + counts.connections_again
            + counts.connections_late
            + counts.connections_failed;
        assert!(ends <= counts.answers_delivered && counts.connections > 1000, "seed {seed}");
    }
}

#[test]
fn viewers_of_a_few_nodes_meet_as_if_there_were_one() {
    for seed in 1..6 {
        let mut plan = ideal(6);
        (plan.nodes, plan.seed) = (4, seed);
        let outcome = run(&plan);
        let mesh = &outcome.samples.last().expect("a sample").mesh;
        assert_eq!((mesh.components, mesh.swarms, mesh.alone), (1, 1, 0), "seed {seed}");
        assert_eq!(outcome.counts.connections, 6 * 5 / 2, "seed {seed}");
        assert!(outcome.tracker.cross_offers_sent > 0, "seed {seed}");
    }
}

/// What one node sends another hears, and what is on the bus in the end is all that is lost.
#[test]
fn no_offer_and_no_answer_is_lost_between_nodes() {
    for (seed, spread) in [(1, SpreadBy::Chance), (2, SpreadBy::Stream)] {
        let mut plan = plan(3000, 12, seed);
        (plan.nodes, plan.spread) = (5, spread);
        let outcome = run(&plan);
        let (counts, tracker, bus) = (outcome.counts, outcome.tracker, outcome.bus);
        assert_eq!(
            counts.offers_delivered,
            tracker.offers_relayed + tracker.cross_offers_relayed,
            "seed {seed}"
        );
        let relayed = tracker.answers_relayed + tracker.cross_answers_relayed;
        assert_eq!(counts.answers_delivered, relayed, "seed {seed}");
        let heard = tracker.answers_relayed + tracker.cross_answers_sent + tracker.refusals;
        assert_eq!(counts.answers, heard, "seed {seed}");
        assert_eq!(
            (bus.offers, bus.answers),
            (tracker.cross_offers_sent, tracker.cross_answers_sent)
        );
        let lost = bus.offers - tracker.cross_offers_relayed;
        assert!(lost * 100 < bus.offers && bus.offers > 1000, "seed {seed}: {lost}");
        // Some 300 of a channel's quality are on each node: only the chosen share crosses.
        let share = tracker.cross_share();
        assert!((0.02..0.2).contains(&share), "seed {seed}: {share}");
        assert!(outcome.nodes.iter().all(|node| node.members > 300), "{:?}", outcome.nodes);
    }
}

#[test]
fn more_is_never_spared_than_is_uploaded_or_watched() {
    for (seed, upload_kbps) in [(1, 0.0), (2, 100.0), (3, 1500.0), (4, 100_000.0)] {
        let mut plan = plan(2000, 6, seed);
        for upload in &mut plan.population.upload {
            upload.kbps = upload_kbps;
        }
        for sample in run(&plan).samples {
            let flows = sample.flows;
            assert!(flows.from_peers_bps <= flows.upload_bps, "seed {seed}: {flows:?}");
            assert!(flows.from_peers_bps <= flows.watched_bps, "seed {seed}: {flows:?}");
            assert_eq!(flows.from_peers_bps == 0.0, upload_kbps == 0.0, "seed {seed}: {flows:?}");
        }
    }
}

/// A tracker forgets everybody in the end: who stopped, closed, vanished, or changed.
#[test]
fn the_tracker_knows_only_who_is_there_or_went_not_long_ago() {
    let mut plan = ideal(400);
    plan.population.arrivals.rush = 1.0;
    plan.population.arrivals.rush_scale_s = 2.0;
    plan.population.arrivals.begin = 0.05;
    plan.population.watching.median_s = 60.0;
    (plan.population.watching.stopped, plan.population.watching.vanished) = (0.3, 0.4);
    let outcome = run(&plan);
    assert_eq!(outcome.counts.viewers_left, 400);
    let members = |minute: usize| outcome.samples[minute - 1].tracker_members;
    assert!((100..250).contains(&members(3)), "{} of 160 have vanished", members(3));
    assert_eq!(members(10), 0);
}

/// Six members in two swarms: a chain of three, a pair, and one alone.
#[test]
fn a_mesh_falls_into_its_components() {
    let population = Population::evening().expect("valid");
    let mut crowd = Crowd::default();
    for number in 0..6 {
        let viewer = crowd.come(Viewer {
            came: Default::default(),
            channel: 0,
            nat: 0,
            upload: 0,
            quality: 0,
            is_here: true,
            has_met: false,
            way_ms: 0,
            members: [NONE; 2],
        });
        crowd.join(viewer, 0, number / 3);
    }
    assert_eq!(crowd.link([0, 1], 9), Linked::New);
    assert_eq!(crowd.link([1, 0], 9), Linked::Again);
    assert_eq!(crowd.link([2, 1], 9), Linked::New);
    assert_eq!(crowd.link([4, 5], 1), Linked::New);
    assert_eq!(crowd.link([5, 3], 1), Linked::Full);
    let mut mesh = Mesh::default();
    let seen = mesh.look(&crowd, &population);
    assert_eq!((seen.members, seen.can_connect, seen.alone, seen.components), (6, 6, 1, 2));
    assert!((seen.in_largest - 5.0 / 6.0).abs() < 1e-9);
    assert_eq!([0, 2, 3, 4].map(|member| mesh.component(member)), [3, 3, 1, 2]);
    // The middle of the chain goes, and takes its connections with it.
    crowd.go(1);
    assert_eq!(crowd.link([0, 1], 9), Linked::Gone);
    let seen = mesh.look(&crowd, &population);
    assert_eq!((seen.members, seen.alone, seen.components), (5, 3, 1));
    assert!((seen.in_largest - 2.0 / 5.0).abs() < 1e-9);
    assert!(Flows::of(&crowd, &mut mesh, &population).watched_bps > 0.0);
}
