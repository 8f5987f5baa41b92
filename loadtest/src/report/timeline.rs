//! A run over time, in the units of a plot.

use serde::Serialize;

use crate::samples::Sample;

/// One stretch of a run; what it took up to its end, in the units that the names tell.
#[derive(Debug, Serialize)]
pub(crate) struct Moment {
    pub(crate) phase: &'static str,
    /// When it ended, counted from the run's start.
    pub(crate) at_s: f64,
    pub(crate) length_s: f64,
    pub(crate) relays_per_s: f64,
    pub(crate) announces_per_s: f64,
    pub(crate) connects_per_s: f64,
    pub(crate) connections: u64,
    pub(crate) server_cores: Option<f64>,
    pub(crate) server_rss_bytes: Option<u64>,
}

impl Moment {
    pub(crate) fn new(sample: &Sample) -> Self {
        Self {
            phase: sample.phase.name(),
            at_s: sample.until.as_secs_f64(),
            length_s: sample.length.as_secs_f64(),
            relays_per_s: sample.per_s(sample.counts.relays()),
            announces_per_s: sample.per_s(sample.counts.announces),
            connects_per_s: sample.per_s(sample.counts.opened),
            connections: sample.connections,
            server_cores: sample.server_cores(),
            server_rss_bytes: sample.server.map(|server| server.rss_bytes),
        }
    }
}
