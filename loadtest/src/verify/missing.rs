//! What has not arrived: how long it is waited for, and when it counts as lost.

use std::time::{Duration, Instant};

use super::Ledger;
use super::round::{Loss, Round};
use crate::limits::OVERDUE_ROUNDS_MAX;
use crate::plan::Share;

impl Ledger {
    /// Gives up announces that are older than `patience`: their peers may announce again, what was
    /// accepted must still arrive. Returns how many.
    pub(crate) fn give_up(&mut self, patience: Duration, now: Instant) -> u64 {
        let mut given_up = 0;
        for peer in 0..self.makers.len() {
            let late = |round: &mut Round| now.duration_since(round.at) > patience;
            let Some(round) = self.makers[peer].current.take_if(late) else {
                continue;
            };
            given_up += 1;
            self.completed.push(peer as u32);
            self.overtake(peer as u32, round);
        }
        given_up
    }

    /// Waits on for an announce whose peer goes on. At the bound the oldest one is judged.
    pub(super) fn overtake(&mut self, peer: u32, round: Round) {
        let overdue = &mut self.makers[peer as usize].overdue;
        overdue.push_back(round);
        if overdue.len() > OVERDUE_ROUNDS_MAX
            && let Some(oldest) = overdue.pop_front()
        {
            self.open_rounds -= 1;
            let loss = oldest.loss();
            if loss.any() {
                self.lost.push((peer, loss));
            }
        }
    }

    /// What is lost for good since the last call, and whose it was.
    pub(crate) fn take_lost(&mut self) -> Vec<(u32, Loss)> {
        std::mem::take(&mut self.lost)
    }

    /// The longest that any announce took until it was answered in full.
    pub(crate) fn slowest(&self) -> Duration {
        self.slowest
    }

    /// A peer was cut off; nothing of its own is waited for any more.
    pub(crate) fn leave(&mut self, peer: u32, swarm: u32) {
        let maker = &mut self.makers[peer as usize];
        if maker.gone {
            return;
        }
        maker.gone = true;
        self.open_rounds -= maker.overdue.len() + usize::from(maker.current.is_some());
        maker.overdue.clear();
        maker.current = None;
        let swarm = &mut self.swarms[swarm as usize];
        swarm.present -= 1;
        swarm.disturbed = true;
    }

    /// Whether nothing is waited for.
    pub(crate) fn is_settled(&self) -> bool {
        self.open_rounds == 0
    }

    /// At the end: what never arrived, and how much of it a cut-off member excuses.
    pub(crate) fn missing(&self, share: &Share) -> (Vec<(u32, Loss)>, u64) {
        let (mut lost, mut excused) = (Vec::new(), 0);
        for (peer, maker) in (0..).zip(&self.makers) {
            let mut loss = Loss::default();
            for round in maker.overdue.iter().chain(&maker.current) {
                loss.add(round.loss());
            }
            let swarm = share.peers[peer as usize].swarm;
            if self.swarms[swarm as usize].disturbed {
                excused += loss.offers + loss.answers;
            } else if loss.any() {
                lost.push((peer, loss));
            }
        }
        (lost, excused)
    }
}
