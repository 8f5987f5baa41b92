//! What a run says in words: whether all was right, whether this program was late itself, who came
//! and went, and what that excuses. The table, the page and a comparison say it alike.

use indicatif::HumanCount;

use super::Report;
use crate::limits::{LAG_US_MAX, LOST_AT_MAX};
use crate::record::Unrest;
use crate::scenario::{Pace, Scenario};
use crate::verify::{Excused, Mesh};

impl Report {
    /// Whether the tracker let everyone in and kept every promise.
    pub(crate) fn is_right(&self) -> bool {
        self.violations == 0 && self.joined == u64::from(self.load.peers)
    }

    /// What was not as it should be, or that all was.
    pub(crate) fn verdict(&self) -> Vec<String> {
        let mut verdict = Vec::new();
        if self.joined < u64::from(self.load.peers) {
            verdict.push(format!("only {} of {} peers could join", self.joined, self.load.peers));
        }
        verdict.push(match self.violations {
            0 if self.is_lossy() => {
                "no violations: all that arrived is as it was sent, and nothing is missing but \
                 between nodes"
                    .to_owned()
            }
            0 => "no violations: every offer and every answer arrived as sent".to_owned(),
            1 => "1 VIOLATION".to_owned(),
            many => format!("{} VIOLATIONS", HumanCount(many)),
        });
        verdict
    }

    /// What must be known to read the figures, a sentence for each thing that has happened.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let remarks = [self.own_lag(), self.held_up(), self.coming_and_going(), self.oddities()];
        let between = [self.excuses(), self.crossing(), self.staying(), self.hanging_together()];
        remarks.into_iter().chain(between).flatten().collect()
    }

    /// Whether something was lost between nodes.
    fn is_lossy(&self) -> bool {
        self.between_nodes.as_ref().is_some_and(|b| b.lost_offers + b.lost_answers > 0)
    }

    /// What nodes did for each other, and what was lost between them.
    fn crossing(&self) -> Option<String> {
        let between = self.between_nodes.as_ref()?;
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let mut text = format!(
            "between nodes: {} offers ({} of all) and {} answers ({}) were delivered",
            HumanCount(between.offers),
            percent(between.offers_share),
            HumanCount(between.answers),
            percent(between.answers_share),
        );
        if self.is_lossy() {
            let at = between.lost_at();
            let mut seconds: Vec<_> =
                at.iter().map(|at| format!("{}-{}", at.start, at.end)).collect();
            if seconds.len() > LOST_AT_MAX {
                seconds.truncate(LOST_AT_MAX);
                seconds.push("...".to_owned());
            }
            text += &format!(
                ";\n{} offers ({}) and {} answers were lost, of announces in the seconds {}",
                HumanCount(between.lost_offers),
                percent(between.lost_offers_share),
                HumanCount(between.lost_answers),
                seconds.join(", "),
            );
        }
        if between.refused_answers > 0 {
            text += &format!("; {} answers were refused", HumanCount(between.refused_answers));
        }
        if between.late > 0 {
            text += &format!("; {} more came late", HumanCount(between.late));
        }
        Some(text)
    }

    /// What stayed on its node.
    fn staying(&self) -> Option<String> {
        let between = self.between_nodes.as_ref()?;
        (between.stayed_owed > 0.0).then(|| {
            let excused = match between.stayed_excused {
                0 => String::new(),
                some => format!(" ({} more are excused)", HumanCount(some)),
            };
            let chance = match between.stayed_margin.round() as u64 {
                0 => String::new(),
                some => format!(", give or take {} by chance", HumanCount(some)),
            };
            format!(
                "on their own nodes: {} offers{excused}, and at least {} are owed{chance}",
                HumanCount(between.stayed),
                HumanCount(between.stayed_owed.round() as u64),
            )
        })
    }

    /// Whether the viewers of each swarm hung together in the end.
    fn hanging_together(&self) -> Option<String> {
        let Mesh { swarms, split, outside, largest_remainder, .. } = self.mesh;
        Some(match (swarms, split) {
            (0, _) => return None,
            (1, 0) => "mesh: the swarm is one component".to_owned(),
            (_, 0) => format!("mesh: all {} swarms are one component", HumanCount(swarms)),
            _ => format!(
                "mesh: {} of {} swarms fall into more than one component; {} viewers are outside \
                 of their swarm's largest, and {} in one swarm at most",
                HumanCount(split),
                HumanCount(swarms),
                HumanCount(outside),
                HumanCount(largest_remainder),
            ),
        })
    }

    /// How late this program was in an open loop.
    pub(crate) fn own_lag(&self) -> Option<String> {
        let lag = self.own.lag_us.as_ref()?;
        let [p50_ms, p99_ms] = [lag.p50, lag.p99].map(|us| us as f64 / 1e3);
        let bound_ms = LAG_US_MAX / 1_000;
        Some(if self.own.is_late {
            format!(
                "LOADTEST ITSELF WAS LATE: announces were sent {p50_ms:.2} ms (p50) and \
                 {p99_ms:.2} ms (p99) after they were due,\nwhich is in the latencies below. Ask \
                 for less, or give it more cores."
            )
        } else {
            format!(
                "own lag: announces were sent within {p99_ms:.2} ms (p99) of when they were due, \
                 of {bound_ms} ms that are allowed"
            )
        })
    }

    fn held_up(&self) -> Option<String> {
        let held_up = self.announces_held_up;
        (held_up > 0).then(|| {
            format!(
                "{held_up} announces were late because the tracker held their peers up: it cannot \
                 do what was asked"
            )
        })
    }

    fn coming_and_going(&self) -> Option<String> {
        let Unrest { rejoins, goodbyes, breaks, switches, stops, .. } = self.unrest;
        (rejoins + goodbyes + breaks + switches > 0).then(|| {
            format!(
                "{goodbyes} goodbyes, {breaks} broken off, {rejoins} came again, {switches} \
                 changed their swarm, {stops} `stopped`"
            )
        })
    }

    fn oddities(&self) -> Option<String> {
        let Unrest { slow_closed, misbehaving_said, misbehaving_refused, .. } = self.unrest;
        let closed = self.unrest.misbehaving_closed;
        let slow = (slow_closed > 0).then(|| format!("{slow_closed} slow readers closed"));
        let misdeeds = (misbehaving_said > 0).then(|| {
            format!("{misbehaving_said} misdeeds, {misbehaving_refused} refused, {closed} closed")
        });
        let both: Vec<_> = [slow, misdeeds].into_iter().flatten().collect();
        (!both.is_empty()).then(|| format!("{} by the tracker", both.join("; ")))
    }

    fn excuses(&self) -> Option<String> {
        let Excused { offers, answers, refusals, late } = self.excused;
        (offers + answers + refusals + late > 0).then(|| {
            format!(
                "excused by who left: {offers} offers, {answers} answers and {refusals} refusals; \
                 {late} messages came too late for them"
            )
        })
    }

    /// How to measure what was not.
    pub(crate) fn advice(&self) -> Option<String> {
        let is_closed = |keys: &Scenario| keys.pace == Pace::Closed;
        let min_interval_s =
            self.min_interval_s.filter(|_| self.load.scenario.as_ref().is_none_or(is_closed))?;
        Some(format!(
            "the tracker asks for {min_interval_s} s between two announces, so this is no \
             saturation. To measure that,\nstart ours with tracker.minAnnounceInterval, \
             limits.announcesPerSecondPerSocket,\nlimits.announcesPerSecondPerIp and \
             limits.offersPerSecondPerReceiver at 0."
        ))
    }
}
