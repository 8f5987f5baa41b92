//! What a client may say, read once from the frame that it came in. Ids are decoded because the
//! rules compare them; everything that is only forwarded stays a raw slice of the frame.

use bytes::Bytes;

use super::fields::Fields;
use super::refusal::{Reason, Refusal};
use super::scan::Span;
use crate::id::{InfoHash, OfferId, PeerId};
use crate::limits::Limits;

/// A message from a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Incoming {
    /// "I am in this swarm; here are offers for others."
    Announce(Announce),
    /// "Here is my answer to that offer."
    Answer(Answer),
    /// "How large are these swarms?"
    Scrape(Scrape),
}

/// A client joins, stays in, completes or leaves a swarm.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announce {
    /// What the spans point into.
    pub frame: Bytes,
    /// The swarm.
    pub info_hash: InfoHash,
    /// `info_hash` as it was spelled.
    pub info_hash_span: Span,
    /// Who announces.
    pub peer_id: PeerId,
    /// `peer_id` as it was spelled.
    pub peer_id_span: Span,
    /// What happened.
    pub event: Event,
    /// Nothing is left to download: counts as `complete`.
    pub seeder: bool,
    /// How many offers the client wants relayed. 0 when it didn't say.
    pub numwant: usize,
    /// The offers, [`Limits::offers_per_announce`] at most.
    pub offers: Vec<Offered>,
    /// How many more there were: checked, and then ignored.
    pub offers_ignored: usize,
}

impl Announce {
    /// How many of its offers, the first ones, are to be relayed when there are others enough, and
    /// no announce may have more than `max_offers`.
    pub(crate) fn wanted(&self, max_offers: usize) -> usize {
        self.offers.len().min(self.numwant).min(max_offers)
    }
}

/// One offer of an announce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offered {
    /// Names the offer.
    pub id: OfferId,
    /// `offer_id` as it was spelled.
    pub id_span: Span,
    /// `offer`: the object with the SDP.
    pub offer: Span,
}

/// The `event` of an announce. `update`, `paused` (BEP 21), an empty one and none at all mean the
/// same here: "still there".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum Event {
    #[default]
    Update,
    Started,
    Completed,
    Stopped,
}

/// A client answers an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// What the spans point into.
    pub frame: Bytes,
    /// The swarm.
    pub info_hash: InfoHash,
    /// `info_hash` as it was spelled.
    pub info_hash_span: Span,
    /// Who answers.
    pub peer_id: PeerId,
    /// `peer_id` as it was spelled.
    pub peer_id_span: Span,
    /// Whose offer it was.
    pub to_peer_id: PeerId,
    /// Which offer it was.
    pub offer_id: OfferId,
    /// `offer_id` as it was spelled.
    pub offer_id_span: Span,
    /// `answer`: the object with the SDP.
    pub answer: Span,
}

/// A client asks for the sizes of swarms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scrape {
    /// Of these, in the order in which they were asked for;
    /// [`crate::limits::SCRAPE_HASHES_MAX`] at most.
    Swarms(Vec<InfoHash>),
    /// Of all that there are. Whoever doesn't answer that says [`Reason::ScrapeOfEverything`].
    Everything,
}

/// Reads one message, which must keep to `limits`.
///
/// # Errors
///
/// The reason why it is no message, with whatever could be read of its action and info hash.
pub fn parse(frame: Bytes, limits: &Limits) -> Result<Incoming, Refusal> {
    let mut fields = Fields::new(limits);
    let outcome = match std::str::from_utf8(&frame) {
        Ok(_) => fields.read(&frame).inspect_err(|_| fields.read_envelope(&frame)),
        Err(_) => Err(Reason::NotUtf8),
    };
    let (action, info_hash) = (fields.action(), fields.info_hash_span());
    outcome.and_then(|()| fields.into_message(frame)).map_err(|reason| Refusal {
        action,
        info_hash,
        reason,
    })
}
