//! Whether a socket whose peer id somebody claims still lives. It is pinged; when anything comes
//! from it the shards that asked are told, and when nothing does it is closed.

use std::time::Duration;

use tracker_core::ConnId;
use tracker_websocket::frame::Opcode;

use super::messages::OwnerLives;
use crate::directory::WorkerId;
use crate::limits::{PROBE_REST, PROBE_TIMEOUT};
use crate::worker::Worker;

/// What a socket knows of the question whether it lives.
#[derive(Debug)]
pub(crate) struct Probing {
    /// The workers whose shards want to know. Empty once they do.
    askers: Vec<WorkerId>,
    answered: bool,
    /// When the socket is closed unless it answers; once it has, how long that counts.
    until: Duration,
}

/// What a socket comes to by a question.
enum Asked {
    /// It must be pinged.
    Anew,
    /// It was, and hasn't answered.
    Already,
    /// It has answered just before.
    InVain,
}

/// Asks a socket of this worker for a sign of life, on behalf of the shard of `asker`. There is
/// one ping at a time, and a rest behind its answer: who claims what others have can't make us
/// ping them as often as he likes.
pub(super) fn probe(worker: &Worker, owner: ConnId, asker: WorkerId) {
    let now = worker.node.now();
    let asked = worker.with(owner, |connection| match &mut connection.probing {
        Some(probing) if probing.answered && now <= probing.until => Asked::InVain,
        Some(probing) if !probing.answered => {
            if !probing.askers.contains(&asker) {
                probing.askers.push(asker);
            }
            Asked::Already
        }
        probing => {
            let until = now + PROBE_TIMEOUT;
            *probing = Some(Box::new(Probing { askers: vec![asker], answered: false, until }));
            Asked::Anew
        }
    });
    match asked {
        Some(Asked::Anew) => worker.push(owner, Opcode::Ping, 0, |_| {}),
        Some(Asked::InVain) => tell_alive(worker, owner, [asker]),
        // Of a socket that is gone its shards hear, or have heard.
        Some(Asked::Already) | None => {}
    }
}

/// Tells those who asked that `owner` lives.
pub(crate) fn tell_alive(
    worker: &Worker,
    owner: ConnId,
    askers: impl IntoIterator<Item = WorkerId>,
) {
    for shard in askers.into_iter().filter_map(|asker| worker.node.shard(asker)) {
        shard.do_send(OwnerLives(owner));
    }
}

impl Probing {
    /// Something has come from the socket. Returns who wants to know, the first time.
    pub(crate) fn answer(&mut self, now: Duration) -> Vec<WorkerId> {
        if !self.answered {
            self.answered = true;
            self.until = now + PROBE_REST;
        }
        std::mem::take(&mut self.askers)
    }

    /// Whether the socket has let its time pass.
    pub(super) fn has_failed(&self, now: Duration) -> bool {
        !self.answered && now > self.until
    }

    /// Whether it has answered, and long enough before.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        self.answered && now > self.until
    }
}
