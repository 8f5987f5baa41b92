//! Random lives, which a shard and its model go through side by side.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Lives through so many, by their seeds, and one more that nobody has seen; or through the one
/// that MODEL_SEED names. Each returns how often two things happened that have to be seen: over all
/// of them more than `seldom` times.
pub(crate) fn run(lives: u64, seldom: u64, live: fn(seed: u64) -> [u64; 2]) {
    if let Ok(seed) = std::env::var("MODEL_SEED") {
        live(seed.parse().expect("MODEL_SEED must be a number"));
        return;
    }
    let seen = (0..lives).map(live);
    let seen = seen.fold([0, 0], |sum, life| [sum[0] + life[0], sum[1] + life[1]]);
    assert!(seen.iter().all(|times| *times > seldom), "too seldom: {seen:?}");
    live(rand::random());
}

/// Lets it `happen`, and says how to see it again if shard and model don't agree.
pub(crate) fn agree(seed: u64, what: &str, happen: impl FnOnce()) {
    let agreed = catch_unwind(AssertUnwindSafe(happen));
    assert!(agreed.is_ok(), "MODEL_SEED={seed} replays this: {what}");
}
