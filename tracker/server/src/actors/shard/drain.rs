//! The ordered end of a worker's sockets: each is told 1001, evenly over a while. Clients that
//! lose their tracker come back, and all at once they would be a wave for whoever takes them.

use std::time::Duration;

use crate::close::Close;
use crate::worker::Worker;

/// How far a worker has come with hanging up.
#[derive(Debug)]
pub(super) struct Draining {
    began: Duration,
    window: Duration,
    /// Open when it began; those that come later are closed as they come.
    sockets: usize,
    told: usize,
    next_slot: usize,
}

impl Draining {
    /// All sockets of `worker` are to be told within `window`.
    pub(super) fn new(worker: &Worker, window: Duration) -> Self {
        let (began, sockets) = (worker.node.now(), worker.sockets());
        Self { began, window, sockets, told: 0, next_slot: 0 }
    }

    /// Tells those whose time has come.
    pub(super) fn tick(&mut self, worker: &Worker) {
        let due = self.due(worker.node.now());
        let (next_slot, told) =
            worker.close_some(self.next_slot, due.saturating_sub(self.told), Close::Stopping);
        self.next_slot = next_slot;
        self.told += told;
    }

    /// How many should have been told by `now`: the first at once, and behind the window whoever
    /// is left.
    fn due(&self, now: Duration) -> usize {
        let passed = now.saturating_sub(self.began);
        if passed >= self.window {
            return usize::MAX;
        }
        let share = passed.as_secs_f64() / self.window.as_secs_f64();
        1 + (self.sockets as f64 * share) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn draining(window: Duration) -> Draining {
        Draining { began: 7 * SECOND, window, sockets: 10, told: 0, next_slot: 0 }
    }

    #[test]
    fn sockets_are_told_evenly_and_the_rest_when_the_window_is_over() {
        let draining = draining(10 * SECOND);
        let due: Vec<_> = (7..17).map(|second| draining.due(SECOND * second)).collect();
        assert_eq!(due, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(draining.due(17 * SECOND), usize::MAX);
    }

    #[test]
    fn without_a_window_all_are_told_at_once() {
        assert_eq!(draining(Duration::ZERO).due(7 * SECOND), usize::MAX);
    }
}
