//! The shard against a model that is too simple to be wrong. Both live through the same random
//! operations, and after each one they agree on all that can be seen: messages, sizes, closed
//! swarms, probes.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod reference;
mod support;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use reference::world::World;
use support::lives::{self, agree};

const RUNS: u64 = 150;
const OPERATIONS: usize = 600;

#[test]
fn the_shard_does_what_the_model_does() {
    lives::run(RUNS, 100, live);
}

/// One random life. Returns how many offers came too early, and how many nobody could take.
fn live(seed: u64) -> [u64; 2] {
    let (mut world, mut rng) = (World::new(seed), SmallRng::seed_from_u64(!seed));
    for step in 0..OPERATIONS {
        let operation = world.choose(&mut rng);
        let shown = format!("{operation:?}");
        agree(seed, &format!("step {step}, {shown}"), || world.live(operation));
    }
    world.model.withheld
}
