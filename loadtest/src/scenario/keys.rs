//! The keys of a scenario, each once: its name, unit, default and bound. A key is the same in a
//! file (`storm_share = 0.5`) and as a flag (`--storm-share 0.5`), so there is one list of them.

use std::fmt::Display;
use std::ops::RangeInclusive;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::time::Time;
use crate::limits;

/// When viewers announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pace {
    /// Again as soon as the last announce is answered in full: as fast as the tracker goes
    Closed,
    /// So many a second whatever has become of the earlier ones
    Rate,
    /// Each at the interval that the tracker asks for
    Interval,
}

impl Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Rate => "rate",
            Self::Interval => "interval",
        })
    }
}

/// A value out of its bound.
#[derive(Debug)]
pub(crate) struct OutOfBound {
    pub(crate) key: &'static str,
    pub(crate) value: String,
    pub(crate) bound: String,
}

/// What the page about the load test says of a key.
#[cfg(test)]
pub(super) struct Row {
    pub(super) key: &'static str,
    pub(super) default: String,
    pub(super) bound: String,
}

/// Declares [`Keys`], in which every key may be missing, and [`Scenario`], in which none is.
macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $key:ident: $kind:ty = $default:expr, $bound:expr;)+) => {
        /// What a file or the command line says.
        #[derive(Clone, Debug, Default, Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Keys {
            $(
                $(#[doc = $doc])+
                #[arg(long, help = help(concat!($($doc),+), &$default))]
                pub(crate) $key: Option<$kind>,
            )+
        }

        /// What holds: every key with its value.
        #[derive(Clone, Debug, Serialize)]
        pub(crate) struct Scenario {
            $($(#[doc = $doc])+ pub(crate) $key: $kind,)+
        }

        impl Keys {
            /// # Errors
            /// The first value that is out of its bound.
            pub(crate) fn check(&self) -> Result<(), OutOfBound> {
                $(if let Some(value) = &self.$key {
                    within(stringify!($key), value, &$bound)?;
                })+
                Ok(())
            }

            /// These keys, and those of `other` where there are none.
            pub(crate) fn over(self, other: Self) -> Self {
                Self { $($key: self.$key.or(other.$key),)+ }
            }

            /// These keys, and the defaults where there are none.
            pub(crate) fn complete(self) -> Scenario {
                Scenario { $($key: self.$key.unwrap_or($default),)+ }
            }
        }

        #[cfg(test)]
        pub(super) fn rows() -> Vec<Row> {
            vec![$(Row {
                key: stringify!($key),
                default: $default.to_string(),
                bound: bound_text(&$bound),
            },)+]
        }
    };
}

keys! {
    /// Peers, one socket each
    peers: u64 = 2_000, limits::PEERS;
    /// Swarms
    swarms: u64 = 20, limits::SWARMS;
    /// How unequal the swarms are: the n-th has 1/n^exponent of the first, and 2 members at least
    zipf_exponent: f64 = 0.0, limits::ZIPF_EXPONENT;
    /// Offers in each announce; keep it within the tracker's own limit, or the rest counts as lost
    offers: u64 = 10, limits::OFFERS;
    /// Bytes of each session description as written in JSON
    sdp_bytes: u64 = 1_500, limits::SDP_BYTES;
    /// When viewers announce
    pace: Pace = Pace::Closed, ..;
    /// With pace closed, peers that announce at the same time; 0 is all. Fewer show latency instead
    /// of queueing
    in_flight: u64 = 0, limits::IN_FLIGHT;
    /// With pace rate, announces a second of all viewers together
    announces_per_s: f64 = 50.0, limits::RATE_PER_S;
    /// With pace rate, offers and answers relayed a second, instead of announces; 0 is off
    relays_per_s: f64 = 0.0, limits::RELAYS_PER_S;
    /// With pace rate, how long it takes to get there from none
    rate_ramp: Time = Time::ZERO, limits::WARMUP.times();
    /// Connections a second until all peers are there; 0 is as fast as the tracker goes
    connects_per_s: f64 = 0.0, limits::CONNECTS_PER_S;
    /// Viewers a second that leave, each replaced by a new one
    leaves_per_s: f64 = 0.0, limits::CHURN_PER_S;
    /// Of those who leave, the share whose connection just ends; the others say goodbye
    broken_share: f64 = 0.3, limits::SHARE;
    /// Viewers a second that change their swarm and keep their socket, as for another quality
    switches_per_s: f64 = 0.0, limits::CHURN_PER_S;
    /// Of those who change their swarm or say goodbye, the share that says `stopped`
    stopped_share: f64 = 0.5, limits::SHARE;
    /// Share of the viewers whose sockets break at once and come back
    storm_share: f64 = 0.0, limits::SHARE;
    /// How long it is from one storm to the next
    storm_every: Time = Time::from_secs(10), limits::STORM_EVERY.times();
    /// Over which time they come back
    storm_window: Time = Time::from_secs(2), limits::STORM_WINDOW.times();
    /// Share of the peers that read slowly, and neither announce nor answer
    slow_share: f64 = 0.0, limits::MINORITY;
    /// How long they don't read at a time; 0s is for ever
    slow_pause: Time = Time::ZERO, limits::SLOW_PAUSE.times();
    /// Share of the peers that say what is refused or broken, and neither announce nor answer
    misbehaving_share: f64 = 0.0, limits::MINORITY;
    /// How often each of them does, in a second
    misbehaving_per_s: f64 = 1.0, limits::MISBEHAVING_PER_S;
    /// How long nobody offers after all have joined; 0s is 12 s with several nodes, which hear of
    /// each other's viewers some seconds late, and none with one
    settle: Time = Time::ZERO, limits::WARMUP.times();
    /// Of several nodes, the percentage of offers that go to viewers on others (tracker.crossShare).
    /// The rest must arrive, whatever becomes of the others
    cross_share: u64 = 12, limits::CROSS_SHARE;
    /// How long to run before measuring
    warmup: Time = Time::from_secs(3), limits::WARMUP.times();
    /// How long to measure
    duration: Time = Time::from_secs(30), limits::DURATION.times();
    /// Makes ids, descriptions and choices of a run the same again; 0 is another one each time
    seed: u64 = 0, 0..=u64::MAX;
    /// Event loops; 0 is half of the cores. A swarm stays on one of them
    threads: u64 = 0, limits::LOAD_THREADS;
}

/// What `--help` says of a key: what it is when neither a flag nor the scenario says so, too.
fn help(what: &str, default: &impl Display) -> String {
    format!("{} [default: {default}]", what.trim_start())
}

/// What a value may be.
trait Bound<T> {
    fn holds(&self, value: &T) -> bool;
    fn text(&self) -> String;
}

impl<T: PartialOrd + Display> Bound<T> for RangeInclusive<T> {
    fn holds(&self, value: &T) -> bool {
        self.contains(value)
    }

    fn text(&self) -> String {
        format!("{} to {}", self.start(), self.end())
    }
}

impl Bound<Pace> for std::ops::RangeFull {
    fn holds(&self, _: &Pace) -> bool {
        true
    }

    fn text(&self) -> String {
        "closed, rate or interval".into()
    }
}

fn within<T: Display>(
    key: &'static str,
    value: &T,
    bound: &impl Bound<T>,
) -> Result<(), OutOfBound> {
    if bound.holds(value) {
        return Ok(());
    }
    Err(OutOfBound { key, value: value.to_string(), bound: bound.text() })
}

#[cfg(test)]
fn bound_text<T>(bound: &impl Bound<T>) -> String {
    bound.text()
}

/// Bounds of durations as they are written.
trait Times {
    fn times(&self) -> RangeInclusive<Time>;
}

impl Times for RangeInclusive<std::time::Duration> {
    fn times(&self) -> RangeInclusive<Time> {
        Time(*self.start())..=Time(*self.end())
    }
}
