//! What viewers say to the tracker, what they do with what it says, and whom they connect to.

use std::time::Duration;

use rand::RngExt;
use tracker_core::Event as AnnounceEvent;

use super::{Event, Simulation};
use crate::simulate::crowd::{Linked, VIDEO};
use crate::simulate::ids::OfferNumber;
use crate::simulate::tracker::{Announcing, Said};

impl Simulation<'_> {
    pub(super) fn announce(&mut self, member: u32, event: AnnounceEvent, said: &mut Vec<Said>) {
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

    pub(super) fn answer(&mut self, offer: OfferNumber, by: u32, said: &mut Vec<Said>) {
        if self.crowd.members[by as usize].is_here {
            self.counts.answers += 1;
            self.tracker.answer(self.speaker(by), offer, self.now(), said);
            self.hear(said);
        }
    }

    /// What the tracker has said reaches its viewers.
    pub(super) fn hear(&mut self, said: &mut Vec<Said>) {
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

    pub(super) fn connection(&mut self, ends: [u32; 2]) {
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
}
