//! One announce and its offers: what was promised for it, what has come of that, and what is still
//! missing.

use std::time::{Duration, Instant};

/// One announce.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) announce: u32,
    pub(super) at: Instant,
    pub(super) replied: bool,
    /// How many of its offers must be delivered, to strangers among others.
    pub(super) expected: u16,
    /// How many of them may have gone to peers that are not of this run.
    pub(super) strangers: u16,
    /// The window in which it was made.
    pub(super) window: Option<u16>,
    pub(super) delivered: u16,
    pub(super) answered: u16,
    pub(super) slots: Box<[Slot]>,
}

/// One offer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    Made,
    Delivered { to: u32, at: Instant },
    Done { to: u32 },
}

/// How long something took, and the window that its announce belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) latency: Duration,
    pub(crate) window: Option<u16>,
}

/// What is missing when a run, or the patience with an announce, is over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Loss {
    pub(crate) replies: u64,
    pub(crate) offers: u64,
    pub(crate) answers: u64,
}

impl Round {
    pub(super) fn is_done(&self) -> bool {
        self.replied && self.delivered >= self.expected && self.answered == self.delivered
    }

    pub(super) fn took(&self, latency: Duration) -> Took {
        Took { latency, window: self.window }
    }

    pub(super) fn loss(&self) -> Loss {
        Loss {
            replies: u64::from(!self.replied),
            offers: self.expected.saturating_sub(self.delivered + self.strangers).into(),
            answers: self.delivered.saturating_sub(self.answered).into(),
        }
    }
}

impl Slot {
    /// Who has got the offer; `None` before somebody has.
    pub(super) fn receiver(&self) -> Option<u32> {
        match *self {
            Self::Made => None,
            Self::Delivered { to, .. } | Self::Done { to } => Some(to),
        }
    }
}

impl Loss {
    pub(super) fn add(&mut self, other: Self) {
        self.replies += other.replies;
        self.offers += other.offers;
        self.answers += other.answers;
    }

    /// Whether anything is missing.
    pub(crate) fn any(&self) -> bool {
        self.replies + self.offers + self.answers > 0
    }
}
