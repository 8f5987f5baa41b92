//! Every bound of the rules in one place, with its unit and its reason. What a site may choose is
//! in [`Settings`]; what no site has a reason to change is a constant.

use std::time::Duration;

/// How deep objects and arrays may nest in a message. A real announce needs 4 (message, offers,
/// element, offer); the rest is room for fields that we don't know.
pub const JSON_DEPTH_MAX: usize = 16;

/// Offers of one announce that are looked at; further ones are checked and ignored, as wt-tracker
/// does. Clients send 5 (P2P Media Loader) or 10 (webtorrent) at most.
pub const OFFERS_PER_ANNOUNCE_MAX: usize = 50;

/// Offers of one peer that may wait for an answer at a time; beyond it the oldest is forgotten.
/// Three announces' worth of the most that is relayed.
pub const PENDING_OFFERS_MAX: usize = 150;

/// How long an answer to an offer is accepted. Clients drop an offer 50 s after they made it
/// (bittorrent-tracker's `OFFER_TIMEOUT`); the rest is for the way there and back.
pub const OFFER_LIFETIME: Duration = Duration::from_secs(60);

/// Announces of one shard that may wait for a peer id which another connection has; a further one
/// is refused at once. A provider's outage brings thousands of viewers back over some five minutes
/// (bittorrent-tracker's `RECONNECT_VARIANCE`), of which a claim's 10 to 14 s see a few hundred.
pub const CLAIMS_MAX: usize = 1024;

/// Bytes of all announces of one shard that wait for a peer id: at 15 kB, what webtorrent sends,
/// as many as may wait.
pub const CLAIM_BYTES_MAX: usize = 16 << 20;

/// How long an announce waits for a peer id when nobody says whether its owner lives: longer than
/// finding that out takes, and short enough for its offers to be worth something still.
pub const CLAIM_LIFETIME: Duration = Duration::from_secs(20);

/// Info hashes in one scrape. Clients ask for one; the reply to this many has some 10 kB.
pub const SCRAPE_HASHES_MAX: usize = 100;

/// Members that one [`crate::Input::Sweep`] looks at, at least: so few stop a worker for less than
/// a millisecond.
pub const SWEEP_MEMBERS_MIN: usize = 4096;

/// Ticks in which a sweep gets around all members of a shard, however many they are.
pub const SWEEP_TICKS: usize = 16;

/// What a site may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Offers of one announce that are relayed at most; wt-tracker's `maxOffers`.
    pub max_offers: usize,
    /// The pause between two announces that clients are asked for; wt-tracker's
    /// `announceInterval`. A member that stays silent for two of them is forgotten.
    pub announce_interval: Duration,
}

impl Settings {
    /// How long a member stays without an announce: two intervals, so that one lost announce
    /// costs nobody its place.
    #[must_use]
    pub fn member_lifetime(&self) -> Duration {
        2 * self.announce_interval
    }
}

/// wt-tracker's defaults.
impl Default for Settings {
    fn default() -> Self {
        Self { max_offers: 20, announce_interval: Duration::from_secs(120) }
    }
}
