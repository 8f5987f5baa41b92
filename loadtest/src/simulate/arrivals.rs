//! When viewers come: a Poisson process with a rush to the begin of the event, of which the number
//! of all who come is given. They are drawn one after the other, so nobody waits in a list.

use std::time::Duration;

use rand::{Rng, RngExt};

/// How arrivals are spread over the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// The run's length in seconds.
    pub(super) end_s: f64,
    /// When the event begins.
    pub(super) begin_s: f64,
    /// Share of the viewers that come for the begin; the others come at any time.
    pub(super) rush: f64,
    /// The scale of their logistic distribution: nine of ten come within three of it.
    pub(super) rush_scale_s: f64,
}

/// The moments at which viewers come, in order.
#[derive(Debug)]
pub(super) struct Arrivals {
    shape: Shape,
    /// Viewers that haven't come yet.
    left: u32,
    /// Share of all arrivals that lies behind, between 0 and 1.
    passed: f64,
    at_s: f64,
}

impl Arrivals {
    pub(super) fn new(shape: Shape, viewers: u32) -> Self {
        Self { shape, left: viewers, passed: 0.0, at_s: 0.0 }
    }

    /// When the next one comes.
    pub(super) fn next(&mut self, dice: &mut impl Rng) -> Option<Duration> {
        if self.left == 0 {
            return None;
        }
        // The smallest of `left` numbers that are uniform in what is left of 0 to 1.
        let uniform: f64 = dice.random();
        self.passed += (1.0 - self.passed) * (1.0 - uniform.powf(f64::from(self.left).recip()));
        self.left -= 1;
        self.at_s = self.shape.when(self.passed, self.at_s);
        Some(Duration::from_secs_f64(self.at_s))
    }
}

impl Shape {
    /// When the share `passed` of all has come, which isn't before `earliest_s`.
    fn when(&self, passed: f64, earliest_s: f64) -> f64 {
        /// A day in 2^27 parts: less than a millisecond.
        const HALVINGS: usize = 27;
        let (mut low, mut high) = (earliest_s, self.end_s);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.share_until(middle) < passed {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// Share of all arrivals that come until then.
    fn share_until(&self, time_s: f64) -> f64 {
        let logistic = |at_s: f64| 1.0 / (1.0 + ((self.begin_s - at_s) / self.rush_scale_s).exp());
        let (first, last) = (logistic(0.0), logistic(self.end_s));
        let rush = (logistic(time_s) - first) / (last - first);
        (1.0 - self.rush) * time_s / self.end_s + self.rush * rush
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn all_come_in_order_and_most_of_them_for_the_begin() {
        let shape = Shape { end_s: 1800.0, begin_s: 600.0, rush: 0.6, rush_scale_s: 60.0 };
        let mut arrivals = Arrivals::new(shape, 20_000);
        let mut dice = SmallRng::seed_from_u64(7);
        let mut times = Vec::new();
        while let Some(time) = arrivals.next(&mut dice) {
            times.push(time.as_secs_f64());
        }
        assert_eq!(times.len(), 20_000);
        assert!(times.is_sorted());
        assert!(times.iter().all(|time_s| (0.0..=1800.0).contains(time_s)));
        let between = |from: f64, to: f64| {
            times.iter().filter(|time_s| (from..to).contains(*time_s)).count() as f64 / 20_000.0
        };
        // Of the rush within one scale: tanh(1/2); of the rest its share of the time.
        let expected = 0.6 * 0.5_f64.tanh() + 0.4 * 120.0 / 1800.0;
        assert!((between(540.0, 660.0) - expected).abs() < 0.02);
        assert!((between(1200.0, 1800.0) - 0.4 / 3.0).abs() < 0.02);
    }
}
