//! Viewers come, change their quality and leave.

use rand::RngExt;
use tracker_core::Event as AnnounceEvent;

use super::{Event, Simulation};
use crate::simulate::crowd::{AUDIO, NONE, TRACKS, VIDEO, Viewer};
use crate::simulate::tracker::{Announcing, Said};

impl Simulation<'_> {
    /// Whoever comes in this tick, and then a place in the calendar for the next one.
    pub(super) fn arrivals(&mut self, said: &mut Vec<Said>) {
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
    pub(super) fn switch(&mut self, viewer: u32, said: &mut Vec<Said>) {
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

    /// Some say `stopped`, most only close their page, and some vanish: those the tracker forgets
    /// when they have been silent for too long.
    pub(super) fn departure(&mut self, viewer: u32, said: &mut Vec<Said>) {
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
}
