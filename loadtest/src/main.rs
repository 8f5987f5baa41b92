//! Loads a WebTorrent tracker with thousands of simulated peers and verifies every message. The
//! exit code is 0 when all was right, 1 when the tracker failed its peers or is not there, and 2
//! when the command line asks for what cannot be. Of trackers that are compared each counts, but
//! those that are tolerated.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

mod args;
mod attack;
mod client;
mod compare;
mod components;
mod conversation;
mod engine;
mod floor;
mod limits;
mod origin;
mod phase;
mod plan;
mod process;
mod progress;
mod record;
mod report;
mod samples;
mod scenario;
mod simulate;
mod soak;
mod verify;
mod worker;

use args::{Cli, Command, LoadArgs, Refused, ReportArgs, ReportPlan};
use progress::Progress;
use report::Report;
use report::file::{save_json, save_page};

fn main() -> ExitCode {
    let Cli { command, load, report } = Cli::parse();
    let done = match command {
        None if load.list_scenarios => scenario::list().map_err(Into::into).map(|()| true),
        None => load_with(load, report),
        Some(Command::Attack(args)) if args.list => {
            attack::list().map_err(Into::into).map(|()| true)
        }
        Some(Command::Attack(args)) => {
            args.plan().map_err(Into::into).and_then(|plan| attack::run(&plan))
        }
        Some(Command::Floor(args)) => floor::run(&args).map(|()| true),
        Some(Command::Soak(args)) => {
            args.plan().map_err(Into::into).and_then(|plan| soak::run(&plan))
        }
        Some(Command::Origin(args)) => {
            args.plan().map_err(Into::into).and_then(|plan| origin::run(&plan))
        }
        Some(Command::Simulate(args)) => simulate::run(args).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) if error.is::<Refused>() => fail(&format!("{error}"), 2),
        Err(error) => fail(&format!("{error:#}"), 1),
    }
}

/// Whether all was right. The files come first: they stay when nobody reads the table to its end.
fn load_with(load: LoadArgs, report: ReportArgs) -> anyhow::Result<bool> {
    let ReportPlan { html, comparison } = report.check(&load.target)?;
    let json = load.target.json.clone();
    let load = load.plan(comparison.as_ref())?;
    let mut out = io::stdout().lock();
    let Some(comparison) = comparison else {
        let report = Report::new(&load, engine::run(&load, Progress::new())?);
        save_json(json.as_deref(), &report)?;
        save_page(html.as_deref(), || report::page::page(&report))?;
        report::table::write(&report, &mut out).context("standard output")?;
        return Ok(report.is_right());
    };
    let report = compare::run(&load, &comparison)?;
    save_json(json.as_deref(), &report)?;
    save_page(html.as_deref(), || compare::page::page(&report))?;
    compare::table::write(&report, &mut out).context("standard output")?;
    Ok(report.is_right())
}

fn fail(why: &str, code: u8) -> ExitCode {
    // Without a standard error there is still the exit code.
    let _ = writeln!(io::stderr(), "error: {why}");
    ExitCode::from(code)
}
