//! A million viewers on paper. There are no sockets here: simulated viewers come, announce, answer,
//! connect and leave, and who meets whom is decided by `tracker-core`, the very code that serves.

use std::io;
use std::time::Instant;

use anyhow::Context;
use indicatif::{HumanCount, ProgressBar};

mod args;
mod arrivals;
mod calendar;
mod crowd;
mod draw;
mod ids;
mod limits;
mod mesh;
mod offload;
mod population;
mod record;
mod report;
mod simulation;
mod spread;
#[cfg(test)]
mod tests;
mod tracker;

pub(crate) use args::SimulateArgs;
pub(crate) use population::Invalid as InvalidPopulation;
use report::{Own, Report};
use simulation::Simulation;

use crate::process;
use crate::report::file::save_json;

/// Runs a simulation and writes its report.
///
/// # Errors
/// What cannot be run with, or written.
pub(crate) fn run(args: SimulateArgs) -> anyhow::Result<()> {
    let plan = args.plan()?;
    let began = Instant::now();
    let clock = ProgressBar::new_spinner();
    let outcome = Simulation::new(&plan)?.run(|sample| {
        let (minute, viewers) = (sample.at_s / 60, HumanCount(sample.viewers.into()));
        clock.set_message(format!("minute {minute}, {viewers} viewers"));
        clock.tick();
    });
    clock.finish_and_clear();
    let usage = process::usage(std::process::id()).unwrap_or_default();
    let own = Own {
        wall_s: began.elapsed().as_secs_f64(),
        cpu_s: usage.cpu.as_secs_f64(),
        rss_bytes: usage.rss_bytes,
    };
    let report = Report::new(&plan, outcome, own);
    save_json(plan.json.as_deref(), &report)?;
    report.write(&mut io::stdout().lock()).context("standard output")
}
