//! The frames of all clients, read once by the tracker's own parser. For each message only the ids
//! in the frame, and those that were decoded from it, are others: reading them anew would take most
//! of a run's time and find nothing else.

use anyhow::{Context, anyhow, bail};
use bytes::{Bytes, BytesMut};
use memchr::memmem;
use tracker_core::{Announce, Answer, Event, Incoming, InfoHash, Limits, OfferId, PeerId, parse};

use super::{Announcing, Speaker};
use crate::simulate::ids::{self, ID_BYTES, Id, OfferNumber};

/// An announce for each event and number of offers, and an answer.
#[derive(Debug)]
pub(super) struct Templates {
    /// By number of offers.
    started: Vec<AnnounceTemplate>,
    updates: Vec<AnnounceTemplate>,
    stopped: AnnounceTemplate,
    answer: AnswerTemplate,
    /// What a session description has; that in the frames is empty.
    sdp_bytes: u64,
}

#[derive(Debug)]
struct AnnounceTemplate {
    announce: Announce,
    info_hash_at: usize,
    peer_id_at: usize,
    offer_ids_at: Vec<usize>,
}

#[derive(Debug)]
struct AnswerTemplate {
    answer: Answer,
    info_hash_at: usize,
    peer_id_at: usize,
    to_peer_id_at: usize,
    offer_id_at: usize,
}

/// Numbers whose ids stand in a frame until there are others.
const NOBODY: u32 = u32::MAX - 1;
const NOBODY_ELSE: u32 = u32::MAX;

impl Templates {
    pub(super) fn new(offers_max: u8, sdp_bytes: u64, limits: &Limits) -> anyhow::Result<Self> {
        let by_offers = |event| -> anyhow::Result<Vec<_>> {
            (0..=offers_max).map(|offers| AnnounceTemplate::new(event, offers, limits)).collect()
        };
        Ok(Self {
            started: by_offers(Event::Started)?,
            updates: by_offers(Event::Update)?,
            stopped: AnnounceTemplate::new(Event::Stopped, 0, limits)?,
            answer: AnswerTemplate::new(limits)?,
            sdp_bytes,
        })
    }

    /// The announce, and how many bytes it has with its session descriptions.
    pub(super) fn announce(&mut self, from: Speaker, announcing: Announcing) -> (&Announce, u64) {
        let offers = usize::from(announcing.offers);
        let template = match announcing.event {
            Event::Started => &mut self.started[offers],
            Event::Stopped => &mut self.stopped,
            Event::Update | Event::Completed => &mut self.updates[offers],
        };
        let announce = template.filled(from, announcing.number);
        let sdp_bytes = announce.offers.len() as u64 * self.sdp_bytes;
        (announce, announce.frame.len() as u64 + sdp_bytes)
    }

    /// The answer, and how many bytes it has with its session description.
    pub(super) fn answer(&mut self, from: Speaker, offer: OfferNumber) -> (&Answer, u64) {
        let answer = self.answer.filled(from, offer);
        (answer, answer.frame.len() as u64 + self.sdp_bytes)
    }
}

impl AnnounceTemplate {
    fn new(event: Event, offers: u8, limits: &Limits) -> anyhow::Result<Self> {
        let event = match event {
            Event::Started => r#","event":"started""#,
            Event::Stopped => r#","event":"stopped""#,
            Event::Update | Event::Completed => "",
        };
        let offer_ids =
            (0..offers).map(|slot| OfferNumber { maker: NOBODY, announce: 0, slot }.id());
        let offer_ids: Vec<Id> = offer_ids.collect();
        let offer =
            |id| format!(r#"{{"offer":{{"type":"offer","sdp":""}},"offer_id":"{}"}}"#, text(id));
        let list = offer_ids.iter().map(offer).collect::<Vec<_>>().join(",");
        let [info_hash, peer_id] = [ids::info_hash(NOBODY), ids::peer_id(NOBODY)];
        let frame = format!(
            concat!(
                r#"{{"action":"announce","info_hash":"{}","peer_id":"{}","numwant":{},"#,
                r#""uploaded":0,"downloaded":0,"left":null{},"offers":[{}]}}"#
            ),
            text(&info_hash),
            text(&peer_id),
            offers,
            event,
            list
        );
        let Incoming::Announce(announce) = read(frame, limits)? else {
            bail!("a frame that is no announce");
        };
        let at = |id| place(&announce.frame, id);
        Ok(Self {
            info_hash_at: at(&info_hash)?,
            peer_id_at: at(&peer_id)?,
            offer_ids_at: offer_ids.iter().map(at).collect::<Result<_, _>>()?,
            announce,
        })
    }

    fn filled(&mut self, from: Speaker, number: u16) -> &Announce {
        let announce = &mut self.announce;
        let mut frame = BytesMut::from(std::mem::take(&mut announce.frame));
        let (info_hash, peer_id) = (ids::info_hash(from.swarm), ids::peer_id(from.member));
        put(&mut frame, self.info_hash_at, &info_hash);
        put(&mut frame, self.peer_id_at, &peer_id);
        (announce.info_hash, announce.peer_id) = (InfoHash(info_hash), PeerId(peer_id));
        for ((offered, at), slot) in announce.offers.iter_mut().zip(&self.offer_ids_at).zip(0..) {
            let id = OfferNumber { maker: from.member, announce: number, slot }.id();
            put(&mut frame, *at, &id);
            offered.id = OfferId(id);
        }
        announce.frame = frame.freeze();
        announce
    }
}

impl AnswerTemplate {
    fn new(limits: &Limits) -> anyhow::Result<Self> {
        let offer = OfferNumber { maker: NOBODY, announce: 0, slot: 0 }.id();
        let [info_hash, peer_id] = [ids::info_hash(NOBODY), ids::peer_id(NOBODY)];
        let to_peer_id = ids::peer_id(NOBODY_ELSE);
        let frame = format!(
            concat!(
                r#"{{"action":"announce","info_hash":"{}","peer_id":"{}","to_peer_id":"{}","#,
                r#""offer_id":"{}","answer":{{"type":"answer","sdp":""}}}}"#
            ),
            text(&info_hash),
            text(&peer_id),
            text(&to_peer_id),
            text(&offer)
        );
        let Incoming::Answer(answer) = read(frame, limits)? else {
            bail!("a frame that is no answer");
        };
        let at = |id| place(&answer.frame, id);
        Ok(Self {
            info_hash_at: at(&info_hash)?,
            peer_id_at: at(&peer_id)?,
            to_peer_id_at: at(&to_peer_id)?,
            offer_id_at: at(&offer)?,
            answer,
        })
    }

    fn filled(&mut self, from: Speaker, offer: OfferNumber) -> &Answer {
        let answer = &mut self.answer;
        let mut frame = BytesMut::from(std::mem::take(&mut answer.frame));
        let (info_hash, peer_id) = (ids::info_hash(from.swarm), ids::peer_id(from.member));
        let (to_peer_id, offer_id) = (ids::peer_id(offer.maker), offer.id());
        put(&mut frame, self.info_hash_at, &info_hash);
        put(&mut frame, self.peer_id_at, &peer_id);
        put(&mut frame, self.to_peer_id_at, &to_peer_id);
        put(&mut frame, self.offer_id_at, &offer_id);
        (answer.info_hash, answer.peer_id) = (InfoHash(info_hash), PeerId(peer_id));
        (answer.to_peer_id, answer.offer_id) = (PeerId(to_peer_id), OfferId(offer_id));
        answer.frame = frame.freeze();
        answer
    }
}

fn read(frame: String, limits: &Limits) -> anyhow::Result<Incoming> {
    parse(Bytes::from(frame), limits).map_err(|refusal| anyhow!("{}", refusal.reason))
}

fn text(id: &Id) -> &str {
    // Letters and digits always are.
    std::str::from_utf8(id).unwrap_or_default()
}

fn place(frame: &[u8], id: &Id) -> anyhow::Result<usize> {
    memmem::find(frame, id).context("an id that is not in its frame")
}

fn put(frame: &mut [u8], at: usize, id: &Id) {
    frame[at..at + ID_BYTES].copy_from_slice(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is filled in is what the parser would have read.
    #[test]
    fn a_filled_frame_reads_as_what_it_stands_for() {
        let limits = Limits::default();
        let mut templates = Templates::new(5, 630, &limits).expect("valid frames");
        for round in 0..3 {
            let from = Speaker { viewer: round, node: 0, member: 70_000 + round, swarm: 9 + round };
            for event in [Event::Started, Event::Update, Event::Stopped] {
                for offers in 0..=5 {
                    let announcing = Announcing { event, number: 300 + round as u16, offers };
                    let (announce, bytes) = templates.announce(from, announcing);
                    let read = parse(announce.frame.clone(), &limits).expect("valid");
                    assert_eq!(read, Incoming::Announce(announce.clone()));
                    let sent = if event == Event::Stopped { 0 } else { offers.into() };
                    assert_eq!((announce.event, announce.offers.len()), (event, sent));
                    assert_eq!(bytes, (announce.frame.len() + sent * 630) as u64);
                }
            }
            let offer = OfferNumber { maker: 5 + round, announce: 7, slot: 3 };
            let (answer, _) = templates.answer(from, offer);
            let read = parse(answer.frame.clone(), &limits).expect("valid");
            assert_eq!(read, Incoming::Answer(answer.clone()));
            assert_eq!(answer.to_peer_id, PeerId(ids::peer_id(5 + round)));
        }
    }
}
