//! Who the viewers are, as data: what a TOML file says, and what of it can be simulated. An error
//! names the key, its value and the bound.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Deserialize;

use super::limits::{
    CLASSES, DELAY_MS, PEERS, POPULATION_BYTES_MAX, RUSH_SCALE_S, SHARES_TOLERANCE,
    SWITCHES_PER_HOUR, TRACK_KBPS, UPLOAD_KBPS, WATCH_MEDIAN, WATCH_SIGMA, ZIPF,
};
use crate::limits::SDP_BYTES;

/// The population that ships with the program; its comments say what the keys mean.
const EVENING: &str = include_str!("evening.toml");

/// A population. The keys are explained in `evening.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Population {
    pub(super) arrivals: Arrivals,
    pub(super) watching: Watching,
    pub(super) channels: Channels,
    pub(super) client: Client,
    pub(super) sharing: Sharing,
    pub(super) nat: Vec<Nat>,
    pub(super) upload: Vec<Upload>,
    pub(super) quality: Vec<Quality>,
    pub(super) audio: Audio,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrivals {
    pub(super) begin: f64,
    pub(super) rush: f64,
    pub(super) rush_scale_s: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watching {
    pub(super) median_s: f64,
    pub(super) sigma: f64,
    pub(super) stopped: f64,
    pub(super) vanished: f64,
    pub(super) switches_per_hour: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Channels {
    pub(super) zipf: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) peers_max: u64,
    pub(super) sdp_bytes: u64,
    pub(super) way_ms: [u64; 2],
    pub(super) answer_ms: [u64; 2],
    pub(super) connect_ms: [u64; 2],
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sharing {
    pub(super) upload_used: f64,
    pub(super) efficiency: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nat {
    pub(super) name: String,
    pub(super) share: f64,
    /// How often a connection with each class succeeds.
    pub(super) success: Vec<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) share: f64,
    pub(super) kbps: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quality {
    pub(super) name: String,
    pub(super) share: f64,
    pub(super) kbps: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audio {
    /// 0 when audio is no stream of its own.
    pub(super) kbps: f64,
}

/// Why a population cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("{0}")]
    Unreadable(std::io::Error),
    #[error("longer than {POPULATION_BYTES_MAX} bytes")]
    TooLong,
    #[error("{0}")]
    Toml(String),
    #[error("{key} = {value}: must be {bound}")]
    Value { key: String, value: String, bound: String },
}

impl Population {
    /// The one that ships with the program.
    ///
    /// # Errors
    /// Never, which a test holds.
    pub(super) fn evening() -> Result<Self, Invalid> {
        Self::read(EVENING)
    }

    /// # Errors
    /// The first thing that is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, Invalid> {
        let population: Self =
            toml::from_str(text).map_err(|error| Invalid::Toml(error.to_string()))?;
        population.check()?;
        Ok(population)
    }

    /// Whether somebody of a class can connect to anybody.
    pub(super) fn can_connect(&self, nat: usize) -> bool {
        self.nat[nat].success.iter().any(|success| *success > 0.0)
    }

    /// Share of pairs of viewers that connect, of all.
    pub(super) fn pairs_that_connect(&self) -> f64 {
        let with_all = |nat: &Nat| {
            let others = self.nat.iter().zip(&nat.success);
            others.map(|(other, success)| other.share * success).sum::<f64>()
        };
        self.nat.iter().map(|nat| nat.share * with_all(nat)).sum()
    }

    fn check(&self) -> Result<(), Invalid> {
        const SHARE: RangeInclusive<f64> = 0.0..=1.0;
        let Self { arrivals, watching, channels, client, sharing, .. } = self;
        within("arrivals.begin", arrivals.begin, &SHARE)?;
        within("arrivals.rush", arrivals.rush, &SHARE)?;
        within("arrivals.rush_scale_s", arrivals.rush_scale_s, &RUSH_SCALE_S)?;
        let median_s = WATCH_MEDIAN.start().as_secs_f64()..=WATCH_MEDIAN.end().as_secs_f64();
        within("watching.median_s", watching.median_s, &median_s)?;
        within("watching.sigma", watching.sigma, &WATCH_SIGMA)?;
        within("watching.stopped", watching.stopped, &SHARE)?;
        within("watching.vanished", watching.vanished, &(0.0..=1.0 - watching.stopped))?;
        within("watching.switches_per_hour", watching.switches_per_hour, &SWITCHES_PER_HOUR)?;
        within("channels.zipf", channels.zipf, &ZIPF)?;
        within("client.peers_max", client.peers_max, &PEERS)?;
        within("client.sdp_bytes", client.sdp_bytes, &SDP_BYTES)?;
        delays("client.way_ms", client.way_ms)?;
        delays("client.answer_ms", client.answer_ms)?;
        delays("client.connect_ms", client.connect_ms)?;
        within("sharing.upload_used", sharing.upload_used, &SHARE)?;
        within("sharing.efficiency", sharing.efficiency, &SHARE)?;
        shares("nat", self.nat.iter().map(|nat| nat.share))?;
        shares("upload", self.upload.iter().map(|upload| upload.share))?;
        shares("quality", self.quality.iter().map(|quality| quality.share))?;
        for upload in &self.upload {
            within(&format!("kbps of upload '{}'", upload.name), upload.kbps, &UPLOAD_KBPS)?;
        }
        for quality in &self.quality {
            within(&format!("kbps of quality '{}'", quality.name), quality.kbps, &TRACK_KBPS)?;
        }
        within("audio.kbps", self.audio.kbps, &(0.0..=*TRACK_KBPS.end()))?;
        self.check_nats()
    }

    /// One row of successes for each class, and the same in both directions.
    fn check_nats(&self) -> Result<(), Invalid> {
        let classes = self.nat.len();
        for (row, nat) in self.nat.iter().enumerate() {
            let key = format!("success of nat '{}'", nat.name);
            within(&format!("length of {key}"), nat.success.len(), &(classes..=classes))?;
            for (success, other) in nat.success.iter().zip(&self.nat) {
                let key = format!("{key} to '{}'", other.name);
                within(&key, *success, &(0.0..=1.0))?;
                if let Some(back) = other.success.get(row) {
                    within(&key, *success, &(*back..=*back))?;
                }
            }
        }
        Ok(())
    }
}

fn within<T: PartialOrd + Display>(
    key: &str,
    value: T,
    bound: &RangeInclusive<T>,
) -> Result<(), Invalid> {
    if bound.contains(&value) {
        return Ok(());
    }
    let bound = if bound.start() == bound.end() {
        bound.start().to_string()
    } else {
        format!("{} to {}", bound.start(), bound.end())
    };
    Err(Invalid::Value { key: key.into(), value: value.to_string(), bound })
}

/// From the shorter to the longer.
fn delays(key: &str, [from, to]: [u64; 2]) -> Result<(), Invalid> {
    within(&format!("{key}[0]"), from, &DELAY_MS)?;
    within(&format!("{key}[1]"), to, &(from..=*DELAY_MS.end()))
}

fn shares(kind: &str, shares: impl ExactSizeIterator<Item = f64> + Clone) -> Result<(), Invalid> {
    within(&format!("number of [[{kind}]]"), shares.len(), &CLASSES)?;
    for share in shares.clone() {
        within(&format!("share of a [[{kind}]]"), share, &(0.0..=1.0))?;
    }
    let sum = (1.0 - SHARES_TOLERANCE)..=(1.0 + SHARES_TOLERANCE);
    within(&format!("sum of the shares of [[{kind}]]"), shares.sum::<f64>(), &sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_is_valid_and_as_its_comments_say() {
        let evening = Population::evening().expect("valid");
        assert!((evening.pairs_that_connect() - 0.74).abs() < 0.005);
        assert!(!evening.can_connect(evening.nat.len() - 1));
    }

    #[test]
    fn what_cannot_be_is_refused_with_key_value_and_bound() {
        for (from, to, why) in [
            ("rush = 0.7", "rush = 1.5", "arrivals.rush = 1.5: must be 0 to 1"),
            ("sigma = 1.2", "sigma = nan", "watching.sigma = NaN: must be 0 to 3"),
            ("peers_max = 500", "peers_max = 0", "client.peers_max = 0: must be 1 to 500"),
            (
                "way_ms = [10, 80]",
                "way_ms = [90, 80]",
                "client.way_ms[1] = 80: must be 90 to 10000",
            ),
            ("vanished = 0.05", "vanished = 1", "watching.vanished = 1: must be 0 to 0.95"),
            ("share = 0.12", "share = 0.2", "sum of the shares of [[nat]] = 1.08: must be 0.999"),
            (
                "0.95, 0.85, 0.0, 0.0, 0.0",
                "0.95, 0.85, 0.1, 0.0, 0.0",
                "success of nat 'port-dependent filtering' to 'symmetric' = 0: must be 0.1",
            ),
            ("zipf = 0.9", "zipfs = 0.9", "unknown field `zipfs`"),
        ] {
            let text = EVENING.replacen(from, to, 1);
            let refused = Population::read(&text).expect_err(to).to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
