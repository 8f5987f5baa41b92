//! The shard against a model that is too simple to be wrong. Both live through the same random
//! operations, and after each one they agree on all that can be seen: messages, sizes, closed
//! swarms, probes.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod reference;
mod support;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use reference::world::World;

const RUNS: u64 = 150;
const OPERATIONS: usize = 600;

#[test]
fn the_shard_does_what_the_model_does() {
    if let Ok(seed) = std::env::var("MODEL_SEED") {
        return live(seed.parse().expect("MODEL_SEED must be a number"));
    }
    (0..RUNS).for_each(live);
    live(rand::random());
}

/// One random life.
fn live(seed: u64) {
    let (mut world, mut rng) = (World::new(seed), SmallRng::seed_from_u64(!seed));
    for step in 0..OPERATIONS {
        let operation = world.choose(&mut rng);
        let shown = format!("{operation:?}");
        let agreed =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.live(operation)));
        assert!(agreed.is_ok(), "MODEL_SEED={seed} replays this: step {step}, {shown}");
    }
}
