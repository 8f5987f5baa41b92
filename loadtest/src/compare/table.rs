//! The comparison as a person reads it in a terminal.

use std::io::{self, Write};

use super::report::{Report, Summary};
use crate::report::figure::all_figures;

/// Characters of a column. A tracker's name is as wide as the first two together.
const MEDIAN: usize = 14;
const SPREAD: usize = 9;
const RATIO: usize = 9;

/// Writes the table.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let load = report.load().map(|load| load.sentence()).unwrap_or_default();
    writeln!(
        out,
        "{} trackers, {} rounds in turns: {load}\n",
        report.trackers.len(),
        report.rounds()
    )?;
    for tracker in &report.trackers {
        writeln!(out, "{:<22}{}, {}", tracker.name, tracker.url, tracker.wire())?;
    }
    write!(out, "\n{:<22}", "")?;
    for (place, tracker) in report.trackers.iter().enumerate() {
        write!(out, "{:>width$}", tracker.name, width = width(place))?;
    }
    write!(out, "\n{:<22}", "")?;
    for place in 0..report.trackers.len() {
        write!(out, "{:>MEDIAN$}{:>SPREAD$}", "median", "spread")?;
        write_ratio(place, "ratio", out)?;
    }
    writeln!(out)?;
    for figure in all_figures() {
        let summaries: Vec<_> =
            report.trackers.iter().map(|tracker| tracker.figures.get(&figure.key)).collect();
        if summaries.iter().all(Option::is_none) {
            continue;
        }
        write!(out, "{:<22}", figure.name)?;
        for (place, summary) in summaries.into_iter().enumerate() {
            let median = summary.map_or("-".into(), |summary| figure.unit.show(summary.median));
            let spread = summary.map_or("-".into(), spread);
            write!(out, "{median:>MEDIAN$}{spread:>SPREAD$}")?;
            let ratio = summary.and_then(|summary| summary.ratio);
            write_ratio(place, &ratio.map_or("-".into(), ratio_text), out)?;
        }
        writeln!(out)?;
    }
    write_end(report, out)
}

fn write_end(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if report
        .trackers
        .iter()
        .any(|tracker| tracker.rounds.iter().any(|r| r.report.server.is_some()))
    {
        writeln!(out, "\n{MEMORY_REMARK}")?;
    }
    writeln!(out)?;
    for tracker in &report.trackers {
        writeln!(out, "{:<22}{}", tracker.name, tracker.verdict())?;
        for (kind, times) in &tracker.violations_by_kind {
            writeln!(out, "{times:>10}  {kind}")?;
        }
        let mut rounds = tracker.rounds.iter();
        for round in rounds.clone().filter(|round| !round.report.is_right()).take(1) {
            for what in round.report.verdict().iter().chain(&round.report.first_violations) {
                writeln!(out, "  round {}: {what}", round.round)?;
            }
        }
        if let Some(late) = rounds.clone().find(|round| round.report.own.is_late) {
            let own_lag = late.report.own_lag().unwrap_or_default().replace('\n', "\n  ");
            writeln!(out, "  round {}: {own_lag}", late.round)?;
        }
        if let Some(advice) = rounds.find_map(|round| round.report.advice()) {
            writeln!(out, "  {}", advice.replace('\n', "\n  "))?;
        }
    }
    Ok(())
}

/// What must be known to read figures of memory.
pub(super) const MEMORY_REMARK: &str = "RSS before is what a tracker still held of earlier rounds. \
RSS per peer counts from what\nit held before its first round.";

/// How far the rounds are apart, for people.
pub(super) fn spread(summary: &Summary) -> String {
    format!("{:.0} %", summary.spread() * 100.0)
}

/// A ratio, for people.
pub(super) fn ratio_text(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}x") } else { format!("{ratio:.1}x") }
}

fn width(place: usize) -> usize {
    if place == 0 { MEDIAN + SPREAD } else { MEDIAN + SPREAD + RATIO }
}

/// The first tracker has no ratio.
fn write_ratio(place: usize, ratio: &str, out: &mut impl Write) -> io::Result<()> {
    if place == 0 { Ok(()) } else { write!(out, "{ratio:>RATIO$}") }
}
