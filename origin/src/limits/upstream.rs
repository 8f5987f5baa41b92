//! Bounds of playlists and manifests that others write, and of what is fetched by them.

use std::time::Duration;

use super::SEQUENCE_MAX;

/// Bytes of a playlist that somebody else wrote: 12 hours of 2 s segments with names of 50 bytes.
pub const PLAYLIST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Segments in it: 11 hours of 2 s.
pub const PLAYLIST_ENTRIES_MAX: usize = 20_000;
/// Variants and renditions in it together. Most of them may be alternatives of few files.
pub const PLAYLIST_TRACKS_MAX: usize = 256;
/// Bytes of a URI in it: a long path, and a signature.
pub const PLAYLIST_URI_BYTES_MAX: usize = 4096;
/// How long a segment in it may play: what is cut into longer ones is no live stream.
pub const ENTRY_DURATION_MAX: Duration = Duration::from_secs(3600);

/// Headers that go along to an upstream.
pub const UPSTREAM_HEADERS_MAX: usize = 16;

/// Periods of a manifest that is read: each may have thousands of segments.
pub const UPSTREAM_PERIODS_MAX: usize = 64;

/// Bytes of an upstream are fetched for so many segments of one stream at a time ...
pub const UPSTREAM_FETCHES_MAX: usize = 6;
/// ... and of one track: more would only make each of them later.
pub const UPSTREAM_AHEAD: usize = 3;
/// Segments with which a track begins: what players keep from the live edge (RFC 8216, 6.3.3).
pub const UPSTREAM_START_SEGMENTS: usize = 3;
/// The highest number of a segment that an upstream may give, half of [`SEQUENCE_MAX`]: one that
/// counts anew after that still finds higher ones.
pub const UPSTREAM_SEQUENCE_MAX: u64 = SEQUENCE_MAX / 2;
/// How long nobody may ask for a track before it is not taken any more. Players ask for its playlist
/// or its segments every few seconds, caches in between less often.
pub const TRACK_IDLE: Duration = Duration::from_secs(30);
/// Discontinuities of one run: more are no stream, and hls.js would count them all.
pub const UPSTREAM_TIMELINES_MAX: u64 = 100_000;
/// The longest pause between two readings of a playlist that cannot be read ...
pub const UPSTREAM_PAUSE_MAX: Duration = Duration::from_secs(8);
/// ... and in target durations: once the upstream is back, viewers wait for three at the most.
pub const UPSTREAM_PAUSE_TARGETS: u32 = 2;
/// Target durations for which an upstream's numbers may be below those that it had: a cache that is
/// behind catches up within one.
pub const UPSTREAM_BACKWARDS_TARGETS: u32 = 3;

/// An upstream whose playlist names nothing new for this many target durations is looked at from the
/// beginning, in case it is another stream by now ...
pub const UPSTREAM_STALL_TARGETS: u32 = 5;
/// ... but never before this long: it may be restarting, and what was taken is served meanwhile.
pub const UPSTREAM_STALL_MIN: Duration = Duration::from_secs(15);

/// How long a playlist may take after its head has come.
pub const PLAYLIST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a segment may take, if half its duration more than that is not longer still; twice as
/// long, with all that is tried again, and it is left out.
pub const SEGMENT_TIMEOUT_MIN: Duration = Duration::from_secs(3);
/// The first pause before a segment is tried again; each further one is twice as long.
pub const SEGMENT_RETRY_PAUSE: Duration = Duration::from_millis(250);
/// How long a segment that is not there is not asked for again ...
pub const SEGMENT_MISSING_PAUSE: Duration = Duration::from_millis(500);
/// ... and how often it is asked for at all.
pub const SEGMENT_MISSING_TRIES: u32 = 3;

/// How long a connection to an upstream may take to be made, and its TLS ...
pub const FETCH_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// ... and how long after it was asked its answer may take to begin, with the connection.
pub const FETCH_HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer's head, and of what is read at once.
pub const FETCH_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Redirects that are followed for one file; each is a request.
pub const FETCH_REDIRECTS_MAX: usize = 5;
/// Connections to a host that are kept while nothing is fetched, and for how long.
pub const FETCH_IDLE_CONNECTIONS_MAX: usize = 8;
/// See [`FETCH_IDLE_CONNECTIONS_MAX`]. Longer than a playlist waits for its next reading.
pub const FETCH_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
