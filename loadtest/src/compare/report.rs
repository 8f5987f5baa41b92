//! What a comparison says in the end, as data: of each tracker all rounds, the median of each
//! figure, how far the rounds were apart, and the ratio to the tracker that was named first.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::args::Contender;
use crate::report::figure::{Figure, all_figures};
use crate::report::{self, Load};

/// All trackers of a comparison, in the order in which they were named.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) trackers: Vec<Tracker>,
}

/// One tracker.
#[derive(Debug, Serialize)]
pub(crate) struct Tracker {
    pub(crate) name: String,
    pub(crate) url: String,
    /// Its violations do not fail the run.
    pub(crate) is_tolerated: bool,
    /// In all rounds.
    pub(crate) violations: u64,
    pub(crate) violations_by_kind: BTreeMap<&'static str, u64>,
    /// By where they are in the report of a round; those that are not known are not there.
    pub(crate) figures: BTreeMap<String, Summary>,
    pub(crate) rounds: Vec<Round>,
}

/// One load on one tracker.
#[derive(Debug, Serialize)]
pub(crate) struct Round {
    /// From 1.
    pub(crate) round: u64,
    /// Whose turn it was in this round, from 1.
    pub(crate) place: usize,
    /// When it began, in seconds since the first.
    pub(crate) at_s: f64,
    #[serde(flatten)]
    pub(crate) report: report::Report,
}

/// One figure over all rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// The middle one; of an even number the mean of the middle two.
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// This median by the first tracker's; `None` where that is not known, or not above 0.
    pub(crate) ratio: Option<f64>,
}

impl Report {
    /// Holds the trackers against the first of them.
    pub(crate) fn new(mut trackers: Vec<Tracker>) -> Self {
        for figure in all_figures() {
            let mut first = None;
            for (place, tracker) in trackers.iter_mut().enumerate() {
                let summary = tracker.summary(&figure);
                if place == 0 {
                    first = summary.map(|summary| summary.median);
                }
                if let Some(summary) = summary {
                    let figure = (figure.key.clone(), summary.by(first));
                    tracker.figures.extend([figure]);
                }
            }
        }
        Self { trackers }
    }

    /// What each of them was loaded with in the first round; later ones have other seeds.
    pub(crate) fn load(&self) -> Option<&Load> {
        Some(&self.trackers.first()?.rounds.first()?.report.load)
    }

    pub(crate) fn rounds(&self) -> usize {
        self.trackers.first().map_or(0, |tracker| tracker.rounds.len())
    }

    /// Whether every tracker that must kept its promises.
    pub(crate) fn is_right(&self) -> bool {
        self.trackers.iter().all(|tracker| tracker.is_tolerated || tracker.is_right())
    }
}

impl Tracker {
    pub(crate) fn new(contender: &Contender) -> Self {
        Self {
            name: contender.name.clone(),
            url: contender.url.to_string(),
            is_tolerated: contender.is_tolerated,
            violations: 0,
            violations_by_kind: BTreeMap::new(),
            figures: BTreeMap::new(),
            rounds: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, mut round: Round) {
        let fresh = self.rounds.first().unwrap_or(&round).report.server.as_ref();
        let fresh = fresh.map(|server| server.rss_bytes_before);
        if let (Some(server), Some(fresh)) = (&mut round.report.server, fresh) {
            server.count_peers_from(fresh, round.report.joined);
        }
        self.violations += round.report.violations;
        for (kind, times) in &round.report.violations_by_kind {
            *self.violations_by_kind.entry(kind).or_default() += times;
        }
        self.rounds.push(round);
    }

    /// What its sockets speak.
    pub(crate) fn wire(&self) -> String {
        self.rounds.first().map_or_else(String::new, |round| round.report.wire.to_string())
    }

    pub(crate) fn is_right(&self) -> bool {
        self.rounds.iter().all(|round| round.report.is_right())
    }

    /// What to say of its promises.
    pub(crate) fn verdict(&self) -> String {
        let rounds = self.rounds.iter();
        let wrong = rounds.filter(|round| !round.report.is_right()).count();
        let forgiven = if self.is_tolerated { ", tolerated" } else { "" };
        let rounds = format!("{wrong} of {} rounds{forgiven}", self.rounds.len());
        match (wrong, self.violations) {
            (0, _) => "no violations".to_owned(),
            (_, 0) => format!("not all could join in {rounds}"),
            (_, many) => format!("{many} VIOLATIONS in {rounds}"),
        }
    }

    fn summary(&self, figure: &Figure) -> Option<Summary> {
        Summary::of(self.rounds.iter().filter_map(|round| (figure.of)(&round.report)).collect())
    }
}

impl Summary {
    /// `None` of no values.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max, ratio: None })
    }

    fn by(self, first: Option<f64>) -> Self {
        Self { ratio: first.filter(|first| *first > 0.0).map(|first| self.median / first), ..self }
    }

    /// How far the rounds are apart, as a share of the median.
    pub(crate) fn spread(&self) -> f64 {
        if self.median == 0.0 { 0.0 } else { (self.max - self.min) / self.median.abs() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: &[f64]) -> Summary {
        Summary::of(values.to_vec()).expect("values")
    }

    #[test]
    fn the_median_is_no_outlier_and_of_an_even_number_between_two() {
        let odd = summary(&[5.0, 1.0, 900.0, 2.0, 4.0]);
        assert_eq!((odd.median, odd.min, odd.max), (4.0, 1.0, 900.0));
        assert_eq!(summary(&[8.0, 2.0, 4.0, 1.0]).median, 3.0);
        assert_eq!(summary(&[7.0]).median, 7.0);
        assert_eq!(Summary::of(Vec::new()), None);
    }

    #[test]
    fn a_ratio_is_to_the_first_and_none_is_to_nothing() {
        assert_eq!(summary(&[3.0]).by(Some(12.0)).ratio, Some(0.25));
        assert_eq!(summary(&[3.0]).by(Some(0.0)).ratio, None);
        // A tracker that was loaded before may need less than nothing for its peers.
        assert_eq!(summary(&[3.0]).by(Some(-2.0)).ratio, None);
        assert_eq!(summary(&[3.0]).by(None).ratio, None);
    }

    #[test]
    fn the_spread_is_a_share_of_the_median() {
        assert_eq!(summary(&[9.0, 10.0, 12.0]).spread(), 0.3);
        assert_eq!(summary(&[0.0, 0.0]).spread(), 0.0);
    }
}
