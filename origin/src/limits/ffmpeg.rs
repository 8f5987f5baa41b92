//! Bounds of ffmpeg: of what it reads, of how long it may take, and of what it says.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Pixels of a picture that is decoded to be encoded again, 4K: a stranger may send any.
pub const DECODED_PIXELS_MAX: u32 = 4096 * 2304;

/// Bytes of an input's URL; signed ones have some hundred.
pub const INGEST_URL_BYTES_MAX: usize = 4096;

/// Seconds that ffmpeg may take to find out what an input consists of.
pub const PROBE_SECONDS: RangeInclusive<i64> = 1..=30;

/// How long an input may be silent once it is open, whatever it is: then ffmpeg gives it up.
pub const INPUT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often ffmpeg is called anew, one after the other, because an input is not what was thought.
pub const REPLANS_MAX: u32 = 2;

/// How often ffmpeg's folder is read: adds at most this to the latency, and costs one listing.
pub const FOLDER_POLL: Duration = Duration::from_millis(100);

/// How long an ffmpeg may take to its first segment: an encoder on a busy machine starts slowly.
pub const STALL_FIRST: Duration = Duration::from_secs(15);
/// An ffmpeg that finished no segment for this many segment durations hangs, and is killed: players
/// stay three behind live, so those hardly notice ...
pub const STALL_SEGMENTS: u32 = 3;
/// ... but never before this long, since a busy machine may stand still for a while.
pub const STALL_MIN: Duration = Duration::from_secs(5);

/// A segment of ffmpeg's that plays for this many target durations and [`JUMP_MIN`] was not recorded
/// so long: its input's timestamps have jumped.
pub const JUMP_SEGMENTS: u32 = 3;
/// See [`JUMP_SEGMENTS`].
pub const JUMP_MIN: Duration = Duration::from_secs(10);

/// The last of ffmpeg's messages, which are told when it fails.
pub const FFMPEG_LAST_LINES: usize = 4;

/// Lines of ffmpeg's stderr that reach the log per second; the rest are counted.
pub const FFMPEG_LOG_LINES_PER_SECOND: u32 = 5;
/// Bytes of one such line that are read: more than twice the longest URL, so that a secret in it is
/// seen whole, and hidden.
pub const FFMPEG_LINE_BYTES_MAX: u64 = 16 * 1024;
/// Bytes of it that are logged and kept.
pub const FFMPEG_SHOWN_BYTES_MAX: usize = 1024;

/// How long the rest of a dead ffmpeg's stderr may take to be read.
pub const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// How long ffmpeg may take to encode a tenth of a second when it is asked what it can do.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
