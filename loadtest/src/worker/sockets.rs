//! What happens on the sockets: they connect, bring something, take what waits for them, and end.

use mio::Token;
use mio::event::Event;

use super::{Link, Worker};
use crate::client::socket::{ReadEnd, Socket};
use crate::client::source::source;
use crate::conversation::{CutOff, Stage};
use crate::limits::CONNECTS_IN_FLIGHT_MAX;
use crate::verify::Violation;

impl Worker<'_> {
    pub(super) fn connect_more(&mut self) {
        while self.joining < CONNECTS_IN_FLIGHT_MAX
            && self.links.len() < self.talk.share.peers.len()
        {
            let peer = self.links.len();
            let to = self.plan.target.address;
            // Counted through all workers, so that no address has more than its share.
            let from = source(to, self.talk.share.worker_first + peer as u32);
            let tls = self.plan.target.wire.tls.as_ref();
            let socket = Socket::connect(from, to, tls, self.poll.registry(), Token(peer));
            let (socket, failed) = match socket {
                Ok(socket) => (Some(socket), None),
                Err(error) => (None, Some(error)),
            };
            let stage = Stage::Connecting;
            self.links.push(Link { socket, stage, is_dirty: false, is_paused: false });
            self.joining += 1;
            if let Some(error) = failed {
                self.cut_off(peer as u32, &error.into());
            }
        }
    }

    pub(super) fn socket_event(&mut self, event: &Event) {
        let peer = event.token().0 as u32;
        let link = &mut self.links[peer as usize];
        let Some(socket) = &mut link.socket else {
            return;
        };
        if link.stage == Stage::Connecting {
            match socket.finish_connect() {
                Ok(true) => {
                    socket.outbox(&mut self.buffers).bytes().extend_from_slice(&self.request);
                    link.stage = Stage::Upgrading;
                }
                Ok(false) => return,
                Err(error) => return self.cut_off(peer, &error.into()),
            }
        }
        if event.is_writable() {
            self.touch(peer);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(peer);
        }
    }

    /// Reads once and lets the peer react.
    pub(super) fn read(&mut self, peer: u32) {
        let link = &mut self.links[peer as usize];
        let Some(socket) = &mut link.socket else {
            return;
        };
        link.is_paused = socket.is_clogged();
        if link.is_paused {
            return;
        }
        let (talk, stage) = (&mut self.talk, &mut link.stage);
        let mut ended = None;
        let read = socket.read(&mut self.buffers, |bytes, out| {
            talk.hear(peer, stage, bytes, out).unwrap_or_else(|why| {
                ended = Some(why);
                bytes.len()
            })
        });
        match (read, ended) {
            (_, Some(why)) => return self.cut_off(peer, &why),
            (Err(error), _) => return self.cut_off(peer, &error.into()),
            (Ok(ReadEnd::Closed), _) => return self.cut_off(peer, &CutOff::Ended),
            (Ok(ReadEnd::More), _) => self.again.push(peer),
            (Ok(ReadEnd::Drained), _) => {}
        }
        self.touch(peer);
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

    /// A connection ended that should not have.
    fn cut_off(&mut self, peer: u32, why: &CutOff) {
        let link = &mut self.links[peer as usize];
        match link.stage {
            Stage::Connecting | Stage::Upgrading | Stage::Joining => self.joining -= 1,
            Stage::Announcing => self.announcing -= 1,
            Stage::Idle => {}
            Stage::Gone => return,
        }
        link.stage = Stage::Gone;
        link.socket = None;
        let talk = &mut self.talk;
        talk.ledger.leave(peer, talk.share.peers[peer as usize].swarm);
        talk.counts.gone += 1;
        *talk.record.closes.entry(why.code()).or_default() += 1;
        talk.record.violations.add(&Violation::CutOff { peer, why: why.to_string() });
    }
}
