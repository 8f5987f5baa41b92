//! One event loop with its share of the peers: reads, lets them talk, writes once per turn. A load
//! generator must be cheaper than what it loads, so a turn serves all ready sockets with one read
//! each and their answers leave together.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::time::Instant;

use mio::{Events, Poll};

use crate::client::handshake;
use crate::client::socket::{Buffers, Socket};
use crate::conversation::{Conversation, Stage};
use crate::limits::EVENTS_PER_TURN;
use crate::phase::{Phase, Signals};
use crate::plan::{Plan, Share};
use crate::process;
use crate::record::Record;

mod announcing;
mod ending;
mod sockets;

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
    /// Peers that the tracker asks not to announce yet, by when they may.
    resting: BinaryHeap<Reverse<(Instant, u32)>>,
    /// Sockets with something to write, each once.
    dirty: Vec<u32>,
    /// Sockets that may have more to read without a further event.
    again: Vec<u32>,
    request: Vec<u8>,
    last_sweep: Instant,
    /// When the next announce of an open loop is due.
    due: Option<Instant>,
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
            resting: BinaryHeap::new(),
            dirty: Vec::new(),
            again: Vec::new(),
            request: handshake::request(&plan.target.url, plan.target.wire.offers_deflate),
            last_sweep: Instant::now(),
            due: None,
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
            let sleep = self.sleep(Instant::now());
            match self.poll.poll(&mut events, Some(sleep)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let started = Instant::now();
            self.talk.heed(self.signals);
            let next = self.signals.phase();
            if next != phase {
                match next {
                    Phase::Measure => cpu_before = process::thread_cpu(),
                    Phase::Drain => self.note_own_cpu(cpu_before, started - entered),
                    Phase::Close => return Ok(self.close()),
                    Phase::Join | Phase::Load => {}
                }
                (phase, entered) = (next, started);
                self.due = None;
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
                self.rest(now);
                self.announce_more(now);
            }
            Phase::Drain | Phase::Close => {}
        }
        self.rest(now);
        self.flush();
        self.signals.board(self.talk.share.worker).publish(&self.talk.counts);
    }
}
