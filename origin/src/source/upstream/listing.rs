//! What an upstream has of one track at a moment, whichever way it says so.

use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::fetch::Place;

/// The segments of one track that were not taken yet, oldest first.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    /// Above the newest one that was taken; consecutive.
    pub(super) items: Vec<Item>,
    /// Of the oldest and of the newest segment that is there, taken or not.
    pub(super) numbers: Option<(u64, u64)>,
    /// The length of segment that is aimed at.
    pub(super) target: Duration,
    /// No segment will follow.
    pub(super) is_over: bool,
}

/// One segment to be taken.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The upstream's number.
    pub(super) sequence: u64,
    /// The upstream's number of the run of timestamps.
    pub(super) timeline: u64,
    pub(super) duration: Duration,
    /// The wall clock at its first frame, as far as the upstream tells.
    pub(super) recorded_at: Option<SystemTime>,
    pub(super) file: Spot,
    pub(super) header: Option<Rc<Spot>>,
    /// The upstream says that it has none of this number.
    pub(super) is_gap: bool,
}

/// Where something is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) range: Option<Range<u64>>,
}

/// Why there is no listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// It may pass: the feed has set itself a pause.
    Passing(String),
    /// It will not pass within this run.
    Lasting(String),
}
