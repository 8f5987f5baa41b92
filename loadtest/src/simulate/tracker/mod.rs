//! The seam to the tracker: numbers go in, numbers come out, and in between is the very code that
//! serves. Today one shard holds all swarms; whoever puts many behind this, with a bus between
//! them, changes nothing on the other side.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::{
    ConnId, Counters, Event, InfoHash, Input, Outbox, Outgoing, PeerId, Reason, Settings, Shard,
};

use super::ids::{self, OfferNumber};

mod templates;
use templates::Templates;

/// A tracker and the frames that its clients send.
#[derive(Debug)]
pub(super) struct Tracker {
    shard: Shard,
    dice: SmallRng,
    templates: Templates,
    traffic: Traffic,
    refusals: Vec<(Reason, u64)>,
}

/// A member as the tracker knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker {
    /// Whose socket it is.
    pub(super) viewer: u32,
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
        offers_max: u8,
        sdp_bytes: u64,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            templates: Templates::new(offers_max, sdp_bytes, &settings.limits)?,
            shard: Shard::new(settings, seed),
            dice: SmallRng::seed_from_u64(seed),
            traffic: Traffic::default(),
            refusals: Vec::new(),
        })
    }

    pub(super) fn announce(
        &mut self,
        from: Speaker,
        announcing: Announcing,
        now: Duration,
        said: &mut Vec<Said>,
    ) {
        let sdp_bytes = self.templates.sdp_bytes;
        let (announce, bytes) = self.templates.announce(from, announcing);
        self.traffic.hear(bytes);
        let input = Input::Announce { from: conn(from.viewer), announce };
        let (traffic, refusals) = (&mut self.traffic, &mut self.refusals);
        let mut inbox = Inbox { said, traffic, refusals, sdp_bytes };
        self.shard.handle(input, now, &mut self.dice, &mut inbox);
    }

    pub(super) fn answer(
        &mut self,
        from: Speaker,
        offer: OfferNumber,
        now: Duration,
        said: &mut Vec<Said>,
    ) {
        let sdp_bytes = self.templates.sdp_bytes;
        let (answer, bytes) = self.templates.answer(from, offer);
        self.traffic.hear(bytes);
        let input = Input::Answer { from: conn(from.viewer), answer };
        let (traffic, refusals) = (&mut self.traffic, &mut self.refusals);
        let mut inbox = Inbox { said, traffic, refusals, sdp_bytes };
        self.shard.handle(input, now, &mut self.dice, &mut inbox);
    }

    /// The socket that had announced this member has closed. The tracker may have forgotten it.
    pub(super) fn left(&mut self, who: Speaker, now: Duration) {
        let info_hash = InfoHash(ids::info_hash(who.swarm));
        let peer_id = PeerId(ids::peer_id(who.member));
        let from = conn(who.viewer);
        self.quietly(Input::PeerLeft { from, info_hash, peer_id }, now);
    }

    pub(super) fn sweep(&mut self, now: Duration) {
        self.quietly(Input::Sweep, now);
    }

    /// Members that it believes to be there.
    pub(super) fn members(&self) -> usize {
        self.shard.peers()
    }

    pub(super) fn counters(&self) -> Counters {
        self.shard.counters()
    }

    /// Bytes that its tables have asked the allocator for.
    pub(super) fn heap_bytes(&self) -> usize {
        self.shard.heap_bytes()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// What was refused, and how often.
    pub(super) fn refusals(&self) -> &[(Reason, u64)] {
        &self.refusals
    }

    /// Nobody claims another's id here, so nobody waits for what happens in these.
    fn quietly(&mut self, input: Input<'_>, now: Duration) {
        struct Nobody;
        impl Outbox for Nobody {
            fn send(&mut self, _: ConnId, _: &Outgoing<'_>) {}
            fn probe(&mut self, _: ConnId) {}
        }
        self.shard.handle(input, now, &mut self.dice, &mut Nobody);
    }
}

/// Viewers have one socket each.
fn conn(viewer: u32) -> ConnId {
    ConnId(viewer.into())
}

/// Reads who is meant out of what is sent.
struct Inbox<'a> {
    said: &'a mut Vec<Said>,
    traffic: &'a mut Traffic,
    refusals: &'a mut Vec<(Reason, u64)>,
    sdp_bytes: u64,
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
                sdp_bytes = self.sdp_bytes;
                let offer = OfferNumber::read(offer_id);
                Said::Offer { viewer, swarm: ids::number(info_hash), offer }
            }
            Outgoing::Answer { peer_id, offer_id, .. } => {
                sdp_bytes = self.sdp_bytes;
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
}

impl Traffic {
    fn hear(&mut self, bytes: u64) {
        self.messages_in += 1;
        self.bytes_in += bytes;
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
