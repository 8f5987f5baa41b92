//! What a run amounts to: counts that the main thread reads while workers count, and latencies that
//! each worker keeps to itself until the end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::limits::VIOLATIONS_SHOWN_MAX;
use crate::verify::{Between, Excused, Kept, Mesh, Took, Violation};

mod counts;
mod latency;
pub(crate) use counts::{Board, Counts};
pub(crate) use latency::Latency;

/// What takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// From an announce to its reply.
    Reply,
    /// From an announce to the arrival of one of its offers.
    Offer,
    /// From an answer to its arrival.
    Answer,
    /// From when a peer was due to connect, or changes its swarm, until it has joined.
    Join,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Reply, Self::Offer, Self::Answer, Self::Join];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Join => "join",
        }
    }
}

/// What one worker hands over at the end; [`Record::merge`] joins two.
#[derive(Debug)]
pub(crate) struct Record {
    /// Sockets on which compression was agreed.
    pub(crate) sockets_deflated: u64,
    /// In the order of [`Kind::ALL`].
    latencies: [Latency; 4],
    /// One turn of this program's own event loop: how much of the latencies may be its own.
    pub(crate) turn: Latency,
    /// The longest `min interval` that the tracker asked for, in seconds.
    pub(crate) min_interval: Option<u64>,
    /// Close codes that the tracker sent; 1006 for none (RFC 6455, section 7.1.5).
    pub(crate) closes: BTreeMap<u16, u64>,
    /// What is missing because peers left or were cut off.
    pub(crate) excused: Excused,
    /// Of several nodes: what they did for each other.
    pub(crate) between: Option<Between>,
    /// Of several nodes: how long what was relayed took on one, and between two.
    pub(crate) sides: Option<Box<Sides>>,
    /// By node: viewers that were cut off.
    pub(crate) cut_off: Vec<u64>,
    pub(crate) mesh: Mesh,
    /// From when an announce of an open loop was due until it was sent, while measuring.
    pub(crate) lag: Latency,
    /// Announces of an open loop that were sent late because the tracker took nothing, or owed
    /// much, while measuring.
    pub(crate) held_up: u64,
    pub(crate) unrest: Unrest,
    pub(crate) violations: Violations,
    /// By number; empty unless windows were opened.
    pub(crate) windows: Vec<Window>,
    /// Share of a core that each worker used while measuring.
    pub(crate) own_cores: Vec<f64>,
}

/// How long offers and answers took on one node, and between two.
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) offer_near: Latency,
    pub(crate) offer_far: Latency,
    pub(crate) answer_near: Latency,
    pub(crate) answer_far: Latency,
}

/// Who came and went, and who was odd, from the first connect to the last close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Unrest {
    /// Peers that came again, or another in their place.
    pub(crate) rejoins: u64,
    /// Viewers that said goodbye.
    pub(crate) goodbyes: u64,
    /// Viewers whose connection just ended.
    pub(crate) breaks: u64,
    /// Viewers that changed their swarm.
    pub(crate) switches: u64,
    /// `stopped`, in the swarm of a goodbye or of a switch.
    pub(crate) stops: u64,
    /// Slow readers that the tracker closed.
    pub(crate) slow_closed: u64,
    /// What misbehaving peers have said.
    pub(crate) misbehaving_said: u64,
    /// What of it was refused.
    pub(crate) misbehaving_refused: u64,
    /// Misbehaving peers that the tracker closed.
    pub(crate) misbehaving_closed: u64,
}

impl Sides {
    pub(crate) fn new() -> Self {
        let [offer_near, offer_far, answer_near, answer_far] = [(); 4].map(|()| Latency::new());
        Self { offer_near, offer_far, answer_near, answer_far }
    }

    fn record(&mut self, kind: Kind, took: Took) {
        let side = match (kind, took.is_far) {
            (Kind::Offer, false) => &mut self.offer_near,
            (Kind::Offer, true) => &mut self.offer_far,
            (Kind::Answer, false) => &mut self.answer_near,
            (Kind::Answer, true) => &mut self.answer_far,
            (Kind::Reply | Kind::Join, _) => return,
        };
        side.record(took.latency);
    }

    fn merge(&mut self, other: &Self) {
        self.offer_near.merge(&other.offer_near);
        self.offer_far.merge(&other.offer_far);
        self.answer_near.merge(&other.answer_near);
        self.answer_far.merge(&other.answer_far);
    }
}

impl Unrest {
    fn add(&mut self, other: Self) {
        self.rejoins += other.rejoins;
        self.goodbyes += other.goodbyes;
        self.breaks += other.breaks;
        self.switches += other.switches;
        self.stops += other.stops;
        self.slow_closed += other.slow_closed;
        self.misbehaving_said += other.misbehaving_said;
        self.misbehaving_refused += other.misbehaving_refused;
        self.misbehaving_closed += other.misbehaving_closed;
    }
}

/// What was announced while one window was open, and what became of it.
#[derive(Debug)]
pub(crate) struct Window {
    /// Offers, from when their announce was due, and answers.
    pub(crate) relay: Latency,
    pub(crate) announces: u64,
    /// Offers that reached a peer of this run.
    pub(crate) offers: u64,
}

/// Violations by kind, and the first few in full.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    pub(crate) by_kind: BTreeMap<&'static str, u64>,
    pub(crate) first: Vec<String>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            latencies: Kind::ALL.map(|_| Latency::new()),
            turn: Latency::new(),
            sockets_deflated: 0,
            min_interval: None,
            closes: BTreeMap::new(),
            excused: Excused::default(),
            between: None,
            sides: None,
            cut_off: Vec::new(),
            mesh: Mesh::default(),
            lag: Latency::new(),
            held_up: 0,
            unrest: Unrest::default(),
            violations: Violations::default(),
            windows: Vec::new(),
            own_cores: Vec::new(),
        }
    }

    /// Something arrived as it should, while measuring or not.
    pub(crate) fn arrived(&mut self, kind: Kind, took: Took, measures: bool) {
        if measures {
            self.took(kind, took.latency);
            if let Some(sides) = &mut self.sides {
                sides.record(kind, took);
            }
        }
        if let Some(number) = took.window
            && matches!(kind, Kind::Offer | Kind::Answer)
        {
            let window = self.window(number);
            window.relay.record(took.latency);
            window.offers += u64::from(kind == Kind::Offer);
        }
    }

    /// Keeps how long something took.
    pub(crate) fn took(&mut self, kind: Kind, latency: Duration) {
        self.latencies[kind as usize].record(latency);
    }

    /// How long things of this kind took.
    pub(crate) fn latency(&self, kind: Kind) -> &Latency {
        &self.latencies[kind as usize]
    }

    /// A viewer of this node was cut off.
    pub(crate) fn cut_off_at(&mut self, node: u8) {
        let node = usize::from(node);
        if self.cut_off.len() <= node {
            self.cut_off.resize(node + 1, 0);
        }
        self.cut_off[node] += 1;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (latency, other) in self.latencies.iter_mut().zip(&other.latencies) {
            latency.merge(other);
        }
        self.turn.merge(&other.turn);
        self.sockets_deflated += other.sockets_deflated;
        for (code, count) in other.closes {
            *self.closes.entry(code).or_default() += count;
        }
        self.min_interval = self.min_interval.max(other.min_interval);
        self.lag.merge(&other.lag);
        self.held_up += other.held_up;
        self.excused.add(other.excused);
        match (&mut self.between, other.between) {
            (Some(between), Some(other)) => between.add(&other),
            (between, other) => *between = between.take().or(other),
        }
        match (&mut self.sides, other.sides) {
            (Some(sides), Some(other)) => sides.merge(&other),
            (sides, other) => *sides = sides.take().or(other),
        }
        self.cut_off.resize(self.cut_off.len().max(other.cut_off.len()), 0);
        for (count, other) in self.cut_off.iter_mut().zip(other.cut_off) {
            *count += other;
        }
        self.mesh.add(other.mesh);
        self.unrest.add(other.unrest);
        for (kind, count) in other.violations.by_kind {
            *self.violations.by_kind.entry(kind).or_default() += count;
        }
        self.violations.first.extend(other.violations.first);
        self.violations.first.truncate(VIOLATIONS_SHOWN_MAX);
        self.own_cores.extend(other.own_cores);
        for (number, window) in (0..).zip(other.windows) {
            let into = self.window(number);
            into.relay.merge(&window.relay);
            into.announces += window.announces;
            into.offers += window.offers;
        }
    }

    /// Of several nodes: holds what has stayed on them against what they owe.
    pub(crate) fn judge_near(&mut self) {
        let Some(between) = &self.between else {
            return;
        };
        let (count, Kept { owed, margin, kept, .. }) = (between.lost_near(), between.kept());
        if count > 0 {
            self.violations.add(&Violation::NearOffersLost { count, owed, margin, kept });
        }
    }

    /// Window `number`, which begins empty.
    pub(crate) fn window(&mut self, number: u16) -> &mut Window {
        while self.windows.len() <= usize::from(number) {
            let relay = Latency::new();
            self.windows.push(Window { relay, announces: 0, offers: 0 });
        }
        &mut self.windows[usize::from(number)]
    }
}

impl Violations {
    pub(crate) fn add(&mut self, violation: &Violation) {
        *self.by_kind.entry(violation.kind()).or_default() += violation.count();
        if self.first.len() < VIOLATIONS_SHOWN_MAX {
            self.first.push(violation.to_string());
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.by_kind.values().sum()
    }
}
