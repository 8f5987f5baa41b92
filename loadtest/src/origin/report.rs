//! What downloads came to, for people and as JSON.

use std::io::{self, Write};

use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;

use super::worker::Seen;
use crate::compare::report::Summary;

/// Above this share of a core the load is as busy as the server, and may be what is measured.
const OWN_CORES_MAX: f64 = 0.95;

/// One round of one server.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Round {
    pub(super) downloads_per_s: f64,
    pub(super) bytes_per_s: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Of the server's process.
    pub(super) cpu_s_per_gb: Option<f64>,
    pub(super) server_cores: Option<f64>,
    /// Of the busiest thread of the load.
    pub(super) own_cores: Option<f64>,
    pub(super) wrong: u64,
    pub(super) first_wrong: Option<String>,
}

/// All rounds of one server.
#[derive(Debug, Serialize)]
pub(super) struct Rounds {
    pub(super) name: String,
    pub(super) rounds: Vec<Round>,
}

type Reading = fn(&Round) -> Option<f64>;

/// What it is called, where it is, and how it is shown.
type Figure = (&'static str, Reading, fn(f64) -> String);

impl Round {
    /// From what the threads saw in `seconds`, and what the server used meanwhile.
    pub(super) fn new(seen: &[Seen], seconds: f64, server_cpu_s: Option<f64>) -> Self {
        let mut times_us = seen[0].times_us.clone();
        for other in &seen[1..] {
            // The bounds are the same.
            let _ = times_us.add(&other.times_us);
        }
        let bytes = seen.iter().map(|seen| seen.bytes).sum::<u64>() as f64;
        let ms = |quantile| times_us.value_at_quantile(quantile) as f64 / 1e3;
        let own = seen.iter().filter_map(|seen| seen.cpu).max();
        Round {
            downloads_per_s: seen.iter().map(|seen| seen.downloads).sum::<u64>() as f64 / seconds,
            bytes_per_s: bytes / seconds,
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            cpu_s_per_gb: server_cpu_s.filter(|_| bytes > 0.0).map(|cpu| cpu / bytes * 1e9),
            server_cores: server_cpu_s.map(|cpu| cpu / seconds),
            own_cores: own.map(|cpu| cpu.as_secs_f64() / seconds),
            wrong: seen.iter().map(|seen| seen.wrong).sum(),
            first_wrong: seen.iter().find_map(|seen| seen.first_wrong.clone()),
        }
    }

    /// The round on a line.
    pub(super) fn line(&self) -> String {
        let mut line = format!(
            "{} downloads/s, {}/s, p50 {:.1} ms, p99 {:.1} ms",
            HumanCount(self.downloads_per_s.round() as u64),
            BinaryBytes(self.bytes_per_s as u64),
            self.p50_ms,
            self.p99_ms,
        );
        if let Some(cpu) = self.cpu_s_per_gb {
            line += &format!(", {cpu:.3} CPU s/GB");
        }
        if self.wrong > 0 {
            line += &format!(", {} WRONG", self.wrong);
        }
        line
    }
}

impl Rounds {
    fn median(&self, of: Reading) -> Option<f64> {
        Summary::of(self.rounds.iter().filter_map(of).collect()).map(|summary| summary.median)
    }

    pub(super) fn wrong(&self) -> u64 {
        self.rounds.iter().map(|round| round.wrong).sum()
    }
}

/// Writes the table: medians, and how each server compares with the first.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(servers: &[Rounds], out: &mut impl Write) -> io::Result<()> {
    let figures: [Figure; 7] = [
        ("downloads/s", |r| Some(r.downloads_per_s), |v| HumanCount(v.round() as u64).to_string()),
        ("bytes/s", |r| Some(r.bytes_per_s), |v| BinaryBytes(v as u64).to_string()),
        ("p50", |r| Some(r.p50_ms), |v| format!("{v:.1} ms")),
        ("p99", |r| Some(r.p99_ms), |v| format!("{v:.1} ms")),
        ("CPU s per GB", |r| r.cpu_s_per_gb, |v| format!("{v:.4}")),
        ("server CPU", |r| r.server_cores, |v| format!("{:.0} %", v * 100.0)),
        ("own CPU", |r| r.own_cores, |v| format!("{:.0} %", v * 100.0)),
    ];
    write!(out, "\n{:<14}", "")?;
    servers.iter().try_for_each(|server| write!(out, "{:>16}{:>8}", server.name, "ratio"))?;
    writeln!(out)?;
    for (name, of, show) in figures {
        let first = servers.first().and_then(|server| server.median(of));
        let Some(first) = first else {
            continue;
        };
        write!(out, "{name:<14}")?;
        for server in servers {
            match server.median(of) {
                Some(value) => write!(out, "{:>16}{:>8.2}", show(value), value / first)?,
                None => write!(out, "{:>16}{:>8}", "-", "-")?,
            }
        }
        writeln!(out)?;
    }
    writeln!(out)?;
    for server in servers {
        let wrong = server.rounds.iter().find_map(|round| round.first_wrong.as_ref());
        match wrong {
            None => writeln!(out, "{:<14}every body was right, byte by byte", server.name)?,
            Some(why) => writeln!(out, "{:<14}{} WRONG: {why}", server.name, server.wrong())?,
        }
        if server.median(|round| round.own_cores).is_some_and(|cores| cores > OWN_CORES_MAX) {
            writeln!(
                out,
                "{:<14}the load itself was busy all the time: the server may move more than this",
                ""
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(downloads_per_s: f64, own_cores: f64) -> Round {
        Round {
            downloads_per_s,
            bytes_per_s: downloads_per_s * 1e6,
            p50_ms: 1.0,
            p99_ms: 2.0,
            cpu_s_per_gb: None,
            server_cores: None,
            own_cores: Some(own_cores),
            wrong: 0,
            first_wrong: None,
        }
    }

    #[test]
    fn medians_are_held_against_the_first_server_and_the_load_tells_of_itself() {
        let of = |name: &str, per_s: [f64; 3], own| Rounds {
            name: name.to_owned(),
            rounds: per_s.map(|per_s| round(per_s, own)).into(),
        };
        let servers =
            [of("ours", [100.0, 900.0, 200.0], 0.5), of("nginx", [300.0, 400.0, 100.0], 0.99)];
        let mut text = Vec::new();
        write(&servers, &mut text).expect("a table");
        let text = String::from_utf8(text).expect("text");
        let line = text.lines().find(|line| line.starts_with("downloads/s")).expect("a line");
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words, ["downloads/s", "200", "1.00", "300", "1.50"]);
        assert_eq!(text.matches("may move more").count(), 1, "{text}");
        assert_eq!(text.matches("every body was right").count(), 2, "{text}");
    }
}
