//! What the main thread tells the workers, and what they show it. All of it is atomic, so that
//! nobody waits for anybody in the middle of a measurement.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicUsize, Ordering::Relaxed};

use crate::record::{Board, Counts};

/// The value that stands for no open window.
const NO_WINDOW: u16 = u16::MAX;

/// The part of a run that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Peers connect and enter their swarms.
    Join,
    /// Nodes of a cluster hear of each other's peers.
    Settle,
    /// Full load, not measured.
    Load,
    Measure,
    /// Nobody announces any more; what is on its way arrives.
    Drain,
    Close,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Settle => "settle",
            Self::Load => "warm-up",
            Self::Measure => "measure",
            Self::Drain => "drain",
            Self::Close => "close",
        }
    }
}

/// Shared by the main thread and all workers.
#[derive(Debug)]
pub(crate) struct Signals {
    phase: AtomicU8,
    drained: AtomicUsize,
    window: AtomicU16,
    strangers: AtomicU16,
    boards: Vec<Board>,
}

impl Signals {
    pub(crate) fn new(workers: u8) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Join as u8),
            drained: AtomicUsize::new(0),
            window: AtomicU16::new(NO_WINDOW),
            strangers: AtomicU16::new(0),
            boards: (0..workers).map(|_| Board::default()).collect(),
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Join,
            1 => Phase::Settle,
            2 => Phase::Load,
            3 => Phase::Measure,
            4 => Phase::Drain,
            _ => Phase::Close,
        }
    }

    /// What is announced from now on is measured as part of window `window`, also what arrives of
    /// it later: a stall is blamed on the window that it began in.
    pub(crate) fn open_window(&self, window: u16) {
        self.window.store(window, Relaxed);
    }

    pub(crate) fn close_window(&self) {
        self.window.store(NO_WINDOW, Relaxed);
    }

    /// The window that is open.
    pub(crate) fn window(&self) -> Option<u16> {
        let window = self.window.load(Relaxed);
        (window != NO_WINDOW).then_some(window)
    }

    /// Peers of somebody else are in the swarms: so many offers of an announce may go to them.
    pub(crate) fn expect_strangers(&self, peers: u16) {
        self.strangers.store(peers, Relaxed);
    }

    pub(crate) fn strangers(&self) -> u16 {
        self.strangers.load(Relaxed)
    }

    /// A worker has everything that it still waited for, or waits no longer.
    pub(crate) fn worker_drained(&self) {
        self.drained.fetch_add(1, Relaxed);
    }

    pub(crate) fn all_drained(&self) -> bool {
        self.drained.load(Relaxed) == self.boards.len()
    }

    pub(crate) fn board(&self, worker: u8) -> &Board {
        &self.boards[usize::from(worker)]
    }

    pub(crate) fn counts(&self) -> Counts {
        Board::total(self.boards.iter())
    }
}
