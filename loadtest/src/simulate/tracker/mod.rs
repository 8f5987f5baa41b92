//! The seam to the tracker: numbers go in, numbers come out, and in between is the very code that
//! serves: a shard for each node, and a bus between them.

use std::time::Duration;

use tracker_core::{
    ConnId, CrossAnswer, CrossOffer, Event, InfoHash, Input, OfferId, PeerId, Settings, SiblingId,
};

use super::ids::{self, OfferNumber};

mod bus;
mod inbox;
mod nodes;
mod templates;
pub(super) use bus::BusTraffic;
use bus::{Parcel, What};
use nodes::Nodes;
pub(super) use nodes::Traffic;
use templates::Templates;

/// A tracker of one node or several, and the frames that its clients send.
#[derive(Debug)]
pub(super) struct Tracker {
    pub(super) nodes: Nodes,
    templates: Templates,
    /// What arrives from the bus in a tick.
    due: Vec<Parcel>,
}

/// A member as the tracker knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker {
    /// Whose socket it is.
    pub(super) viewer: u32,
    /// To which node it goes.
    pub(super) node: u16,
    pub(super) member: u32,
    pub(super) swarm: u32,
}

/// What a member announces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announcing {
    pub(super) event: Event,
    /// The how manieth announce of this member it is; offers are named by it.
    pub(super) number: u16,
    pub(super) offers: u8,
}

/// What the tracker says to a viewer about one of its swarms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said {
    /// Announce again after so many seconds.
    Reply {
        viewer: u32,
        swarm: u32,
        interval_s: u32,
    },
    Offer {
        viewer: u32,
        swarm: u32,
        offer: OfferNumber,
    },
    /// Member `by` has answered, for the offer's maker.
    Answer {
        offer: OfferNumber,
        by: u32,
    },
    Refusal,
}

impl Tracker {
    /// Offers and answers count with `sdp_bytes` each.
    ///
    /// # Errors
    /// Never: the templates are valid frames, and every test here reads them.
    pub(super) fn new(
        settings: Settings,
        seed: u64,
        nodes: u16,
        offers_max: u8,
        sdp_bytes: u64,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            templates: Templates::new(offers_max, sdp_bytes, &settings.limits)?,
            nodes: Nodes::new(settings, seed, nodes, sdp_bytes),
            due: Vec::new(),
        })
    }

    pub(super) fn announce(
        &mut self,
        from: Speaker,
        announcing: Announcing,
        now: Duration,
        said: &mut Vec<Said>,
    ) {
        let (announce, bytes) = self.templates.announce(from, announcing);
        let input = Input::Announce { from: conn(from.viewer), announce };
        self.nodes.hear(from.node, bytes, input, now, said);
    }

    pub(super) fn answer(
        &mut self,
        from: Speaker,
        offer: OfferNumber,
        now: Duration,
        said: &mut Vec<Said>,
    ) {
        let (answer, bytes) = self.templates.answer(from, offer);
        let input = Input::Answer { from: conn(from.viewer), answer };
        self.nodes.hear(from.node, bytes, input, now, said);
    }

    /// The socket that had announced this member has closed. The tracker may have forgotten it.
    /// Nobody claims another's id here, so no viewer is told of what happens in this, or in a sweep.
    pub(super) fn left(&mut self, who: Speaker, now: Duration) {
        let info_hash = InfoHash(ids::info_hash(who.swarm));
        let peer_id = PeerId(ids::peer_id(who.member));
        let from = conn(who.viewer);
        let input = Input::PeerLeft { from, info_hash, peer_id };
        self.nodes.handle(who.node, input, now, &mut Vec::new());
    }

    pub(super) fn sweep(&mut self, now: Duration) {
        for node in self.nodes.all() {
            self.nodes.handle(node, Input::Sweep, now, &mut Vec::new());
        }
    }

    /// A tick has passed: what was on the bus for so long arrives.
    pub(super) fn turn(&mut self, now: Duration, said: &mut Vec<Said>) {
        let mut due = std::mem::take(&mut self.due);
        self.nodes.bus.turn(&mut due);
        for parcel in due.drain(..) {
            let info_hash = InfoHash(ids::info_hash(parcel.swarm));
            match parcel.to {
                Some(to) => self.arrive(to, info_hash, parcel, now, said),
                None => {
                    for to in self.nodes.all().filter(|to| *to != parcel.from) {
                        if self.nodes.has_partition(to, &info_hash) {
                            self.arrive(to, info_hash, parcel, now, said);
                        }
                    }
                }
            }
        }
        self.due = due;
    }

    fn arrive(
        &mut self,
        to: u16,
        info_hash: InfoHash,
        parcel: Parcel,
        now: Duration,
        said: &mut Vec<Said>,
    ) {
        let nodes = &mut self.nodes;
        nodes.bus.arrived(&parcel.what);
        let from = SiblingId(parcel.from.into());
        match parcel.what {
            What::Digest(digest) => {
                let input = Input::Digest { from, info_hash, digest };
                nodes.handle(to, input, now, said);
            }
            What::Offer(offer, token) => {
                let peer_id = PeerId(ids::peer_id(offer.maker));
                let (offer_id, offer) = (OfferId(offer.id()), &br#"{"type":"offer","sdp":""}"#[..]);
                let offer = &CrossOffer { info_hash, peer_id, offer_id, offer, token };
                let input = Input::CrossOffer { from, offer };
                nodes.handle(to, input, now, said);
            }
            What::Answer { offer, by, token } => {
                let answer = &CrossAnswer {
                    info_hash,
                    peer_id: PeerId(ids::peer_id(by)),
                    to_peer_id: PeerId(ids::peer_id(offer.maker)),
                    offer_id: OfferId(offer.id()),
                    answer: br#"{"type":"answer","sdp":""}"#,
                    token,
                };
                let input = Input::CrossAnswer { from, answer };
                nodes.handle(to, input, now, said);
            }
        }
    }
}

/// Viewers have one socket each.
fn conn(viewer: u32) -> ConnId {
    ConnId(viewer.into())
}
