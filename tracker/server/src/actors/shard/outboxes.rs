//! Where the core's words go: into the outboxes of this worker's sockets, or to the shard of the
//! worker that has the socket. And what time does to a socket that nobody writes to.

use std::time::Duration;

use tracker_core::{
    ConnId, CrossAnswer, CrossOffer, Digest, InfoHash, Outbox, Outgoing, SiblingId,
};

use super::messages::{Deliver, Probe};
use super::probe::probe;
use crate::bus::Crossing;
use crate::bus::records::Said;
use crate::close::Close;
use crate::latency::RelayTimes;
use crate::transport::connection::Connection;
use crate::worker::{ConnKey, Finding, Worker};

/// The outboxes of all sockets, as the core sees them: those of this worker are written to in
/// place, those of other workers are collected, and so is what siblings are told.
pub(super) struct Outboxes<'a> {
    pub(super) worker: &'a Worker,
    pub(super) elsewhere: &'a mut [Deliver],
    pub(super) crossing: &'a mut Crossing,
    pub(super) round: u64,
    /// When what is passed on was read, if it has just come: a claim waits on purpose.
    pub(super) read_at: Option<Duration>,
    pub(super) relay_times: &'a mut RelayTimes,
}

impl Outbox for Outboxes<'_> {
    fn send(&mut self, to: ConnId, message: &Outgoing<'_>) {
        if let Outgoing::Refusal { reason, .. } = message {
            self.worker.metrics().refused(*reason);
        }
        let is_relayed = matches!(message, Outgoing::Offer { .. } | Outgoing::Answer { .. });
        let read_at = self.read_at.filter(|_| is_relayed);
        let worker = ConnKey::from(to).worker;
        let relay_times = if worker == self.worker.id {
            self.worker.send(to, message);
            &mut *self.relay_times
        } else if let Some(deliver) = self.elsewhere.get_mut(usize::from(worker)) {
            deliver.push(to, message);
            &mut deliver.relay_times
        } else {
            return;
        };
        if let Some(read_at) = read_at {
            relay_times.add(read_at);
        }
    }

    fn round(&self) -> Option<u64> {
        Some(self.round)
    }

    fn probe(&mut self, owner: ConnId) {
        let (worker, asker) = (ConnKey::from(owner).worker, self.worker.id);
        if worker == asker {
            probe(self.worker, owner, asker);
        } else if let Some(shard) = self.worker.node.shard(worker) {
            let _ = shard.try_send(Probe { owner, asker });
        }
    }

    fn is_shared(&self, info_hash: &InfoHash) -> bool {
        self.crossing.is_shared(self.worker, info_hash)
    }

    fn digest(&mut self, to: Option<SiblingId>, info_hash: &InfoHash, digest: Digest) {
        self.crossing.digest(self.worker, to, *info_hash, digest);
    }

    fn cross_offer(&mut self, to: SiblingId, offer: &CrossOffer<'_>) {
        self.crossing.say(self.worker, to, &Said::Offer(*offer));
    }

    fn cross_answer(&mut self, to: SiblingId, answer: &CrossAnswer<'_>) {
        self.crossing.say(self.worker, to, &Said::Answer(*answer));
    }
}

/// What time has done to a socket.
pub(super) fn finding(connection: &mut Connection, now: Duration) -> Finding {
    if let Some(until) = connection.closing_until {
        return if now > until { Finding::Close(Close::Lost) } else { Finding::Keep };
    }
    if connection.probing.as_ref().is_some_and(|probing| probing.has_failed(now)) {
        return Finding::Close(Close::Superseded);
    }
    connection.probing.take_if(|probing| probing.is_over(now));
    let Some(idle_timeout) = connection.server.idle_timeout else {
        return Finding::Keep;
    };
    let silent = now.saturating_sub(connection.heard_at);
    // Never without a ping before, and a sweep's round to answer it: a short timeout is over
    // between two looks.
    if silent > idle_timeout && connection.pinged {
        return Finding::Close(Close::Idle);
    }
    // Half way a ping asks for a sign of life, as wt-tracker's server does.
    if silent > idle_timeout / 2 && !connection.pinged {
        connection.pinged = true;
        return Finding::Ping;
    }
    Finding::Keep
}
