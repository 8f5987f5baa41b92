//! A run: viewers come, announce, answer, connect, change their quality and leave, each when its
//! time has come, and the tracker hears of it what a tracker would.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tracker_core::{Event as AnnounceEvent, Settings};

use super::args::SimulatePlan;
use super::arrivals::{Arrivals, Shape};
use super::calendar::{Calendar, Tick};
use super::crowd::{AUDIO, Crowd, Linked, Member, NONE, TRACKS, VIDEO, Viewer};
use super::draw::Draw;
use super::ids::OfferNumber;
use super::limits::{SAMPLE_INTERVAL, SWEEP_TICK};
use super::mesh::Mesh;
use super::offload::Flows;
use super::record::{Bytes, Counts, Outcome, Rates, Sample, Waits};
use super::tracker::{Announcing, Said, Speaker, Tracker, Traffic};

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
    tracker: Tracker,
    mesh: Mesh,
    counts: Counts,
    waits: Waits,
    /// What the tracker had heard and said a second ago, and at the last sample.
    second: Traffic,
    minute: Traffic,
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
            tracker: Tracker::new(settings, !plan.seed, plan.offers, sdp_bytes)?,
            mesh: Mesh::default(),
            counts: Counts::default(),
            waits: Waits::new()?,
            second: Traffic::default(),
            minute: Traffic::default(),
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

    /// Whoever comes in this tick, and then a place in the calendar for the next one.
    fn arrivals(&mut self, said: &mut Vec<Said>) {
        let now = self.now();
        while let Some(at) = self.next_arrival {
            if at > now {
                self.arrange(at - now, Event::Arrival);
                return;
            }
            self.next_arrival = self.arrivals.next(&mut self.dice);
            self.arrival(said);
        }
    }

    fn arrival(&mut self, said: &mut Vec<Said>) {
        let (draw, dice) = (&self.draw, &mut self.dice);
        let viewer = self.crowd.come(Viewer {
            came: self.calendar.now(),
            channel: draw.channel(dice),
            nat: draw.nat(dice),
            upload: draw.upload(dice),
            quality: draw.quality(dice),
            is_here: true,
            has_met: false,
            way_ms: draw.way_ms(dice),
            members: [NONE; TRACKS],
        });
        let stay = draw.watch(dice);
        self.counts.viewers_came += 1;
        self.peak_viewers = self.peak_viewers.max(self.crowd.present);
        self.arrange(stay, Event::Departure { viewer });
        self.await_switch(viewer);
        self.join(viewer, VIDEO, said);
        if self.plan.population.audio.kbps > 0.0 {
            self.join(viewer, AUDIO, said);
        }
    }

    fn join(&mut self, viewer: u32, track: usize, said: &mut Vec<Said>) {
        let Viewer { channel, quality, .. } = self.crowd.viewers[viewer as usize];
        let qualities = self.plan.population.quality.len() as u32;
        let place = if track == VIDEO { quality.into() } else { qualities };
        let member = self.crowd.join(viewer, track, channel * (qualities + 1) + place);
        self.announce(member, AnnounceEvent::Started, said);
    }

    fn await_switch(&mut self, viewer: u32) {
        if self.plan.population.quality.len() > 1
            && let Some(after) = self.draw.until_switch(&mut self.dice)
        {
            self.arrange(after, Event::Switch { viewer });
        }
    }

    /// The page leaves its old swarm without a word, and enters another under a new peer id.
    fn switch(&mut self, viewer: u32, said: &mut Vec<Said>) {
        if !self.crowd.viewers[viewer as usize].is_here {
            return;
        }
        let quality = self.draw.quality(&mut self.dice);
        if self.crowd.viewers[viewer as usize].quality != quality {
            self.crowd.viewers[viewer as usize].quality = quality;
            self.counts.switches += 1;
            self.join(viewer, VIDEO, said);
        }
        self.await_switch(viewer);
    }

    fn announce(&mut self, member: u32, event: AnnounceEvent, said: &mut Vec<Said>) {
        let peers_max = self.plan.peers_max;
        let now = self.now();
        let announcer = &mut self.crowd.members[member as usize];
        if !announcer.is_here {
            return;
        }
        let free = peers_max.saturating_sub(announcer.peers.len());
        let offers = free.min(self.plan.offers.into()) as u8;
        announcer.announces = announcer.announces.wrapping_add(1);
        let number = announcer.announces;
        let announcing = Announcing { event, number, offers };
        self.counts.announces += 1;
        self.counts.offers_made += u64::from(offers);
        self.tracker.announce(self.speaker(member), announcing, now, said);
        self.hear(said);
    }

    fn answer(&mut self, offer: OfferNumber, by: u32, said: &mut Vec<Said>) {
        if self.crowd.members[by as usize].is_here {
            self.counts.answers += 1;
            self.tracker.answer(self.speaker(by), offer, self.now(), said);
            self.hear(said);
        }
    }

    /// What the tracker has said reaches its viewers.
    fn hear(&mut self, said: &mut Vec<Said>) {
        for said in said.drain(..) {
            match said {
                Said::Reply { viewer, swarm, interval_s } => {
                    if let Some(member) = self.crowd.member_in(viewer, swarm) {
                        let interval = Duration::from_secs(interval_s.into());
                        self.arrange(interval + 2 * self.way(viewer), Event::Announce { member });
                    }
                }
                Said::Offer { viewer, swarm, offer } => self.offered(viewer, swarm, offer),
                Said::Answer { offer, by } => self.answered(offer, by),
                Said::Refusal => self.counts.refused += 1,
            }
        }
    }

    fn offered(&mut self, viewer: u32, swarm: u32, offer: OfferNumber) {
        self.counts.offers_delivered += 1;
        let Some(by) = self.crowd.member_in(viewer, swarm) else {
            let is_here = self.crowd.viewers[viewer as usize].is_here;
            self.counts.offers_to_former += u64::from(is_here);
            self.counts.offers_to_gone += u64::from(!is_here);
            return;
        };
        if self.crowd.members[by as usize].peers.len() >= self.plan.peers_max {
            self.counts.offers_to_full += 1;
            return;
        }
        let after = 2 * self.way(viewer) + self.draw.answer(&mut self.dice);
        self.counts.answers_begun += 1;
        self.arrange(after, Event::Answer { offer, by });
    }

    fn answered(&mut self, offer: OfferNumber, by: u32) {
        self.counts.answers_delivered += 1;
        let ends = [offer.maker, by];
        let [from, to] = ends.map(|end| usize::from(self.crowd.viewer_of(end).nat));
        if self.dice.random::<f64>() < self.plan.population.nat[from].success[to] {
            let maker = self.crowd.members[offer.maker as usize].viewer;
            let after = self.way(maker) + self.draw.connect(&mut self.dice);
            self.arrange(after, Event::Connection { ends });
        } else {
            self.counts.connections_failed += 1;
        }
    }

    fn connection(&mut self, ends: [u32; 2]) {
        match self.crowd.link(ends, self.plan.peers_max) {
            Linked::New => self.counts.connections += 1,
            Linked::Again => self.counts.connections_again += 1,
            Linked::Full | Linked::Gone => self.counts.connections_late += 1,
        }
        let now = self.calendar.now();
        for end in ends {
            let member = &self.crowd.members[end as usize];
            let viewer = &mut self.crowd.viewers[member.viewer as usize];
            if !viewer.has_met && viewer.members[VIDEO] == end && !member.peers.is_empty() {
                viewer.has_met = true;
                self.waits.record(now.since(viewer.came));
            }
        }
    }

    /// Some say `stopped`, most only close their page, and some vanish: those the tracker forgets
    /// when they have been silent for too long.
    fn departure(&mut self, viewer: u32, said: &mut Vec<Said>) {
        self.counts.viewers_left += 1;
        let members = self.crowd.viewers[viewer as usize].members;
        let now = self.now();
        self.crowd.go(viewer);
        let watching = &self.plan.population.watching;
        let chance: f64 = self.dice.random();
        if chance < watching.vanished {
            return;
        }
        for mut member in members {
            if member != NONE && chance < watching.vanished + watching.stopped {
                let announcing = Announcing { event: AnnounceEvent::Stopped, number: 0, offers: 0 };
                self.tracker.announce(self.speaker(member), announcing, now, said);
                self.hear(said);
            }
            while member != NONE {
                self.tracker.left(self.speaker(member), now);
                member = self.crowd.members[member as usize].former;
            }
        }
    }

    fn second(&mut self) {
        self.tracker.sweep(self.now());
        let traffic = self.tracker.traffic();
        let per_s = Rates::of(&traffic.since(&self.second), SWEEP_TICK);
        self.second = traffic;
        if per_s.messages() > self.peak_per_s.messages() {
            (self.peak_per_s, self.peak_at_s) = (per_s, self.now().as_secs());
        }
        self.arrange(SWEEP_TICK, Event::Second);
    }

    fn sample(&mut self) {
        let population = &self.plan.population;
        let mesh = self.mesh.look(&self.crowd, population);
        let traffic = self.tracker.traffic();
        self.samples.push(Sample {
            at_s: self.now().as_secs(),
            viewers: self.crowd.present,
            tracker_members: self.tracker.members(),
            tracker_heap_bytes: self.tracker.heap_bytes(),
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
        let refusals = self.tracker.refusals().iter();
        Outcome {
            pairs_that_connect: self.plan.population.pairs_that_connect(),
            counts: self.counts,
            tracker: self.tracker.counters().into(),
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
        Speaker { viewer, member, swarm }
    }
}
