//! How near a node is to its limits, and what it asks of its clients for it: under load it wants
//! to hear from each of them less often, instead of failing them all.

use std::time::Duration;

use crate::limits::{ANNOUNCE_INTERVAL_FACTOR_MAX, BUSY_WEIGHT, LOAD_CALM};
use crate::node::Node;
use crate::process;

/// The pause between two announces that a node under `load`, of 0 to 1, asks for: the usual one
/// up to [`LOAD_CALM`], and from there it grows smoothly to [`ANNOUNCE_INTERVAL_FACTOR_MAX`]
/// times that.
pub(crate) fn announce_interval(usual: Duration, load: f64) -> Duration {
    let strain = ((load - LOAD_CALM) / (1.0 - LOAD_CALM)).clamp(0.0, 1.0);
    // The cubic that leaves 0 and reaches 1 without a corner ("smoothstep").
    let smooth = strain * strain * (3.0 - 2.0 * strain);
    usual.mul_f64(1.0 + (ANNOUNCE_INTERVAL_FACTOR_MAX - 1.0) * smooth)
}

impl Node {
    /// The largest of its sockets, its file descriptors and its busiest worker's time, each as a
    /// share of what there is. Takes two system calls.
    pub(crate) fn load(&self) -> f64 {
        let sockets = self.metrics.connections();
        let of_sockets = share(sockets, self.connections_bound().map(|most| most as u64));
        // Sockets are most of the descriptors, where the system doesn't count them at once.
        let descriptors = process::open_descriptors_at_once().unwrap_or(sockets);
        let of_descriptors = share(descriptors, process::descriptors_max());
        let busiest = self.metrics.workers().iter().map(|worker| worker.busy_ratio());
        busiest.fold(of_sockets.max(of_descriptors), f64::max)
    }
}

/// `None` is no limit.
fn share(used: usize, most: Option<u64>) -> f64 {
    most.map_or(0.0, |most| used as f64 / most.max(1) as f64)
}

/// How much of a core a thread uses, smoothed so that one second's work means little.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    /// The thread's processor time at the last look, and when that was.
    last: Option<(Duration, Duration)>,
    ratio: f64,
}

impl Busy {
    /// Takes the thread's processor time so far into account; returns the ratio, of 0 to 1.
    pub(crate) fn look(&mut self, cpu_time: Duration, now: Duration) -> f64 {
        if let Some((cpu_before, before)) = self.last
            && now > before
        {
            let used = cpu_time.saturating_sub(cpu_before).as_secs_f64();
            let ratio = (used / (now - before).as_secs_f64()).min(1.0);
            self.ratio += (ratio - self.ratio) * BUSY_WEIGHT;
        }
        self.last = Some((cpu_time, now));
        self.ratio
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_secs(120);

    fn seconds(load: f64) -> f64 {
        announce_interval(USUAL, load).as_secs_f64()
    }

    #[test]
    fn a_calm_node_asks_for_the_usual_and_a_full_one_for_the_most() {
        for calm in [0.0, 0.1, LOAD_CALM] {
            assert_eq!(announce_interval(USUAL, calm), USUAL);
        }
        for full in [1.0, 1.5, 1e9, f64::INFINITY] {
            let most = USUAL.mul_f64(ANNOUNCE_INTERVAL_FACTOR_MAX);
            assert_eq!(announce_interval(USUAL, full), most);
        }
        let half_way = f64::midpoint(LOAD_CALM, 1.0);
        assert_eq!(seconds(half_way), 120.0 * f64::midpoint(1.0, ANNOUNCE_INTERVAL_FACTOR_MAX));
    }

    #[test]
    fn the_interval_grows_with_the_load_without_a_jump_or_a_corner() {
        let step = 0.001;
        let (mut before, mut slope_before) = (seconds(0.0), 0.0);
        for number in 1..1200 {
            let now = seconds(f64::from(number) * step);
            let slope = (now - before) / step;
            assert!(slope >= 0.0, "it falls at {number}");
            assert!((slope - slope_before).abs() < 20.0, "{slope_before} to {slope} at {number}");
            (before, slope_before) = (now, slope);
        }
    }

    #[test]
    fn a_thread_is_as_busy_as_it_was_over_some_seconds() {
        let second = Duration::from_secs(1);
        let mut busy = Busy::default();
        assert_eq!(busy.look(40 * second, 100 * second), 0.0, "what was before doesn't count");
        // One second's work means little.
        assert!(busy.look(41 * second, 101 * second) < 0.2);
        for tick in 2..100 {
            busy.look(40 * second + tick * second / 2, 100 * second + tick * second);
        }
        let steady = busy.look(90 * second, 200 * second);
        assert!((steady - 0.5).abs() < 0.01, "{steady}");
        // Two looks at one moment say nothing, and a clock's grain makes no more than all of it.
        assert_eq!(busy.look(91 * second, 200 * second), steady);
        assert!(busy.look(99 * second, 201 * second) <= 1.0);
    }
}
