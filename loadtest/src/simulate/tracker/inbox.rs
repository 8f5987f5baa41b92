//! What a shard says, as numbers: to viewers at once, to other nodes by the bus.

use tracker_core::{
    ConnId, CrossAnswer, CrossOffer, Digest, InfoHash, Outbox, Outgoing, Reason, SiblingId,
};

use super::bus::{Bus, Parcel, What};
use super::{Said, Traffic};
use crate::simulate::ids::{self, OfferNumber};

/// Reads who is meant out of what is sent.
pub(super) struct Inbox<'a> {
    pub(super) said: &'a mut Vec<Said>,
    pub(super) traffic: &'a mut Traffic,
    pub(super) refusals: &'a mut Vec<(Reason, u64)>,
    pub(super) bus: &'a mut Bus,
    pub(super) node: u16,
    pub(super) is_shared: bool,
}

impl Outbox for Inbox<'_> {
    fn send(&mut self, to: ConnId, message: &Outgoing<'_>) {
        let viewer = to.0 as u32;
        let mut sdp_bytes = 0;
        self.said.push(match *message {
            Outgoing::Reply { info_hash, interval_s, .. } => {
                Said::Reply { viewer, swarm: ids::number(info_hash), interval_s }
            }
            Outgoing::Offer { info_hash, offer_id, .. } => {
                sdp_bytes = self.bus.sdp_bytes;
                let offer = OfferNumber::read(offer_id);
                Said::Offer { viewer, swarm: ids::number(info_hash), offer }
            }
            Outgoing::Answer { peer_id, offer_id, .. } => {
                sdp_bytes = self.bus.sdp_bytes;
                let offer = OfferNumber::read(offer_id);
                Said::Answer { offer, by: ids::number(peer_id) }
            }
            Outgoing::Refusal { reason, .. } => {
                match self.refusals.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, times)) => *times += 1,
                    None => self.refusals.push((reason, 1)),
                }
                Said::Refusal
            }
            Outgoing::Scrape { .. } => return,
        });
        self.traffic.messages_out += 1;
        self.traffic.bytes_out += message.len() as u64 + sdp_bytes;
    }

    /// Nobody has the id of somebody else here.
    fn probe(&mut self, _: ConnId) {}

    fn is_shared(&self, _: &InfoHash) -> bool {
        self.is_shared
    }

    fn digest(&mut self, to: Option<SiblingId>, info_hash: &InfoHash, digest: Digest) {
        self.bus.send(Parcel {
            from: self.node,
            to: to.map(|to| to.0 as u16),
            swarm: ids::number(&info_hash.0),
            what: What::Digest(digest),
        });
    }

    fn cross_offer(&mut self, to: SiblingId, offer: &CrossOffer<'_>) {
        self.bus.send(Parcel {
            from: self.node,
            to: Some(to.0 as u16),
            swarm: ids::number(&offer.info_hash.0),
            what: What::Offer(OfferNumber::read(&offer.offer_id.0), offer.token),
        });
    }

    fn cross_answer(&mut self, to: SiblingId, answer: &CrossAnswer<'_>) {
        let CrossAnswer { info_hash, peer_id, offer_id, token, .. } = answer;
        let (offer, by) = (OfferNumber::read(&offer_id.0), ids::number(&peer_id.0));
        self.bus.send(Parcel {
            from: self.node,
            to: Some(to.0 as u16),
            swarm: ids::number(&info_hash.0),
            what: What::Answer { offer, by, token: *token },
        });
    }
}
