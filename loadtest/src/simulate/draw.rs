//! What chance decides about a viewer: the population's shares as distributions to draw from.

use std::time::Duration;

use rand::distr::weighted::WeightedIndex;
use rand::distr::{Distribution, Uniform};
use rand::rngs::SmallRng;
use rand_distr::{Exp, LogNormal};

use super::population::Population;

/// The distributions of one population.
#[derive(Debug)]
pub(super) struct Draw {
    channel: WeightedIndex<f64>,
    nat: WeightedIndex<f64>,
    upload: WeightedIndex<f64>,
    quality: WeightedIndex<f64>,
    watch_s: LogNormal<f64>,
    /// `None` where nobody ever changes.
    switch_s: Option<Exp<f64>>,
    way_ms: Uniform<u64>,
    answer_ms: Uniform<u64>,
    connect_ms: Uniform<u64>,
}

impl Draw {
    /// # Errors
    /// Never for a population that is valid.
    pub(super) fn new(population: &Population, channels: u32) -> anyhow::Result<Self> {
        let watching = &population.watching;
        let switches_per_s = watching.switches_per_hour / 3600.0;
        let client = &population.client;
        let between = |[from, to]: [u64; 2]| Uniform::new_inclusive(from, to);
        Ok(Self {
            channel: WeightedIndex::new(popularity(channels, population.channels.zipf))?,
            nat: WeightedIndex::new(population.nat.iter().map(|nat| nat.share))?,
            upload: WeightedIndex::new(population.upload.iter().map(|upload| upload.share))?,
            quality: WeightedIndex::new(population.quality.iter().map(|quality| quality.share))?,
            watch_s: LogNormal::new(watching.median_s.ln(), watching.sigma)?,
            switch_s: (switches_per_s > 0.0).then(|| Exp::new(switches_per_s)).transpose()?,
            way_ms: between(client.way_ms)?,
            answer_ms: between(client.answer_ms)?,
            connect_ms: between(client.connect_ms)?,
        })
    }

    pub(super) fn channel(&self, dice: &mut SmallRng) -> u32 {
        self.channel.sample(dice) as u32
    }

    pub(super) fn nat(&self, dice: &mut SmallRng) -> u8 {
        self.nat.sample(dice) as u8
    }

    pub(super) fn upload(&self, dice: &mut SmallRng) -> u8 {
        self.upload.sample(dice) as u8
    }

    pub(super) fn quality(&self, dice: &mut SmallRng) -> u8 {
        self.quality.sample(dice) as u8
    }

    /// How long a viewer stays.
    pub(super) fn watch(&self, dice: &mut SmallRng) -> Duration {
        seconds(self.watch_s.sample(dice))
    }

    /// How long a player stays with a quality.
    pub(super) fn until_switch(&self, dice: &mut SmallRng) -> Option<Duration> {
        self.switch_s.map(|switch_s| seconds(switch_s.sample(dice)))
    }

    pub(super) fn way_ms(&self, dice: &mut SmallRng) -> u16 {
        self.way_ms.sample(dice) as u16
    }

    /// How long it takes to make an answer.
    pub(super) fn answer(&self, dice: &mut SmallRng) -> Duration {
        Duration::from_millis(self.answer_ms.sample(dice))
    }

    /// How long it takes from the answer to the open data channel.
    pub(super) fn connect(&self, dice: &mut SmallRng) -> Duration {
        Duration::from_millis(self.connect_ms.sample(dice))
    }
}

/// How many viewers each channel has, in relation to the others.
pub(super) fn popularity(channels: u32, zipf: f64) -> impl Iterator<Item = f64> {
    (1..=channels).map(move |rank| f64::from(rank).powf(-zipf))
}

/// A year where it would be longer.
fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, 366.0 * 86_400.0))
}
