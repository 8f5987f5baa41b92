//! What a scenario adds to the table: who came and went, what that excuses, and whether this
//! program was late itself.

use std::io::{self, Write};

use super::Report;
use crate::limits::LAG_US_MAX;
use crate::record::Unrest;
use crate::verify::Excused;

/// Writes a line for each thing that has happened.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if let Some(lag) = &report.own.lag_us {
        let [p50_ms, p99_ms] = [lag.p50, lag.p99].map(|us| us as f64 / 1e3);
        let bound_ms = LAG_US_MAX / 1_000;
        if report.own.is_late {
            writeln!(
                out,
                "LOADTEST ITSELF WAS LATE: announces were sent {p50_ms:.2} ms (p50) and \
                 {p99_ms:.2} ms (p99) after they were due,\nwhich is in the latencies below. Ask \
                 for less, or give it more cores.\n"
            )?;
        } else {
            writeln!(
                out,
                "own lag: announces were sent within {p99_ms:.2} ms (p99) of when they were due, \
                 of {bound_ms} ms that are allowed\n"
            )?;
        }
    }
    if report.announces_held_up > 0 {
        let held_up = report.announces_held_up;
        writeln!(
            out,
            "{held_up} announces were late because the tracker held their peers up: it cannot do \
             what was asked\n"
        )?;
    }
    let Unrest { rejoins, goodbyes, breaks, switches, stops, .. } = report.unrest;
    if rejoins + goodbyes + breaks + switches > 0 {
        writeln!(
            out,
            "{goodbyes} goodbyes, {breaks} broken off, {rejoins} came again, {switches} changed \
             their swarm, {stops} `stopped`"
        )?;
    }
    let Unrest { slow_closed, misbehaving_said, misbehaving_refused, misbehaving_closed, .. } =
        report.unrest;
    if slow_closed > 0 {
        writeln!(out, "{slow_closed} slow readers closed by the tracker")?;
    }
    if misbehaving_said > 0 {
        writeln!(
            out,
            "{misbehaving_said} misdeeds, {misbehaving_refused} refused, {misbehaving_closed} \
             closed for it"
        )?;
    }
    let Excused { offers, answers, refusals, late } = report.excused;
    if offers + answers + refusals + late > 0 {
        writeln!(
            out,
            "excused by who left: {offers} offers, {answers} answers and {refusals} refusals; \
             {late} messages came too late for them"
        )?;
    }
    if report.unrest != Unrest::default() || report.excused != Excused::default() {
        writeln!(out)?;
    }
    Ok(())
}
