// Every bound and every measured setting of the player in one place, each with its unit and its
// reason. The settings that decide how much is shared were measured with four and eight viewers of
// 2 s segments.

/**
 * Segments that are due within this many seconds are fetched over HTTP, whatever the peers have.
 * The library's default of 15 s leaves no room for peers in a live stream that plays 12 s behind.
 */
export const HIGH_DEMAND_WINDOW_S = 3;

/** How far behind the live edge to play, in segments: the room in which peers can deliver. */
export const LIVE_SYNC_SEGMENTS = 6;

/**
 * How long the first segments wait for a peer before HTTP fetches them. Time enough for a tracker's
 * answer and a connection; it is also the price that a lonely viewer pays before the first picture.
 */
export const FIRST_SEGMENT_WAIT_MS = 1_500;

/**
 * What peers' segments may take of the page's memory, in MiB. A live window is a few dozen MB at
 * most; the library's default of 4096 MiB is meant for films.
 */
export const SEGMENT_MEMORY_MIB_MAX = 256;

/** Media kept behind the playhead, in seconds: enough to step back once, no film in memory. */
export const BACK_BUFFER_S = 30;

/** First wait after an error that hls.js itself gave up on; doubled up to the bound below. */
export const RETRY_FIRST_MS = 1_000;

/** Longest wait between two tries: an origin that comes back is seen within this time. */
export const RETRY_MAX_MS = 10_000;

/** Errors in a row, no segment in between, after which playback goes on without peers at all. */
export const P2P_ERRORS_MAX = 3;

/**
 * A segment that brings neither a byte nor an error for this long has been lost by the peer-to-peer
 * loader. Its own timeouts are 2 s (peers) and 3 s (HTTP, three tries), so 15 s is not an accident.
 */
export const P2P_SILENCE_MAX_MS = 15_000;

/** How often the playback clock is compared with the wall clock: the grain of a stall's start. */
export const STALL_SAMPLE_MS = 50;

/** Shorter halts aren't recorded: two frames at 25 fps, below what the clock itself jitters by. */
export const STALL_MIN_MS = 80;

/** Stalls kept, the latest: a page may stay open for weeks. */
export const STALLS_KEPT_MAX = 500;

/** Peer ids remembered to count each once: as `peersEver` in a page that stays open for weeks. */
export const PEERS_REMEMBERED_MAX = 10_000;

/** Entries taken from a list in the query string, such as `?tracker=a,b,c`. */
export const QUERY_LIST_MAX = 8;

/** How often the figures on the page are redrawn: calm to read, and cheap. */
export const REDRAW_MS = 500;

/** Characters of a stream's digests: 300 segments of 100 characters, in base64, with room. */
export const DIGESTS_CHARS_MAX = 256 * 1024;

/** How long a fetch of the digests may take: the segment that waits for it is due soon. */
export const DIGESTS_TIMEOUT_MS = 2_000;

/**
 * How often they are fetched for one segment that they don't name: a cache may have answered with
 * those of a second ago, which a moment later are those of now.
 */
export const DIGESTS_TRIES = 2;

/** The moment between: as long as caches keep them, with 2 s segments. */
export const DIGESTS_WAIT_MS = 1_000;

/** How much slower than the origin's the viewer's clock may be: they are good for ten minutes. */
export const DIGESTS_LEEWAY_S = 600;
