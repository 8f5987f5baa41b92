//! A million viewers on paper. There are no sockets here: simulated viewers come, announce, answer,
//! connect and leave, and who meets whom is decided by `tracker-core`, the very code that serves.

use std::io::{self, Write};
use std::time::Instant;

use anyhow::Context;

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
#[cfg(test)]
mod tests;
mod tracker;

pub(crate) use args::SimulateArgs;
pub(crate) use population::Invalid as InvalidPopulation;
use report::{Own, Report};
use simulation::Simulation;

use crate::process;

/// Runs a simulation and writes its report.
///
/// # Errors
/// What cannot be run with, or written.
pub(crate) fn run(args: SimulateArgs) -> anyhow::Result<()> {
    let plan = args.plan()?;
    let began = Instant::now();
    let outcome = Simulation::new(&plan)?.run(|sample| {
        // Where nobody watches, it is not missed.
        let (minute, viewers) = (sample.at_s / 60, sample.viewers);
        let _ = write!(io::stderr(), "\rminute {minute:>4}, {viewers:>8} viewers");
    });
    let _ = writeln!(io::stderr());
    let usage = process::usage(std::process::id()).unwrap_or_default();
    let own = Own {
        wall_s: began.elapsed().as_secs_f64(),
        cpu_s: usage.cpu.as_secs_f64(),
        rss_bytes: usage.rss_bytes,
    };
    let report = Report::new(&plan, outcome, own);
    report.write(&mut io::stdout().lock()).context("standard output")?;
    if let Some(file) = &plan.json {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("--json {}", file.display()))?;
    }
    Ok(())
}
