//! The event loop of a soak: it lets viewers come up to the number that was asked for, keeps their
//! number while some leave and others change their swarm, and lets all leave in the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use super::args::SoakPlan;
use super::report::Record;
use super::viewer::{Peer, Stage, Viewer};
use crate::client::codec::Codec;
use crate::client::handshake;
use crate::client::id::{Ids, PeerNumber};
use crate::client::outgoing::{AnnounceTemplate, AnswerTemplate};
use crate::client::sdp::SdpTemplate;
use crate::client::socket::{Buffers, Socket};
use crate::client::source::source;
use crate::limits::{CONNECTS_IN_FLIGHT_MAX, EVENTS_PER_TURN, TURN_WAIT_MAX};

mod leaving;
mod talking;

/// What the main thread tells the worker, and what the worker shows it.
#[derive(Debug, Default)]
pub(super) struct Board {
    step: AtomicU8,
    present: AtomicU64,
    cut_off: AtomicU64,
}

/// The part of a soak that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Step {
    Ramp,
    Hold,
    Leave,
    Close,
}

impl Board {
    pub(super) fn enter(&self, step: Step) {
        self.step.store(step as u8, Relaxed);
    }

    fn step(&self) -> Step {
        match self.step.load(Relaxed) {
            0 => Step::Ramp,
            1 => Step::Hold,
            2 => Step::Leave,
            _ => Step::Close,
        }
    }

    /// Viewers that have joined and not left.
    pub(super) fn present(&self) -> u64 {
        self.present.load(Relaxed)
    }

    /// Viewers that lost their socket without wanting to.
    pub(super) fn cut_off(&self) -> u64 {
        self.cut_off.load(Relaxed)
    }
}

/// The event loop and its viewers.
#[derive(Debug)]
pub(super) struct Worker<'a> {
    plan: &'a SoakPlan,
    board: &'a Board,
    poll: Poll,
    /// By token; empty places are filled by newcomers.
    viewers: Vec<Option<Viewer>>,
    vacant: Vec<usize>,
    /// Viewers between `connect` and the reply to their first announce.
    joining: usize,
    present: u64,
    /// Places and peers by when they announce; a peer that is no more is passed over.
    due: BinaryHeap<Reverse<(Instant, usize, u32)>>,
    /// Sockets with something to write, each once, and those that may have more to read.
    dirty: Vec<usize>,
    again: Vec<usize>,
    buffers: Buffers,
    record: Record,
    ids: Ids,
    /// Counts peers, so that each has an id of its own.
    peers: u32,
    announce: AnnounceTemplate,
    answer: AnswerTemplate,
    request: Vec<u8>,
    codec: Codec,
    rng: SmallRng,
    /// What of the churn is due and not done, in viewers.
    leaves_due: f64,
    switches_due: f64,
    churned_at: Instant,
}

impl<'a> Worker<'a> {
    /// # Errors
    /// When the system has no event queue left.
    pub(super) fn new(plan: &'a SoakPlan, board: &'a Board) -> io::Result<Self> {
        let offer_sdp = SdpTemplate::new("actpass", plan.sdp_bytes, plan.seed);
        let answer_sdp = SdpTemplate::new("active", plan.sdp_bytes, plan.seed ^ 1);
        Ok(Self {
            plan,
            board,
            poll: Poll::new()?,
            viewers: Vec::new(),
            vacant: Vec::new(),
            joining: 0,
            present: 0,
            due: BinaryHeap::new(),
            dirty: Vec::new(),
            again: Vec::new(),
            buffers: Buffers::new(),
            record: Record::default(),
            ids: Ids::new(plan.seed),
            peers: 0,
            announce: AnnounceTemplate::new(&offer_sdp, plan.offers),
            answer: AnswerTemplate::new(&answer_sdp),
            request: handshake::request(&plan.target.url, plan.target.wire.offers_deflate),
            codec: Codec::new(plan.seed),
            rng: SmallRng::seed_from_u64(plan.seed),
            leaves_due: 0.0,
            switches_due: 0.0,
            churned_at: Instant::now(),
        })
    }

    /// Runs all steps, and hands over what was recorded.
    ///
    /// # Errors
    /// When the event queue fails.
    pub(super) fn run(mut self) -> io::Result<Record> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let mut step = Step::Ramp;
        while step != Step::Close {
            let wait = if self.again.is_empty() { TURN_WAIT_MAX } else { Duration::ZERO };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let now = Instant::now();
            for place in std::mem::take(&mut self.again) {
                self.read(place, now);
            }
            for event in &events {
                self.socket_event(event, now);
            }
            let before = step;
            step = self.board.step();
            match step {
                Step::Ramp => self.welcome(now),
                Step::Hold if before == Step::Ramp => self.churned_at = now,
                Step::Hold => {
                    self.churn(now);
                    self.welcome(now);
                }
                Step::Leave if before != Step::Leave => self.all_leave(),
                Step::Leave | Step::Close => {}
            }
            self.announce_due(now);
            self.flush();
            self.board.present.store(self.present, Relaxed);
        }
        Ok(self.record)
    }

    /// Lets viewers come until there are as many as there should be.
    fn welcome(&mut self, now: Instant) {
        let wanted = self.plan.connections.saturating_sub(self.present) as usize;
        while self.joining < wanted.min(CONNECTS_IN_FLIGHT_MAX) {
            let place = self.vacant.pop().unwrap_or_else(|| {
                self.viewers.push(None);
                self.viewers.len() - 1
            });
            let to = self.plan.target.address;
            let from = source(&[], to, place as u32);
            let tls = self.plan.target.wire.tls.as_ref();
            match Socket::connect(from, to, tls, self.poll.registry(), Token(place)) {
                Ok(socket) => {
                    let viewer = Viewer::new(socket, self.next_peer(), now);
                    self.viewers[place] = Some(viewer);
                    self.joining += 1;
                }
                Err(error) => {
                    self.vacant.push(place);
                    self.record.violation("no connection", || error.to_string());
                    self.board.cut_off.fetch_add(1, Relaxed);
                    return;
                }
            }
        }
    }

    /// A peer that was not there before, in any swarm.
    fn next_peer(&mut self) -> Peer {
        let number = PeerNumber { worker: 0, place: self.peers & 0x00FF_FFFF };
        self.peers += 1;
        let swarm = self.rng.random_range(0..self.plan.swarms);
        Peer { number, id: self.ids.peer_id(number), swarm, announces: 0 }
    }

    fn touch(&mut self, place: usize) {
        if let Some(viewer) = &mut self.viewers[place]
            && !viewer.is_dirty
        {
            viewer.is_dirty = true;
            self.dirty.push(place);
        }
    }

    /// Writes every socket that has something to write, once.
    fn flush(&mut self) {
        for place in std::mem::take(&mut self.dirty) {
            let Some(viewer) = &mut self.viewers[place] else {
                continue;
            };
            viewer.is_dirty = false;
            if viewer.stage != Stage::Connecting
                && let Err(error) = viewer.socket.flush(&mut self.buffers)
            {
                self.cut_off(place, &error.into());
            }
        }
    }
}
