//! The report as a person reads it in a terminal.

use std::io::{self, Write};

use indicatif::{BinaryBytes, HumanCount};

use super::{Quantiles, Report, Server, scenario};
use crate::scenario::Pace;

/// Writes the table.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let load = &report.load;
    writeln!(
        out,
        "{}: {} peers in {} swarms, {} offers of {} bytes, {} at once, seed {}\n{}\n",
        load.url,
        load.peers,
        load.swarms,
        load.offers,
        load.sdp_bytes,
        load.in_flight,
        load.seed,
        load.wire
    )?;
    let mut line = |name: &str, value: String| writeln!(out, "{name:<22}{value:>14}");
    line("relays/s", count(report.relays_per_s))?;
    line("announces/s", count(report.announces_per_s))?;
    line("connects/s", count(report.connects_per_s))?;
    line("measured", format!("{:.1} s", report.window_s))?;
    if let Some(server) = &report.server {
        write_server(server, &mut line)?;
    }
    line("announces timed out", report.announce_timeouts.to_string())?;
    line("announces throttled", report.announces_throttled.to_string())?;
    for (code, times) in &report.closes_by_code {
        line(&format!("cut off, code {code}"), times.to_string())?;
    }
    let cores = report.own.cores_used.iter().map(|cores| format!("{:.0} %", cores * 100.0));
    let cores = cores.collect::<Vec<_>>().join(", ");
    line("loadtest CPU", cores)?;
    writeln!(out, "bottleneck: {}\n", report.own.bottleneck.verdict())?;
    scenario::write(report, out)?;
    let is_closed = load.scenario.as_ref().is_none_or(|keys| keys.pace == Pace::Closed);
    if let Some(min_interval_s) = report.min_interval_s.filter(|_| is_closed) {
        writeln!(
            out,
            "the tracker asks for {min_interval_s} s between two announces, so this is no \
             saturation. To measure that,\nstart ours with tracker.minAnnounceInterval, \
             limits.announcesPerSecondPerSocket,\nlimits.announcesPerSecondPerIp and \
             limits.offersPerSecondPerReceiver at 0.\n"
        )?;
    }
    write_latencies(report, out)?;
    write_violations(report, out)
}

fn write_server(
    server: &Server,
    line: &mut impl FnMut(&str, String) -> io::Result<()>,
) -> io::Result<()> {
    line("server CPU", format!("{:.0} %", server.cores_used * 100.0))?;
    if let Some(cpu_us) = server.cpu_us_per_relay {
        line("server CPU per relay", format!("{cpu_us:.2} us"))?;
    }
    line("server RSS at start", BinaryBytes(server.rss_bytes_before).to_string())?;
    line("server RSS, all joined", BinaryBytes(server.rss_bytes_joined).to_string())?;
    line("server RSS at end", BinaryBytes(server.rss_bytes_end).to_string())?;
    line("server RSS per peer", format!("{:.0} B", server.rss_bytes_per_peer))
}

fn write_latencies(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let names = ["p50", "p90", "p99", "p99.9"];
    let [p50, p90, p99, p99_9] = names;
    writeln!(out, "{:<14}{p50:>11}{p90:>11}{p99:>11}{p99_9:>11}", "latency, ms")?;
    let latency = &report.latency_us;
    for (name, quantiles) in [
        ("reply", &latency.reply),
        ("offer", &latency.offer),
        ("answer", &latency.answer),
        ("join", &latency.join),
        ("own turn", &latency.own_turn),
    ] {
        let Quantiles { p50, p90, p99, p99_9 } = quantiles;
        let [p50, p90, p99, p99_9] =
            [p50, p90, p99, p99_9].map(|us| format!("{:.2}", *us as f64 / 1e3));
        writeln!(out, "{name:<14}{p50:>11}{p90:>11}{p99:>11}{p99_9:>11}")?;
    }
    writeln!(out)
}

fn write_violations(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if report.joined < u64::from(report.load.peers) {
        writeln!(out, "only {} of {} peers could join", report.joined, report.load.peers)?;
    }
    if report.violations == 0 {
        return writeln!(out, "no violations: every offer and every answer arrived as sent");
    }
    writeln!(out, "{} VIOLATIONS", report.violations)?;
    for (kind, times) in &report.violations_by_kind {
        writeln!(out, "{times:>10}  {kind}")?;
    }
    for violation in &report.first_violations {
        writeln!(out, "  {violation}")?;
    }
    Ok(())
}

fn count(per_s: f64) -> String {
    HumanCount(per_s.round() as u64).to_string()
}
