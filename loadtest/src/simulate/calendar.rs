//! What will happen, in the order in which it will: a calendar queue (Brown, 1988) whose buckets
//! are a tick each. Arranging an event and coming to it cost the same however many wait.

use std::time::Duration;

use super::limits::{CALENDAR_BUCKETS, TICK};

/// A moment of the simulation, in ticks since its begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(u32);

impl Tick {
    /// The first moment that isn't before `time`.
    pub(super) fn at(time: Duration) -> Self {
        Self(time.as_micros().div_ceil(TICK.as_micros()) as u32)
    }

    pub(super) fn time(self) -> Duration {
        TICK * self.0
    }

    pub(super) fn since(self, earlier: Self) -> Duration {
        TICK * self.0.saturating_sub(earlier.0)
    }

    fn bucket(self) -> usize {
        self.0 as usize % CALENDAR_BUCKETS
    }
}

/// Events by their time. Each bucket holds the events of one tick, and of those that are a whole
/// number of rounds later.
#[derive(Debug)]
pub(super) struct Calendar<E> {
    buckets: Vec<Vec<(Tick, E)>>,
    now: Tick,
}

impl<E: Copy> Calendar<E> {
    pub(super) fn new() -> Self {
        Self { buckets: (0..CALENDAR_BUCKETS).map(|_| Vec::new()).collect(), now: Tick(0) }
    }

    pub(super) fn now(&self) -> Tick {
        self.now
    }

    /// Lets `event` happen `after` from now, one tick from now at the soonest.
    pub(super) fn arrange(&mut self, after: Duration, event: E) {
        let at = Tick(self.now.0.saturating_add(Tick::at(after).0.max(1)));
        self.buckets[at.bucket()].push((at, event));
    }

    /// Goes on by one tick, and appends to `due` what happens in it, first come first served.
    pub(super) fn turn(&mut self, due: &mut Vec<E>) {
        self.now.0 += 1;
        let now = self.now;
        self.buckets[now.bucket()].retain(|&(at, event)| {
            if at == now {
                due.push(event);
            }
            at != now
        });
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn everything_happens_once_in_its_tick_and_in_order_however_far_off() {
        let seed = rand::random();
        let mut dice = SmallRng::seed_from_u64(seed);
        let mut calendar = Calendar::new();
        let mut expected: Vec<(u32, usize)> = (0..2000)
            .map(|number| (dice.random_range(1..4 * CALENDAR_BUCKETS as u32), number))
            .collect();
        for &(at, number) in &expected {
            calendar.arrange(TICK * at, number);
        }
        expected.sort_unstable();
        let mut happened = Vec::new();
        let mut due = Vec::new();
        while happened.len() < expected.len() && calendar.now().0 < 5 * CALENDAR_BUCKETS as u32 {
            calendar.turn(&mut due);
            happened.extend(due.drain(..).map(|number| (calendar.now().0, number)));
        }
        assert_eq!(happened, expected, "seed {seed}");
    }

    #[test]
    fn what_happens_at_once_happens_in_the_next_tick() {
        let mut calendar = Calendar::new();
        calendar.arrange(Duration::ZERO, ());
        let mut due = Vec::new();
        calendar.turn(&mut due);
        assert_eq!(due.len(), 1);
    }
}
