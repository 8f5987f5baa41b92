//! A run: viewers come, announce, answer, connect, change their quality and leave, each when its
//! time has come, and the tracker hears of it what a tracker would.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::{Event as AnnounceEvent, Settings};

use super::args::SimulatePlan;
use super::arrivals::{Arrivals, Shape};
use super::calendar::{Calendar, Tick};
use super::crowd::{Crowd, Member};
use super::draw::Draw;
use super::ids::OfferNumber;
use super::limits::{SAMPLE_INTERVAL, SWEEP_TICK};
use super::mesh::Mesh;
use super::offload::Flows;
use super::record::{BusRates, Bytes, Counts, Outcome, Rates, Sample, Waits};
use super::spread::Spread;
use super::tracker::{BusTraffic, Said, Speaker, Tracker, Traffic};

mod coming;
mod talking;

/// Everything that a run consists of.
#[derive(Debug)]
pub(super) struct Simulation<'a> {
    plan: &'a SimulatePlan,
    end: Tick,
    calendar: Calendar<Event>,
    arrivals: Arrivals,
    next_arrival: Option<Duration>,
    draw: Draw,
    dice: SmallRng,
    crowd: Crowd,
    spread: Spread,
    tracker: Tracker,
    mesh: Mesh,
    counts: Counts,
    waits: Waits,
    /// What the tracker had heard and said a second ago, and at the last sample.
    second: Traffic,
    minute: Traffic,
    bus_second: BusTraffic,
    bus_peak_per_s: BusRates,
    peak_viewers: u32,
    peak_per_s: Rates,
    peak_at_s: u64,
    samples: Vec<Sample>,
}

/// What happens at its time.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Viewers come.
    Arrival,
    /// A member's interval is over.
    Announce {
        member: u32,
    },
    /// An answer reaches the tracker.
    Answer {
        offer: OfferNumber,
        by: u32,
    },
    /// A data channel opens.
    Connection {
        ends: [u32; 2],
    },
    Switch {
        viewer: u32,
    },
    Departure {
        viewer: u32,
    },
    Second,
    Sample,
}

impl<'a> Simulation<'a> {
    /// # Errors
    /// Never for a plan whose population is valid.
    pub(super) fn new(plan: &'a SimulatePlan) -> anyhow::Result<Self> {
        let population = &plan.population;
        let end_s = plan.duration.as_secs_f64();
        let shape = Shape {
            end_s,
            begin_s: population.arrivals.begin * end_s,
            rush: population.arrivals.rush,
            rush_scale_s: population.arrivals.rush_scale_s,
        };
        let defaults = Settings::default();
        let settings = Settings {
            max_offers: defaults.max_offers.max(plan.offers.into()),
            announce_interval: plan.announce_interval,
            cross_share_percent: plan.cross_share_percent,
            ..defaults
        };
        let sdp_bytes = population.client.sdp_bytes;
        Ok(Self {
            plan,
            end: Tick::at(plan.duration),
            calendar: Calendar::new(),
            arrivals: Arrivals::new(shape, plan.viewers),
            next_arrival: None,
            draw: Draw::new(population, plan.channels)?,
            dice: SmallRng::seed_from_u64(plan.seed),
            crowd: Crowd::default(),
            // Another stream of the same seed: the viewers' chances don't depend on the tracker's.
            tracker: Tracker::new(settings, !plan.seed, plan.nodes, plan.offers, sdp_bytes)?,
            spread: Spread::new(
                plan.spread,
                plan.nodes,
                plan.channels,
                population.channels.zipf,
                plan.seed,
            ),
            mesh: Mesh::default(),
            counts: Counts::default(),
            waits: Waits::new()?,
            second: Traffic::default(),
            minute: Traffic::default(),
            bus_second: BusTraffic::default(),
            bus_peak_per_s: BusRates::default(),
            peak_viewers: 0,
            peak_per_s: Rates::default(),
            peak_at_s: 0,
            samples: Vec::new(),
        })
    }

    /// Plays it to its end; `watch` sees each sample as it is taken.
    pub(super) fn run(mut self, mut watch: impl FnMut(&Sample)) -> Outcome {
        let (mut due, mut said) = (Vec::new(), Vec::new());
        self.next_arrival = self.arrivals.next(&mut self.dice);
        self.arrivals(&mut said);
        self.arrange(SWEEP_TICK, Event::Second);
        self.arrange(SAMPLE_INTERVAL, Event::Sample);
        while self.calendar.now() < self.end {
            self.tracker.turn(self.now(), &mut said);
            self.hear(&mut said);
            self.calendar.turn(&mut due);
            for event in due.drain(..) {
                self.happen(event, &mut said);
                if let (Event::Sample, Some(sample)) = (event, self.samples.last()) {
                    watch(sample);
                }
            }
        }
        self.outcome()
    }

    fn happen(&mut self, event: Event, said: &mut Vec<Said>) {
        match event {
            Event::Arrival => self.arrivals(said),
            Event::Announce { member } => self.announce(member, AnnounceEvent::Update, said),
            Event::Answer { offer, by } => self.answer(offer, by, said),
            Event::Connection { ends } => self.connection(ends),
            Event::Switch { viewer } => self.switch(viewer, said),
            Event::Departure { viewer } => self.departure(viewer, said),
            Event::Second => self.second(),
            Event::Sample => self.sample(),
        }
    }

    fn second(&mut self) {
        self.tracker.sweep(self.now());
        let traffic = self.tracker.nodes.traffic();
        let per_s = Rates::of(&traffic.since(&self.second), SWEEP_TICK);
        self.second = traffic;
        if per_s.messages() > self.peak_per_s.messages() {
            (self.peak_per_s, self.peak_at_s) = (per_s, self.now().as_secs());
        }
        let bus = self.tracker.nodes.bus_traffic();
        let bus_per_s = BusRates::of(&bus.since(&self.bus_second), SWEEP_TICK);
        self.bus_second = bus;
        if bus_per_s.messages() > self.bus_peak_per_s.messages() {
            self.bus_peak_per_s = bus_per_s;
        }
        self.arrange(SWEEP_TICK, Event::Second);
    }

    fn sample(&mut self) {
        let population = &self.plan.population;
        let mesh = self.mesh.look(&self.crowd, population);
        let traffic = self.tracker.nodes.traffic();
        self.samples.push(Sample {
            at_s: self.now().as_secs(),
            viewers: self.crowd.present,
            tracker_members: self.tracker.nodes.members(),
            tracker_heap_bytes: self.tracker.nodes.heap_bytes(),
            per_s: Rates::of(&traffic.since(&self.minute), SAMPLE_INTERVAL),
            mesh,
            flows: Flows::of(&self.crowd, &mut self.mesh, population),
        });
        self.minute = traffic;
        self.arrange(SAMPLE_INTERVAL, Event::Sample);
    }

    fn outcome(self) -> Outcome {
        let [mut never, mut never_could] = [0; 2];
        for viewer in &self.crowd.viewers {
            let stayed = self.calendar.now().since(viewer.came) >= self.plan.announce_interval;
            if !viewer.has_met && (stayed || !viewer.is_here) {
                never += 1;
                let can_connect = self.plan.population.can_connect(viewer.nat.into());
                never_could += u64::from(!can_connect);
            }
        }
        let refusals = self.tracker.nodes.refusals().iter();
        Outcome {
            pairs_that_connect: self.plan.population.pairs_that_connect(),
            counts: self.counts,
            tracker: self.tracker.nodes.heard(),
            nodes: self.tracker.nodes.records(),
            bus: self.tracker.nodes.bus_traffic(),
            bus_peak_per_s: self.bus_peak_per_s,
            refusals: refusals.map(|(reason, times)| (reason.to_string(), *times)).collect(),
            peak_viewers: self.peak_viewers,
            peak_per_s: self.peak_per_s,
            peak_at_s: self.peak_at_s,
            first_peer: self.waits.first_peer(never, never_could),
            bytes: Bytes::of(&self.samples),
            samples: self.samples,
        }
    }

    /// What would happen after the end is never looked at.
    fn arrange(&mut self, after: Duration, event: Event) {
        if self.now() + after <= self.plan.duration {
            self.calendar.arrange(after, event);
        }
    }

    fn now(&self) -> Duration {
        self.calendar.now().time()
    }

    fn way(&self, viewer: u32) -> Duration {
        Duration::from_millis(self.crowd.viewers[viewer as usize].way_ms.into())
    }

    fn speaker(&self, member: u32) -> Speaker {
        let Member { viewer, swarm, .. } = self.crowd.members[member as usize];
        let channel = self.crowd.viewers[viewer as usize].channel;
        Speaker { viewer, node: self.spread.node_of(viewer, channel), member, swarm }
    }
}
