//! Bounds of what encoders push and packagers leave in folders.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::TRACKS_MAX;

/// Bytes of a file's path below a stream's folder, for files that come from encoders and packagers.
pub const FILE_PATH_BYTES_MAX: usize = 255;
/// Folders and the file's own name in such a path: encoders use one for each quality.
pub const FILE_PATH_PARTS_MAX: usize = 8;

/// How long a segment that an encoder has named may stay away, in target durations ...
pub const NAMED_WAIT_TARGETS: u32 = 3;
/// ... but at least this long, since short segments may come late in pairs.
pub const NAMED_WAIT_MIN: Duration = Duration::from_secs(4);

/// How long a run waits for the playlists of all its tracks: encoders put them one after another.
pub const TRACKS_WAIT: Duration = Duration::from_secs(4);

/// From this number on an encoder's numbers are kept: they come from a clock (a Unix time in
/// seconds, or more), so that its next start gives none of them again. Those that begin with 0 or 1
/// would give a name, which caches keep for a year, to other content; there the stream counts.
pub const CLOCK_SEQUENCE_MIN: u64 = 1_000_000_000;

/// Media playlists of one packager that are looked at: those of all tracks, and as many that are not
/// listed (yet).
pub const FOLLOWED_PLAYLISTS_MAX: usize = 2 * TRACKS_MAX;

/// Segments of one track that are named and not delivered. A source that is away for a minute misses
/// none of 2 s.
pub const WANTED_SEGMENTS_MAX: usize = 64;

/// How often a source looks for what is late, if nothing comes that it could look at.
pub const PACKAGER_WATCH: Duration = Duration::from_millis(250);

/// How long a packager may be silent, in target durations, before its run counts as over.
pub const PACKAGER_STALL_TARGETS: u32 = 3;

/// Characters of an encoder's token: 16 letters and digits chosen at random take for ever to guess.
pub const PUSH_TOKEN_CHARS: RangeInclusive<usize> = 16..=256;

/// Bytes of an encoder's files that are held: from a few segments of a low quality up.
pub const PUSH_HELD_BYTES: RangeInclusive<i64> = (1 << 20)..=(4 << 30);
/// Files that are held, with those that are coming: a ladder of 8 qualities has a playlist, a header
/// and a few segments of each on their way.
pub const PUSH_HELD_FILES_MAX: usize = 512;
/// How long a file is held that no playlist names. Headers stay as long as they are used.
pub const PUSH_HELD_TIME: Duration = Duration::from_secs(60);

/// Uploads at a time of one stream: two for each track.
pub const PUSH_UPLOADS_MAX: usize = 2 * TRACKS_MAX;
/// How long one may take: encoders send a segment while they make it.
pub const PUSH_UPLOAD_TIME_MAX: Duration = Duration::from_secs(60);
/// How long one may bring nothing.
pub const PUSH_UPLOAD_SILENCE_MAX: Duration = Duration::from_secs(15);
/// How much of one that is held on a disk waits in memory to be written.
pub const PUSH_WRITE_BYTES: usize = 256 * 1024;

/// How long an encoder has to be silent before another address may take over: longer than a segment.
pub const PUSH_TAKEOVER_SILENCE: Duration = Duration::from_secs(15);

/// Files that have come and wait for their stream's source. Their bytes are within `heldBytes`.
pub const PUSH_ARRIVALS_MAX: usize = 64;
/// How long an upload waits for room among them.
pub const PUSH_ARRIVAL_WAIT: Duration = Duration::from_secs(5);

/// Wrong tokens that one network may show at once ...
pub const PUSH_WRONG_TOKENS_MAX: u32 = 10;
/// ... and how soon it is let off one of them.
pub const PUSH_WRONG_TOKEN_EVERY: Duration = Duration::from_secs(6);
/// Networks that this is counted of. When it is full, those that wait the least are forgotten.
pub const PUSH_WRONG_NETWORKS_MAX: usize = 4096;

/// How long a packager's file has to be the same before it is read: one that writes a segment which
/// it has named already pauses for less.
pub const DIR_SETTLED_AFTER: Duration = Duration::from_millis(300);
/// Files whose versions are remembered: those of all tracks' playlists, and more.
pub const DIR_VERSIONS_MAX: usize = 1024;
