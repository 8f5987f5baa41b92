//! Who leaves, and how: as pages do that are closed, that crash, or that say `stopped`.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rand::RngExt;

use super::Worker;
use crate::client::frame::Opcode;
use crate::client::outgoing;
use crate::conversation::CutOff;
use crate::soak::viewer::Stage;

impl Worker<'_> {
    /// Lets as many leave, and change their swarm, as are due.
    pub(super) fn churn(&mut self, now: Instant) {
        let passed_s = (now - self.churned_at).as_secs_f64();
        self.churned_at = now;
        self.leaves_due += self.plan.leaves_per_s as f64 * passed_s;
        self.switches_due += self.plan.switches_per_s as f64 * passed_s;
        while self.leaves_due >= 1.0 {
            self.leaves_due -= 1.0;
            if let Some(place) = self.anybody() {
                self.leave(place);
            }
        }
        while self.switches_due >= 1.0 {
            self.switches_due -= 1.0;
            if let Some(place) = self.anybody() {
                let peer = self.next_peer();
                if let Some(viewer) = &mut self.viewers[place] {
                    viewer.switch(peer);
                    self.record.switches += 1;
                    self.say_announce(place, now);
                }
            }
        }
    }

    /// All leave at once.
    pub(super) fn all_leave(&mut self) {
        for place in 0..self.viewers.len() {
            if self.viewers[place].is_some() {
                self.leave(place);
            }
        }
    }

    /// A place whose viewer is present; now and then it finds none.
    fn anybody(&mut self) -> Option<usize> {
        if self.viewers.is_empty() {
            return None;
        }
        let place = self.rng.random_range(0..self.viewers.len());
        let viewer = self.viewers[place].as_ref()?;
        (viewer.stage == Stage::Present).then_some(place)
    }

    fn leave(&mut self, place: usize) {
        let Some(mut viewer) = self.viewers[place].take() else {
            return;
        };
        let manner = self.record.leaves % 3;
        if viewer.stage == Stage::Present && manner > 0 {
            let out = viewer.socket.outbox(&mut self.buffers);
            if manner == 1 {
                let info_hash = self.ids.info_hash(viewer.peer.swarm);
                let stopped = outgoing::stopped(&info_hash, &viewer.peer.id);
                self.codec.write(out, Opcode::Text, &stopped);
            }
            self.codec.write(out, Opcode::Close, &1001_u16.to_be_bytes());
            // Whatever the kernel does not take is as good as not said: the socket ends here.
            let _ = viewer.socket.flush(&mut self.buffers);
        }
        self.record.leaves += 1;
        self.vacate(place, viewer.stage);
    }

    /// A socket ended that should not have.
    pub(super) fn cut_off(&mut self, place: usize, why: &CutOff) {
        let Some(viewer) = self.viewers[place].take() else {
            return;
        };
        self.record.violation("cut off", || why.to_string());
        self.board.cut_off.fetch_add(1, Relaxed);
        self.vacate(place, viewer.stage);
    }

    fn vacate(&mut self, place: usize, stage: Stage) {
        match stage {
            Stage::Present => self.present -= 1,
            Stage::Connecting | Stage::Upgrading | Stage::Joining => self.joining -= 1,
        }
        self.vacant.push(place);
    }
}
