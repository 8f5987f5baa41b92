//! One announce and its offers: what was promised for it, what has come of that, and what is still
//! missing.

use std::time::{Duration, Instant};

use super::departure::Excuse;

/// One announce.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) announce: u32,
    /// When it was made or, in an open loop, due.
    pub(super) at: Instant,
    pub(super) sent: Instant,
    /// When its reply arrived.
    pub(super) replied: Option<Instant>,
    /// How many of its offers must be delivered, to strangers among others.
    pub(super) expected: u16,
    /// How many of them may have gone to peers that are not of this run.
    pub(super) strangers: u16,
    /// The window in which it was made.
    pub(super) window: Option<u16>,
    pub(super) delivered: u16,
    pub(super) answered: u16,
    /// Of a cluster: others that were on the maker's node when it was made.
    pub(super) others_near: u16,
    /// How many of its offers were delivered there.
    pub(super) near: u16,
    /// What of it is on its way between nodes for so long that it counts as lost.
    pub(super) lost_far: LostFar,
    /// It counts among what stayed on its node, and what should have.
    pub(super) is_closed: bool,
    pub(super) slots: Box<[Slot]>,
    /// Waited for by nobody, and kept because more of its offers may come than were expected.
    pub(super) is_settled: bool,
    /// What those who left excuse; `None` while it is not decided.
    pub(super) excuse: Option<Excuse>,
}

/// One offer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    Made,
    Delivered { to: u32, life: u16, is_far: bool, at: Instant },
    Done { to: u32, life: u16 },
}

/// How long something took, the window that its announce belongs to, and whether it came from
/// another node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) latency: Duration,
    pub(crate) window: Option<u16>,
    pub(crate) is_far: bool,
}

/// What nobody has heard of again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LostFar {
    pub(super) offers: u16,
    pub(super) answers: u16,
}

/// What is missing when a run, or the patience with an announce, is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) replies: u64,
    pub(crate) offers: u64,
    pub(crate) answers: u64,
}

impl Round {
    pub(super) fn is_done(&self) -> bool {
        self.replied.is_some() && self.delivered >= self.expected && self.answered == self.delivered
    }

    /// Whether none of its offers can still be under way.
    pub(super) fn is_full(&self) -> bool {
        usize::from(self.delivered) == self.slots.len()
    }

    pub(super) fn took(&self, latency: Duration) -> Took {
        Took { latency, window: self.window, is_far: false }
    }

    /// Whether all that is missing is so many offers.
    pub(super) fn waits_for_few(&self, few: u16) -> bool {
        self.replied.is_some() && self.answered == self.delivered && self.missing_offers() <= few
    }

    pub(super) fn missing_offers(&self) -> u16 {
        self.expected.saturating_sub(self.delivered + self.strangers)
    }

    /// What is missing and not excused of what a tracker promises by itself.
    pub(super) fn loss(&self, excuse: Excuse) -> Loss {
        Loss {
            replies: u64::from(self.replied.is_none()),
            offers: self.missing_offers().saturating_sub(excuse.offers).into(),
            answers: self.unanswered(false).saturating_sub(excuse.answers).into(),
        }
    }

    /// What is missing and not excused, and may have been lost between nodes.
    pub(super) fn loss_far(&self, excuse: Excuse) -> LostFar {
        LostFar {
            offers: self.missing_offers().saturating_sub(excuse.offers),
            answers: self.unanswered(true).saturating_sub(excuse.answers_far),
        }
    }

    /// Offers to somebody on the maker's node, or on another, whose answers have not arrived.
    fn unanswered(&self, far: bool) -> u16 {
        let waits = |slot: &&Slot| matches!(slot, Slot::Delivered { is_far, .. } if *is_far == far);
        self.slots.iter().filter(waits).count() as u16
    }

    /// Whether something of it counts as lost, and may come.
    pub(super) fn has_lost_far(&self) -> bool {
        self.lost_far != LostFar::default()
    }

    pub(super) fn was_received_by(&self, peer: u32, life: u16) -> bool {
        self.slots.iter().any(|slot| slot.receiver() == Some((peer, life)))
    }
}

impl Slot {
    /// Who has got the offer, and in which life; `None` before somebody has.
    pub(super) fn receiver(&self) -> Option<(u32, u16)> {
        match *self {
            Self::Made => None,
            Self::Delivered { to, life, .. } | Self::Done { to, life } => Some((to, life)),
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
