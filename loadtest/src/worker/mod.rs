//! One event loop with its share of the peers: reads, lets them talk, writes once per turn. A load
//! generator must be cheaper than what it loads, so a turn serves all ready sockets with one read
//! each and their answers leave together.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::client::handshake;
use crate::client::socket::{Buffers, ReadEnd, Socket};
use crate::conversation::{Conversation, CutOff, Stage};
use crate::limits::{
    ANNOUNCE_PATIENCE, CONNECTS_IN_FLIGHT_MAX, EVENTS_PER_TURN, PATIENCE_FACTOR, SWEEP_INTERVAL,
    TURN_WAIT_MAX,
};
use crate::phase::{Phase, Signals};
use crate::plan::{Plan, Share};
use crate::process;
use crate::record::Record;
use crate::verify::Violation;

mod ending;

/// An event loop, its sockets and what their peers say.
#[derive(Debug)]
pub(crate) struct Worker<'a> {
    plan: &'a Plan,
    signals: &'a Signals,
    poll: Poll,
    links: Vec<Link>,
    buffers: Buffers,
    talk: Conversation<'a>,
    /// Peers between `connect` and the reply to their first announce.
    joining: usize,
    /// Peers whose announce is under way.
    announcing: usize,
    /// Peers that may announce, longest rested first.
    ready: VecDeque<u32>,
    /// Sockets with something to write, each once.
    dirty: Vec<u32>,
    /// Sockets that may have more to read without a further event.
    again: Vec<u32>,
    request: Vec<u8>,
    last_sweep: Instant,
}

/// One peer's connection.
#[derive(Debug)]
struct Link {
    socket: Option<Socket>,
    stage: Stage,
    is_dirty: bool,
    /// Does not read until the tracker takes what is to be written.
    is_paused: bool,
}

impl<'a> Worker<'a> {
    /// A worker that has not connected yet.
    ///
    /// # Errors
    /// When the system has no event queue left.
    pub(crate) fn new(plan: &'a Plan, share: &'a Share, signals: &'a Signals) -> io::Result<Self> {
        Ok(Self {
            plan,
            signals,
            poll: Poll::new()?,
            links: Vec::with_capacity(share.peers.len()),
            buffers: Buffers::new(),
            talk: Conversation::new(plan, share),
            joining: 0,
            announcing: 0,
            ready: VecDeque::with_capacity(share.peers.len()),
            dirty: Vec::new(),
            again: Vec::new(),
            request: handshake::request(&plan.url),
            last_sweep: Instant::now(),
        })
    }

    /// Runs all phases, and hands over what was recorded.
    ///
    /// # Errors
    /// When the event queue fails.
    pub(crate) fn run(mut self) -> io::Result<Record> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let (mut phase, mut cpu_before, mut entered) = (Phase::Join, None, Instant::now());
        let mut is_drained = false;
        loop {
            let wait = if self.again.is_empty() { TURN_WAIT_MAX } else { Duration::ZERO };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let started = Instant::now();
            let next = self.signals.phase();
            if next != phase {
                match next {
                    Phase::Measure => cpu_before = process::thread_cpu(),
                    Phase::Drain => self.note_own_cpu(cpu_before, started - entered),
                    Phase::Close => return Ok(self.close()),
                    Phase::Join | Phase::Load => {}
                }
                (phase, entered) = (next, started);
                self.talk.measures = phase == Phase::Measure;
            }
            self.turn(&events, phase, started);
            if phase == Phase::Drain && !is_drained && self.has_drained(entered, started) {
                is_drained = true;
                self.note_missing();
                self.signals.worker_drained();
            }
            if self.talk.measures && !events.is_empty() {
                self.talk.record.turn.record(started.elapsed());
            }
        }
    }

    fn turn(&mut self, events: &Events, phase: Phase, now: Instant) {
        for peer in std::mem::take(&mut self.again) {
            self.read(peer);
        }
        for event in events {
            self.socket_event(event);
        }
        match phase {
            Phase::Join => self.connect_more(),
            Phase::Load | Phase::Measure => {
                self.sweep(now);
                self.rest();
                self.announce_more();
            }
            Phase::Drain | Phase::Close => {}
        }
        self.rest();
        self.flush();
        self.signals.board(self.talk.share.worker).publish(&self.talk.counts);
    }

    fn socket_event(&mut self, event: &Event) {
        let peer = event.token().0 as u32;
        let link = &mut self.links[peer as usize];
        let Some(socket) = &mut link.socket else {
            return;
        };
        if link.stage == Stage::Connecting {
            match socket.finish_connect() {
                Ok(true) => {
                    socket.outbox(&mut self.buffers).extend_from_slice(&self.request);
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
    fn read(&mut self, peer: u32) {
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

    fn connect_more(&mut self) {
        while self.joining < CONNECTS_IN_FLIGHT_MAX
            && self.links.len() < self.talk.share.peers.len()
        {
            let peer = self.links.len();
            let socket = Socket::connect(self.plan.address, self.poll.registry(), Token(peer));
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

    /// Lets those announce whose last announce is done.
    fn announce_more(&mut self) {
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

    /// Takes note of the peers whose announce is done.
    fn rest(&mut self) {
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
            *stage = Stage::Idle;
            self.ready.push_back(peer);
        }
    }

    /// Gives up announces that have waited too long.
    fn sweep(&mut self, now: Instant) {
        if now - self.last_sweep < SWEEP_INTERVAL {
            return;
        }
        self.last_sweep = now;
        let patience = ANNOUNCE_PATIENCE.max(self.talk.ledger.slowest() * PATIENCE_FACTOR);
        let (given_up, lost) = self.talk.ledger.give_up(patience, now);
        self.talk.counts.timeouts += given_up;
        for (peer, loss) in lost {
            self.note_loss(peer, loss);
        }
    }

    fn touch(&mut self, peer: u32) {
        let link = &mut self.links[peer as usize];
        if !link.is_dirty {
            link.is_dirty = true;
            self.dirty.push(peer);
        }
    }

    /// Writes every socket that has something to write, once.
    fn flush(&mut self) {
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
