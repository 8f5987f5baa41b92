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
        live(seed.parse().expect("MODEL_SEED must be a number"));
        return;
    }
    let lives = (0..RUNS).map(live);
    let withheld = lives.fold([0, 0], |sum, life| [sum[0] + life[0], sum[1] + life[1]]);
    assert!(withheld.iter().all(|&offers| offers > 100), "too seldom: {withheld:?}");
    live(rand::random());
}

/// One random life. Returns how many offers came too early, and how many nobody could take.
fn live(seed: u64) -> [u64; 2] {
    let (mut world, mut rng) = (World::new(seed), SmallRng::seed_from_u64(!seed));
    for step in 0..OPERATIONS {
        let operation = world.choose(&mut rng);
        let shown = format!("{operation:?}");
        let agreed =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.live(operation)));
        assert!(agreed.is_ok(), "MODEL_SEED={seed} replays this: step {step}, {shown}");
    }
    world.model.withheld
}
