//! What an attack test says in the end, as data: the table and the JSON file show the same figures.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::AttackPlan;
use super::hostile::Deeds;
use super::scripts::Attack;
use super::trial::Trial;
use crate::client::wire::WireReport;
use crate::limits::ATTACK_FACTOR_MAX;
use crate::record::Window;

pub(crate) mod table;

/// All attacks of a run; units are in the names.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) url: String,
    /// Of the good swarm's sockets, those of all attacks together.
    pub(crate) wire: WireReport,
    pub(crate) peers: u32,
    pub(crate) announces_per_s: u64,
    pub(crate) offers: u16,
    pub(crate) sdp_bytes: usize,
    pub(crate) window_s: f64,
    pub(crate) rounds: u16,
    pub(crate) noise_us: u64,
    pub(crate) attacks: Vec<Verdict>,
}

/// What one attack did to the good swarm. Each quantile is the median of those of all windows, so
/// that one bad moment of the machine decides nothing.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) attack: &'static str,
    pub(crate) what: &'static str,
    pub(crate) held: bool,
    /// Which try this is, from 1.
    pub(crate) attempt: u64,
    pub(crate) before: Swarm,
    pub(crate) during: Swarm,
    /// p99 during by p99 before.
    pub(crate) ratio: f64,
    pub(crate) violations: u64,
    pub(crate) violations_by_kind: BTreeMap<&'static str, u64>,
    pub(crate) first_violations: Vec<String>,
    /// Share of a core that the good swarm's event loop used: near 1 the latency is its own.
    pub(crate) own_cores: f64,
    pub(crate) strangers_answered: u64,
    /// Sockets of the good swarm on which compression was agreed.
    pub(crate) sockets_deflated: u64,
    pub(crate) hostile: Deeds,
}

/// How the good swarm fared.
#[derive(Debug, Serialize)]
pub(crate) struct Swarm {
    pub(crate) relay_p50_us: u64,
    pub(crate) relay_p99_us: u64,
    /// Of the offers of one announce, how many reached good peers.
    pub(crate) offers_per_announce: f64,
    /// Cores that the tracker used; `None` when its process was not named.
    pub(crate) server_cores: Option<f64>,
}

impl Report {
    pub(crate) fn new(plan: &AttackPlan) -> Self {
        Self {
            url: plan.target.url.to_string(),
            wire: plan.target.wire.report(0),
            peers: plan.swarm.peers,
            announces_per_s: plan.announces_per_s,
            offers: plan.swarm.offers,
            sdp_bytes: plan.swarm.sdp_bytes,
            window_s: plan.window.as_secs_f64(),
            rounds: plan.rounds,
            noise_us: plan.noise.as_micros() as u64,
            attacks: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, verdict: Verdict) {
        self.wire.sockets_deflated += verdict.sockets_deflated;
        self.attacks.push(verdict);
    }

    /// Whether no attack was felt.
    pub(crate) fn held(&self) -> bool {
        self.attacks.iter().all(|verdict| verdict.held)
    }
}

impl Verdict {
    pub(crate) fn new(plan: &AttackPlan, attack: &Attack, attempt: u64, trial: Trial) -> Self {
        let noise_us = plan.noise.as_micros() as u64;
        let [cores_before, cores_during] = trial.server_cores.map_or([None; 2], |c| c.map(Some));
        let before = Swarm::new(&trial.before, cores_before);
        let during = Swarm::new(&trial.during, cores_during);
        let violations = trial.record.violations.total();
        Self {
            attack: attack.name,
            what: attack.what,
            held: violations == 0 && is_unfelt(before.relay_p99_us, during.relay_p99_us, noise_us),
            attempt,
            ratio: during.relay_p99_us as f64 / before.relay_p99_us.max(1) as f64,
            before,
            during,
            violations,
            violations_by_kind: trial.record.violations.by_kind,
            first_violations: trial.record.violations.first,
            own_cores: trial.record.own_cores.iter().sum(),
            strangers_answered: trial.strangers_answered,
            sockets_deflated: trial.record.sockets_deflated,
            hostile: trial.deeds,
        }
    }
}

impl Swarm {
    fn new(windows: &[Window], server_cores: Option<f64>) -> Self {
        let quantile = |share| median(windows.iter().map(|w| w.relay.quantile_us(share)).collect());
        let offers: u64 = windows.iter().map(|window| window.offers).sum();
        let announces: u64 = windows.iter().map(|window| window.announces).sum();
        Self {
            relay_p50_us: quantile(0.5),
            relay_p99_us: quantile(0.99),
            offers_per_announce: offers as f64 / announces.max(1) as f64,
            server_cores,
        }
    }
}

/// Whether a p99 is within the bound of what it was before, in microseconds.
fn is_unfelt(before: u64, during: u64, noise: u64) -> bool {
    during as f64 <= before.max(noise) as f64 * ATTACK_FACTOR_MAX
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_latency_is_felt_unless_it_is_the_machines_own_noise() {
        assert!(is_unfelt(3_000, 6_000, 1_000));
        assert!(!is_unfelt(3_000, 6_001, 1_000));
        assert!(is_unfelt(200, 2_000, 1_000));
        assert!(!is_unfelt(200, 2_001, 1_000));
    }

    #[test]
    fn the_median_is_no_outlier() {
        assert_eq!(median(vec![5, 1, 900, 2, 4]), 4);
        assert_eq!(median(vec![]), 0);
    }
}
