//! What a run looked like over time: so many relays, connections and bytes every quarter of a
//! second, from the same counters and clocks as the figures in the end. The number of samples is
//! bounded, so a day's run keeps its shape and loses only detail.

use std::time::{Duration, Instant};

use crate::limits::{SAMPLE_INTERVAL, SAMPLES_MAX};
use crate::phase::Phase;
use crate::process::Usage;
use crate::record::Counts;

/// One stretch of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) phase: Phase,
    /// When it ended, counted from the run's start.
    pub(crate) until: Duration,
    pub(crate) length: Duration,
    /// What happened in it.
    pub(crate) counts: Counts,
    /// Peers in their swarms at its end.
    pub(crate) connections: u64,
    /// `None` when the tracker's process was not named, or has ended.
    pub(crate) server: Option<ServerSample>,
}

/// The tracker's process meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerSample {
    /// Processor time used.
    pub(crate) cpu: Duration,
    /// Resident memory at the end; of samples that were merged the highest, so that a peak stays.
    pub(crate) rss_bytes: u64,
}

/// All samples of a run so far.
#[derive(Debug)]
pub(crate) struct Samples {
    began: Instant,
    /// Doubles whenever the samples are thinned.
    interval: Duration,
    last: Glance,
    list: Vec<Sample>,
}

/// Counters at one moment.
#[derive(Clone, Copy, Debug)]
struct Glance {
    at: Duration,
    counts: Counts,
    usage: Option<Usage>,
}

impl Samples {
    /// Begins now, with nothing counted; `usage` is that of the tracker's process.
    pub(crate) fn new(usage: Option<Usage>) -> Self {
        Self {
            began: Instant::now(),
            interval: SAMPLE_INTERVAL,
            last: Glance { at: Duration::ZERO, counts: Counts::default(), usage },
            list: Vec::new(),
        }
    }

    /// Whether the next sample has its length.
    pub(crate) fn is_due(&self) -> bool {
        self.began.elapsed() >= self.last.at + self.interval
    }

    /// Ends a sample here: at the latest at the end of its phase, so that none is of two.
    pub(crate) fn take(&mut self, phase: Phase, counts: Counts, usage: Option<Usage>) {
        self.take_at(self.began.elapsed(), phase, counts, usage);
    }

    fn take_at(&mut self, at: Duration, phase: Phase, counts: Counts, usage: Option<Usage>) {
        let Glance { at: from, counts: before, usage: used } = self.last;
        let server = used.zip(usage).map(|(before, now)| ServerSample {
            cpu: now.cpu.saturating_sub(before.cpu),
            rss_bytes: now.rss_bytes,
        });
        let sample = Sample {
            phase,
            until: at,
            length: at.saturating_sub(from),
            counts: counts.since(&before),
            connections: counts.connections(),
            server,
        };
        self.last = Glance { at, counts, usage };
        // What is left at the end of a phase may be too short to divide by.
        match self.list.last_mut() {
            Some(last) if last.phase == phase && sample.length < self.interval / 2 => {
                *last = last.and(&sample);
            }
            _ => self.list.push(sample),
        }
        if self.list.len() >= SAMPLES_MAX {
            self.thin();
        }
    }

    /// The latest.
    pub(crate) fn last(&self) -> Option<&Sample> {
        self.list.last()
    }

    pub(crate) fn into_list(self) -> Vec<Sample> {
        self.list
    }

    /// Merges each two neighbours of the same phase.
    fn thin(&mut self) {
        self.interval *= 2;
        let mut thinned: Vec<Sample> = Vec::with_capacity(SAMPLES_MAX);
        let mut samples = std::mem::take(&mut self.list).into_iter().peekable();
        while let Some(sample) = samples.next() {
            let next = samples.next_if(|next| next.phase == sample.phase);
            thinned.push(next.map_or(sample, |next| sample.and(&next)));
        }
        self.list = thinned;
    }
}

impl Sample {
    /// This and the one after it as one.
    fn and(&self, next: &Self) -> Self {
        let server = self.server.zip(next.server).map(|(a, b)| ServerSample {
            cpu: a.cpu + b.cpu,
            rss_bytes: a.rss_bytes.max(b.rss_bytes),
        });
        Self {
            length: self.length + next.length,
            counts: self.counts.and(&next.counts),
            server: server.or(next.server),
            ..*next
        }
    }

    pub(crate) fn per_s(&self, count: u64) -> f64 {
        count as f64 / self.length_s()
    }

    /// Cores that the tracker used, where that is known.
    pub(crate) fn server_cores(&self) -> Option<f64> {
        self.server.map(|server| server.cpu.as_secs_f64() / self.length_s())
    }

    /// To divide by.
    fn length_s(&self) -> f64 {
        self.length.as_secs_f64().max(f64::EPSILON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` samples of a quarter of a second, with 10 offers and 30 ms of processor time each;
    /// the tracker's memory is one byte more in each.
    fn sampled(samples: &mut Samples, phase: Phase, count: u64) {
        for _ in 0..count {
            let number = samples.last.counts.offers / 10 + 1;
            let counts = Counts { offers: number * 10, opened: 5, closed: 2, ..Counts::default() };
            let cpu = Duration::from_millis(30) * number as u32;
            let usage = Usage { cpu, rss_bytes: number };
            samples.take_at(samples.last.at + SAMPLE_INTERVAL, phase, counts, Some(usage));
        }
    }

    fn samples() -> Samples {
        Samples::new(Some(Usage::default()))
    }

    #[test]
    fn a_sample_holds_what_happened_since_the_one_before() {
        let mut samples = samples();
        sampled(&mut samples, Phase::Measure, 3);
        let last = samples.last().expect("three");
        assert_eq!((last.until, last.length), (SAMPLE_INTERVAL * 3, SAMPLE_INTERVAL));
        assert_eq!((last.counts.offers, last.connections), (10, 3));
        assert!((last.per_s(last.counts.relays()) - 40.0).abs() < 1e-9);
        assert_eq!(last.server.expect("named").cpu, Duration::from_millis(30));
    }

    #[test]
    fn a_long_run_is_thinned_and_loses_no_relay_no_time_and_no_peak() {
        let mut samples = samples();
        let count = 10 * SAMPLES_MAX as u64 + 7;
        sampled(&mut samples, Phase::Join, 11);
        sampled(&mut samples, Phase::Measure, count);
        let list = samples.into_list();
        assert!(list.len() < SAMPLES_MAX, "{} samples", list.len());
        assert!(list.len() > SAMPLES_MAX / 4, "{} samples", list.len());
        let relays: u64 = list.iter().map(|sample| sample.counts.relays()).sum();
        assert_eq!(relays, (11 + count) * 10);
        let length: Duration = list.iter().map(|sample| sample.length).sum();
        assert_eq!(length, SAMPLE_INTERVAL * (11 + count) as u32);
        assert_eq!(
            list.iter().filter_map(|s| s.server).map(|s| s.rss_bytes).max(),
            Some(11 + count)
        );
        let cpu: Duration = list.iter().filter_map(|sample| sample.server).map(|s| s.cpu).sum();
        assert_eq!(cpu, Duration::from_millis(30) * (11 + count) as u32);
        let joins = list.iter().filter(|sample| sample.phase == Phase::Join);
        assert_eq!(joins.map(|sample| sample.counts.offers).sum::<u64>(), 110);
        assert!(list.windows(2).all(|two| two[0].until + two[1].length == two[1].until));
    }

    #[test]
    fn the_rest_of_a_phase_joins_the_sample_before_it() {
        let mut samples = samples();
        sampled(&mut samples, Phase::Join, 2);
        let Glance { at, mut counts, usage } = samples.last;
        counts.offers += 1;
        samples.take_at(at + SAMPLE_INTERVAL / 10, Phase::Join, counts, usage);
        assert_eq!(samples.list.len(), 2);
        assert_eq!(samples.list[1].counts.offers, 11);
        counts.offers += 1;
        samples.take_at(at + SAMPLE_INTERVAL / 5, Phase::Drain, counts, usage);
        assert_eq!(samples.list.len(), 3, "another phase is another sample");
    }

    #[test]
    fn a_tracker_that_ends_leaves_samples_without_its_figures() {
        let mut samples = samples();
        samples.take_at(SAMPLE_INTERVAL, Phase::Measure, Counts::default(), None);
        samples.take_at(SAMPLE_INTERVAL * 2, Phase::Measure, Counts::default(), None);
        assert!(samples.into_list().iter().all(|sample| sample.server.is_none()));
    }
}
