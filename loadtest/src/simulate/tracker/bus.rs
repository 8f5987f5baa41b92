//! The bus between nodes, on paper: what one tells another arrives a little later, in no order.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use tracker_core::{Digest, ReturnToken};

use crate::simulate::calendar::Calendar;
use crate::simulate::ids::{ID_BYTES, OfferNumber};
use crate::simulate::limits::BUS_MS;

/// What is on its way between nodes.
#[derive(Debug)]
pub(super) struct Bus {
    on_the_way: Calendar<Parcel>,
    dice: SmallRng,
    /// What a session description has.
    pub(super) sdp_bytes: u64,
    traffic: BusTraffic,
}

/// Something that one node tells another, or all that have the swarm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parcel {
    pub(super) from: u16,
    pub(super) to: Option<u16>,
    pub(super) swarm: u32,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Digest(Digest),
    Offer(OfferNumber, ReturnToken),
    /// Member `by` has answered.
    Answer {
        offer: OfferNumber,
        by: u32,
        token: ReturnToken,
    },
}

/// What the bus has carried: ids as 20 bytes and counts as 4, session descriptions as JSON, without
/// the bus's own headers. What goes to many is sent once and arrives often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::simulate) struct BusTraffic {
    pub(in crate::simulate) digests_sent: u64,
    pub(in crate::simulate) digests_arrived: u64,
    pub(in crate::simulate) offers: u64,
    pub(in crate::simulate) answers: u64,
    pub(in crate::simulate) bytes_sent: u64,
    pub(in crate::simulate) bytes_arrived: u64,
}

impl Bus {
    pub(super) fn new(seed: u64, sdp_bytes: u64) -> Self {
        Self {
            on_the_way: Calendar::new(),
            dice: SmallRng::seed_from_u64(seed),
            sdp_bytes,
            traffic: BusTraffic::default(),
        }
    }

    pub(super) fn send(&mut self, parcel: Parcel) {
        match parcel.what {
            What::Digest(_) => self.traffic.digests_sent += 1,
            What::Offer(..) => self.traffic.offers += 1,
            What::Answer { .. } => self.traffic.answers += 1,
        }
        self.traffic.bytes_sent += parcel.what.bytes(self.sdp_bytes);
        let after = Duration::from_millis(self.dice.random_range(BUS_MS));
        self.on_the_way.arrange(after, parcel);
    }

    /// What arrives in the next tick.
    pub(super) fn turn(&mut self, due: &mut Vec<Parcel>) {
        self.on_the_way.turn(due);
    }

    pub(super) fn arrived(&mut self, what: &What) {
        self.traffic.digests_arrived += u64::from(matches!(what, What::Digest(_)));
        self.traffic.bytes_arrived += what.bytes(self.sdp_bytes);
    }

    pub(super) fn traffic(&self) -> BusTraffic {
        self.traffic
    }
}

impl What {
    fn bytes(&self, sdp_bytes: u64) -> u64 {
        let (ids, rest) = match self {
            Self::Digest(_) => (1, 9),
            Self::Offer(..) => (3, 8 + sdp_bytes),
            Self::Answer { .. } => (4, 8 + sdp_bytes),
        };
        ids * ID_BYTES as u64 + rest
    }
}

impl BusTraffic {
    pub(in crate::simulate) fn since(&self, earlier: &Self) -> Self {
        Self {
            digests_sent: self.digests_sent - earlier.digests_sent,
            digests_arrived: self.digests_arrived - earlier.digests_arrived,
            offers: self.offers - earlier.offers,
            answers: self.answers - earlier.answers,
            bytes_sent: self.bytes_sent - earlier.bytes_sent,
            bytes_arrived: self.bytes_arrived - earlier.bytes_arrived,
        }
    }
}
