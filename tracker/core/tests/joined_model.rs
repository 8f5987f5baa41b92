//! Several shards, joined by a bus that delays, doubles, loses and reorders, against a model that
//! is too simple to be wrong. Both live through the same random operations, and agree after each.
#![allow(clippy::expect_used, reason = "a test may fail")]

mod joined;
mod support;

use joined::world::World;
use rand::SeedableRng;
use rand::rngs::SmallRng;

const RUNS: u64 = 80;
const OPERATIONS: usize = 800;

#[test]
fn joined_shards_do_what_the_model_does() {
    if let Ok(seed) = std::env::var("MODEL_SEED") {
        live(seed.parse().expect("MODEL_SEED must be a number"));
        return;
    }
    let crossed =
        (0..RUNS).map(live).fold([0, 0], |sum, life| [sum[0] + life[0], sum[1] + life[1]]);
    assert!(crossed.iter().all(|messages| *messages > 500), "too seldom: {crossed:?}");
    live(rand::random());
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

fn agree(seed: u64, what: &str, happen: impl FnOnce()) {
    let agreed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(happen));
    assert!(agreed.is_ok(), "MODEL_SEED={seed} replays this: {what}");
}
