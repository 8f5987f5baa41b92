//! Several shards, joined by a bus that delays, doubles, loses and reorders, against a model that
//! is too simple to be wrong. Both live through the same random operations, and agree after each.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod joined;
mod support;

use joined::world::World;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use support::lives::{self, agree};

const RUNS: u64 = 80;
const OPERATIONS: usize = 800;

#[test]
fn joined_shards_do_what_the_model_does() {
    lives::run(RUNS, 500, live);
}

/// One random life. Returns how many offers were delivered across, and how many answers.
fn live(seed: u64) -> [u64; 2] {
    let (mut world, mut rng) = (World::new(seed), SmallRng::seed_from_u64(!seed));
    for step in 0..OPERATIONS {
        let operation = world.choose(&mut rng);
        let shown = format!("{operation:?}");
        agree(seed, &format!("step {step}, {shown}"), || world.live(operation));
    }
    agree(seed, "in the end all know how many they are", || world.converge());
    agree(seed, "and then all is forgotten", || world.fall_silent());
    world.model.crossed
}
