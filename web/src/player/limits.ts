// Every bound and every measured setting of the player in one place, each with its unit and its
// reason. The settings that decide how much is shared were measured with four and eight viewers of
// 2 s segments.

/**
 * Segments that are due within this many seconds are fetched over HTTP, whatever the peers have.
 * The library's default of 15 s leaves no room for peers in a live stream that plays 12 s behind.
 * It and the next two hold where the server doesn't say otherwise.
 */
export const HTTP_SECONDS = 3;

/**
 * How much sooner than that one of the viewers fetches what none has yet, and how often it is
 * another one's turn. Half of it is for the segment to get from the first to the second: on busy
 * machines that takes a second.
 */
export const TURN_S = 4;

/** The first part of a turn, in which nobody is sooner: clocks may differ by as much. */
export const TURN_PAUSE_MS = 1_000;

/** How often a viewer looks whether it is its turn. */
export const TURN_CHECK_MS = 250;

/** Viewers whose swarm is remembered, by what trackers said of them. */
export const ID_SWARMS_KEPT_MAX = 1_000;

/** How far behind the live edge to play, in target durations: the room for peers to deliver. */
export const BEHIND_TARGETS = 6;

/**
 * But no further back than this before the beginning of a playlist, or its middle where that is
 * later: what is there leaves it before peers have answered.
 */
export const LEAVING_TARGETS = 2;

/** What is sent to others at most, on average, in kbit/s: a good picture to one of them. */
export const UPLOAD_KBPS = 10_000;

/**
 * How long segments wait for a first peer before HTTP fetches them: time enough for a tracker's
 * answer and a connection. What is due within `HTTP_SECONDS` doesn't wait, and is played meanwhile:
 * so it is 0.4 target durations at the most, and the rest is for HTTP.
 */
export const PEER_WAIT_MAX_MS = 1_200;

/**
 * What peers' segments may take of the page's memory, in MiB. A live window is a few dozen MB at
 * most; the library's default of 4096 MiB is meant for films.
 */
export const SEGMENT_MEMORY_MIB_MAX = 256;

/**
 * What Shaka has ahead, in seconds, as hls.js has by P2P Media Loader's own choice: what is asked
 * for earlier waits for peers all the same.
 */
export const SHAKA_BUFFER_S = 4;

/** How long Shaka waits with a stream that is just starting: one that grows has grown by then. */
export const SHAKA_LOOK_TARGETS = 1.5;

/** When Shaka asks for a segment again that hasn't come: by then the picture stands. */
export const SHAKA_SEGMENT_TIMEOUT_MS = 8_000;

/** Media kept behind the playhead, in seconds: enough to step back once, no film in memory. */
export const BACK_BUFFER_S = 30;

/** First wait before what has failed is tried again; doubled up to the bound below. */
export const RETRY_FIRST_MS = 1_000;

/** Longest wait between two tries: an origin that comes back is seen within this time. */
export const RETRY_MAX_MS = 10_000;

/** Errors of the network in a row after which the list of renditions is read anew. */
export const LIST_AGAIN_ERRORS = 4;

/** Errors in a row, no segment in between, after which playback goes on without peers at all. */
export const P2P_ERRORS_MAX = 3;

/** How often segments that are left to peers are looked at: a quarter of what is left by then. */
export const RESCUE_CHECK_MS = 250;

/**
 * With less than this ahead, a segment that the library hasn't begun to load is fetched over HTTP.
 * It should have begun at `HTTP_SECONDS`.
 */
export const RESCUE_AHEAD_S = 1;

/** But not sooner than this: the library waits for a first peer, and would load it once more. */
export const RESCUE_AFTER_MS = 2_000;

/** The same for one that it has begun with: it gives peers 2 s, and then HTTP some time. */
export const RESCUE_UNDER_WAY_MS = 4_000;

/** So many rescues with no segment in between, and peers are given up. */
export const RESCUES_IN_A_ROW_MAX = 6;

/**
 * A segment that hasn't come for this long is lost, whatever the library does with it. Its own
 * timeouts are 2 s (peers) and 3 s (HTTP, three tries), so 15 s is not an accident.
 */
export const SEGMENT_WAIT_MAX_MS = 15_000;

/** How often the playback clock is compared with the wall clock: the grain of a stall's start. */
export const STALL_SAMPLE_MS = 50;

/** Shorter halts aren't recorded: two frames at 25 fps, below what the clock itself jitters by. */
export const STALL_MIN_MS = 80;

/** Stalls kept, the latest: a page may stay open for weeks. */
export const STALLS_KEPT_MAX = 500;

/** Peer ids remembered to count each once: as `peersEver` in a page that stays open for weeks. */
export const PEERS_REMEMBERED_MAX = 10_000;

/** How much of the upload's rate may go out at once, in seconds: a segment is one burst. */
export const UPLOAD_BURST_S = 10;

/** Segments on the strip: two minutes of 2 s segments. */
export const SEGMENTS_KEPT_MAX = 60;

/** Entries taken from a list in the query string, such as `?tracker=a,b,c`. */
export const QUERY_LIST_MAX = 8;

/** How often the figures on the page are redrawn: calm to read, and cheap. */
export const REDRAW_MS = 500;

/** What the chart shows, in seconds, and how often it gets a sample. */
export const HISTORY_S = 120;
export const HISTORY_STEP_MS = 1_000;

/** A pause between two samples that is none of the page's: it was hidden, or the machine slept. */
export const HISTORY_GAP_MS = 3_000;

/** A rate on the chart is the average of so many seconds: three segments come and go in them. */
export const RATE_WINDOW_S = 6;

/** The chart's height, in CSS pixels: that of the graph beside it. The style sheet has it, too. */
export const CHART_HEIGHT_PX = 230;

/** Viewers in the graph; the table has all of them. More would overlap. */
export const GRAPH_PEERS_MAX = 12;

/** The widest link, in the graph's units, of which it has 220. */
export const GRAPH_LINK_MAX = 9;

/** Offers and answers whose sender is remembered: five of each announce, for several qualities. */
export const DESCRIPTIONS_KEPT_MAX = 200;

/** Without an answer within this time a STUN server is taken for silent; browsers ask for 9.5 s. */
export const STUN_ANSWER_MAX_MS = 5_000;

/** How long a button says that it has copied. */
export const COPIED_SHOWN_MS = 2_000;

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
