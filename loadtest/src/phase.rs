//! What the main thread tells the workers, and what they show it. All of it is atomic, so that
//! nobody waits for anybody in the middle of a measurement.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use crate::record::{Board, Counts};

/// The part of a run that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Peers connect and enter their swarms.
    Join,
    /// Full load, not measured.
    Load,
    Measure,
    /// Nobody announces any more; what is on its way arrives.
    Drain,
    Close,
}

/// Shared by the main thread and all workers.
#[derive(Debug)]
pub(crate) struct Signals {
    phase: AtomicU8,
    drained: AtomicUsize,
    boards: Vec<Board>,
}

impl Signals {
    pub(crate) fn new(workers: u8) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Join as u8),
            drained: AtomicUsize::new(0),
            boards: (0..workers).map(|_| Board::default()).collect(),
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Join,
            1 => Phase::Load,
            2 => Phase::Measure,
            3 => Phase::Drain,
            _ => Phase::Close,
        }
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
