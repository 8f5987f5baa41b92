//! Every bound of the load generator: its unit, its reason, and what happens there. A tool that
//! measures other programs' limits must know its own, or it reports itself.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Peers of one run. A peer's number must fit the 24 bits that ids leave for it; a machine's
/// descriptors and ephemeral ports end long before.
pub(crate) const PEERS: RangeInclusive<u64> = 2..=1_000_000;

/// Swarms of one run; each has two members or more, or nothing could be relayed in it.
pub(crate) const SWARMS: RangeInclusive<u64> = 1..=500_000;

/// Offers in one announce. Browsers make 5, trackers accept 10 or 20, an offer's number in its
/// announce has 4 hexadecimal digits.
pub(crate) const OFFERS: RangeInclusive<u64> = 1..=100;

/// Bytes of one session description as written in JSON. The lower end holds both tags and the
/// lines around them; the upper end is ten times what a browser with every candidate sends.
pub(crate) const SDP_BYTES: RangeInclusive<u64> = 160..=16_384;

/// How long a measurement may take: under a second the 10 ms clock ticks of CPU time are too
/// coarse.
pub(crate) const DURATION: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

/// How long the load may run before the measurement starts.
pub(crate) const WARMUP: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(600);

/// Event loops. A worker's number has 8 bits in the ids.
pub(crate) const THREADS: RangeInclusive<u64> = 1..=64;

/// Descriptors that are not peers: epoll, standard streams, `/proc`, the report.
pub(crate) const DESCRIPTORS_SPARE: u64 = 64;

/// Sockets of one worker between `connect` and the reply to the first announce. Half of the
/// smallest listen backlog in use (Node's 511), so that no SYN is dropped and sent again after 1 s.
pub(crate) const CONNECTS_IN_FLIGHT_MAX: usize = 250;

/// How long the first connect may take, before any other is tried.
pub(crate) const REACH_TIME_MAX: Duration = Duration::from_secs(5);

/// How often the progress line changes, and the phases' ends are looked for.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);

/// Until when every peer must have joined.
pub(crate) const JOIN_TIME_MAX: Duration = Duration::from_secs(120);

/// Bytes that one `read` may take; shared by all sockets of a worker.
pub(crate) const READ_BUFFER_BYTES: usize = 256 * 1024;

/// Bytes of one frame from the tracker; a longer one ends the connection as a violation. No relayed
/// message exceeds one session description and 300 bytes.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the tracker's answer to the handshake.
pub(crate) const HANDSHAKE_BYTES_MAX: usize = 8 * 1024;

/// Bytes that wait for a tracker that does not read. Beyond it the peer stops reading too, and goes
/// on when the tracker has taken them: the same back pressure that a browser's socket has.
pub(crate) const OUTBOX_BYTES_MAX: usize = 1024 * 1024;

/// Write buffers that a worker keeps for the next peer that has something to send.
pub(crate) const SPARE_OUTBOXES_MAX: usize = 256;

/// Capacity above which a write buffer is given back to the allocator instead, in bytes.
pub(crate) const SPARE_OUTBOX_BYTES_MAX: usize = 128 * 1024;

/// Sockets that one turn of the event loop serves; bounds how long a byte waits for its turn.
pub(crate) const EVENTS_PER_TURN: usize = 256;

/// The longest sleep of an event loop; also how late it may hear of a new phase.
pub(crate) const TURN_WAIT_MAX: Duration = Duration::from_millis(10);

/// How often a worker looks for announces that wait too long.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

/// An announce is given up when it is older than this and than [`PATIENCE_FACTOR`] times the
/// slowest one that was answered in full: where the queue is that long, waiting is no loss.
pub(crate) const ANNOUNCE_PATIENCE: Duration = Duration::from_secs(1);

/// See [`ANNOUNCE_PATIENCE`].
pub(crate) const PATIENCE_FACTOR: u32 = 3;

/// Announces of one peer that were given up but may still be answered. At the bound the oldest is
/// judged at once, as if the run had ended.
pub(crate) const OVERDUE_ROUNDS_MAX: usize = 16;

/// At the end: how long nothing may arrive before what is missing counts as lost.
pub(crate) const DRAIN_QUIET: Duration = Duration::from_secs(2);

/// At the end: how long the tracker may take to deliver what it has accepted.
pub(crate) const DRAIN_TIME_MAX: Duration = Duration::from_secs(60);

/// Violations that are printed in full; all are counted.
pub(crate) const VIOLATIONS_SHOWN_MAX: usize = 10;

/// Latencies above this are recorded as this, in microseconds.
pub(crate) const LATENCY_US_MAX: u64 = 60_000_000;

/// Share of one core above which an event loop is called busy.
pub(crate) const BUSY_CORE_SHARE: f64 = 0.9;
