//! One event loop with its share of the peers: reads, lets them talk, writes once per turn. A load
//! generator must be cheaper than what it loads, so a turn serves all ready sockets with one read
//! each and their answers leave together.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::time::Instant;

use mio::{Events, Poll};
use rand::{SeedableRng, rngs::SmallRng};

use crate::args::Target;
use crate::client::handshake;
use crate::client::socket::{Buffers, Socket};
use crate::conversation::{Conversation, Stage};
use crate::limits::EVENTS_PER_TURN;
use crate::phase::{Phase, Signals};
use crate::plan::{Plan, Share};
use crate::process;
use crate::record::Record;

mod announcing;
mod coming;
mod ending;
mod leaving;
mod mischief;
mod sockets;
use announcing::Schedule;
use leaving::Unease;
use mischief::Mischief;

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
    /// When which peer may or must announce, and the session in which it was told so: those that
    /// the tracker asks to rest and, at its interval, all.
    resting: BinaryHeap<Reverse<(Instant, u32, u32)>>,
    /// Peers that have no connection, by when they want one.
    absent: BinaryHeap<Reverse<(Instant, u32)>>,
    /// Peers that say goodbye, with their session, in the order in which they began.
    leaving: VecDeque<(Instant, u32, u32)>,
    schedule: Schedule,
    unease: Unease,
    mischief: Mischief,
    /// Announces are late because the tracker holds their viewers up, not this program.
    is_held_up: bool,
    /// When the announces of this turn were due.
    said: Vec<Instant>,
    rng: SmallRng,
    /// Sockets with something to write, each once.
    dirty: Vec<u32>,
    /// Sockets that may have more to read without a further event.
    again: Vec<u32>,
    /// By node: the handshake.
    requests: Vec<Vec<u8>>,
    last_sweep: Instant,
    phase: Phase,
}

/// One peer's connection.
#[derive(Debug)]
struct Link {
    socket: Option<Socket>,
    stage: Stage,
    is_dirty: bool,
    /// Does not read until the tracker takes what is to be written.
    is_paused: bool,
    /// When it was due to connect.
    due: Instant,
    /// Until then it has read all that had arrived.
    read_until: Instant,
    has_joined: bool,
    /// Its present connection counts among the open ones.
    is_open: bool,
    /// Counts its connections and changes of swarm.
    session: u32,
    /// Stands in [`Worker::ready`], once.
    is_ready: bool,
}

impl<'a> Worker<'a> {
    /// A worker that has not connected yet.
    ///
    /// # Errors
    /// When the system has no event queue left.
    pub(crate) fn new(plan: &'a Plan, share: &'a Share, signals: &'a Signals) -> io::Result<Self> {
        let request = |node: &Target| handshake::request(&node.url, node.wire.offers_deflate);
        let requests = plan.nodes.iter().map(request);
        Ok(Self {
            plan,
            signals,
            poll: Poll::new()?,
            links: share.peers.iter().map(|_| Link::absent(Instant::now())).collect(),
            buffers: Buffers::new(),
            talk: Conversation::new(plan, share),
            joining: 0,
            announcing: 0,
            ready: VecDeque::with_capacity(share.peers.len()),
            resting: BinaryHeap::new(),
            absent: coming::arrivals(plan, share, Instant::now()),
            leaving: VecDeque::new(),
            schedule: Schedule::new(plan, share),
            unease: Unease::default(),
            mischief: Mischief::new(plan, share),
            is_held_up: false,
            said: Vec::new(),
            rng: SmallRng::seed_from_u64(plan.seed ^ u64::from(share.worker) << 32),
            dirty: Vec::new(),
            again: Vec::new(),
            requests: requests.collect(),
            last_sweep: Instant::now(),
            phase: Phase::Join,
        })
    }

    /// Runs all phases, and hands over what was recorded.
    ///
    /// # Errors
    /// When the event queue fails.
    pub(crate) fn run(mut self) -> io::Result<Record> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let (mut cpu_before, mut entered) = (None, Instant::now());
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
            if next != self.phase {
                match next {
                    Phase::Measure => cpu_before = process::thread_cpu(),
                    Phase::Drain => self.note_own_cpu(cpu_before, started - entered),
                    Phase::Close => return Ok(self.close()),
                    Phase::Join | Phase::Settle | Phase::Load => {}
                }
                let before = std::mem::replace(&mut self.phase, next);
                entered = started;
                self.talk.measures = next == Phase::Measure;
                self.begin(before, started);
            }
            self.turn(&events, started);
            if self.phase == Phase::Drain && !is_drained && self.has_drained(entered, started) {
                is_drained = true;
                self.note_missing();
                self.signals.worker_drained();
            }
            if self.talk.measures && !events.is_empty() {
                self.talk.record.turn.record(started.elapsed());
            }
        }
    }

    /// A phase begins.
    fn begin(&mut self, before: Phase, now: Instant) {
        match (before, self.phase) {
            (Phase::Join | Phase::Settle, Phase::Load | Phase::Measure) => {
                self.schedule.start(now);
                self.unease.start(now);
                self.spread_out(now);
            }
            // What slow readers have left shall be seen, too.
            (_, Phase::Drain) => self.read_all(),
            _ => {}
        }
    }

    fn turn(&mut self, events: &Events, now: Instant) {
        for peer in std::mem::take(&mut self.again) {
            self.read(peer);
        }
        for event in events {
            self.socket_event(event);
        }
        match self.phase {
            Phase::Join | Phase::Settle => self.connect_more(now),
            Phase::Load | Phase::Measure => {
                self.sweep(now);
                self.note_done(now);
                self.announce_more(now);
                self.churn(now);
                self.misbehave(now);
                self.read_slowly(now);
                self.connect_more(now);
            }
            Phase::Drain | Phase::Close => {}
        }
        self.end_goodbyes(now);
        self.note_done(now);
        self.flush();
        self.note_lag();
        self.signals.board(self.talk.share.worker).publish(&self.talk.counts);
    }
}
