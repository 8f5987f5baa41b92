//! Loads a WebTorrent tracker with thousands of simulated peers and verifies every message. The
//! exit code is 0 when all was right, 1 when the tracker failed its peers or is not there, and 2
//! when the command line asks for what cannot be.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

mod args;
mod client;
mod conversation;
mod engine;
mod limits;
mod phase;
mod plan;
mod process;
mod record;
mod report;
mod verify;
mod worker;

use plan::Plan;
use report::Report;

fn main() -> ExitCode {
    let plan = match args::Args::parse().plan() {
        Ok(plan) => plan,
        Err(refused) => return fail(&format!("{refused}"), 2),
    };
    match measure(&plan) {
        Ok(report) if report.is_right() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => fail(&format!("{error:#}"), 1),
    }
}

fn measure(plan: &Plan) -> anyhow::Result<Report> {
    let report = Report::new(plan, engine::run(plan)?);
    report::table::write(&report, &mut io::stdout().lock()).context("standard output")?;
    if let Some(file) = &plan.json {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("--json {}", file.display()))?;
    }
    Ok(report)
}

fn fail(why: &str, code: u8) -> ExitCode {
    // Without a standard error there is still the exit code.
    let _ = writeln!(io::stderr(), "error: {why}");
    ExitCode::from(code)
}
