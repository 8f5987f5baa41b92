//! Bounds of the dashboard.

use std::time::Duration;

/// Bytes of the dashboard's token: 16 of base64 are 96 bits, which nobody guesses, however fast; and
/// a header or a form has no room for a book.
pub(crate) const DASHBOARD_TOKEN_BYTES_MIN: usize = 16;
pub(crate) const DASHBOARD_TOKEN_BYTES_MAX: usize = 256;

/// Bytes of its file: the token, and a line's end.
pub(crate) const DASHBOARD_TOKEN_FILE_BYTES_MAX: u64 = DASHBOARD_TOKEN_BYTES_MAX as u64 + 2;

/// How long a browser stays signed in: a shift.
pub(crate) const DASHBOARD_SESSION: Duration = Duration::from_secs(12 * 3600);

/// Dashboards that are open at a time: a team's screens. Each costs a write a second.
pub(crate) const FEEDS_MAX: usize = 32;

/// How often the node is looked at, for the dashboard.
pub(crate) const SAMPLE_TICK: Duration = Duration::from_secs(1);

/// Samples that are kept: an hour of them. Each is a row of 4-byte numbers, so they are 173 kB.
pub(crate) const SAMPLES_MAX: usize = 3600;

/// Samples between two lists of swarms and streams, which cost more than numbers do: a list looks at
/// all swarms, which takes 10 ms for a million.
pub(crate) const SAMPLES_PER_SURVEY: u64 = 5;

/// Samples between two marks that later ones are compared with, and the marks that are kept: the ten
/// minutes that the slowest alert looks back on.
pub(crate) const SAMPLES_PER_MARK: u64 = 10;
pub(crate) const MARKS_MAX: usize = 61;

/// Swarms that the dashboard shows, and of which it keeps the sizes to tell their growth by; and the
/// surveys that it does so over, which are a minute's. A swarm that comes from farther below is told
/// without its growth.
pub(crate) const SWARMS_SHOWN: usize = 20;
pub(crate) const SWARMS_REMEMBERED: usize = 200;
pub(crate) const SURVEYS_REMEMBERED: usize = 12;

/// Streams that the dashboard shows.
pub(crate) const STREAMS_SHOWN: usize = 100;

/// Other nodes that it shows.
pub(crate) const NODES_SHOWN: usize = 100;

/// Ticks that wait for a feed whose client doesn't read; further ones are dropped. Beside them there
/// is what the kernel holds for it, in bytes: some ten seconds of ticks.
pub(crate) const FEED_MAILBOX_TICKS: usize = 2;
pub(crate) const FEED_SEND_BUFFER_BYTES: usize = 16 << 10;

/// How long the kernel may take none of what a feed's client is sent, before the feed ends.
pub(crate) const FEED_PATIENCE: Duration = Duration::from_secs(30);

/// How often a feed pings its client, and looks whether its pass is still good; and after how long
/// without a sign of life it ends.
pub(crate) const FEED_PING: Duration = Duration::from_secs(10);
pub(crate) const FEED_SILENCE_MAX: Duration = Duration::from_secs(35);

/// Bytes that a feed's client may send from one ping to the next: a pong, and then some. It has
/// nothing to say.
pub(crate) const FEED_RECEIVED_BYTES_MAX: usize = 4 << 10;
