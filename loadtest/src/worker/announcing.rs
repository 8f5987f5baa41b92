//! Who announces when. In a closed loop it is whoever is done with its last announce, and has
//! rested for as long as the tracker asks it to; at a rate the next in the row whenever an announce
//! is due, and at the tracker's interval each when its time has come.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::{Link, Worker};
use crate::client::socket::Socket;
use crate::conversation::Stage;
use crate::limits::{
    ANNOUNCE_PATIENCE, ANNOUNCES_PER_TURN_MAX, INTERVAL_DEFAULT, PATIENCE_FACTOR, REST_SPARE,
    SWEEP_INTERVAL, TURN_WAIT_MAX,
};
use crate::phase::Phase;
use crate::plan::{Pace, Plan, Role, Share};
use crate::record::Kind;

/// When the announces of a rate are due: the n-th at a moment that depends on nothing else, so that
/// no delay adds up.
#[derive(Debug)]
pub(super) struct Schedule {
    announces_per_s: f64,
    ramp_s: f64,
    start: Option<Instant>,
    said: u64,
}

impl Schedule {
    pub(super) fn new(plan: &Plan, share: &Share) -> Self {
        let (announces_per_s, ramp) = match plan.pace {
            Pace::Rate { announces_per_s, ramp } => (announces_per_s * share.part, ramp),
            Pace::Closed | Pace::Interval => (0.0, Duration::ZERO),
        };
        Self { announces_per_s, ramp_s: ramp.as_secs_f64(), start: None, said: 0 }
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.start = Some(now);
    }

    /// When the next announce is due; `None` when there is no rate, or it has not begun.
    fn due(&self) -> Option<Instant> {
        if self.announces_per_s == 0.0 {
            return None;
        }
        let (rate, ramp_s, said) = (self.announces_per_s, self.ramp_s, self.said as f64);
        // A rate that grows evenly has made rate * t^2 / (2 * ramp) announces at t.
        let in_ramp = rate * ramp_s / 2.0;
        let after_s = if said < in_ramp {
            (2.0 * ramp_s * said / rate).sqrt()
        } else {
            ramp_s + (said - in_ramp) / rate
        };
        Some(self.start? + Duration::from_secs_f64(after_s))
    }
}

impl Worker<'_> {
    /// How long the event loop may sleep. An announce that is due in an open loop is late by what
    /// the loop oversleeps, and the system rounds up to whole milliseconds: the last one is waited
    /// for awake.
    pub(super) fn sleep(&self, now: Instant) -> Duration {
        if !self.again.is_empty() {
            return Duration::ZERO;
        }
        let due = match (self.phase, self.plan.pace) {
            (Phase::Join | Phase::Settle | Phase::Drain | Phase::Close, _) | (_, Pace::Closed) => {
                None
            }
            (_, Pace::Rate { .. }) => self.schedule.due(),
            (_, Pace::Interval) => self.resting.peek().map(|Reverse((due, ..))| *due),
        };
        let Some(due) = due else {
            return TURN_WAIT_MAX;
        };
        let whole_ms = due.saturating_duration_since(now).as_millis() as u64;
        TURN_WAIT_MAX.min(Duration::from_millis(whole_ms))
    }

    /// Lets those announce whose turn it is.
    pub(super) fn announce_more(&mut self, now: Instant) {
        match self.plan.pace {
            Pace::Closed => self.announce_when_done(now),
            Pace::Rate { .. } => self.announce_when_due(now),
            Pace::Interval => self.announce_at_intervals(now),
        }
    }

    fn announce_when_done(&mut self, now: Instant) {
        while let Some(&Reverse((rested, peer, session))) = self.resting.peek()
            && rested <= now
        {
            self.resting.pop();
            if self.links[peer as usize].session == session {
                self.make_ready(peer);
            }
        }
        let now = Instant::now();
        while self.announcing < self.talk.share.in_flight {
            let Some(peer) = self.next_ready() else {
                return;
            };
            let link = &mut self.links[peer as usize];
            let (Stage::Idle, Some(socket)) = (link.stage, &mut link.socket) else {
                continue;
            };
            link.stage = Stage::Announcing;
            self.announcing += 1;
            self.talk.announce(peer, now, socket.outbox(&mut self.buffers));
            self.touch(peer);
        }
    }

    /// At most so many in a turn that what is due and what is written stay close.
    fn announce_when_due(&mut self, now: Instant) {
        let mut tries = ANNOUNCES_PER_TURN_MAX;
        while let Some(due) = self.schedule.due() {
            if due > now {
                self.is_held_up = false;
                return;
            }
            if tries == 0 {
                return;
            }
            tries -= 1;
            let Some(peer) = self.next_ready() else {
                return;
            };
            if self.is_behind(peer, now) {
                // Its turn comes again; meanwhile others announce.
                self.is_held_up = true;
                self.make_ready(peer);
            } else if self.announce(peer, due) {
                self.make_ready(peer);
                self.schedule.said += 1;
            }
        }
    }

    /// Whether the tracker takes so little from a viewer, or owes it so much, that another announce
    /// would only make the queue longer.
    fn is_behind(&self, peer: u32, now: Instant) -> bool {
        let socket = &self.links[peer as usize].socket;
        socket.as_ref().is_some_and(Socket::is_clogged) || !self.talk.ledger.has_room(peer, now)
    }

    fn announce_at_intervals(&mut self, now: Instant) {
        while let Some(&Reverse((due, peer, session))) = self.resting.peek()
            && due <= now
        {
            self.resting.pop();
            if self.links[peer as usize].session == session && self.announce(peer, due) {
                self.resting.push(Reverse((due + self.interval(), peer, session)));
            }
        }
    }

    fn make_ready(&mut self, peer: u32) {
        if !std::mem::replace(&mut self.links[peer as usize].is_ready, true) {
            self.ready.push_back(peer);
        }
    }

    fn next_ready(&mut self) -> Option<u32> {
        let peer = self.ready.pop_front()?;
        self.links[peer as usize].is_ready = false;
        Some(peer)
    }

    /// Lets one viewer announce that is there, in an open loop.
    fn announce(&mut self, peer: u32, due: Instant) -> bool {
        let link = &mut self.links[peer as usize];
        let (Stage::Idle, Some(socket)) = (link.stage, &mut link.socket) else {
            return false;
        };
        self.talk.announce(peer, due, socket.outbox(&mut self.buffers));
        self.said.push(due);
        self.touch(peer);
        true
    }

    /// How often the tracker wants to hear of its clients.
    fn interval(&self) -> Duration {
        self.talk.interval.map_or(INTERVAL_DEFAULT, Duration::from_secs)
    }

    /// At the tracker's interval, gives each viewer a moment of its own in it: a crowd that has
    /// come at once would announce at once for ever after.
    pub(super) fn spread_out(&mut self, now: Instant) {
        if self.plan.pace == Pace::Interval {
            for peer in 0..self.links.len() as u32 {
                self.rest_awhile(peer, now);
            }
        }
    }

    /// At the tracker's interval, lets a viewer that has just joined announce within one.
    fn rest_awhile(&mut self, peer: u32, now: Instant) {
        let Link { stage, session, .. } = self.links[peer as usize];
        if stage == Stage::Idle && self.talk.ledger.roster.role(peer) == Role::Viewer {
            let pause = self.interval().mul_f64(self.rng.random());
            self.resting.push(Reverse((now + pause, peer, session)));
        }
    }

    /// Takes note of the peers whose announce is done.
    pub(super) fn note_done(&mut self, now: Instant) {
        while let Some(peer) = self.talk.ledger.next_completed() {
            let link = &mut self.links[peer as usize];
            let joined = link.stage == Stage::Joining;
            match link.stage {
                Stage::Joining => {
                    self.joining -= 1;
                    self.talk.counts.joined += u64::from(!link.has_joined);
                    self.talk.counts.opened += u64::from(!link.is_open);
                    (link.has_joined, link.is_open) = (true, true);
                    let took = now.saturating_duration_since(link.due);
                    self.talk.record.took(Kind::Join, took);
                    self.talk.ledger.joined(peer);
                }
                Stage::Announcing => self.announcing -= 1,
                _ => continue,
            }
            link.stage = Stage::Idle;
            let session = link.session;
            if self.talk.ledger.roster.role(peer) != Role::Viewer {
                continue;
            }
            match (self.plan.pace, self.talk.min_interval.map(Duration::from_secs)) {
                (Pace::Closed, Some(pause)) => {
                    // A crowd that has come at once would announce at once for ever after.
                    let spread = f64::from(peer) / self.talk.share.peers.len() as f64;
                    let pause = if joined { pause.mul_f64(spread) } else { pause + REST_SPARE };
                    self.resting.push(Reverse((now + pause, peer, session)));
                }
                (Pace::Closed, None) | (Pace::Rate { .. }, _) => self.make_ready(peer),
                (Pace::Interval, _) if !self.is_early() => self.rest_awhile(peer, now),
                (Pace::Interval, _) => {}
            }
        }
    }

    /// Whether nobody offers yet.
    pub(super) fn is_early(&self) -> bool {
        matches!(self.phase, Phase::Join | Phase::Settle)
    }

    /// Gives up announces that have waited too long.
    pub(super) fn sweep(&mut self, now: Instant) {
        if now.saturating_duration_since(self.last_sweep) < SWEEP_INTERVAL {
            return;
        }
        self.last_sweep = now;
        let patience = ANNOUNCE_PATIENCE.max(self.talk.ledger.slowest() * PATIENCE_FACTOR);
        self.talk.counts.timeouts += self.talk.ledger.give_up(patience, now);
        for (peer, loss) in self.talk.ledger.take_lost() {
            self.note_loss(peer, loss);
        }
    }

    /// Keeps how late this program was with the announces of this turn, which are written now.
    pub(super) fn note_lag(&mut self) {
        if self.said.is_empty() {
            return;
        }
        let sent = Instant::now();
        for due in self.said.drain(..) {
            if self.talk.measures && !self.is_held_up {
                self.talk.record.lag.record(sent.saturating_duration_since(due));
            } else if self.talk.measures {
                self.talk.record.held_up += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_grows_evenly_and_stays() {
        let start = Instant::now();
        let mut schedule =
            Schedule { announces_per_s: 100.0, ramp_s: 10.0, start: Some(start), said: 0 };
        let mut due_ms = |said| {
            schedule.said = said;
            (schedule.due().expect("begun") - start).as_millis()
        };
        // Half as many in the ramp as at the full rate: 500, a quarter of them in its first half.
        assert_eq!([due_ms(0), due_ms(125), due_ms(500)], [0, 5_000, 10_000]);
        assert_eq!([due_ms(600), due_ms(1_500)], [11_000, 20_000]);
    }
}
