//! When is measured: the same moments for all threads.

use std::time::{Duration, Instant};

/// From one moment to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) opens: Instant,
    pub(super) closes: Instant,
}

impl Window {
    /// One that opens after `warmup`.
    pub(super) fn after(warmup: Duration, duration: Duration) -> Self {
        let opens = Instant::now() + warmup;
        Window { opens, closes: opens + duration }
    }

    pub(super) fn is_open(self) -> bool {
        let now = Instant::now();
        self.opens <= now && now < self.closes
    }

    pub(super) fn is_over(self) -> bool {
        self.closes <= Instant::now()
    }
}
