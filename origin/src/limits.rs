//! Every bound of the origin, in one place, each with its unit and its reason. What happens at a
//! bound is decided (and tested) where it is used.

use std::ops::RangeInclusive;
use std::time::Duration;

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

/// Bytes of a playlist that somebody else wrote: 12 hours of 2 s segments with names of 50 bytes.
pub const PLAYLIST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Segments in it: 11 hours of 2 s.
pub const PLAYLIST_ENTRIES_MAX: usize = 20_000;
/// Variants and renditions in it together. Most of them may be alternatives of few files.
pub const PLAYLIST_TRACKS_MAX: usize = 256;
/// Bytes of a URI in it: a long path, and a signature.
pub const PLAYLIST_URI_BYTES_MAX: usize = 4096;
/// Timelines that one segment may be ahead of the segment before it, each of which is a line in the
/// playlist; beyond that it starts anew.
pub const TIMELINES_SKIPPED_MAX: u64 = 16;

/// The highest number of a segment or a discontinuity: players count in JavaScript's numbers.
pub const SEQUENCE_MAX: u64 = 1 << 53;
/// How long a segment in it may play: what is cut into longer ones is no live stream.
pub const ENTRY_DURATION_MAX: Duration = Duration::from_secs(3600);

/// How long the segments of a clip have to play on average: shorter ones would come faster than
/// players ask for a playlist, and those of no length without end.
pub const CLIP_SEGMENT_MIN: Duration = Duration::from_millis(100);

/// Headers that go along to an upstream.
pub const UPSTREAM_HEADERS_MAX: usize = 16;

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

/// How long a request for a playlist is held while its stream starts, before it gets 503: a 2 s
/// segment, an encoder's start, and a slow machine.
pub const FIRST_PLAYLIST_WAIT: Duration = Duration::from_secs(6);

/// Requests held like that, per stream; more get their 503 at once.
pub const FIRST_PLAYLIST_WAITERS_MAX: usize = 1024;

/// How often ffmpeg's folder is read: adds at most this to the latency, and costs one listing.
pub const FOLDER_POLL: Duration = Duration::from_millis(100);

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

/// A source of which nothing can be taken for this long starts again: what it delivers is not life.
pub const REFUSED_PATIENCE: Duration = Duration::from_secs(15);

/// How far the time that segments say may be from the machine's before it is set anew: what an
/// encoder's clock and this one differ in some days.
pub const WALL_CLOCK_DRIFT_MAX: Duration = Duration::from_secs(2);

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

/// Bytes of a config file; a real one has a few hundred.
pub const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of a file with a certificate or a key: a chain of ten certificates has some 20 kB.
pub(crate) const PEM_FILE_BYTES_MAX: u64 = 1 << 20;
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

/// Bytes of a key's file that are read: Ed25519's has 119.
pub const KEY_BYTES_MAX: u64 = 16 * 1024;

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

/// How often a source looks for what is late, if nothing comes that it could look at.
pub const PACKAGER_WATCH: Duration = Duration::from_millis(250);

/// Periods of a manifest that is read: each may have thousands of segments.
pub const UPSTREAM_PERIODS_MAX: usize = 64;

/// An upstream whose playlist names nothing new for this many target durations is looked at from the
/// beginning, in case it is another stream by now ...
pub const UPSTREAM_STALL_TARGETS: u32 = 5;
/// ... but never before this long: it may be restarting, and what was taken is served meanwhile.
pub const UPSTREAM_STALL_MIN: Duration = Duration::from_secs(15);

/// How long a packager may be silent, in target durations, before its run counts as over.
pub const PACKAGER_STALL_TARGETS: u32 = 3;

/// How long a packager's file has to be the same before it is read: one that writes a segment which
/// it has named already pauses for less.
pub const DIR_SETTLED_AFTER: Duration = Duration::from_millis(300);
/// Files whose versions are remembered: those of all tracks' playlists, and more.
pub const DIR_VERSIONS_MAX: usize = 1024;
