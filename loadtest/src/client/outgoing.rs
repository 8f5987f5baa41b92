//! What a peer says, built once and patched. A frame differs from the last one in ids and tags
//! only, so writing it costs a few copies of 20 bytes and one pass that masks.

use super::id::{ID_BYTES, Id, OfferNumber};
use super::sdp::{HEAD_AT, SdpTemplate};

/// The first announce: joins the swarm, makes no offers. Real clients do both at once; here the
/// offers wait until the swarm is complete, so that it is known how many of them must arrive.
pub(crate) fn join(info_hash: &Id, peer_id: &Id) -> Vec<u8> {
    let mut text = Template::default();
    let patches = [
        text.literal(r#"{"action":"announce","info_hash":""#).hole(),
        text.literal(r#"","peer_id":""#).hole(),
    ];
    text.literal(r#"","numwant":0,"uploaded":0,"downloaded":0,"left":1,"event":"started","#);
    text.literal(r#""offers":[]}"#);
    text.patch(patches[0], info_hash);
    text.patch(patches[1], peer_id);
    text.text
}

/// Leaves a swarm, as clients do that have the time.
pub(crate) fn stopped(info_hash: &Id, peer_id: &Id) -> Vec<u8> {
    let mut text = Template::default();
    let patches = [
        text.literal(r#"{"action":"announce","info_hash":""#).hole(),
        text.literal(r#"","peer_id":""#).hole(),
    ];
    text.literal(r#"","uploaded":0,"downloaded":0,"left":1,"event":"stopped"}"#);
    text.patch(patches[0], info_hash);
    text.patch(patches[1], peer_id);
    text.text
}

/// An announce with its offers.
#[derive(Debug)]
pub(crate) struct AnnounceTemplate {
    template: Template,
    info_hash: usize,
    peer_id: usize,
    offers: Vec<OfferPatches>,
}

#[derive(Debug)]
struct OfferPatches {
    sdp: usize,
    sdp_tail: usize,
    offer_id: usize,
}

impl AnnounceTemplate {
    pub(crate) fn new(sdp: &SdpTemplate, offers: u16) -> Self {
        let mut template = Template::default();
        let info_hash = template.literal(r#"{"action":"announce","info_hash":""#).hole();
        let peer_id = template.literal(r#"","peer_id":""#).hole();
        template.literal(&format!(r#"","numwant":{offers},"uploaded":0,"downloaded":0,"#));
        template.literal(r#""left":1,"offers":["#);
        let offers = (0..offers).map(|slot| {
            template.literal(if slot == 0 { "" } else { "," });
            template.literal(r#"{"offer":{"type":"offer","sdp":""#);
            let at = template.description(sdp);
            let offer_id = template.literal(r#""},"offer_id":""#).hole();
            template.literal(r#""}"#);
            OfferPatches { sdp: at + HEAD_AT, sdp_tail: at + sdp.tail_at(), offer_id }
        });
        let offers = offers.collect();
        template.literal("]}");
        Self { template, info_hash, peer_id, offers }
    }

    /// The text of one announce; `first` names its first offer.
    pub(crate) fn fill(&mut self, info_hash: &Id, peer_id: &Id, first: OfferNumber) -> &[u8] {
        self.template.patch(self.info_hash, info_hash);
        self.template.patch(self.peer_id, peer_id);
        for (slot, offer) in (0..).zip(&self.offers) {
            let id = OfferNumber { slot, ..first }.id();
            self.template.patch(offer.sdp, &id);
            self.template.patch(offer.sdp_tail, peer_id);
            self.template.patch(offer.offer_id, &id);
        }
        &self.template.text
    }
}

/// An answer to one offer.
#[derive(Debug)]
pub(crate) struct AnswerTemplate {
    template: Template,
    info_hash: usize,
    peer_id: usize,
    to_peer_id: usize,
    sdp: usize,
    sdp_tail: usize,
    offer_id: usize,
}

impl AnswerTemplate {
    pub(crate) fn new(sdp: &SdpTemplate) -> Self {
        let mut template = Template::default();
        let info_hash = template.literal(r#"{"action":"announce","info_hash":""#).hole();
        let peer_id = template.literal(r#"","peer_id":""#).hole();
        let to_peer_id = template.literal(r#"","to_peer_id":""#).hole();
        template.literal(r#"","answer":{"type":"answer","sdp":""#);
        let at = template.description(sdp);
        let offer_id = template.literal(r#""},"offer_id":""#).hole();
        template.literal(r#""}"#);
        let (sdp, sdp_tail) = (at + HEAD_AT, at + sdp.tail_at());
        Self { template, info_hash, peer_id, to_peer_id, sdp, sdp_tail, offer_id }
    }

    /// The text of the answer that `peer_id` gives to the maker of `offer_id`.
    pub(crate) fn fill(&mut self, info_hash: &Id, peer_id: &Id, to: &Id, offer_id: &Id) -> &[u8] {
        self.template.patch(self.info_hash, info_hash);
        self.template.patch(self.peer_id, peer_id);
        self.template.patch(self.to_peer_id, to);
        self.template.patch(self.sdp, offer_id);
        self.template.patch(self.sdp_tail, peer_id);
        self.template.patch(self.offer_id, offer_id);
        &self.template.text
    }
}

/// JSON with holes of one id each.
#[derive(Debug, Default)]
struct Template {
    text: Vec<u8>,
}

impl Template {
    fn literal(&mut self, text: &str) -> &mut Self {
        self.text.extend_from_slice(text.as_bytes());
        self
    }

    fn hole(&mut self) -> usize {
        self.text.extend_from_slice(&[b' '; ID_BYTES]);
        self.text.len() - ID_BYTES
    }

    fn description(&mut self, sdp: &SdpTemplate) -> usize {
        self.text.extend_from_slice(sdp.text());
        self.text.len() - sdp.text().len()
    }

    fn patch(&mut self, at: usize, id: &Id) {
        self.text[at..at + ID_BYTES].copy_from_slice(id);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::client::id::{Ids, PeerNumber};

    #[test]
    fn an_announce_is_json_with_distinct_offers() {
        let ids = Ids::new(1);
        let maker = PeerNumber { worker: 0, place: 9 };
        let sdp = SdpTemplate::new("actpass", 400, 1);
        let mut template = AnnounceTemplate::new(&sdp, 3);
        let first = OfferNumber { maker, announce: 2, slot: 0 };
        let text = template.fill(&ids.info_hash(1), &ids.peer_id(maker), first);
        let json: Value = serde_json::from_slice(text).expect("JSON");
        assert_eq!(json["numwant"], 3);
        for (slot, offer) in (0..3).zip(json["offers"].as_array().expect("offers")) {
            let id = OfferNumber { slot, ..first }.id();
            assert_eq!(offer["offer_id"].as_str().map(str::as_bytes), Some(&id[..]));
            let text = serde_json::to_vec(&offer["offer"]["sdp"]).expect("JSON");
            assert!(sdp.is(&text[1..text.len() - 1], &id, &ids.peer_id(maker)));
        }
    }

    #[test]
    fn answers_and_joins_are_json_with_their_ids() {
        let sdp = SdpTemplate::new("active", 400, 1);
        let [hash, me, maker, offer] = [b'h', b'm', b'o', b'i'].map(|byte| [byte; ID_BYTES]);
        let mut template = AnswerTemplate::new(&sdp);
        let json: Value =
            serde_json::from_slice(template.fill(&hash, &me, &maker, &offer)).expect("JSON");
        assert_eq!(json["to_peer_id"], "o".repeat(20));
        assert_eq!(json["offer_id"], "i".repeat(20));
        assert_eq!(json["answer"]["type"], "answer");
        let json: Value = serde_json::from_slice(&join(&hash, &me)).expect("JSON");
        assert_eq!(json["event"], "started");
        assert_eq!(json["peer_id"], "m".repeat(20));
    }
}
