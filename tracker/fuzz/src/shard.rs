//! The shard beside its model: announces, answers, stops, sweeps and time, in whatever order.

use std::convert::Infallible;

use rand::TryRng;

use crate::reference::world::World;

/// The input is the seed of the shard's own dice in one byte, and the dice of what happens.
pub fn shard(data: &[u8]) {
    let [seed, dice @ ..] = data else { return };
    let (mut world, mut dice) = (World::new(u64::from(*seed)), Dice(dice));
    while !dice.0.is_empty() {
        let operation = world.choose(&mut dice);
        world.live(operation);
    }
}

/// Dice that show what a fuzzer wants, one byte a throw: a choice among few depends on the highest
/// bits alone.
struct Dice<'a>(&'a [u8]);

impl Dice<'_> {
    fn throw(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }
}

impl TryRng for Dice<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from(self.throw()) << 24)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.throw()) << 56)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.throw());
        Ok(())
    }
}
