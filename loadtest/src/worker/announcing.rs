//! Who announces when. In a closed loop it is whoever is done with its last announce, and has
//! rested for as long as the tracker asks it to; in an open one the next in the row whenever an
//! announce is due.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use super::Worker;
use crate::conversation::Stage;
use crate::limits::{
    ANNOUNCE_PATIENCE, PATIENCE_FACTOR, REST_SPARE, SWEEP_INTERVAL, TURN_WAIT_MAX,
};
use crate::plan::Pace;

impl Worker<'_> {
    /// How long the event loop may sleep. An announce that is due in an open loop is late by what
    /// the loop oversleeps, and the system rounds up to whole milliseconds: the last one is waited
    /// for awake.
    pub(super) fn sleep(&self, now: Instant) -> Duration {
        match (self.again.is_empty(), self.due) {
            (false, _) => Duration::ZERO,
            (true, None) => TURN_WAIT_MAX,
            (true, Some(due)) => {
                let whole_ms = due.saturating_duration_since(now).as_millis() as u64;
                TURN_WAIT_MAX.min(Duration::from_millis(whole_ms))
            }
        }
    }

    /// Lets those announce whose turn it is.
    pub(super) fn announce_more(&mut self, now: Instant) {
        match self.plan.pace {
            Pace::Closed => self.announce_when_done(now),
            Pace::Open(period) => self.announce_when_due(period, now),
        }
    }

    fn announce_when_done(&mut self, now: Instant) {
        while let Some(&Reverse((rested, peer))) = self.resting.peek()
            && rested <= now
        {
            self.resting.pop();
            self.ready.push_back(peer);
        }
        let now = Instant::now();
        while self.announcing < self.talk.share.in_flight {
            let Some(peer) = self.ready.pop_front() else {
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

    fn announce_when_due(&mut self, period: Duration, now: Instant) {
        let mut due = self.due.unwrap_or(now);
        while due <= now {
            let Some(peer) = self.ready.pop_front() else {
                return;
            };
            let link = &mut self.links[peer as usize];
            let (Stage::Idle, Some(socket)) = (link.stage, &mut link.socket) else {
                continue;
            };
            self.talk.announce(peer, due, socket.outbox(&mut self.buffers));
            self.ready.push_back(peer);
            self.touch(peer);
            due += period;
        }
        self.due = Some(due);
    }

    /// Takes note of the peers whose announce is done.
    pub(super) fn rest(&mut self, now: Instant) {
        while let Some(peer) = self.talk.ledger.next_completed() {
            let stage = &mut self.links[peer as usize].stage;
            match stage {
                Stage::Joining => {
                    self.joining -= 1;
                    self.talk.counts.joined += 1;
                }
                Stage::Announcing => self.announcing -= 1,
                _ => continue,
            }
            let joined = *stage == Stage::Joining;
            *stage = Stage::Idle;
            match self.talk.min_interval.map(Duration::from_secs) {
                Some(pause) if self.plan.pace == Pace::Closed => {
                    // A crowd that has come at once would announce at once for ever after.
                    let spread = f64::from(peer) / self.talk.share.peers.len() as f64;
                    let pause = if joined { pause.mul_f64(spread) } else { pause + REST_SPARE };
                    self.resting.push(Reverse((now + pause, peer)));
                }
                _ => self.ready.push_back(peer),
            }
        }
    }

    /// Gives up announces that have waited too long.
    pub(super) fn sweep(&mut self, now: Instant) {
        if now - self.last_sweep < SWEEP_INTERVAL {
            return;
        }
        self.last_sweep = now;
        let patience = ANNOUNCE_PATIENCE.max(self.talk.ledger.slowest() * PATIENCE_FACTOR);
        if self.plan.pace == Pace::Closed {
            self.talk.counts.timeouts += self.talk.ledger.give_up(patience, now);
        }
        for (peer, loss) in self.talk.ledger.take_lost() {
            self.note_loss(peer, loss);
        }
    }
}
