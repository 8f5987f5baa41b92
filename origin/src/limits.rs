//! Every bound of the origin, in one place, each with its unit and its reason. What happens at a
//! bound is decided (and tested) where it is used.

mod ffmpeg;
mod http;
mod packaged;
mod upstream;

use std::ops::RangeInclusive;
use std::time::Duration;

pub use ffmpeg::*;
pub use http::*;
pub use packaged::*;
pub use upstream::*;

/// Streams of one origin: each may be an encoder, and an encoder is a good part of a core.
pub const STREAMS_MAX: usize = 16;

/// Characters in a stream's name: it becomes a part of URLs and of file names.
pub const STREAM_NAME_CHARS_MAX: usize = 64;

/// Tracks of one stream: a ladder of six qualities, and sound in ten languages.
pub const TRACKS_MAX: usize = 16;

/// Seconds without a request after which a stream on demand stops: more than a player's buffer, so
/// that nobody's stream stops while he watches; at most a day.
pub const IDLE_SECONDS: RangeInclusive<i64> = 10..=86_400;

/// Qualities of one picture: each is an encoder, and players tell no more apart.
pub const QUALITIES_MAX: usize = 6;

/// Pixels down a picture: from what x264 still encodes up to 4K. It must be even (yuv420p).
pub const HEIGHT_PIXELS: RangeInclusive<i64> = 64..=2160;

/// Frames a second: one is the least that can start a one-second segment with a key frame.
pub const FRAMES_PER_SECOND: RangeInclusive<i64> = 1..=120;

/// Video bits a second, in thousands.
pub const VIDEO_KBPS: RangeInclusive<i64> = 50..=50_000;

/// Seconds in a segment. Below 1 s media sequence numbers, which start at the epoch's seconds,
/// could be given twice after a restart; above 10 s a viewer waits too long for a picture.
pub const SEGMENT_SECONDS: RangeInclusive<i64> = 1..=10;

/// Segments in a playlist: RFC 8216, 6.2.2 wants three target durations at least; the upper bound
/// keeps a playlist below 10 kB.
pub const PLAYLIST_SEGMENTS: RangeInclusive<i64> = 3..=60;

/// Bytes of segments that one track holds in memory. The oldest go first.
pub const STREAM_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of one segment: a larger file is not read, and ends the ffmpeg that wrote it.
pub const SEGMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long a segment may play that came from elsewhere: six times what this origin cuts itself.
pub const SEGMENT_DURATION_MAX: Duration = Duration::from_secs(60);

/// The highest number of a segment or a discontinuity: players count in JavaScript's numbers.
pub const SEQUENCE_MAX: u64 = 1 << 53;

/// Timelines that one segment may be ahead of the segment before it, each of which is a line in the
/// playlist; beyond that it starts anew.
pub const TIMELINES_SKIPPED_MAX: u64 = 16;

/// How long the segments of a clip have to play on average: shorter ones would come faster than
/// players ask for a playlist, and those of no length without end.
pub const CLIP_SEGMENT_MIN: Duration = Duration::from_millis(100);

/// How often a source is looked at: whether it hangs, and whether anybody wants it.
pub const SOURCE_WATCH: Duration = Duration::from_secs(1);

/// The first pause before a source is started again; each further one is twice as long ...
pub const RESTART_DELAY_MIN: Duration = Duration::from_secs(1);
/// ... up to this one, so that a broken machine is not kept busy.
pub const RESTART_DELAY_MAX: Duration = Duration::from_secs(30);
/// A source that ran this long was well, and the pauses start again at the shortest.
pub const RESTART_DELAY_RESETS_AFTER: Duration = Duration::from_secs(60);

/// Members of a fallback, not counting the slate at its end.
pub const FALLBACK_MEMBERS_MAX: usize = 8;
/// How long the best member of a fallback may take to its first segment before the next is asked:
/// an encoder's start and a segment of 2 s.
pub const FALLBACK_FIRST_PATIENCE: Duration = Duration::from_secs(5);
/// How long each further one may take, when viewers have nothing new to see meanwhile.
pub const FALLBACK_NEXT_PATIENCE: Duration = Duration::from_millis(500);
/// Segment durations after which a member that is on air counts as gone: one that is late is not,
/// and viewers have three in their buffers.
pub const FALLBACK_SILENT_TARGETS: f64 = 2.5;
/// Segments that a member must have delivered before it replaces one that plays.
pub const FALLBACK_STEADY_SEGMENTS: usize = 2;
/// Segments a track that are held of a member which is not on air.
pub const FALLBACK_HELD_SEGMENTS: usize = 3;
/// How often a fallback looks who has fallen silent.
pub const FALLBACK_WATCH: Duration = Duration::from_millis(250);

/// A source of which nothing can be taken for this long starts again: what it delivers is not life.
pub const REFUSED_PATIENCE: Duration = Duration::from_secs(15);

/// How far the time that segments say may be from the machine's before it is set anew: what an
/// encoder's clock and this one differ in some days.
pub const WALL_CLOCK_DRIFT_MAX: Duration = Duration::from_secs(2);

/// How long the streams get to stop before the origin's thread ends without them.
pub const STREAMS_STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long [`crate::Origin::stop`] waits for the origin's thread.
pub const ORIGIN_STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Secrets of one kind that may be valid at a time: the new one, and the one before.
pub const SECRET_FILES_MAX: usize = 2;

/// Bytes of a secret: 32 letters of `openssl rand -base64 24` hold 192 bits; no header is longer
/// than the upper end at any CDN.
pub const SECRET_BYTES: RangeInclusive<usize> = 32..=256;

/// Bytes of a secret's file: the secret, and what editors add.
pub(crate) const SECRET_FILE_BYTES_MAX: u64 = 1024;

/// How often the files of `access` and `tls` are looked at.
pub const FILES_WATCH: Duration = Duration::from_secs(2);

/// Bytes of a config file; a real one has a few hundred.
pub const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of a file with a certificate or a key: a chain of ten certificates has some 20 kB.
pub(crate) const PEM_FILE_BYTES_MAX: u64 = 1 << 20;

/// Bytes of a key's file that are read: Ed25519's has 119.
pub const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Bytes of a CMAF header: a real one has 700 to 3,000.
pub const CMAF_HEADER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a record within it, such as a decoder's configuration: parameter sets make some
/// hundred. Descriptors in it nest as deep as they have room.
pub const CMAF_CONFIG_BYTES_MAX: usize = 4 * 1024;
/// Tracks in a CMAF header: CMAF has one, and muxed files two.
pub const CMAF_TRACKS_MAX: usize = 8;
/// Bytes of a `moof`: 10 s of 120 frames a second take 20 kB, and of sound 8 kB. An entry of 4
/// bytes takes 32 in memory.
pub const CMAF_MOOF_BYTES_MAX: usize = 256 * 1024;

/// How long the signed digests of a stream's segments are good: a page that pins the key lets the
/// viewer's clock be wrong by as much.
pub const DIGESTS_GOOD_FOR: Duration = Duration::from_secs(600);

/// How much earlier than the end of the timeline before a new one may begin, and still be played
/// after it; more is a clock that was set back.
pub const PERIOD_OVERLAP_MAX: Duration = Duration::from_secs(10);
/// How much of a timeline's end may lie within the next one: a few frames, which a player cuts off.
pub const PERIOD_OVERHANG_MAX: Duration = Duration::from_millis(100);
