//! What the tracker's process took for a run.

use serde::Serialize;

use crate::engine::Outcome;

/// The tracker's process. Linux tells processor time in ticks of 10 ms: what is divided by few
/// connects or relays is that coarse.
#[derive(Debug, Serialize)]
pub(crate) struct Server {
    pub(crate) cores_used: f64,
    /// `None` when nothing was relayed.
    pub(crate) cpu_s_per_1000_relays: Option<f64>,
    pub(crate) cpu_us_per_relay: Option<f64>,
    /// Until all had joined: a connect, its handshake, the first announce and its reply. `None`
    /// when nobody did.
    pub(crate) cpu_us_per_connect: Option<f64>,
    /// Before the first connect. A tracker that was loaded before may still hold some of it.
    pub(crate) rss_bytes_before: u64,
    pub(crate) rss_bytes_joined: u64,
    /// After the load, with all peers still there.
    pub(crate) rss_bytes_end: u64,
    /// What joining added; in a comparison, to what was there before the first round.
    pub(crate) rss_bytes_per_peer: f64,
}

impl Server {
    /// `None` where the process was not named or has ended.
    pub(crate) fn new(outcome: &Outcome) -> Option<Self> {
        let usage = outcome.server?;
        let (relays, joined) = (outcome.counts.relays(), outcome.joined);
        let cpu = usage.measure_end.cpu.saturating_sub(usage.measure_start.cpu);
        let join_cpu = usage.joined.cpu.saturating_sub(usage.before_connect.cpu);
        let grown = usage.joined.rss_bytes as f64 - usage.before_connect.rss_bytes as f64;
        let cpu_us_per_relay = per(cpu.as_secs_f64() * 1e6, relays);
        Some(Self {
            cores_used: cpu.as_secs_f64() / outcome.window.as_secs_f64(),
            cpu_s_per_1000_relays: cpu_us_per_relay.map(|us| us / 1e3),
            cpu_us_per_relay,
            cpu_us_per_connect: per(join_cpu.as_secs_f64() * 1e6, joined),
            rss_bytes_before: usage.before_connect.rss_bytes,
            rss_bytes_joined: usage.joined.rss_bytes,
            rss_bytes_end: usage.drained.rss_bytes,
            rss_bytes_per_peer: grown / joined.max(1) as f64,
        })
    }

    /// Counts the memory of a peer from `rss_bytes` on instead. A tracker that was loaded before
    /// may still hold what its peers took then, and would seem to need nothing for them now.
    pub(crate) fn count_peers_from(&mut self, rss_bytes: u64, joined: u64) {
        let grown = self.rss_bytes_joined as f64 - rss_bytes as f64;
        self.rss_bytes_per_peer = grown / joined.max(1) as f64;
    }
}

fn per(whole: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| whole / count as f64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::ServerUsage;
    use crate::process::Usage;
    use crate::record::{Counts, Record};

    fn usage(cpu_ms: u64, rss_bytes: u64) -> Usage {
        Usage { cpu: Duration::from_millis(cpu_ms), rss_bytes }
    }

    fn outcome(offers: u64, joined: u64) -> Outcome {
        Outcome {
            record: Record::new(),
            counts: Counts { offers, ..Counts::default() },
            window: Duration::from_secs(2),
            join_time: Duration::from_secs(1),
            joined,
            server: Some(ServerUsage {
                before_connect: usage(100, 1_000),
                joined: usage(160, 5_000),
                measure_start: usage(200, 5_000),
                measure_end: usage(1_200, 6_000),
                drained: usage(1_300, 7_000),
            }),
            nodes: Vec::new(),
            samples: Vec::new(),
        }
    }

    #[test]
    fn costs_are_those_of_their_own_phase() {
        let server = Server::new(&outcome(100_000, 2_000)).expect("named");
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(server.cores_used, 0.5));
        assert!(server.cpu_us_per_relay.is_some_and(|us| close(us, 10.0)));
        assert!(server.cpu_s_per_1000_relays.is_some_and(|s| close(s, 0.01)));
        assert!(server.cpu_us_per_connect.is_some_and(|us| close(us, 30.0)));
        assert!(close(server.rss_bytes_per_peer, 2.0));
        let mut warm = server;
        warm.count_peers_from(0, 2_000);
        assert!(close(warm.rss_bytes_per_peer, 2.5));
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        let server = Server::new(&outcome(0, 0)).expect("named");
        assert_eq!(server.cpu_us_per_relay, None);
        assert_eq!(server.cpu_s_per_1000_relays, None);
        assert_eq!(server.cpu_us_per_connect, None);
    }
}
