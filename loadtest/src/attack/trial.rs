//! One attack against one good swarm: off and on in turn, with a rest between that is not measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::args::AttackPlan;
use super::hostile::{Deeds, Hostile};
use super::scripts::{Attack, Scene};
use crate::engine::{await_joined, drain, with_workers};
use crate::limits::{ATTACK_END, ATTACK_SETTLE, ATTACK_WARMUP, WINDOW_RELAYS_MIN};
use crate::phase::{Phase, Signals};
use crate::process;
use crate::record::{Counts, Record, Window};

/// What one trial measured.
#[derive(Debug)]
pub(crate) struct Trial {
    /// Windows without the attack, and those with it, in turn.
    pub(crate) before: Vec<Window>,
    pub(crate) during: Vec<Window>,
    pub(crate) record: Record,
    pub(crate) deeds: Deeds,
    /// Cores that the tracker used without the attack and with it, where that is known.
    pub(crate) server_cores: Option<[f64; 2]>,
    /// Offers of the hostile socket that the good peers answered.
    pub(crate) strangers_answered: u64,
}

/// Runs it.
///
/// # Errors
/// When the swarm cannot join, or this machine is too slow to measure anything.
pub(crate) fn run(plan: &AttackPlan, attack: &'static Attack) -> anyhow::Result<Trial> {
    let scene = Arc::new(Scene::new(plan));
    let (mut record, led) =
        with_workers(&plan.swarm, |signals| lead(plan, attack, &scene, signals))?;
    let Led { joined, throttled, deeds, cpu, strangers_answered } = led;
    let peers = plan.swarm.peers;
    ensure!(
        joined == u64::from(peers),
        "only {joined} of {peers} peers could join before the attack {}: {:?}",
        attack.name,
        record.violations.first
    );
    ensure!(
        throttled == 0,
        "the good swarm is not that good: the tracker asks for a min interval of {} s; a peer \
         announces every {} s, which more --peers or less --announces-per-s make longer",
        record.min_interval.unwrap_or_default(),
        u64::from(peers) / plan.announces_per_s
    );
    let (mut before, mut during) = (Vec::new(), Vec::new());
    for (number, window) in std::mem::take(&mut record.windows).into_iter().enumerate() {
        let relays = window.relay.count();
        // What was announced and lost is a violation, and needs no latency to be told.
        ensure!(
            relays >= WINDOW_RELAYS_MIN || record.violations.total() > 0,
            "{}: {relays} relays in a window are too few to measure; make --window longer",
            attack.name
        );
        if number % 2 == 0 { before.push(window) } else { during.push(window) }
    }
    let window_s = plan.window.as_secs_f64() * f64::from(plan.rounds);
    let server_cores = cpu.map(|cpu| cpu.map(|used| used.as_secs_f64() / window_s));
    Ok(Trial { before, during, record, deeds, server_cores, strangers_answered })
}

struct Led {
    joined: u64,
    throttled: u64,
    deeds: Deeds,
    cpu: Option<[Duration; 2]>,
    strangers_answered: u64,
}

/// Takes the good swarm through the windows.
fn lead(plan: &AttackPlan, attack: &'static Attack, scene: &Arc<Scene>, signals: &Signals) -> Led {
    await_joined(&plan.swarm, signals, || {});
    let joined = signals.counts().joined;
    let (mut deeds, mut cpu) = (Deeds::default(), Some([Duration::ZERO; 2]));
    if joined == u64::from(plan.swarm.peers) {
        signals.enter(Phase::Measure);
        std::thread::sleep(ATTACK_WARMUP);
        for round in 0..plan.rounds {
            measure(plan, signals, 2 * round, &mut cpu);
            signals.expect_strangers(attack.strangers);
            let hostile = Hostile::start(attack, scene.clone());
            std::thread::sleep(ATTACK_SETTLE);
            measure(plan, signals, 2 * round + 1, &mut cpu);
            deeds.add(hostile.stop());
            std::thread::sleep(ATTACK_END);
            signals.expect_strangers(0);
        }
    }
    drain(signals, || {});
    let Counts { strangers_answered, throttled, .. } = signals.counts();
    signals.enter(Phase::Close);
    Led { joined, throttled, deeds, cpu, strangers_answered }
}

/// Lets one window pass; even ones are without the attack.
fn measure(plan: &AttackPlan, signals: &Signals, number: u16, cpu: &mut Option<[Duration; 2]>) {
    let used = || Some(process::usage(plan.target.server_pid?)?.cpu);
    let (start, before) = (Instant::now(), used());
    signals.open_window(number);
    std::thread::sleep(plan.window.saturating_sub(start.elapsed()));
    signals.close_window();
    *cpu = match (*cpu, before, used()) {
        (Some(mut cpu), Some(before), Some(after)) => {
            cpu[usize::from(number % 2)] += after.saturating_sub(before);
            Some(cpu)
        }
        _ => None,
    };
}
