//! Several nodes as one: what each of them took, what they did for each other, and what was lost on
//! the way between them.

use std::ops::Range;

use serde::Serialize;

use super::Quantiles;
use super::figure::Unit;
use crate::engine::{Outcome, ServerUsage};
use crate::limits::SAMPLES_MAX;
use crate::plan::Plan;
use crate::record::{Record, Sides};
use crate::verify::{Delivered, Kept, Second};

/// One node of a cluster.
#[derive(Debug, Serialize)]
pub(crate) struct Node {
    pub(crate) url: String,
    /// Viewers that were cut off here.
    pub(crate) cut_off: u64,
    /// Cores that its process used while measuring; `None`, and so the rest, where that is not
    /// known.
    pub(crate) cores_used: Option<f64>,
    pub(crate) rss_bytes_before: Option<u64>,
    pub(crate) rss_bytes_joined: Option<u64>,
    pub(crate) rss_bytes_end: Option<u64>,
}

/// What nodes did for each other, in the whole run.
#[derive(Debug, Serialize)]
pub(crate) struct BetweenNodes {
    /// Offers that were delivered on another node than their maker's.
    pub(crate) offers: u64,
    /// Of all that were delivered.
    pub(crate) offers_share: f64,
    pub(crate) answers: u64,
    pub(crate) answers_share: f64,
    /// Offers that reached nobody and may have been lost between nodes.
    pub(crate) lost_offers: u64,
    /// Of all that were delivered or lost.
    pub(crate) lost_offers_share: f64,
    /// Answers to offers of another node that never came.
    pub(crate) lost_answers: u64,
    /// Those of them whose answerers were told so.
    pub(crate) refused_answers: u64,
    /// What counted as lost, and came after all.
    pub(crate) late: u64,
    /// Offers to somebody on another node who had one of the same announce.
    pub(crate) crowded: u64,
    /// Offers that stayed on their node, those that somebody excuses who left, and as many as are
    /// owed to it at least, within a margin of chance.
    pub(crate) stayed: u64,
    pub(crate) stayed_excused: u64,
    pub(crate) stayed_owed: f64,
    pub(crate) stayed_margin: f64,
    pub(crate) latency_us: SideLatencies,
    pub(crate) by_second: Vec<Stretch>,
}

/// What was relayed on one node, and between two; in microseconds, while measuring.
#[derive(Debug, Serialize)]
pub(crate) struct SideLatencies {
    pub(crate) offer_near: Quantiles,
    pub(crate) offer_far: Quantiles,
    pub(crate) answer_near: Quantiles,
    pub(crate) answer_far: Quantiles,
}

/// Announces of one second, or of as many as `length_s` says.
#[derive(Debug, Serialize)]
pub(crate) struct Stretch {
    /// When it began, counted from the run's start.
    pub(crate) at_s: u64,
    pub(crate) length_s: u64,
    /// Offers and answers that crossed.
    pub(crate) crossed: u32,
    pub(crate) lost_offers: u32,
    pub(crate) lost_answers: u32,
}

impl Node {
    /// All of them; none for a tracker that stands alone.
    pub(crate) fn all(plan: &Plan, outcome: &Outcome) -> Vec<Self> {
        if !plan.is_cluster() {
            return Vec::new();
        }
        let window_s = outcome.window.as_secs_f64();
        let nodes = plan.nodes.iter().zip(&outcome.nodes).enumerate();
        let node =
            |(at, (target, usage)): (usize, (&crate::args::Target, &Option<ServerUsage>))| {
                let cpu = |usage: ServerUsage| {
                    usage.measure_end.cpu.saturating_sub(usage.measure_start.cpu)
                };
                Self {
                    url: target.url.to_string(),
                    cut_off: outcome.record.cut_off.get(at).copied().unwrap_or_default(),
                    cores_used: usage.map(|usage| cpu(usage).as_secs_f64() / window_s),
                    rss_bytes_before: usage.map(|usage| usage.before_connect.rss_bytes),
                    rss_bytes_joined: usage.map(|usage| usage.joined.rss_bytes),
                    rss_bytes_end: usage.map(|usage| usage.drained.rss_bytes),
                }
            };
        nodes.map(node).collect()
    }

    /// What is shown of it, each with its name.
    pub(crate) fn cells(&self) -> [(&'static str, String); 5] {
        let show = |unit: Unit, value: Option<f64>| value.map_or("-".to_owned(), |v| unit.show(v));
        let bytes = |bytes: Option<u64>| show(Unit::Bytes, bytes.map(|bytes| bytes as f64));
        [
            ("CPU", show(Unit::Cores, self.cores_used)),
            ("RSS before", bytes(self.rss_bytes_before)),
            ("all joined", bytes(self.rss_bytes_joined)),
            ("at the end", bytes(self.rss_bytes_end)),
            ("cut off", self.cut_off.to_string()),
        ]
    }
}

impl BetweenNodes {
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let between = record.between.as_ref()?;
        let Delivered { offers, answers } = between.far;
        let near = between.near;
        let Kept { owed, margin, kept, excused } = between.kept();
        let lost_offers = between.lost.offers - between.lost_near();
        Some(Self {
            offers,
            offers_share: share(offers, offers + near.offers),
            answers,
            answers_share: share(answers, answers + near.answers),
            lost_offers,
            lost_offers_share: share(lost_offers, offers + near.offers + between.lost.offers),
            lost_answers: between.lost.answers,
            refused_answers: between.refused,
            late: between.late,
            crowded: between.crowded,
            stayed: kept,
            stayed_excused: excused,
            stayed_owed: owed,
            stayed_margin: margin,
            latency_us: SideLatencies::of(record.sides.as_deref()?),
            by_second: stretches(&between.by_second),
        })
    }
}

impl SideLatencies {
    fn of(sides: &Sides) -> Self {
        Self {
            offer_near: Quantiles::of(&sides.offer_near),
            offer_far: Quantiles::of(&sides.offer_far),
            answer_near: Quantiles::of(&sides.answer_near),
            answer_far: Quantiles::of(&sides.answer_far),
        }
    }

    /// Each with its name.
    pub(crate) fn named(&self) -> [(&'static str, &Quantiles); 4] {
        [
            ("offer, near", &self.offer_near),
            ("offer, far", &self.offer_far),
            ("answer, near", &self.answer_near),
            ("answer, far", &self.answer_far),
        ]
    }
}

impl BetweenNodes {
    /// When what was lost was announced, as stretches of the run in seconds.
    pub(crate) fn lost_at(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for stretch in self.by_second.iter().filter(|s| s.lost_offers + s.lost_answers > 0) {
            let (start, end) = (stretch.at_s, stretch.at_s + stretch.length_s);
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => ranges.push(start..end),
            }
        }
        ranges
    }
}

/// Second by second, or in as few as a plot has room for.
fn stretches(seconds: &[Second]) -> Vec<Stretch> {
    let length = seconds.len().div_ceil(SAMPLES_MAX).max(1);
    let stretch = |(number, seconds): (usize, &[Second])| {
        let mut sum = Second::default();
        seconds.iter().for_each(|second| sum.add(*second));
        let Second { crossed, lost_offers, lost_answers } = sum;
        let (at_s, length_s) = ((number * length) as u64, seconds.len() as u64);
        Stretch { at_s, length_s, crossed, lost_offers, lost_answers }
    };
    seconds.chunks(length).enumerate().map(stretch).collect()
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_told_in_fewer_stretches_and_loses_nothing() {
        let seconds = vec![Second { crossed: 3, lost_offers: 2, lost_answers: 1 }; SAMPLES_MAX + 1];
        let stretches = stretches(&seconds);
        assert_eq!(stretches.len(), SAMPLES_MAX / 2 + 1);
        assert_eq!((stretches[1].at_s, stretches[1].length_s, stretches[1].crossed), (2, 2, 6));
        let lost: u32 = stretches.iter().map(|s| s.lost_offers + s.lost_answers).sum();
        assert_eq!(lost, 3 * (SAMPLES_MAX as u32 + 1));
        assert_eq!(stretches.last().map(|last| last.length_s), Some(1));
    }
}
