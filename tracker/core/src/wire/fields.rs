//! The members of a message, picked up in whatever order they stand, and then put together into
//! what they mean. Everything is looked at once, on the way through the frame.

use bytes::Bytes;

use super::description::read_description;
use super::incoming::{Announce, Answer, Event, Incoming, Offered, Scrape};
use super::refusal::{Action, Reason};
use super::scan::{Scanner, Span, Value};
use crate::id::{InfoHash, OfferId, PeerId};
use crate::limits::{Limits, SCRAPE_HASHES_MAX};

/// The members of a message that we know, as they were found. Of two with one name the last
/// counts, as in JavaScript.
pub(super) struct Fields<'a> {
    limits: &'a Limits,
    action: Option<Action>,
    info_hash: Option<Value>,
    info_hash_list: Vec<Span>,
    peer_id: Option<Value>,
    to_peer_id: Option<Value>,
    offer_id: Option<Value>,
    numwant: Option<Value>,
    left: Option<Value>,
    event: Option<Value>,
    offers: Vec<Offered>,
    /// Offers beyond [`Limits::offers_per_announce`].
    offers_ignored: usize,
    answer: Option<Span>,
}

impl<'a> Fields<'a> {
    /// Nothing yet of a message that must keep to `limits`.
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            action: None,
            info_hash: None,
            info_hash_list: Vec::new(),
            peer_id: None,
            to_peer_id: None,
            offer_id: None,
            numwant: None,
            left: None,
            event: None,
            offers: Vec::new(),
            offers_ignored: 0,
            answer: None,
        }
    }

    /// Picks up the members of a frame that is UTF-8.
    pub(super) fn read(&mut self, frame: &[u8]) -> Result<(), Reason> {
        let mut scanner = Scanner::new(frame, self.limits.json_depth_max());
        let object = scanner.object(|scanner, key| self.read_member(frame, scanner, key))?;
        if object.is_none() {
            scanner.value()?;
        }
        scanner.end()?;
        object.map(drop).ok_or(Reason::NotAnObject)
    }

    /// What a refusal repeats, out of a message that was read only up to what is wrong with it:
    /// the rest is looked at too, for as long as it is JSON.
    #[cold]
    pub(super) fn read_envelope(&mut self, frame: &[u8]) {
        // Why it is refused has been found already, so what is wrong here doesn't matter.
        let mut scanner = Scanner::new(frame, self.limits.json_depth_max());
        let _ = scanner.object(|scanner, key| match key {
            b"action" | b"info_hash" => self.read_member(frame, scanner, key),
            _ => scanner.value().map(drop),
        });
    }

    fn read_member(
        &mut self,
        frame: &[u8],
        scanner: &mut Scanner<'_>,
        key: &[u8],
    ) -> Result<(), Reason> {
        match key {
            b"action" => {
                self.action = match scanner.value()? {
                    Value::String(action) => match action.of(frame) {
                        b"announce" => Some(Action::Announce),
                        b"scrape" => Some(Action::Scrape),
                        _ => None,
                    },
                    _ => None,
                };
            }
            b"info_hash" => {
                self.info_hash_list.clear();
                let list = scanner.array(|scanner| self.read_listed_hash(scanner))?;
                self.info_hash = match list {
                    Some(_) => Some(Value::Array),
                    None => Some(scanner.value()?),
                };
            }
            b"peer_id" => self.peer_id = Some(scanner.value()?),
            b"to_peer_id" => self.to_peer_id = Some(scanner.value()?),
            b"offer_id" => self.offer_id = Some(scanner.value()?),
            b"numwant" => self.numwant = Some(scanner.value()?),
            b"left" => self.left = Some(scanner.value()?),
            b"event" => self.event = Some(scanner.value()?),
            b"offers" => self.read_offers(frame, scanner)?,
            b"answer" => {
                let (field, otherwise) = ("answer", Reason::BadAnswer);
                self.answer = read_description(frame, scanner, field, otherwise, self.limits)?;
            }
            _ => drop(scanner.value()?),
        }
        Ok(())
    }

    fn read_listed_hash(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Reason> {
        let Value::String(span) = scanner.value()? else {
            return Err(Reason::BadId("each info_hash"));
        };
        if self.info_hash_list.len() == SCRAPE_HASHES_MAX {
            return Err(Reason::ScrapeTooLong);
        }
        self.info_hash_list.push(span);
        Ok(())
    }

    fn read_offers(&mut self, frame: &[u8], scanner: &mut Scanner<'_>) -> Result<(), Reason> {
        self.offers.clear();
        self.offers_ignored = 0;
        let bound = self.limits.offers_per_announce_max();
        let array = scanner.array(|scanner| {
            let offered = read_offered(frame, scanner, self.limits)?;
            if self.offers.len() < bound {
                self.offers.push(offered);
            } else {
                self.offers_ignored += 1;
            }
            Ok(())
        })?;
        match array {
            Some(_) => Ok(()),
            None if scanner.value()? == Value::Null => Ok(()),
            None => Err(Reason::BadOffers),
        }
    }

    /// The action, or what a message without one is refused as.
    pub(super) fn action(&self) -> Action {
        self.action.unwrap_or_default()
    }

    /// `info_hash` as it was spelled, when it is a string.
    pub(super) fn info_hash_span(&self) -> Option<Span> {
        match self.info_hash {
            Some(Value::String(span)) => Some(span),
            _ => None,
        }
    }

    /// What the members mean together.
    pub(super) fn into_message(self, frame: Bytes) -> Result<Incoming, Reason> {
        match self.action {
            None => Err(Reason::UnknownAction),
            Some(Action::Scrape) => self.into_scrape(&frame).map(Incoming::Scrape),
            Some(Action::Announce) if self.answer.is_some() => {
                self.into_answer(frame).map(Incoming::Answer)
            }
            Some(Action::Announce) => self.into_announce(frame).map(Incoming::Announce),
        }
    }

    fn into_announce(self, frame: Bytes) -> Result<Announce, Reason> {
        let (info_hash, info_hash_span) =
            id(&frame, self.info_hash, InfoHash::decode, "info_hash")?;
        let (peer_id, peer_id_span) = id(&frame, self.peer_id, PeerId::decode, "peer_id")?;
        let event = self.event(&frame)?;
        let seeder = self.seeder(&frame)? || event == Event::Completed;
        let numwant = self.numwant(&frame)?;
        let Self { offers, offers_ignored, .. } = self;
        Ok(Announce {
            frame,
            info_hash,
            info_hash_span,
            peer_id,
            peer_id_span,
            event,
            seeder,
            numwant,
            offers,
            offers_ignored,
        })
    }

    fn into_answer(self, frame: Bytes) -> Result<Answer, Reason> {
        let (info_hash, info_hash_span) =
            id(&frame, self.info_hash, InfoHash::decode, "info_hash")?;
        let (peer_id, peer_id_span) = id(&frame, self.peer_id, PeerId::decode, "peer_id")?;
        let (to_peer_id, _) = id(&frame, self.to_peer_id, PeerId::decode, "to_peer_id")?;
        let (offer_id, offer_id_span) = id(&frame, self.offer_id, OfferId::decode, "offer_id")?;
        let answer = self.answer.ok_or(Reason::BadAnswer)?;
        Ok(Answer {
            frame,
            info_hash,
            info_hash_span,
            peer_id,
            peer_id_span,
            to_peer_id,
            offer_id,
            offer_id_span,
            answer,
        })
    }

    fn into_scrape(self, frame: &[u8]) -> Result<Scrape, Reason> {
        let spans = match self.info_hash {
            Some(Value::String(span)) => vec![span],
            Some(Value::Array) => self.info_hash_list,
            None | Some(Value::Null) => return Ok(Scrape::Everything),
            Some(_) => return Err(Reason::ScrapeOfEverything),
        };
        let decode = |span: &Span| InfoHash::decode(span.of(frame));
        let info_hashes: Option<Vec<_>> = spans.iter().map(decode).collect();
        info_hashes.map(Scrape::Swarms).ok_or(Reason::BadId("info_hash"))
    }

    fn event(&self, frame: &[u8]) -> Result<Event, Reason> {
        match self.event {
            None | Some(Value::Null) => Ok(Event::Update),
            Some(Value::String(event)) => match event.of(frame) {
                b"" | b"update" | b"paused" => Ok(Event::Update),
                b"started" => Ok(Event::Started),
                b"completed" => Ok(Event::Completed),
                b"stopped" => Ok(Event::Stopped),
                _ => Err(Reason::UnknownEvent),
            },
            Some(_) => Err(Reason::UnknownEvent),
        }
    }

    /// webtorrent says `left: null` while it doesn't know the size yet: a leecher.
    fn seeder(&self, frame: &[u8]) -> Result<bool, Reason> {
        match self.left {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Number(left)) => Ok(number(left.of(frame)) == Some(0.0)),
            Some(_) => Err(Reason::BadLeft),
        }
    }

    fn numwant(&self, frame: &[u8]) -> Result<usize, Reason> {
        match self.numwant {
            None | Some(Value::Null) => Ok(0),
            Some(Value::Number(numwant)) => number(numwant.of(frame))
                .filter(|number| *number >= 0.0 && number.fract() == 0.0)
                // As many as fit, when they are more.
                .map(|number| number as usize)
                .ok_or(Reason::BadNumwant),
            Some(_) => Err(Reason::BadNumwant),
        }
    }
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn id<T>(
    frame: &[u8],
    value: Option<Value>,
    decode: impl Fn(&[u8]) -> Option<T>,
    name: &'static str,
) -> Result<(T, Span), Reason> {
    let Some(Value::String(span)) = value else {
        return Err(Reason::BadId(name));
    };
    Ok((decode(span.of(frame)).ok_or(Reason::BadId(name))?, span))
}

/// `{"offer":{"type":"offer","sdp":T},"offer_id":S}`, in any order, other members ignored.
fn read_offered(
    frame: &[u8],
    scanner: &mut Scanner<'_>,
    limits: &Limits,
) -> Result<Offered, Reason> {
    let (mut offer, mut offer_id) = (None, None);
    let object = scanner.object(|scanner, key| {
        match key {
            b"offer" => {
                offer = read_description(frame, scanner, "offer", Reason::BadOffers, limits)?;
            }
            b"offer_id" => offer_id = Some(scanner.value()?),
            _ => drop(scanner.value()?),
        }
        Ok(())
    })?;
    if object.is_none() {
        return Err(Reason::BadOffers);
    }
    let (id, id_span) = id(frame, offer_id, OfferId::decode, "offer_id")?;
    Ok(Offered { id, id_span, offer: offer.ok_or(Reason::BadOffers)? })
}
