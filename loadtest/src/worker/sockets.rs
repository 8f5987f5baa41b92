//! What happens on the sockets: they bring something, take what waits for them, and end.

use std::time::Instant;

use mio::event::Event;

use super::Worker;
use crate::client::socket::ReadEnd;
use crate::conversation::{CutOff, Stage};
use crate::limits::RETURN_PAUSE;
use crate::phase::Phase;
use crate::plan::Role;
use crate::verify::Violation;

impl Worker<'_> {
    pub(super) fn socket_event(&mut self, event: &Event) {
        let peer = event.token().0 as u32;
        let link = &mut self.links[peer as usize];
        let Some(socket) = &mut link.socket else {
            return;
        };
        if link.stage == Stage::Connecting {
            match socket.finish_connect() {
                Ok(true) => {
                    let request = &self.requests[usize::from(self.talk.ledger.roster.node(peer))];
                    socket.outbox(&mut self.buffers).bytes().extend_from_slice(request);
                    link.stage = Stage::Upgrading;
                }
                Ok(false) => return,
                Err(error) => return self.cut_off(peer, &error.into()),
            }
        }
        if event.is_writable() {
            self.touch(peer);
        }
        let has_ended = event.is_read_closed() || event.is_error();
        if has_ended || (event.is_readable() && !self.reads_slowly(peer)) {
            self.read(peer);
        }
    }

    /// Whether it is for a slow reader to say when it reads.
    fn reads_slowly(&self, peer: u32) -> bool {
        self.talk.ledger.roster.role(peer) == Role::Slow
            && self.links[peer as usize].stage == Stage::Idle
            && self.phase != Phase::Drain
    }

    /// Reads once, and again in the next turn if there is more.
    pub(super) fn read(&mut self, peer: u32) {
        if self.read_once(peer) == ReadEnd::More {
            self.again.push(peer);
        }
    }

    /// Reads once and lets the peer react.
    pub(super) fn read_once(&mut self, peer: u32) -> ReadEnd {
        let link = &mut self.links[peer as usize];
        let Some(socket) = &mut link.socket else {
            return ReadEnd::Closed;
        };
        link.is_paused = socket.is_clogged();
        if link.is_paused {
            return ReadEnd::Drained;
        }
        let (talk, stage) = (&mut self.talk, &mut link.stage);
        let mut ended = None;
        let read = socket.read(&mut self.buffers, |bytes, out| {
            talk.hear(peer, stage, bytes, out).unwrap_or_else(|why| {
                ended = Some(why);
                bytes.len()
            })
        });
        let why = match (read, ended) {
            (_, Some(why)) => why,
            (Err(error), _) => error.into(),
            (Ok(ReadEnd::Closed), _) => CutOff::Ended,
            (Ok(end), _) => {
                if end == ReadEnd::Drained {
                    link.read_until = Instant::now();
                }
                self.touch(peer);
                return end;
            }
        };
        self.cut_off(peer, &why);
        ReadEnd::Closed
    }

    pub(super) fn touch(&mut self, peer: u32) {
        let link = &mut self.links[peer as usize];
        if !link.is_dirty {
            link.is_dirty = true;
            self.dirty.push(peer);
        }
    }

    /// Writes every socket that has something to write, once.
    pub(super) fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for peer in dirty.drain(..) {
            let link = &mut self.links[peer as usize];
            link.is_dirty = false;
            let Some(socket) = &mut link.socket else {
                continue;
            };
            if let Err(error) = socket.flush(&mut self.buffers) {
                self.cut_off(peer, &error.into());
            } else if link.is_paused && !socket.is_clogged() {
                self.again.push(peer);
            }
        }
        self.dirty = dirty;
    }

    /// The connection is over, whoever has ended it.
    pub(super) fn hang_up(&mut self, peer: u32) {
        let link = &mut self.links[peer as usize];
        (link.stage, link.socket) = (Stage::Gone, None);
        self.talk.counts.closed += u64::from(std::mem::take(&mut link.is_open));
    }

    /// A connection ended. Viewers expect that only when they have said goodbye; those who aren't
    /// as they should be come again after a while.
    pub(super) fn cut_off(&mut self, peer: u32, why: &CutOff) {
        let now = Instant::now();
        let link = &mut self.links[peer as usize];
        match link.stage {
            Stage::Connecting | Stage::Upgrading | Stage::Joining => self.joining -= 1,
            Stage::Announcing => self.announcing -= 1,
            Stage::Idle => {}
            Stage::Leaving => return self.part(peer, now),
            Stage::Gone => return,
        }
        let (has_joined, role) = (link.has_joined, self.talk.ledger.roster.role(peer));
        let read_all = role != Role::Slow && !link.is_paused;
        let read_until = if read_all { now } else { link.read_until };
        self.hang_up(peer);
        let talk = &mut self.talk;
        talk.ledger.leave(peer, read_until, now, None);
        *talk.record.closes.entry(why.code()).or_default() += 1;
        match role {
            Role::Slow if has_joined => talk.record.unrest.slow_closed += 1,
            Role::Misbehaving if has_joined => talk.record.unrest.misbehaving_closed += 1,
            _ => {
                talk.counts.gone += 1;
                talk.record.cut_off_at(talk.ledger.roster.node(peer));
                let why = why.to_string();
                return talk.record.violations.add(&Violation::CutOff { peer, why });
            }
        }
        self.come_again(peer, now + RETURN_PAUSE, false);
    }
}
