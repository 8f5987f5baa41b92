//! Every way in which a message is refused, or answered with a warning, with the text that its
//! sender reads. Neither closes the socket: after a close a client stays away for minutes.

use thiserror::Error;

use super::scan::Span;
use crate::limits::SCRAPE_HASHES_MAX;

/// Why a message was refused. Its `Display` is the `failure reason` on the wire; it never quotes
/// what the client sent, so it is safe inside a JSON string as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Reason {
    /// The frame isn't UTF-8 (RFC 6455 closes a text frame's socket for this, with 1007).
    #[error("the message is not UTF-8")]
    NotUtf8,
    /// Not JSON, or with control characters or bad escapes in a string, or any escape in a name.
    #[error("the message is not valid JSON at byte {at}")]
    Malformed {
        /// Offset into the frame in bytes.
        at: usize,
    },
    /// Nested deeper than [`Limits::json_depth`](crate::limits::Limits::json_depth).
    #[error("the message nests deeper than {bound} levels")]
    TooDeep {
        /// The limit.
        bound: usize,
    },
    /// JSON, but no object.
    #[error("the message must be a JSON object")]
    NotAnObject,
    /// `action` is missing or none that we know.
    #[error("action must be 'announce' or 'scrape'")]
    UnknownAction,
    /// An id is missing, or isn't 20 code points of a byte each.
    #[error("{0} must be a string of 20 characters U+0000 to U+00FF")]
    BadId(&'static str),
    /// `numwant` is neither null nor a count.
    #[error("numwant must be a whole number of 0 or more")]
    BadNumwant,
    /// `left` is neither null nor a number.
    #[error("left must be a number or null")]
    BadLeft,
    /// `event` is none that we know.
    #[error("event must be 'started', 'completed', 'stopped', 'update' or 'paused'")]
    UnknownEvent,
    /// `offers` isn't an array of offers.
    #[error("offers must be an array of {{offer: {{type: 'offer', sdp}}, offer_id}}")]
    BadOffers,
    /// `answer` isn't an answer.
    #[error("answer must be {{type: 'answer', sdp}}")]
    BadAnswer,
    /// The SDP of an offer or an answer is longer than
    /// [`Limits::sdp_bytes`](crate::limits::Limits::sdp_bytes).
    #[error("the sdp of an {field} has {bytes} bytes, and {bound} is the limit")]
    SdpTooLong {
        /// `offer` or `answer`.
        field: &'static str,
        /// Its length in bytes, as it stands in the message.
        bytes: usize,
        /// The limit.
        bound: usize,
    },
    /// A scrape without `info_hash` asks for everything.
    #[error("info_hash must name what to scrape: one, or an array of up to {SCRAPE_HASHES_MAX}")]
    ScrapeOfEverything,
    /// A scrape of more than [`SCRAPE_HASHES_MAX`] swarms.
    #[error("info_hash has more than {SCRAPE_HASHES_MAX} elements")]
    ScrapeTooLong,
    /// Another connection announced this peer id in this swarm and is still here.
    #[error("peer_id belongs to another connection")]
    PeerIdTaken,
    /// An answer from a peer id that this connection doesn't have in this swarm.
    #[error("peer_id is not in this swarm on this connection")]
    NotAnnounced,
    /// The answer's receiver is not in the swarm any more.
    #[error("to_peer_id has left the swarm")]
    ReceiverLeft,
    /// No offer with this id waits for an answer from this peer.
    #[error("offer_id matches no offer that waits for this answer")]
    NoSuchOffer,
    /// A member announces again and again before `min interval` has passed.
    #[error(
        "this announce comes {early_s} s before min interval has passed, and {bound} early ones \
         were answered, which is the limit"
    )]
    TooEarly {
        /// How much too early it is, in seconds.
        early_s: u32,
        /// The limit.
        bound: u8,
    },
    /// One connection is in as many swarms as it may be.
    #[error("this connection is in {bound} swarms already, which is the limit")]
    TooManySwarms {
        /// The limit.
        bound: usize,
    },
    /// One connection uses as many peer ids as it may.
    #[error("this connection has {bound} peer ids already, which is the limit")]
    TooManyPeerIds {
        /// The limit.
        bound: usize,
    },
    /// The tracker has as many swarms as it may, and this would be a new one.
    #[error("{bound} swarms are open already, which is the limit of this tracker")]
    TooManySwarmsOpen {
        /// The limit.
        bound: usize,
    },
    /// One connection announces and scrapes too often.
    #[error("this connection says more than {bound} messages a second, which is the limit")]
    TooManyMessages {
        /// The limit.
        bound: u32,
    },
    /// The connections of one address together announce and scrape too often.
    #[error("this address says more than {bound} messages a second, which is the limit")]
    TooManyMessagesOfAddress {
        /// The limit.
        bound: u32,
    },
    /// The site's lists of info hashes exclude this one.
    #[error("info_hash is not served here")]
    NotAllowed,
    /// The token that the connection was opened with has expired.
    #[error("the token of this connection has expired")]
    TokenExpired,
    /// The token that the connection was opened with names its swarms, and not this one.
    #[error("the token of this connection is not for this info_hash")]
    NotInToken,
}

/// What was wrong with an announce that was answered all the same. Its `Display` is the `warning
/// message` on the wire, which clients show in their console.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Warning {
    /// None of the offers were relayed, because the last ones were so a short while ago.
    #[error(
        "offers come {early_s} s before min interval of {min_interval_s} s has passed: none were \
         relayed"
    )]
    OffersTooEarly {
        /// How much too early they are, in seconds.
        early_s: u32,
        /// The `min interval`, in seconds.
        min_interval_s: u32,
    },
    /// There were more than are looked at.
    #[error("offers has {amount} elements, and {bound} is the limit: the rest was ignored")]
    TooManyOffers {
        /// How many there were.
        amount: usize,
        /// [`Limits::offers_per_announce`](crate::limits::Limits::offers_per_announce).
        bound: usize,
    },
}

/// Gives each reason its label, and with its place in the list its index.
macro_rules! labels {
    ($($reason:ident => $label:literal,)*) => {
        impl Reason {
            /// The labels under which refusals are counted, each at its reason's
            /// [`index`](Self::index).
            pub const LABELS: [&'static str; [$($label),*].len()] = [$($label),*];

            /// The place of this reason in a table of counts.
            #[must_use]
            pub fn index(self) -> usize {
                enum Index {
                    $($reason),*
                }
                match self {
                    $(Self::$reason { .. } => Index::$reason as usize,)*
                }
            }

            /// The label under which this is counted.
            #[must_use]
            pub fn label(self) -> &'static str {
                Self::LABELS[self.index()]
            }
        }
    };
}

labels! {
    NotUtf8 => "not_utf8",
    Malformed => "malformed",
    TooDeep => "too_deep",
    NotAnObject => "not_an_object",
    UnknownAction => "unknown_action",
    BadId => "bad_id",
    BadNumwant => "bad_numwant",
    BadLeft => "bad_left",
    UnknownEvent => "unknown_event",
    BadOffers => "bad_offers",
    BadAnswer => "bad_answer",
    SdpTooLong => "sdp_too_long",
    ScrapeOfEverything => "scrape_of_everything",
    ScrapeTooLong => "scrape_too_long",
    PeerIdTaken => "peer_id_taken",
    NotAnnounced => "not_announced",
    ReceiverLeft => "receiver_left",
    NoSuchOffer => "no_such_offer",
    TooEarly => "too_early",
    TooManySwarms => "too_many_swarms",
    TooManyPeerIds => "too_many_peer_ids",
    TooManySwarmsOpen => "too_many_swarms_open",
    TooManyMessages => "too_many_messages",
    TooManyMessagesOfAddress => "too_many_messages_of_address",
    NotAllowed => "not_allowed",
    NotInToken => "not_in_token",
    TokenExpired => "token_expired",
}

/// The `action` that a message named, which its refusal repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Action {
    /// Also what a message without a legible action is refused as: clients close their socket
    /// when a message has no known action.
    #[default]
    Announce,
    /// A scrape.
    Scrape,
}

/// A refused message: why, and what of it the answer repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The message's action.
    pub action: Action,
    /// The message's `info_hash`, as it was spelled, when it had one.
    pub info_hash: Option<Span>,
    /// Why.
    pub reason: Reason,
}
