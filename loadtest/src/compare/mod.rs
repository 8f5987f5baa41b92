//! Two trackers and more under the same load. They take turns, round by round, and the first of a
//! round goes last in the next, so that a machine that grows slower wrongs none of them.

use std::thread::sleep;
use std::time::Instant;

use anyhow::Context;

pub(crate) mod page;
pub(crate) mod report;
pub(crate) mod table;

use crate::args::Comparison;
use crate::engine::{self, reach};
use crate::limits::COMPARE_REST;
use crate::plan::Plan;
use crate::progress::{Progress, say};
use crate::report::figure::{Unit, figures};
use report::{Report, Round, Tracker};

/// Runs all rounds.
///
/// # Errors
/// When one of the trackers is not there, or no longer.
pub(crate) fn run(load: &Plan, comparison: &Comparison) -> anyhow::Result<Report> {
    let Comparison { contenders, rounds } = comparison;
    for (contender, target) in contenders {
        reach(target).with_context(|| format!("--compare {}", contender.name))?;
    }
    let mut trackers: Vec<_> =
        contenders.iter().map(|(contender, _)| Tracker::new(contender)).collect();
    let began = Instant::now();
    for round in 1..=*rounds {
        for (place, at) in (1..).zip(order(round, contenders.len())) {
            if (round, place) != (1, 1) {
                sleep(COMPARE_REST);
            }
            let (contender, target) = &contenders[at];
            // Who was here in the last round is nobody whom the tracker may remember.
            let seed = load.seed.wrapping_add(round - 1);
            let plan = Plan { nodes: vec![target.clone()], seed, ..load.clone() };
            let at_s = began.elapsed().as_secs_f64();
            let name = &contender.name;
            let head = format!("round {round}/{rounds}  {name:<20}");
            let progress = Progress::of_one(head.clone());
            let outcome = engine::run(&plan, progress).with_context(|| head.trim().to_owned())?;
            let report = crate::report::Report::new(&plan, outcome);
            say(format_args!("{head}{}", line(&report)));
            trackers[at].add(Round { round, place, at_s, report });
        }
    }
    Ok(Report::new(trackers))
}

/// Whose turn it is in a round, by their place on the command line.
pub(crate) fn order(round: u64, contenders: usize) -> impl Iterator<Item = usize> {
    let first = ((round - 1) % contenders as u64) as usize;
    (0..contenders).map(move |place| (first + place) % contenders)
}

/// What one round came to.
fn line(report: &crate::report::Report) -> String {
    let mut line = String::new();
    let figures = figures();
    for key in ["relays_per_s", "server.cpu_us_per_relay", "server.rss_bytes_joined"] {
        let figure = figures.iter().find(|figure| figure.key == key);
        if let Some((figure, value)) = figure.and_then(|f| Some((f, (f.of)(report)?))) {
            line += &format!("  {} {}", figure.name, figure.unit.show(value));
        }
    }
    line += &format!("  offer p50 {}", Unit::Latency.show(report.latency_us.offer.p50 as f64));
    if report.violations > 0 {
        line += &format!("  {} VIOLATIONS", report.violations);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_first_as_often_as_last() {
        let rounds: Vec<Vec<_>> = (1..=4).map(|round| order(round, 3).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
    }
}
