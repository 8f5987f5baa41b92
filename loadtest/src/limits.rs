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

/// Nodes of one cluster; the tracker's own arithmetic ends at 100.
pub(crate) const NODES: RangeInclusive<usize> = 1..=100;

/// How long nobody offers after all have joined several nodes: each says how many viewers it has
/// every 5 s by default (`tracker.digestInterval`), so two of these and a bit.
pub(crate) const SETTLE_DEFAULT: Duration = Duration::from_secs(12);

/// Stretches of losses that a report names; the JSON file has all.
pub(crate) const LOST_AT_MAX: usize = 5;

/// The percentage of offers that may go to other nodes.
pub(crate) const CROSS_SHARE: RangeInclusive<u64> = 0..=100;

/// How unlikely it must be, that chance alone let so few offers stay on their nodes, before that
/// counts as a loss: one run of so many would be wronged.
pub(crate) const CHANCE_OF_WRONG: f64 = 1e-9;

/// Latest answerers of one viewer's offers that count as its neighbours: more than P2P clients hold
/// of their own making, and a bound on what is remembered.
pub(crate) const NEIGHBOURS_MAX: usize = 16;

/// How long the load may run before the measurement starts.
pub(crate) const WARMUP: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(600);

/// Event loops; 0 is half of the cores. A worker's number has 8 bits in the ids.
pub(crate) const LOAD_THREADS: RangeInclusive<u64> = 0..=64;

/// How unequal swarms are. Channels are watched with an exponent about 1; at 4 nearly all are in
/// the first swarm already.
pub(crate) const ZIPF_EXPONENT: RangeInclusive<f64> = 0.0..=4.0;

/// Peers of a closed loop that announce at the same time; 0 is all.
pub(crate) const IN_FLIGHT: RangeInclusive<u64> = 0..=*PEERS.end();

/// Announces a second in an open loop. Below the lower end a run would end before its first; above
/// the upper end one is due in less than the clock tells apart.
pub(crate) const RATE_PER_S: RangeInclusive<f64> = 0.1..=1_000_000.0;

/// Relays a second in an open loop; 0 leaves it to the announces.
pub(crate) const RELAYS_PER_S: RangeInclusive<f64> = 0.0..=10_000_000.0;

/// Connections a second; 0 is as fast as the tracker goes.
pub(crate) const CONNECTS_PER_S: RangeInclusive<f64> = 0.0..=100_000.0;

/// A share of something.
pub(crate) const SHARE: RangeInclusive<f64> = 0.0..=1.0;

/// The share of peers that neither announce nor answer: with fewer who do, little is verified.
pub(crate) const MINORITY: RangeInclusive<f64> = 0.0..=0.5;

/// From one storm to the next.
pub(crate) const STORM_EVERY: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

/// Over which those come back whose sockets broke.
pub(crate) const STORM_WINDOW: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(600);

/// How long a slow reader doesn't read; zero is for ever.
pub(crate) const SLOW_PAUSE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

/// Bytes that the kernel keeps for a slow reader, who shall be the tracker's burden: Linux would let
/// that grow to 6 MB. Less than two of loopback's segments of 64 KiB would make the last bytes come
/// at the pace of its timer for a window that is closed, five times a second.
pub(crate) const SLOW_RECEIVE_BYTES: usize = 128 * 1024;

/// How often a slow reader says that it is there.
pub(crate) const SLOW_PING_INTERVAL: Duration = Duration::from_secs(1);

/// What a misbehaving peer says in a second.
pub(crate) const MISBEHAVING_PER_S: RangeInclusive<f64> = 0.01..=1_000.0;

/// How long a slow or misbehaving peer that was closed stays away.
pub(crate) const RETURN_PAUSE: Duration = Duration::from_secs(1);

/// How long somebody who says goodbye reads on until the tracker has closed, too.
pub(crate) const GOODBYE_TIME_MAX: Duration = Duration::from_secs(2);

/// How many places are tried to find one whose viewer can leave.
pub(crate) const PICKS_MAX: usize = 16;

/// Reads in a row before a socket is broken off: what has arrived shall be seen.
pub(crate) const LAST_READS_MAX: usize = 16;

/// How long after the reply an offer may arrive that belongs to it, at least; longer where longer
/// was seen. Somebody who leaves in that time may take an offer along.
pub(crate) const STRAGGLE_MIN: Duration = Duration::from_millis(250);

/// How long a tracker may take to notice that a connection has ended, at least; longer where its
/// replies take longer.
pub(crate) const NOTICE_MIN: Duration = Duration::from_secs(1);

/// How old an announce is, at least, when it is decided which of its losses those excuse who left.
/// By then everything is known that is going to be.
pub(crate) const JUDGE_AFTER: Duration = Duration::from_secs(5);

/// Departures of one swarm that are remembered, for as long as an announce is undecided. Beyond it
/// the oldest excuse no more.
pub(crate) const DEPARTURES_MAX: usize = 65_536;

/// Own lag, from when an announce was due to when it was sent, above which the report says that
/// this program was late: its 99th percentile.
pub(crate) const LAG_US_MAX: u64 = 5_000;

/// Descriptors that are not peers: epoll, standard streams, `/proc`, the report.
pub(crate) const DESCRIPTORS_SPARE: u64 = 64;

/// Sockets of one worker between `connect` and the reply to the first announce. Half of the
/// smallest listen backlog in use (Node's 511), so that no SYN is dropped and sent again after 1 s.
pub(crate) const CONNECTS_IN_FLIGHT_MAX: usize = 250;

/// How long the first connect may take, before any other is tried.
pub(crate) const REACH_TIME_MAX: Duration = Duration::from_secs(5);

/// How often the phases' ends are looked for.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);

/// Until when every peer must have joined.
pub(crate) const JOIN_TIME_MAX: Duration = Duration::from_secs(120);

/// Bytes that one `read` may take; shared by all sockets of a worker.
pub(crate) const READ_BUFFER_BYTES: usize = 256 * 1024;

/// Bytes of one frame from the tracker; a longer one ends the connection as a violation. No relayed
/// message exceeds one session description and 300 bytes.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024;

/// Bytes of one compressed message when it is inflated; the same reason, and the same end.
pub(crate) const INFLATED_BYTES_MAX: usize = FRAME_BYTES_MAX;

/// Bytes of the tracker's answer to the handshake.
pub(crate) const HANDSHAKE_BYTES_MAX: usize = 8 * 1024;

/// Bytes that wait for a tracker that does not read. Beyond it the peer stops reading too, and goes
/// on when the tracker has taken them: the same back pressure that a browser's socket has. With TLS
/// as much again may be sealed already.
pub(crate) const OUTBOX_BYTES_MAX: usize = 1024 * 1024;

/// Write buffers that a worker keeps for the next peer that has something to send.
pub(crate) const SPARE_OUTBOXES_MAX: usize = 256;

/// Capacity above which a write buffer is given back to the allocator instead, in bytes.
pub(crate) const SPARE_OUTBOX_BYTES_MAX: usize = 128 * 1024;

/// Sockets that one turn of the event loop serves; bounds how long a byte waits for its turn.
pub(crate) const EVENTS_PER_TURN: usize = 256;

/// The longest sleep of an event loop; also how late it may hear of a new phase.
pub(crate) const TURN_WAIT_MAX: Duration = Duration::from_millis(10);

/// Announces of an open loop in one turn: with so many a turn is written before the next ones are
/// made, however far behind it is.
pub(crate) const ANNOUNCES_PER_TURN_MAX: usize = 256;

/// How often a worker looks for announces that wait too long.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

/// An announce is given up when it is older than this and than [`PATIENCE_FACTOR`] times the
/// slowest one that was answered in full: where the queue is that long, waiting is no loss.
pub(crate) const ANNOUNCE_PATIENCE: Duration = Duration::from_secs(1);

/// See [`ANNOUNCE_PATIENCE`].
pub(crate) const PATIENCE_FACTOR: u32 = 3;

/// How much longer than a tracker's `min interval` a peer rests: trackers count whole seconds, and
/// an announce may take longer on its way than the one before it.
pub(crate) const REST_SPARE: Duration = Duration::from_secs(2);

/// How often peers announce whose tracker doesn't say how often it wants them to: BEP 3's usual.
pub(crate) const INTERVAL_DEFAULT: Duration = Duration::from_secs(120);

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

/// Buckets of a latency histogram to each power of ten: 60 us and 70 us are told apart.
pub(crate) const LATENCY_BUCKETS_PER_DECADE: u16 = 20;

/// How often a run is sampled. Processor time is told in ticks of 10 ms, so a sample of this length
/// tells it to 4 % of a core.
pub(crate) const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);

/// Samples of one run. At the bound each two neighbours become one, and the interval doubles: two
/// minutes are kept in full, and a plot has no more points than it is wide.
pub(crate) const SAMPLES_MAX: usize = 480;

/// Trackers that one run may compare: as many as a plot has colours that can be told apart.
pub(crate) const COMPARE_TRACKERS: RangeInclusive<usize> = 2..=6;

/// Rounds of a comparison. An odd number has a median that was measured.
pub(crate) const COMPARE_ROUNDS: RangeInclusive<u64> = 1..=99;

/// How long nothing happens between two rounds: the last one's tracker forgets its peers meanwhile,
/// and does not take the machine from the next.
pub(crate) const COMPARE_REST: Duration = Duration::from_secs(1);

/// Share of one core above which an event loop is called busy.
pub(crate) const BUSY_CORE_SHARE: f64 = 0.9;

/// Announces per second of an attack test's good swarm; the upper end is a tenth of what one core
/// relays, since at saturation everything is late anyway.
pub(crate) const ANNOUNCES_PER_S: RangeInclusive<u64> = 5..=2_000;

/// How long an attack is on or off at a time: long enough for a hundred relays, so that there is a
/// p99, short enough that both see the same machine.
pub(crate) const ATTACK_WINDOW: RangeInclusive<Duration> =
    Duration::from_millis(500)..=Duration::from_secs(60);

/// How many times an attack is off and on.
pub(crate) const ATTACK_ROUNDS: RangeInclusive<u64> = 1..=100;

/// How often a measurement may be repeated. More would find a lucky one in the end.
pub(crate) const ATTACK_ATTEMPTS: RangeInclusive<u64> = 1..=5;

/// How often the good swarm's p99 latency may be what it is without the attack.
pub(crate) const ATTACK_FACTOR_MAX: f64 = 2.0;

/// What may be chosen as the p99 latency that is the machine's own: a scheduler lets a thread wait
/// for some milliseconds where others want its core. More would hide what viewers notice.
pub(crate) const ATTACK_NOISE: RangeInclusive<Duration> =
    Duration::from_micros(100)..=Duration::from_millis(20);

/// Relays that a window must have, or its p99 is one bad moment.
pub(crate) const WINDOW_RELAYS_MIN: u64 = 100;

/// How long nothing is measured when an attack begins: what is announced here sees both.
pub(crate) const ATTACK_SETTLE: Duration = Duration::from_millis(300);

/// The same when it ends. A tracker that lets a socket rest which says too much sees its end only
/// afterwards, and its peers get offers until then.
pub(crate) const ATTACK_END: Duration = Duration::from_millis(1_500);

/// How long the good swarm announces before the first window.
pub(crate) const ATTACK_WARMUP: Duration = Duration::from_millis(500);

/// Sockets that one attack holds open half way.
pub(crate) const HELD_SOCKETS_MAX: usize = 500;

/// Bytes of an attack that are written at once.
pub(crate) const FLOOD_BYTES: usize = 64 * 1024;

/// Size of the longest message that a tracker takes by default (`maxPayloadLength`).
pub(crate) const PAYLOAD_BYTES_MAX: usize = 65_536;

/// How long the hostile socket rests when it can neither read nor write, or was turned away.
pub(crate) const HOSTILE_REST: Duration = Duration::from_micros(200);

/// Sockets of one run from one loopback address: half of what a tracker that bounds them per
/// address allows by default (`connectionsPerIp`).
pub(crate) const SOCKETS_PER_ADDRESS_MAX: u32 = 500;

/// Sockets that one round of the floor serves. More in a round are fewer writes, and later ones.
pub(crate) const FLOOR_EVENTS_PER_ROUND: usize = 512;

/// Bytes of one message to the floor; beyond it the socket ends.
pub(crate) const FLOOR_MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Viewers of a soak that leave or change their swarm, in a second.
pub(crate) const SOAK_CHURN_PER_S: RangeInclusive<u64> = 0..=10_000;

/// The same in a scenario.
pub(crate) const CHURN_PER_S: RangeInclusive<f64> = 0.0..=10_000.0;

/// How often the tracker's memory is looked at in a soak.
pub(crate) const RSS_INTERVAL: Duration = Duration::from_secs(1);

/// Looks at memory whose median counts.
pub(crate) const SOAK_SAMPLES: usize = 15;

/// How long a soak waits behind the ramp until memory has been looked at: what joining took for a
/// moment is given back by then, since allocators keep freed pages for some 10 s.
pub(crate) const SOAK_RAMP_END: Duration = Duration::from_secs(30);

/// How long the churn may go on before growth counts.
pub(crate) const SOAK_SETTLE: RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(24 * 3600);

/// How long the tracker may take to give memory back when all have left. Peers that changed their
/// swarm stay in the old one for two announce intervals, but their sockets' end removes them.
pub(crate) const SOAK_GIVE_BACK_TIME_MAX: Duration = Duration::from_secs(60);

/// How much more memory, at the end of a soak, may be in use than behind the ramp.
pub(crate) const SOAK_GROWTH_MAX: f64 = 0.05;

/// How much more memory, when all have left, may be in use than before they came, in bytes.
pub(crate) const SOAK_REST_BYTES_MAX: u64 = 10_000_000;

/// Former swarms of one viewer for which something may still come. The oldest is left with a
/// `stopped` then.
pub(crate) const FORMER_SWARMS_MAX: usize = 16;

/// Downloads at a time; descriptors and ephemeral ports end long before.
pub(crate) const DOWNLOADS: RangeInclusive<u64> = 1..=50_000;

/// Event loops of downloads.
pub(crate) const DOWNLOAD_THREADS: RangeInclusive<u64> = 1..=64;

/// Bytes of one read: they fit a processor's own cache, in which they are compared.
pub(crate) const DOWNLOAD_READ_BYTES: usize = 256 * 1024;

/// Bytes of an answer: above the largest segment that an origin serves.
pub(crate) const DOWNLOAD_BYTES_MAX: u64 = 128 << 20;

/// How long one answer may take before the load begins.
pub(crate) const DOWNLOAD_TIME_MAX: Duration = Duration::from_secs(10);

/// Segments of a playlist that are downloaded.
pub(crate) const DOWNLOAD_SEGMENTS_MAX: usize = 100;

/// Bytes of a response's head.
pub(crate) const RESPONSE_HEAD_BYTES_MAX: usize = 16 * 1024;

/// How often a live playlist is read again.
pub(crate) const PLAYLIST_REFRESH: Duration = Duration::from_secs(1);
