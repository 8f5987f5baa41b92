//! Every bound of the server in one place, with its unit and its reason. What a site may choose is
//! in its configuration; what no site has a reason to change is a constant here.

mod bus;
mod dashboard;
mod directory;

use std::time::Duration;

pub(crate) use bus::*;
pub(crate) use dashboard::*;
pub(crate) use directory::*;

/// Bytes of each of a worker's two read buffers. Messages are slices of them, and one starts over
/// when all of its slices are done, which is at once but for what other workers are told: large
/// enough for the longest messages, small enough that both stay in a core's cache.
pub(crate) const READ_BUFFER_BYTES: usize = 512 << 10;

/// Bytes that one read asks for, so that a frame of the default maximum comes in one, or in two
/// with TLS; and all that a socket can make us hold for it by sending more than it may.
pub(crate) const READ_BYTES: usize = 128 << 10;

/// A socket's turn: what it may take of its worker in this time is below, and whoever wants more
/// rests. Without a rest a socket that floods would have its next turns before the worker so much
/// as looks whether others have something. Timers have whole milliseconds.
pub(crate) const TURN: Duration = Duration::from_millis(1);

/// How many times as long as its turn took a socket rests that has used it up, and a turn at least:
/// so it has a ninth of its worker at most, whatever its messages cost.
pub(crate) const TURN_REST_FACTOR: u32 = 8;

/// The longest rest: a turn may seem long because the machine had other work.
pub(crate) const TURN_REST_MAX: Duration = Duration::from_millis(50);

/// Reads of one socket in a turn. A client that writes byte by byte makes each of them a system
/// call.
pub(crate) const READS_PER_TURN: u32 = 4;

/// Messages that are read of one socket in a turn, or relayed for it: 32,000 a second, some tenth
/// of what a worker can do. Viewers say some a minute. A read may bring 20,000 pings, each of
/// which wants an answer: so long nobody else would be heard.
pub(crate) const MESSAGES_PER_TURN: u32 = 32;

/// Bytes of messages, as they come and inflated, that are looked at for one socket in a turn, and
/// one message at least. Reading so much JSON takes some 100 us, inflating up to 32 ns a byte.
pub(crate) const MESSAGE_BYTES_PER_TURN: u32 = 64 << 10;

/// Frames of any kind that are read of a socket for each announce that it may make: answers, pings
/// and whatever else, of which clients send no more than they get offers. Beyond it the socket's
/// reading waits for [`READ_PAUSE`], and TCP makes its client wait.
pub(crate) const FRAMES_PER_ANNOUNCE: u32 = 20;

/// How long a socket isn't read that sends too many frames.
pub(crate) const READ_PAUSE: Duration = Duration::from_secs(1);

/// Bytes that were written to a socket and are still in its outbox, before what waits behind them
/// is moved up: so seldom that the copying costs little.
pub(crate) const WRITTEN_OUTBOX_BYTES_MAX: usize = 256 << 10;

/// Bytes that an outbox begins with when there is no emptied one: two offers, so that it isn't moved
/// for each of the first.
pub(crate) const OUTBOX_BYTES_MIN: usize = 4 << 10;

/// Bytes of emptied outboxes that a worker keeps for the next ones, and the most that each may hold:
/// those of ten thousand sockets, which a round at saturation fills all. What nobody needs for a
/// second is given back.
pub(crate) const SPARE_BYTES_MAX: usize = 256 << 20;
pub(crate) const SPARE_OUTBOX_BYTES_MAX: usize = 64 << 10;

/// Messages in a shard's mailbox. Peers of other workers wait when it is full; what another
/// worker's shard wanted to deliver is dropped and counted, since an offer is worthless later.
pub(crate) const SHARD_MAILBOX_MESSAGES: usize = 8192;

/// Entries of `trustedProxies`. Each new socket's address is compared with all; the largest CDNs
/// publish some hundred prefixes.
pub(crate) const TRUSTED_PROXIES_MAX: usize = 1024;

/// Trusted proxies behind each other; what stands before so many in `X-Forwarded-For` isn't read.
pub(crate) const FORWARDED_HOPS_MAX: usize = 32;

/// The load up to which a node asks for the announce interval of its settings. It is a share of
/// the sockets, file descriptors or processor time that it may have: half of them are there for a
/// crowd that comes at once.
pub(crate) const LOAD_CALM: f64 = 0.5;

/// How many times the announce interval of its settings a node asks for when it is full. At four
/// times the default a viewer that is new meets those who announce within 8 minutes, and is offered
/// to by its own announce at once.
pub(crate) const ANNOUNCE_INTERVAL_FACTOR_MAX: f64 = 4.0;

/// What a second's work counts in how busy a worker is: the last 8 s, about.
pub(crate) const BUSY_WEIGHT: f64 = 0.125;

/// Moments at which the messages of one round were read, kept for measuring: more than the sockets
/// of a round. Beyond it messages count with the last one.
pub(crate) const RELAY_TIMES_MAX: usize = 8192;

/// Swarms in a list of them. Their names and counts take 200 bytes in JSON at worst, so a list of
/// this many fits in an outbox.
pub(crate) const SWARMS_LISTED_MAX: usize = 1000;

/// How old a worker's list of its largest swarms may be: making one looks at all of them, which
/// takes 10 ms for a million, and whoever asks often gets the same one.
pub(crate) const SWARM_LIST_AGE: Duration = Duration::from_secs(2);

/// How often a worker looks for what has timed out.
pub(crate) const SWEEP_TICK: Duration = Duration::from_secs(1);

/// Ticks in which a sweep gets around a worker's sockets.
pub(crate) const SOCKET_SWEEP_TICKS: usize = 4;

/// How long a client may take to hang up after a close frame.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a socket has to answer a ping when somebody else claims its peer id. A live browser
/// does so in a round trip; a phone that changes its cell may miss the ping and its first two
/// repetitions by TCP, which come after 1, 2 and 4 s more (RFC 6298). Whoever claims it has waited
/// for 10 s already before it came back (bittorrent-tracker's `RECONNECT_MINIMUM`).
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a socket that has answered such a ping counts as alive without another one.
pub(crate) const PROBE_REST: Duration = Duration::from_secs(5);

// A claim that waits outlasts the question whether its peer id's owner lives.
const _: () = assert!(
    tracker_core::limits::CLAIM_LIFETIME.as_secs()
        > PROBE_TIMEOUT.as_secs() + SWEEP_TICK.as_secs() * SOCKET_SWEEP_TICKS as u64
);

/// How many times as long as for a request a client may take nothing of a response: a minute at the
/// default, since on a slow line the kernel takes no more before a third of its buffer is through.
pub(crate) const RESPONSE_PATIENCE: u32 = 6;

/// How long a client of `/metrics` may take for its request.
pub(crate) const METRICS_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection waits at most when its network connects faster than it may; half of the
/// time for its handshake if that is shorter. So those who share an address and come at once, as
/// after a break of their network, are let in one after another instead of being sent away.
pub(crate) const ARRIVAL_WAIT_MAX: Duration = Duration::from_secs(5);

/// TLS handshakes of a listener that a worker has under way, from a client's first byte on. Each
/// holds some 10 kB, and what of a message came in part; whoever comes next waits, without them,
/// within the same time limit.
pub(crate) const TLS_HANDSHAKES_MAX: usize = 4096;

/// Bytes of ciphertext that one read asks for: several of the longest records. And the fewest, when
/// the reader has little room: a handshake's messages, or a record of most messages.
pub(crate) const TLS_READ_BYTES: usize = 64 << 10;
pub(crate) const TLS_READ_BYTES_MIN: usize = 4 << 10;

/// Bytes of a handshake that have come in part, which a socket holds until the rest comes: a message
/// of 64 KiB, the longest that rustls takes, in its records.
pub(crate) const TLS_PART_BYTES_MAX: usize = 84 << 10;

/// The same once hands are shaken: the longest record (RFC 5246, section 6.2.3), since clients have
/// only short messages to say then.
pub(crate) const TLS_RECORD_BYTES_MAX: usize = (16 << 10) + 2048 + 5;

/// Bytes that are encrypted at a time, and may then wait for the kernel to take them, beside what
/// waits in the outbox: four of the longest records.
pub(crate) const TLS_WRITE_BYTES: usize = 64 << 10;

/// How often a stop tells the sockets whose time has come.
pub(crate) const DRAIN_TICK: Duration = Duration::from_millis(20);

/// How long a stop waits for the last sockets to hang up, once all were told: for an answer to a
/// close frame many times over, and for a client that has gone not longer than need be.
pub(crate) const HANG_UP_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a stop waits for requests to end.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections that the kernel may hold for us to accept.
pub(crate) const BACKLOG_CONNECTIONS: u32 = 4096;

/// Bytes of a STUN request that are looked at. Browsers send 20 to 100.
pub(crate) const STUN_REQUEST_BYTES_MAX: usize = 1280;

/// STUN requests that are answered before other tasks of the thread have their turn.
pub(crate) const STUN_REQUESTS_PER_TURN: usize = 64;

/// How often the files that the configuration names are looked at: an operator who has just changed
/// one waits this long, and looking costs a system call each.
pub(crate) const FILES_TICK: Duration = Duration::from_secs(2);

/// Bytes of a file of info hashes: 1.5 million of them, which take 30 MB once they are read.
pub(crate) const INFO_HASH_FILE_BYTES_MAX: u64 = 64 << 20;

/// Bytes of a token in a URL: one for as many swarms as it may name takes 7.4 kB in base64.
pub(crate) const TOKEN_BYTES_MAX: usize = 8 << 10;

/// Info hashes in a token: as many as a socket may be in unless the file says otherwise.
pub(crate) const TOKEN_SWARMS_MAX: usize = 128;

/// How far the clocks of the tracker and of whoever signs tokens may be apart.
pub(crate) const TOKEN_LEEWAY: Duration = Duration::from_secs(10);

/// Bytes of the file with the key of tokens. A PEM file with text around the key has a few hundred.
pub(crate) const TOKEN_KEY_FILE_BYTES_MAX: u64 = 4096;

/// Bytes of an HS256 secret: as long as the hash, or it is easier to guess (RFC 7518, section 3.2).
pub(crate) const HS256_SECRET_BYTES_MIN: usize = 32;

/// Bytes of the name of the query's parameter with the token.
pub(crate) const TOKEN_PARAMETER_BYTES_MAX: usize = 64;

/// How often a stop looks whether the sockets have hung up.
pub(crate) const STOP_POLL: Duration = Duration::from_millis(10);

/// Connections to `/metrics` at a time; a Prometheus has one.
pub(crate) const METRICS_CONNECTIONS_MAX: usize = 64;
