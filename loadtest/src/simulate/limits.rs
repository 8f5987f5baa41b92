//! Every bound of a simulation: its unit, its reason, and what happens there. What holds for the
//! peers with sockets is in [`crate::limits`].

use std::ops::RangeInclusive;
use std::time::Duration;

/// Viewers who come in one run. A viewer and its links take some 500 bytes in half an hour.
pub(super) const VIEWERS: RangeInclusive<u64> = 1..=10_000_000;

/// Joins of swarms in one run, as many as its viewers, tracks and changes of quality lead one to
/// expect: a member's number is never used again, so each keeps 40 bytes until the end. What would
/// need more is refused.
pub(super) const JOINS_MAX: f64 = 100e6;

/// Minutes that are simulated; a day.
pub(super) const MINUTES: RangeInclusive<u64> = 1..=24 * 60;

/// Channels, each with a swarm for every quality.
pub(super) const CHANNELS: RangeInclusive<u64> = 1..=100_000;

/// The pause between two announces that the tracker asks for. Below it nothing but announces
/// would happen.
pub(super) const ANNOUNCE_INTERVAL: RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_secs(3600);

/// Offers of one announce: as many as a tracker of ours may be told to relay. Without any, nobody
/// meets.
pub(super) const OFFERS: RangeInclusive<u64> = 0..=tracker_core::limits::OFFERS_RELAYED_MAX as u64;

/// Peers of one viewer in one swarm: Chromium refuses a page's RTCPeerConnection after 500.
pub(super) const PEERS: RangeInclusive<u64> = 1..=500;

/// How long half of the viewers stay.
pub(super) const WATCH_MEDIAN: RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_secs(24 * 3600);

/// Bytes of a population's file; the shipped one has 4,000.
pub(super) const POPULATION_BYTES_MAX: u64 = 64 * 1024;

/// Classes of a kind (NATs, uploads, qualities): a viewer remembers its own in a byte.
pub(super) const CLASSES: RangeInclusive<usize> = 1..=16;

/// Bits per second of a track, in thousands; the upper end is 8K video.
pub(super) const TRACK_KBPS: RangeInclusive<f64> = 1.0..=100_000.0;

/// Bits per second that a viewer can upload, in thousands; the upper end is 10 Gbit/s.
pub(super) const UPLOAD_KBPS: RangeInclusive<f64> = 0.0..=10_000_000.0;

/// How far the shares of all classes may be from 1 in sum: what decimals cannot write.
pub(super) const SHARES_TOLERANCE: f64 = 0.001;

/// Delays of one step, in milliseconds. An offer lives for 50 s, and no step may outlast it.
pub(super) const DELAY_MS: RangeInclusive<u64> = 0..=10_000;

/// The scale of the rush to the begin, in seconds.
pub(super) const RUSH_SCALE_S: RangeInclusive<f64> = 1.0..=3600.0;

/// The shape of the log-normal watch times; at 3 some stay a thousand times as long as others.
pub(super) const WATCH_SIGMA: RangeInclusive<f64> = 0.0..=3.0;

/// How often a viewer's player changes its quality, in an hour.
pub(super) const SWITCHES_PER_HOUR: RangeInclusive<f64> = 0.0..=60.0;

/// The exponent of the channels' popularity; 0 makes all equal.
pub(super) const ZIPF: RangeInclusive<f64> = 0.0..=3.0;

/// Nodes, each with its own shard.
pub(super) const NODES: RangeInclusive<u64> = 1..=500;

/// Offers in a hundred that go to another node although there are others on this one.
pub(super) const CROSS_SHARE: RangeInclusive<u64> = 0..=100;

/// How long a message takes from node to node, in milliseconds: in one place, or across an ocean.
pub(super) const BUS_MS: RangeInclusive<u64> = 1..=100;

/// How finely time is told. Two things in the same tick happen in the order in which they were
/// arranged.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Buckets of the calendar, a tick each: 164 s, more than the default pause between two announces,
/// so that hardly an event is looked at before its time.
pub(super) const CALENDAR_BUCKETS: usize = 1 << 14;

/// How often the tracker looks for members that have expired, as the server does.
pub(super) const SWEEP_TICK: Duration = Duration::from_secs(1);

/// How often the mesh is looked at and a sample is kept; one that is looked at counts for all the
/// time since the one before it.
pub(super) const SAMPLE_INTERVAL: Duration = Duration::from_secs(60);

/// Rows of the table over time; the JSON has all samples.
pub(super) const ROWS_MAX: usize = 15;

/// A first peer that took longer is recorded as this, in milliseconds.
pub(super) const FIRST_PEER_MS_MAX: u64 = 24 * 3600 * 1000;
