//! One hostile socket beside a well-behaved swarm: whatever it sends, the swarm must not notice.
//! Each attack is on and off in turn, and the swarm's latency while it is on is held against that
//! of the moments before, on the same machine in the same minute.

use std::io::{self, Write};

mod args;
mod hostile;
mod report;
mod scripts;
mod stream;
mod trial;

pub(crate) use args::AttackArgs;
use args::AttackPlan;
use report::{Report, Verdict};
use scripts::Attack;

use crate::report::file::save_json;

/// Runs all attacks that were asked for; whether the tracker held.
///
/// # Errors
/// When there is no tracker, the report cannot be written, or this machine cannot measure.
pub(crate) fn run(plan: &AttackPlan) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    report::table::write_head(plan, &mut out)?;
    let mut report = Report::new(plan);
    for attack in &plan.attacks {
        let verdict = judge(plan, attack)?;
        report::table::write_line(&verdict, &mut out)?;
        report.add(verdict);
    }
    save_json(plan.json.as_deref(), &report)?;
    report::table::write_end(&report, &mut out)?;
    Ok(report.held())
}

/// Tries one attack, and again when only the latency speaks against the tracker: on a machine
/// that does other work, too, a measurement may be spoiled, and a broken promise may not.
fn judge(plan: &AttackPlan, attack: &'static Attack) -> anyhow::Result<Verdict> {
    let mut attempt = 1;
    loop {
        let verdict = Verdict::new(plan, attack, attempt, trial::run(plan, attack)?);
        if verdict.held || verdict.violations > 0 || attempt == plan.attempts {
            return Ok(verdict);
        }
        attempt += 1;
    }
}

/// Writes the names of all attacks, and what they do.
///
/// # Errors
/// Those of standard output.
pub(crate) fn list() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for attack in scripts::all() {
        writeln!(out, "{:<20} {}", attack.name, attack.what)?;
    }
    Ok(())
}
