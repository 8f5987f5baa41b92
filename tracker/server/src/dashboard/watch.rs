//! What is known of the node over time: the hour's samples, and the marks that counts are compared
//! with. It is looked at once a second, whether somebody looks at the dashboard or not, so that they
//! see what has been before they came; that takes some 200 us.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::web::Bytes;
use bytestring::ByteString;
use origin::{Counts, StreamReport};
use tracker_core::InfoHash;

use super::history::{self, History};
use super::report::{Report, Tick, hello};
use super::survey::{self, Sizes};
use super::tally::{Moment, Tally};
use super::verdict::{Signs, Verdict};
use crate::limits::{MARKS_MAX, SAMPLES_PER_MARK};
use crate::node::Node;
use crate::process;

/// The windows of the alerts.
const FIVE_MINUTES: Duration = Duration::from_secs(300);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// A node, and what it has been like.
#[derive(Debug)]
pub(crate) struct Watch {
    node: Arc<Node>,
    origin: Option<Counts>,
    started: SystemTime,
    history: History,
    /// Every ten seconds' moment, the oldest first; there is always one.
    marks: VecDeque<Moment>,
    now: Moment,
    before: Moment,
    sizes: Sizes,
    /// As the last survey found them.
    streams: Vec<StreamReport>,
}

impl Watch {
    /// Of a node that starts now.
    pub(crate) fn new(node: Arc<Node>, origin: Option<Counts>) -> Self {
        let now = Moment::of(&node);
        let mut history = History::default();
        history.push(history::row(&node, &now, &now, &now), 0.0);
        Self {
            node,
            origin,
            started: SystemTime::now(),
            history,
            marks: VecDeque::from([now.clone()]),
            before: now.clone(),
            now,
            sizes: Sizes::default(),
            streams: Vec::new(),
        }
    }

    /// How many samples there have been.
    pub(crate) fn number(&self) -> u64 {
        self.history.number()
    }

    /// Takes a sample.
    pub(crate) fn look(&mut self) {
        self.before = std::mem::replace(&mut self.now, Moment::of(&self.node));
        let earlier = &self.marks[self.marks.len().saturating_sub(2)];
        let row = history::row(&self.node, &self.now, &self.before, earlier);
        self.history.push(row, self.now.seconds_since(&self.before));
        if self.number().is_multiple_of(SAMPLES_PER_MARK) {
            if self.marks.len() == MARKS_MAX {
                self.marks.pop_front();
            }
            self.marks.push_back(self.now.clone());
        }
    }

    /// What somebody is told first.
    pub(crate) fn hello(&self) -> ByteString {
        hello(self.started, self.history.len(), self.number()).to_text()
    }

    /// The samples of the last hour.
    pub(crate) fn history(&self) -> Bytes {
        self.history.to_bytes()
    }

    /// The newest sample, and what goes with it.
    pub(crate) fn tick(&self) -> ByteString {
        let recently = self.since(FIVE_MINUTES);
        let verdict = self.verdict(&recently);
        let sample = (self.number(), self.history.newest());
        let tick = Tick::of(&self.node, sample, (&self.now, &self.before), &recently, verdict);
        Report::Tick(Box::new(tick)).to_text()
    }

    /// The lists, with the largest swarms as they were just found.
    pub(crate) fn survey(&mut self, swarms: &[(InfoHash, tracker_core::Counts)]) -> ByteString {
        let swarms = self.sizes.take(swarms, self.node.now());
        self.streams = survey::shown(self.origin.iter().flat_map(Counts::streams).collect());
        let swarms_in_all = self.node.swarms();
        let nodes = survey::nodes(&self.node);
        Report::Survey { swarms, swarms_in_all, streams: &self.streams, nodes }.to_text()
    }

    /// Nobody looks any more.
    pub(crate) fn rest(&mut self) {
        self.sizes.clear();
        self.streams.clear();
    }

    fn verdict(&self, five_minutes: &Tally) -> Verdict {
        let ten_minutes = self.since(TEN_MINUTES);
        let most = process::descriptors_max();
        let used = process::open_descriptors_at_once().zip(most);
        let signs = Signs {
            five_minutes,
            ten_minutes: &ten_minutes,
            ten_minutes_s: self.now.seconds_since(self.mark(TEN_MINUTES)),
            busiest: self.busiest(),
            descriptors: used.map(|(used, most)| used as f64 / most.max(1) as f64),
            certificate_left: self.certificate_left(),
            failing_streams: {
                let failing = self.streams.iter().filter(|stream| survey::is_failing(stream));
                failing.map(|stream| stream.name.as_str()).collect()
            },
            alone: self.node.cluster.as_ref().is_some_and(|it| !it.counts.is_connected()),
            stopping: self.node.is_stopping(),
        };
        signs.judge()
    }

    /// The newest mark that is so old, or the oldest there is.
    fn mark(&self, age: Duration) -> &Moment {
        let is_so_old = |mark: &&Moment| mark.at + age <= self.now.at;
        self.marks.iter().rev().find(is_so_old).unwrap_or(&self.marks[0])
    }

    fn since(&self, age: Duration) -> Tally {
        self.now.tally.since(&self.mark(age).tally)
    }

    /// Share of a core of the busiest worker, over five minutes.
    fn busiest(&self) -> f64 {
        let from = self.now.at.saturating_sub(FIVE_MINUTES);
        let recent: Vec<_> = self.marks.iter().filter(|mark| mark.at >= from).collect();
        let all = || recent.iter().copied().chain([&self.now]);
        let average = |worker: usize| {
            let sum: f64 = all().map(|moment| f64::from(moment.workers[worker].busy)).sum();
            sum / all().count() as f64
        };
        (0..self.now.workers.len()).map(average).fold(0.0, f64::max)
    }

    fn certificate_left(&self) -> Option<Duration> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let ends = self.node.certificates.iter().map(|(_, certificate)| certificate.not_after());
        ends.min().map(|end| end.saturating_sub(now))
    }
}
