//! What a soak says in the end: memory at the moments that count, and what was done meanwhile.

use std::collections::BTreeMap;
use std::io::{self, Write};

use indicatif::BinaryBytes;
use serde::Serialize;

use super::args::SoakPlan;
use crate::client::wire::WireReport;
use crate::limits::{SOAK_GROWTH_MAX, SOAK_REST_BYTES_MAX};

/// The tracker's resident memory, in bytes.
#[derive(Debug, Default, Serialize)]
pub(super) struct Memory {
    /// Before anybody came.
    pub(super) start: u64,
    /// With everybody there.
    pub(super) ramped: u64,
    /// When as many members are forgotten by their old swarms as change them.
    pub(super) settled: u64,
    /// After the time that they stayed.
    pub(super) end: u64,
    /// When all have left.
    pub(super) left: u64,
    /// How long it took until it was as low as it had to be, or was given up.
    pub(super) give_back_s: f64,
    /// Seconds since the start, and bytes.
    pub(super) samples: Vec<(f64, u64)>,
}

/// What the viewers did and saw.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Record {
    pub(super) joins: u64,
    /// Sockets, also of those who have left, on which compression was agreed.
    pub(super) sockets_deflated: u64,
    pub(super) leaves: u64,
    pub(super) switches: u64,
    pub(super) announces: u64,
    pub(super) throttled: u64,
    pub(super) offers_answered: u64,
    pub(super) answers: u64,
    /// By reason. Some are nobody's fault: the maker of an offer may leave before its answer comes.
    pub(super) refusals: BTreeMap<String, u64>,
    /// What a viewer should not have met, by kind, and the first of each in full.
    pub(super) violations: BTreeMap<&'static str, (u64, String)>,
}

/// A soak's figures.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    url: String,
    wire: WireReport,
    connections: u64,
    swarms: u32,
    duration_s: f64,
    memory: Memory,
    growth: f64,
    rest_bytes: u64,
    record: Record,
}

impl Record {
    pub(super) fn violation(&mut self, kind: &'static str, what: impl FnOnce() -> String) {
        self.violations.entry(kind).or_insert_with(|| (0, what())).0 += 1;
    }
}

impl Report {
    pub(super) fn new(plan: &SoakPlan, memory: Memory, record: Record) -> Self {
        Self {
            url: plan.target.url.to_string(),
            wire: plan.target.wire.report(record.sockets_deflated),
            connections: plan.connections,
            swarms: plan.swarms,
            duration_s: plan.duration.as_secs_f64(),
            growth: memory.end as f64 / memory.settled as f64 - 1.0,
            rest_bytes: memory.left.saturating_sub(memory.start),
            memory,
            record,
        }
    }

    /// Whether memory kept to its bounds and nobody was wronged.
    pub(super) fn is_right(&self) -> bool {
        self.growth <= SOAK_GROWTH_MAX
            && self.rest_bytes <= SOAK_REST_BYTES_MAX
            && self.record.violations.is_empty()
    }

    /// # Errors
    /// Those of `out`.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (memory, record) = (&self.memory, &self.record);
        writeln!(
            out,
            "{}: {} viewers in {} swarms for {:.0} s\n{}\n",
            self.url, self.connections, self.swarms, self.duration_s, self.wire
        )?;
        let mut line = |name: &str, value: String| writeln!(out, "{name:<24}{value:>14}");
        line("RSS before they came", BinaryBytes(memory.start).to_string())?;
        line("RSS, all there", BinaryBytes(memory.ramped).to_string())?;
        line("RSS, churn settled", BinaryBytes(memory.settled).to_string())?;
        line("RSS at the end", BinaryBytes(memory.end).to_string())?;
        line("RSS when all have left", BinaryBytes(memory.left).to_string())?;
        let since_ramp = memory.end as f64 / memory.ramped as f64 - 1.0;
        line("growth since the ramp", format!("{:+.1} %", since_ramp * 100.0))?;
        line("growth since settled", format!("{:+.1} %", self.growth * 100.0))?;
        line("rest", BinaryBytes(self.rest_bytes).to_string())?;
        line("given back within", format!("{:.0} s", memory.give_back_s))?;
        line("joins", record.joins.to_string())?;
        line("leaves", record.leaves.to_string())?;
        line("changes of swarm", record.switches.to_string())?;
        line("announces", record.announces.to_string())?;
        line("announces throttled", record.throttled.to_string())?;
        line("offers answered", record.offers_answered.to_string())?;
        line("answers", record.answers.to_string())?;
        for (reason, times) in &record.refusals {
            writeln!(out, "{times:>10}  refused: {reason}")?;
        }
        for (kind, (times, first)) in &record.violations {
            writeln!(out, "{times:>10}  {kind}, first: {first}")?;
        }
        let verdict = |holds| if holds { "holds" } else { "BROKEN" };
        writeln!(
            out,
            "\ngrowth of at most {:.0} % since settled: {}\nat most {} MB left: {}\nnobody wronged: {}",
            SOAK_GROWTH_MAX * 100.0,
            verdict(self.growth <= SOAK_GROWTH_MAX),
            SOAK_REST_BYTES_MAX / 1_000_000,
            verdict(self.rest_bytes <= SOAK_REST_BYTES_MAX),
            verdict(record.violations.is_empty()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::wire::Wire;

    fn report(settled: u64, end: u64, left: u64) -> Report {
        let memory = Memory { start: 5_000_000, settled, end, left, ..Memory::default() };
        Report {
            url: String::new(),
            wire: Wire::default().report(0),
            connections: 1,
            swarms: 1,
            duration_s: 1.0,
            growth: memory.end as f64 / memory.settled as f64 - 1.0,
            rest_bytes: memory.left.saturating_sub(memory.start),
            memory,
            record: Record::default(),
        }
    }

    #[test]
    fn growth_and_what_is_kept_break_a_soak() {
        assert!(report(100_000_000, 104_900_000, 15_000_000).is_right());
        assert!(!report(100_000_000, 105_100_000, 15_000_000).is_right());
        assert!(!report(100_000_000, 100_000_000, 15_000_001).is_right());
        let mut wronged = report(100_000_000, 100_000_000, 5_000_000);
        wronged.record.violation("cut off", String::new);
        assert!(!wronged.is_right());
    }
}
