//! Bounds of the HTTP that streams are served over, and of the connections that ask.

use std::time::Duration;

/// How long a request for a playlist is held while its stream starts, before it gets 503: a 2 s
/// segment, an encoder's start, and a slow machine.
pub const FIRST_PLAYLIST_WAIT: Duration = Duration::from_secs(6);

/// Requests held like that, per stream; more get their 503 at once.
pub const FIRST_PLAYLIST_WAITERS_MAX: usize = 1024;

/// Bytes of segments that the kernel has once more, to send them without a copy. Beyond it they are
/// copied as they are sent.
#[cfg(target_os = "linux")]
pub const PAGES_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Bytes of a segment that are handed to HTTP at a time: what a slow client's connection holds of
/// it, and what is still in the processor's cache when the kernel takes it.
pub const SLICE_BYTES: usize = 64 * 1024;

/// The same for a stream of HTTP/2: the largest frame that clients take unless they say otherwise.
pub const STREAM_SLICE_BYTES: usize = 16 * 1024;

/// Answers to streams of HTTP/2 on one worker: a client may open any number of them, and take
/// nothing. More get 503. Each holds [`STREAM_SLICE_BYTES`], together 64 MiB.
pub const ANSWERED_STREAMS_MAX: usize = 4096;

/// How long a client may take for an answer: this long, ...
pub const ANSWER_TIME_MIN: Duration = Duration::from_secs(10);
/// ... and a second for each so many bytes (1 Mbit/s), ...
pub const ANSWER_BYTES_PER_SECOND: u64 = 128 * 1024;
/// ... but no longer than this. Then its connection is cut: what has left the window is not held
/// for it any longer.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// How often answers are looked at that take too long.
pub const ANSWERS_SWEEP: Duration = Duration::from_secs(1);

/// How long a client may take nothing of what was written to its connection: on a slow line the
/// kernel takes no more before a third of its buffer, which may be a megabyte, is through.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take to say all of a request, and to shake hands.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a request's head; browsers send some 600. A longer one is left to actix-http, which
/// takes 128 KiB.
pub(crate) const REQUEST_HEAD_BYTES: usize = 16 * 1024;

/// Bytes that one call hands from the kernel's pages to a socket.
pub(crate) const SENDFILE_BYTES: usize = 512 * 1024;

/// How long a connection without a request is kept: longer than nginx (60 s) and CDNs keep theirs,
/// so that it is they who close it, and no request meets a connection that has just gone.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long open answers get when the binary stops; the rest of a segment comes from memory.
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections of one worker of the binary; more wait in the kernel's line until one ends.
pub const WORKER_CONNECTIONS_MAX: usize = 16_384;

/// TLS handshakes at a time on one worker; more wait. Each takes some 0.5 ms of the worker.
pub const TLS_HANDSHAKES_MAX: usize = 64;

/// The nice value of the threads that send, inside another program's process: the lowest priority
/// that there is.
#[cfg(target_os = "linux")]
pub const GUEST_NICE: i32 = 19;

/// Connections that the kernel keeps in line for a listener.
pub const BACKLOG_CONNECTIONS: u32 = 4096;

/// Connections to the metrics' listener: a few collectors.
pub const METRICS_CONNECTIONS_MAX: usize = 64;
