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

/// Announces of one shard that may wait for a peer id which another connection has; a further one
/// is refused at once. A provider's outage brings thousands of viewers back over some five minutes
/// (bittorrent-tracker's `RECONNECT_VARIANCE`), of which a claim's 10 to 14 s see a few hundred.
pub const CLAIMS_MAX: usize = 1024;

/// Announces of one connection that may wait so at a time, in one shard: a page has a peer in each
/// quality and track that it plays, a handful. Few connections shall not fill what is for all.
pub const CLAIMS_PER_CONNECTION_MAX: usize = 8;

/// Bytes of all announces of one shard that wait for a peer id: at 15 kB, what webtorrent sends,
/// as many as may wait.
pub const CLAIM_BYTES_MAX: usize = 16 << 20;

/// How long an announce waits for a peer id when nobody says whether its owner lives: longer than
/// finding that out takes, and short enough for its offers to be worth something still.
pub const CLAIM_LIFETIME: Duration = Duration::from_secs(20);

/// Announces of one member that may come in a row before `min interval` has passed; further ones
/// are refused until it has. A page that changes between two qualities and back, again and again,
/// makes one or two.
pub const EARLY_ANNOUNCES_MAX: u8 = 10;

/// How much sooner than `min interval` an announce is on time, in seconds: a client that goes by what
/// it was told is a little faster one time than another, and our clock counts whole seconds. A
/// `min interval` of 1 s has none.
pub const EARLY_GRACE_S: u32 = 1;

/// How long a member that was offered nothing saves up for a burst of offers: the first in a swarm
/// that fills is sent those of everybody who comes next.
pub const RECEIVER_BURST: Duration = Duration::from_secs(10);

/// Other members that are tried at random for an offer whose receiver has had enough.
pub const SUBSTITUTE_PICKS_MAX: usize = 4;

/// Siblings of one partition: a node's 8 or 16 workers on some 100 nodes. Digests of further ones
/// are ignored, and counted.
pub const SIBLINGS_MAX: usize = 1024;

/// Intervals without a digest after which a sibling counts as gone. One in which nothing changes says
/// something in every other interval, and one of those may be lost. Whoever hears that a whole node
/// is gone says so sooner ([`SiblingsGone`](crate::Input::SiblingsGone)).
pub const DIGESTS_MISSED_MAX: u32 = 5;

/// Offers from siblings that the members of one partition may answer at a time, 2.5 MB of them;
/// beyond it the older half is forgotten. 100,000 members who each announce every two minutes with
/// 5 offers, of which 12 in 100 cross, receive 30,000 a minute.
pub const CROSS_OFFERS_REMEMBERED_MAX: usize = 1 << 16;

/// The same for each member: so many as it may have out itself.
pub const CROSS_OFFERS_PER_MEMBER_MAX: usize = PENDING_OFFERS_MAX;

/// Announces of one shard whose offers wait for the first word of a sibling; the oldest gives way.
/// Each opened a partition a few seconds ago.
pub const UNMET_MAX: usize = 1024;

/// Bytes of these announces.
pub const UNMET_BYTES_MAX: usize = CLAIM_BYTES_MAX;

/// How long they wait: for three default digest intervals, when an answer to the opening is lost.
pub const UNMET_LIFETIME: Duration = Duration::from_secs(15);

/// Info hashes in one scrape. Clients ask for one; the reply to this many has some 10 kB.
pub const SCRAPE_HASHES_MAX: usize = 100;

/// Members of a large swarm among whom the offers of a long round are dealt out: so many that a
/// viewer's neighbours are not each other's, and still few enough to be written to together.
pub const WINDOW_MEMBERS: usize = 256;

/// Offers that these receive before others do: 8 each on average, less than half of what they may
/// receive in a second.
pub const WINDOW_OFFERS: usize = 8 * WINDOW_MEMBERS;

/// Members that one [`crate::Input::Sweep`] looks at, at least: so few stop a worker for less than
/// a millisecond.
pub const SWEEP_MEMBERS_MIN: usize = 4096;

/// Ticks in which a sweep gets around all members of a shard, however many they are.
pub const SWEEP_TICKS: usize = 16;

/// Places that a table keeps even when it is nearly empty.
pub(crate) const TABLE_KEPT: usize = 16;

/// What a site may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Offers of one announce that are relayed at most; wt-tracker's `maxOffers`.
    pub max_offers: usize,
    /// The pause between two announces that clients are asked for; wt-tracker's
    /// `announceInterval`.
    pub announce_interval: Duration,
    /// The longer pause that they are asked for at present, when the node is near its limits.
    pub adapted_interval: Option<Duration>,
    /// How soon after its last offers a member may bring more; clients are told as `min interval`.
    /// Whole seconds count; zero turns the rule off.
    pub min_announce_interval: Duration,
    /// Offers in a hundred that go to siblings although there are others here, in a swarm that has
    /// siblings. 100 and more are all.
    pub cross_share_percent: u32,
    /// How often a partition says how many members it has. Whole seconds count; 1 at least.
    pub digest_interval: Duration,
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
    /// The pause between two announces that clients are asked for now.
    #[must_use]
    pub fn asked_interval(&self) -> Duration {
        self.adapted_interval.unwrap_or(self.announce_interval)
    }

    /// How long a member stays without an announce, when it was asked for one after `asked`: that
    /// and a usual interval, so that a late announce costs nobody its place. A page that changes its
    /// quality says nothing to its old swarm, and is offered to until then, in vain: not for twice
    /// an interval that is long because the node has no room.
    #[must_use]
    pub fn member_lifetime(&self, asked: Duration) -> Duration {
        asked + asked.min(self.announce_interval)
    }

    /// `min interval` in seconds; 0 when the rule is off. Whoever comes back after the interval
    /// that it was told is never too early.
    pub(crate) fn min_interval_s(&self) -> u32 {
        seconds(self.min_announce_interval.min(self.asked_interval()))
    }

    /// The pause between two digests, in seconds.
    pub(crate) fn digest_interval_s(&self) -> u32 {
        seconds(self.digest_interval).max(1)
    }

    /// How long a sibling may be silent, in seconds.
    pub(crate) fn sibling_silence_s(&self) -> u32 {
        self.digest_interval_s().saturating_mul(DIGESTS_MISSED_MAX)
    }
}

/// Whole seconds: of the caller's clock, 136 years of them.
pub(crate) fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

/// wt-tracker's defaults, and a quarter of its interval.
impl Default for Settings {
    fn default() -> Self {
        Self {
            max_offers: 20,
            announce_interval: Duration::from_secs(120),
            adapted_interval: None,
            min_announce_interval: Duration::from_secs(30),
            cross_share_percent: 12,
            digest_interval: Duration::from_secs(5),
            limits: Limits::default(),
        }
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
