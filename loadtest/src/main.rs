//! Loads a WebTorrent tracker with thousands of simulated peers and verifies every message. The
//! exit code is 0 when all was right, 1 when the tracker failed its peers or is not there, and 2
//! when the command line asks for what cannot be.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

mod args;
mod attack;
mod client;
mod conversation;
mod engine;
mod limits;
mod phase;
mod plan;
mod process;
mod record;
mod report;
mod simulate;
mod soak;
mod verify;
mod worker;

use args::{Cli, Command, LoadArgs, Refused};
use report::Report;

fn main() -> ExitCode {
    let Cli { command, load } = Cli::parse();
    let done = match command {
        None => load_with(load),
        Some(Command::Attack(args)) if args.list => {
            attack::list().map_err(Into::into).map(|()| true)
        }
        Some(Command::Attack(args)) => {
            args.plan().map_err(Into::into).and_then(|plan| attack::run(&plan))
        }
        Some(Command::Soak(args)) => {
            args.plan().map_err(Into::into).and_then(|plan| soak::run(&plan))
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

/// Whether all was right.
fn load_with(args: LoadArgs) -> anyhow::Result<bool> {
    let plan = args.plan()?;
    let report = Report::new(&plan, engine::run(&plan)?);
    report::table::write(&report, &mut io::stdout().lock()).context("standard output")?;
    if let Some(file) = &plan.target.json {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("--json {}", file.display()))?;
    }
    Ok(report.is_right())
}

fn fail(why: &str, code: u8) -> ExitCode {
    // Without a standard error there is still the exit code.
    let _ = writeln!(io::stderr(), "error: {why}");
    ExitCode::from(code)
}
