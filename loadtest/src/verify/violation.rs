//! Every way in which a tracker can break its promise to a peer, with a name to count it by and a
//! sentence to find it by.

use crate::client::id::OfferNumber;
use crate::client::incoming::Incoming;

/// One broken promise. `peer` is the number of the peer that saw it, within its worker.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("peer {peer} got an offer that nobody here made: offer_id {offer_id:?}")]
    OfferUnknown { peer: u32, offer_id: String },
    #[error("peer {peer} got {} again", Offer(.number))]
    OfferTwice { peer: u32, number: OfferNumber },
    #[error("peer {peer} got its own {}", Offer(.number))]
    OfferToSender { peer: u32, number: OfferNumber },
    #[error("peer {peer} got {} of another swarm", Offer(.number))]
    OfferOtherSwarm { peer: u32, number: OfferNumber },
    #[error("peer {peer} got {} in the name of another peer", Offer(.number))]
    OfferOtherName { peer: u32, number: OfferNumber },
    #[error("peer {peer} got {} with other bytes than were sent", Offer(.number))]
    OfferChanged { peer: u32, number: OfferNumber },
    #[error("peer {peer} got {} although it had another of the same announce", Offer(.number))]
    OfferCrowded { peer: u32, number: OfferNumber },
    #[error("peer {peer} got an answer to no offer of this run: offer_id {offer_id:?}")]
    AnswerUnknown { peer: u32, offer_id: String },
    #[error("peer {peer} got an answer to {}, which nobody has seen", Offer(.number))]
    AnswerUnasked { peer: u32, number: OfferNumber },
    #[error("peer {peer} got an answer to {} again", Offer(.number))]
    AnswerTwice { peer: u32, number: OfferNumber },
    #[error("peer {peer} got an answer meant for the maker of {}", Offer(.number))]
    AnswerOtherPeer { peer: u32, number: OfferNumber },
    #[error("peer {peer} got an answer to {} with another info hash", Offer(.number))]
    AnswerOtherSwarm { peer: u32, number: OfferNumber },
    #[error("peer {peer} got an answer to {} in the name of another peer", Offer(.number))]
    AnswerOtherName { peer: u32, number: OfferNumber },
    #[error("peer {peer} got an answer to {} with other bytes than were sent", Offer(.number))]
    AnswerChanged { peer: u32, number: OfferNumber },
    #[error("peer {peer} got a reply to no announce")]
    ReplyUnasked { peer: u32 },
    #[error("peer {peer} got a reply for another info hash")]
    ReplyOtherSwarm { peer: u32 },
    #[error("peer {peer} got a reply without an interval")]
    ReplyWithoutInterval { peer: u32 },
    #[error("peer {peer} was refused: {reason}")]
    Refused { peer: u32, reason: String },
    #[error("peer {peer} got what it cannot read: {what}")]
    Unreadable { peer: u32, what: String },
    #[error("peer {peer} was cut off: {why}")]
    CutOff { peer: u32, why: String },
    #[error("peer {peer}: {count} replies never came")]
    ReplyLost { peer: u32, count: u64 },
    #[error("peer {peer}: {count} of its offers reached nobody (does the tracker take so many?)")]
    OfferLost { peer: u32, count: u64 },
    #[error(
        "{count} offers are missing of those that their own nodes owed somebody: at least \
        {owed:.0}, give or take {margin:.0}, and {kept} arrived (--cross-share tells how many)"
    )]
    NearOffersLost { count: u64, owed: f64, margin: f64, kept: u64 },
    #[error("peer {peer}: {count} answers to its offers never came")]
    AnswerLost { peer: u32, count: u64 },
}

impl Violation {
    pub(super) fn offer_unknown(peer: u32, message: &Incoming<'_>) -> Self {
        Self::OfferUnknown { peer, offer_id: shown(message.offer_id) }
    }

    pub(super) fn answer_unknown(peer: u32, message: &Incoming<'_>) -> Self {
        Self::AnswerUnknown { peer, offer_id: shown(message.offer_id) }
    }

    /// How many broken promises this stands for.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::ReplyLost { count, .. }
            | Self::OfferLost { count, .. }
            | Self::NearOffersLost { count, .. }
            | Self::AnswerLost { count, .. } => *count,
            _ => 1,
        }
    }

    /// The name it is counted by.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::OfferUnknown { .. } => "offer unknown",
            Self::OfferTwice { .. } => "offer twice",
            Self::OfferToSender { .. } => "offer to its sender",
            Self::OfferOtherSwarm { .. } => "offer of another swarm",
            Self::OfferOtherName { .. } => "offer in another name",
            Self::OfferChanged { .. } => "offer changed",
            Self::OfferCrowded { .. } => "two offers of one announce",
            Self::AnswerUnknown { .. } => "answer unknown",
            Self::AnswerUnasked { .. } => "answer to an unseen offer",
            Self::AnswerTwice { .. } => "answer twice",
            Self::AnswerOtherPeer { .. } => "answer to the wrong peer",
            Self::AnswerOtherSwarm { .. } => "answer of another swarm",
            Self::AnswerOtherName { .. } => "answer in another name",
            Self::AnswerChanged { .. } => "answer changed",
            Self::ReplyUnasked { .. } => "reply unasked",
            Self::ReplyOtherSwarm { .. } => "reply of another swarm",
            Self::ReplyWithoutInterval { .. } => "reply without interval",
            Self::Refused { .. } => "refused",
            Self::Unreadable { .. } => "unreadable",
            Self::CutOff { .. } => "cut off",
            Self::ReplyLost { .. } => "reply lost",
            Self::OfferLost { .. } | Self::NearOffersLost { .. } => "offer lost",
            Self::AnswerLost { .. } => "answer lost",
        }
    }
}

/// Names an offer in a sentence.
struct Offer<'a>(&'a OfferNumber);

impl std::fmt::Display for Offer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let OfferNumber { maker, announce, slot } = self.0;
        write!(f, "offer {slot} of peer {}'s announce {announce}", maker.place)
    }
}

/// The first bytes of what a tracker sent, fit for a terminal.
pub(crate) fn shown(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(120)].escape_ascii().to_string()
}
