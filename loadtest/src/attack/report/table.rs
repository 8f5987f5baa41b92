//! The report as a person reads it in a terminal, attack by attack as they are done.

use std::io::{self, Write};

use super::{Report, Verdict};
use crate::attack::args::AttackPlan;
use crate::limits::{ATTACK_FACTOR_MAX, BUSY_CORE_SHARE};

/// Writes what is measured, and the table's head.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_head(plan: &AttackPlan, out: &mut impl Write) -> io::Result<()> {
    let swarm = &plan.swarm;
    let from = plan.hostile_from.map(|from| format!(", from {from}")).unwrap_or_default();
    writeln!(
        out,
        "{}: a swarm of {} peers, {} announces/s with {} offers of {} bytes; each attack {} times \
         {} off and on{from}\n",
        plan.target.url,
        swarm.peers,
        plan.announces_per_s,
        swarm.offers,
        swarm.sdp_bytes,
        plan.rounds,
        humantime::format_duration(plan.window)
    )?;
    writeln!(
        out,
        "{:<19}{:>17}{:>17}{:>7}{:>13}{:>12}  {:<18}",
        "relay, ms",
        "p50 off, on",
        "p99 off, on",
        "ratio",
        "offers/ann.",
        "server CPU",
        "sockets, closes"
    )
}

/// Writes one attack's line.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_line(verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
    let (before, during) = (&verdict.before, &verdict.during);
    let ms = |us: u64| us as f64 / 1e3;
    let pair = |a: u64, b: u64| format!("{:.2}, {:.2}", ms(a), ms(b));
    let cpu = match (before.server_cores, during.server_cores) {
        (Some(a), Some(b)) => format!("{:.0}, {:.0} %", a * 100.0, b * 100.0),
        _ => "-".to_owned(),
    };
    let mut end = verdict.hostile.connections.to_string();
    for (code, times) in &verdict.hostile.closes_by_code {
        end += &format!(", {code}: {times}");
    }
    writeln!(
        out,
        "{:<19}{:>17}{:>17}{:>7.2}{:>13}{cpu:>12}  {end:<18}{}",
        verdict.attack,
        pair(before.relay_p50_us, during.relay_p50_us),
        pair(before.relay_p99_us, during.relay_p99_us),
        verdict.ratio,
        format!("{:.2}, {:.2}", before.offers_per_announce, during.offers_per_announce),
        if verdict.held { "" } else { "  BROKEN" },
    )?;
    if verdict.own_cores > BUSY_CORE_SHARE {
        writeln!(out, "  loadtest's own event loop was busy: the latency may be its own")?;
    }
    for (kind, times) in &verdict.violations_by_kind {
        writeln!(out, "  {times} x {kind}")?;
    }
    for violation in &verdict.first_violations {
        writeln!(out, "    {violation}")?;
    }
    out.flush()
}

/// Writes the verdict on all of them.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_end(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let broken = report.attacks.iter().filter(|verdict| !verdict.held).count();
    let bound = format!(
        "p99 within {ATTACK_FACTOR_MAX} times what it is without (below {} ms it counts as that), \
         and no violation",
        report.noise_us as f64 / 1e3
    );
    writeln!(out, "\n{}", report.wire)?;
    match broken {
        0 => writeln!(out, "\nno attack was felt: {bound}"),
        _ => writeln!(
            out,
            "\n{broken} of {} attacks were FELT; the bound: {bound}",
            report.attacks.len()
        ),
    }
}
