//! How a run ends for one worker: what is on its way arrives, what does not is a violation, and
//! every peer says goodbye.

use std::time::{Duration, Instant};

use super::Worker;
use crate::limits::{DRAIN_QUIET, DRAIN_TIME_MAX};
use crate::process;
use crate::record::Record;
use crate::verify::{Loss, Violation};

impl Worker<'_> {
    /// Whether everything has arrived, or waiting for it has no sense any more.
    pub(super) fn has_drained(&self, since: Instant, now: Instant) -> bool {
        let quiet_since = self.talk.last_relay.max(since);
        // What slow readers have left unread is looked at to the end, too.
        let is_all_read = self.plan.oddities.slow_share == 0.0;
        (is_all_read && self.talk.ledger.is_settled())
            || now.saturating_duration_since(quiet_since) > DRAIN_QUIET
            || now - since > DRAIN_TIME_MAX
    }

    /// Counts what never arrived.
    pub(super) fn note_missing(&mut self) {
        for (peer, loss) in self.talk.ledger.missing() {
            self.note_loss(peer, loss);
        }
        self.talk.record.excused = self.talk.ledger.excused;
        self.talk.record.between = self.talk.ledger.between.take();
        self.talk.record.mesh = self.talk.ledger.mesh();
    }

    /// Counts what one peer was promised and did not get.
    pub(super) fn note_loss(&mut self, peer: u32, loss: Loss) {
        let violations = &mut self.talk.record.violations;
        for (count, violation) in [
            (loss.replies, Violation::ReplyLost { peer, count: loss.replies }),
            (loss.offers, Violation::OfferLost { peer, count: loss.offers }),
            (loss.answers, Violation::AnswerLost { peer, count: loss.answers }),
        ] {
            if count > 0 {
                violations.add(&violation);
            }
        }
    }

    /// Keeps the share of a core that this thread used while measuring.
    pub(super) fn note_own_cpu(&mut self, before: Option<Duration>, window: Duration) {
        if let (Some(before), Some(after)) = (before, process::thread_cpu()) {
            let used = after.saturating_sub(before);
            self.talk.record.own_cores.push(used.as_secs_f64() / window.as_secs_f64());
        }
    }

    /// Says goodbye for every peer, and hands over what was recorded.
    pub(super) fn close(mut self) -> Record {
        for link in &mut self.links {
            if let Some(socket) = &mut link.socket {
                self.talk.leave(socket.outbox(&mut self.buffers));
                // The tracker may be gone by now; there is nobody left to tell.
                let _ = socket.flush(&mut self.buffers);
            }
        }
        self.talk.record.min_interval = self.talk.min_interval;
        self.talk.record
    }
}
