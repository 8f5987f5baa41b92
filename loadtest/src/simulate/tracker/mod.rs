//! The seam to the tracker: numbers go in, numbers come out, and in between is the very code that
//! serves: a shard for each node, and a bus between them.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::{
    ConnId, CrossAnswer, CrossOffer, Event, InfoHash, Input, OfferId, PeerId, Reason, Settings,
    Shard, SiblingId,
};

use super::ids::{self, OfferNumber};
use super::record::{Heard, NodeRecord};

mod bus;
mod inbox;
mod templates;
pub(super) use bus::BusTraffic;
use bus::{Bus, Parcel, What};
use inbox::Inbox;
use templates::Templates;

/// A tracker of one node or several, and the frames that its clients send.
#[derive(Debug)]
pub(super) struct Tracker {
    nodes: Vec<Node>,
    templates: Templates,
    refusals: Vec<(Reason, u64)>,
    bus: Bus,
    /// What arrives from the bus in a tick.
    due: Vec<Parcel>,
}

#[derive(Debug)]
struct Node {
    shard: Shard,
    dice: SmallRng,
    traffic: Traffic,
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

/// Messages and their bytes, as texts without WebSocket's headers, TLS and TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) messages_in: u64,
    pub(super) messages_out: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
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
        let node = |number: u16| {
            let seed = seed.wrapping_add(number.into());
            let (shard, dice) = (Shard::new(settings.clone(), seed), SmallRng::seed_from_u64(seed));
            Node { shard, dice, traffic: Traffic::default() }
        };
        Ok(Self {
            templates: Templates::new(offers_max, sdp_bytes, &settings.limits)?,
            nodes: (0..nodes).map(node).collect(),
            refusals: Vec::new(),
            bus: Bus::new(!seed, sdp_bytes),
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
        let Self { nodes, templates, refusals, bus, .. } = self;
        let (announce, bytes) = templates.announce(from, announcing);
        nodes[usize::from(from.node)].traffic.hear(bytes);
        let input = Input::Announce { from: conn(from.viewer), announce };
        handle(nodes, from.node, input, now, said, refusals, bus);
    }

    pub(super) fn answer(
        &mut self,
        from: Speaker,
        offer: OfferNumber,
        now: Duration,
        said: &mut Vec<Said>,
    ) {
        let Self { nodes, templates, refusals, bus, .. } = self;
        let (answer, bytes) = templates.answer(from, offer);
        nodes[usize::from(from.node)].traffic.hear(bytes);
        let input = Input::Answer { from: conn(from.viewer), answer };
        handle(nodes, from.node, input, now, said, refusals, bus);
    }

    /// The socket that had announced this member has closed. The tracker may have forgotten it.
    pub(super) fn left(&mut self, who: Speaker, now: Duration) {
        let info_hash = InfoHash(ids::info_hash(who.swarm));
        let peer_id = PeerId(ids::peer_id(who.member));
        let from = conn(who.viewer);
        self.quietly(who.node, Input::PeerLeft { from, info_hash, peer_id }, now);
    }

    pub(super) fn sweep(&mut self, now: Duration) {
        for node in 0..self.nodes.len() as u16 {
            self.quietly(node, Input::Sweep, now);
        }
    }

    /// A tick has passed: what was on the bus for so long arrives.
    pub(super) fn turn(&mut self, now: Duration, said: &mut Vec<Said>) {
        let mut due = std::mem::take(&mut self.due);
        self.bus.turn(&mut due);
        for parcel in due.drain(..) {
            let info_hash = InfoHash(ids::info_hash(parcel.swarm));
            match parcel.to {
                Some(to) => self.arrive(to, info_hash, parcel, now, said),
                None => {
                    for to in (0..self.nodes.len() as u16).filter(|to| *to != parcel.from) {
                        if self.nodes[usize::from(to)].shard.contains(&info_hash) {
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
        let Self { nodes, refusals, bus, .. } = self;
        bus.arrived(&parcel.what);
        let from = SiblingId(parcel.from.into());
        match parcel.what {
            What::Digest(digest) => {
                let input = Input::Digest { from, info_hash, digest };
                handle(nodes, to, input, now, said, refusals, bus);
            }
            What::Offer(offer, token) => {
                let peer_id = PeerId(ids::peer_id(offer.maker));
                let (offer_id, offer) = (OfferId(offer.id()), &br#"{"type":"offer","sdp":""}"#[..]);
                let offer = &CrossOffer { info_hash, peer_id, offer_id, offer, token };
                let input = Input::CrossOffer { from, offer };
                handle(nodes, to, input, now, said, refusals, bus);
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
                handle(nodes, to, input, now, said, refusals, bus);
            }
        }
    }

    /// Members that it believes to be there.
    pub(super) fn members(&self) -> usize {
        self.nodes.iter().map(|node| node.shard.peers()).sum()
    }

    pub(super) fn heard(&self) -> Heard {
        let mut heard = Heard::default();
        for node in &self.nodes {
            heard += node.shard.counters();
        }
        heard
    }

    /// How each node fared.
    pub(super) fn nodes(&self) -> Vec<NodeRecord> {
        let record = |node: &Node| NodeRecord {
            messages_in: node.traffic.messages_in,
            messages_out: node.traffic.messages_out,
            members: node.shard.peers(),
        };
        self.nodes.iter().map(record).collect()
    }

    /// Bytes that its tables have asked the allocator for.
    pub(super) fn heap_bytes(&self) -> usize {
        self.nodes.iter().map(|node| node.shard.heap_bytes()).sum()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.nodes.iter().fold(Traffic::default(), |sum, node| sum.and(&node.traffic))
    }

    pub(super) fn bus_traffic(&self) -> BusTraffic {
        self.bus.traffic()
    }

    /// What was refused, and how often.
    pub(super) fn refusals(&self) -> &[(Reason, u64)] {
        &self.refusals
    }

    /// Nobody claims another's id here, so no viewer is told of what happens in these.
    fn quietly(&mut self, node: u16, input: Input<'_>, now: Duration) {
        let Self { nodes, refusals, bus, .. } = self;
        handle(nodes, node, input, now, &mut Vec::new(), refusals, bus);
    }
}

/// Lets it happen at one node.
fn handle(
    nodes: &mut [Node],
    at: u16,
    input: Input<'_>,
    now: Duration,
    said: &mut Vec<Said>,
    refusals: &mut Vec<(Reason, u64)>,
    bus: &mut Bus,
) {
    let is_shared = nodes.len() > 1;
    let Node { shard, dice, traffic } = &mut nodes[usize::from(at)];
    let mut inbox = Inbox { said, traffic, refusals, bus, node: at, is_shared };
    shard.handle(input, now, dice, &mut inbox);
}

/// Viewers have one socket each.
fn conn(viewer: u32) -> ConnId {
    ConnId(viewer.into())
}

impl Traffic {
    fn hear(&mut self, bytes: u64) {
        self.messages_in += 1;
        self.bytes_in += bytes;
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            messages_in: self.messages_in + other.messages_in,
            messages_out: self.messages_out + other.messages_out,
            bytes_in: self.bytes_in + other.bytes_in,
            bytes_out: self.bytes_out + other.bytes_out,
        }
    }

    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            messages_in: self.messages_in - earlier.messages_in,
            messages_out: self.messages_out - earlier.messages_out,
            bytes_in: self.bytes_in - earlier.bytes_in,
            bytes_out: self.bytes_out - earlier.bytes_out,
        }
    }
}
