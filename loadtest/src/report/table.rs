//! The report as a person reads it in a terminal.

use std::io::{self, Write};

use super::figure::{QUANTILES, figures};
use super::{Quantiles, Report};
use crate::record::Kind;

/// Writes the table.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: {}\n{}\n", report.url, report.load.sentence(), report.wire)?;
    let mut line = |name: &str, value: String| writeln!(out, "{name:<22}{value:>14}");
    for figure in figures() {
        if let Some(value) = (figure.of)(report) {
            line(&figure.name, figure.unit.show(value))?;
        }
    }
    line("measured", format!("{:.1} s", report.window_s))?;
    line("announces timed out", report.announce_timeouts.to_string())?;
    line("announces throttled", report.announces_throttled.to_string())?;
    for (code, times) in &report.closes_by_code {
        line(&format!("cut off, code {code}"), times.to_string())?;
    }
    line("loadtest CPU", report.own.cores())?;
    writeln!(out, "bottleneck: {}\n", report.own.bottleneck.verdict())?;
    write_nodes(report, out)?;
    for remark in report.remarks() {
        writeln!(out, "{remark}\n")?;
    }
    if let Some(advice) = report.advice() {
        writeln!(out, "{advice}\n")?;
    }
    write_latencies(report, out)?;
    write_violations(report, out)
}

/// Several nodes, a line for each.
fn write_nodes(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if report.nodes.is_empty() {
        return Ok(());
    }
    write!(out, "{:<32}", "node")?;
    for (name, _) in &report.nodes[0].cells() {
        write!(out, "{name:>13}")?;
    }
    writeln!(out)?;
    for node in &report.nodes {
        write!(out, "{:<32}", node.url)?;
        for (_, value) in node.cells() {
            write!(out, "{value:>13}")?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

fn write_latencies(report: &Report, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{:<14}", "latency, ms")?;
    for (_, name, _) in QUANTILES {
        write!(out, "{name:>11}")?;
    }
    writeln!(out)?;
    let latency = &report.latency_us;
    for kind in Kind::ALL {
        write_quantiles(kind.name(), latency.of_kind(kind), out)?;
    }
    if let Some(between) = &report.between_nodes {
        for (name, quantiles) in between.latency_us.named() {
            write_quantiles(name, quantiles, out)?;
        }
    }
    write_quantiles("own turn", &latency.own_turn, out)?;
    writeln!(out)
}

fn write_quantiles(name: &str, quantiles: &Quantiles, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{name:<14}")?;
    for (_, _, of) in QUANTILES {
        write!(out, "{:>11.2}", of(quantiles) as f64 / 1e3)?;
    }
    writeln!(out)
}

fn write_violations(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for verdict in report.verdict() {
        writeln!(out, "{verdict}")?;
    }
    for (kind, times) in &report.violations_by_kind {
        writeln!(out, "{times:>10}  {kind}")?;
    }
    for violation in &report.first_violations {
        writeln!(out, "  {violation}")?;
    }
    Ok(())
}
