//! Every bound of the rules in one place, with its unit and its reason. What a site may choose is
//! in [`Settings`] and [`Limits`]; what no site has a reason to change is a constant.

use std::time::Duration;

/// How deep objects and arrays may nest in a message, whatever a site chooses: the scanner calls
/// itself for each level, and a thread's stack of 2 MiB has room for many times this. serde_json
/// stops at the same depth.
pub const JSON_DEPTH_CEILING: usize = 128;

/// What [`Settings::max_offers`] may be at most. Clients send 5 (P2P Media Loader) or 10
/// (webtorrent) offers an announce.
pub const OFFERS_RELAYED_MAX: usize = 50;

/// Offers of one peer that may wait for an answer at a time; beyond it the oldest is forgotten.
/// Three announces' worth of [`OFFERS_RELAYED_MAX`].
pub const PENDING_OFFERS_MAX: usize = 150;

/// How long an answer to an offer is accepted. Clients drop an offer 50 s after they made it
/// (bittorrent-tracker's `OFFER_TIMEOUT`); the rest is for the way there and back.
pub const OFFER_LIFETIME: Duration = Duration::from_secs(60);

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
    /// What one message, and one client, may ask for.
    pub limits: Limits,
}

/// What one message, and one client, may ask for at most. 0 is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep objects and arrays may nest in a message; [`JSON_DEPTH_CEILING`] at most, and with
    /// 0. A real announce needs 4 (message, offers, element, offer); the rest is room for fields
    /// that we don't know.
    pub json_depth: usize,
    /// Offers of one announce that are looked at; further ones are checked and ignored.
    pub offers_per_announce: usize,
    /// Bytes of an SDP as it stands in the message, with its escapes. Browsers write 0.6 kB, and
    /// 1.5 kB once they have gathered their candidates; a client with many network interfaces some
    /// kilobytes.
    pub sdp_bytes: usize,
    /// Offers that a member receives a second, on average: ten seconds' worth may come at once. A
    /// busy swarm's member gets one in some seconds.
    pub offers_per_second_per_receiver: u32,
}

impl Limits {
    /// How deep the scanner goes.
    pub(crate) fn json_depth_max(&self) -> usize {
        or_unlimited(self.json_depth).min(JSON_DEPTH_CEILING)
    }

    pub(crate) fn offers_per_announce_max(&self) -> usize {
        or_unlimited(self.offers_per_announce)
    }

    pub(crate) fn sdp_bytes_max(&self) -> usize {
        or_unlimited(self.sdp_bytes)
    }
}

fn or_unlimited(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
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
        let announce_interval = Duration::from_secs(120);
        Self { max_offers: 20, announce_interval, limits: Limits::default() }
    }
}

/// Several times what real clients do, and little enough to bound what others do.
impl Default for Limits {
    fn default() -> Self {
        Self {
            json_depth: 16,
            offers_per_announce: 50,
            sdp_bytes: 16 << 10,
            offers_per_second_per_receiver: 20,
        }
    }
}
