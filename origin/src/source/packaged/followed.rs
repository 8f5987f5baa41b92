//! One media playlist of a packager: which of its segments are still to be delivered, with dates and
//! timelines that go on from one version to the next.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use super::listing::{Named, Segments};
use super::path::FilePath;
use crate::limits::WANTED_SEGMENTS_MAX;
use crate::playlist::Container;

/// One media playlist, as far as it has been seen.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) target: Duration,
    pub(super) container: Container,
    /// The first and the last number of its newest version; none while it has named nothing.
    pub(super) numbers: Option<(u64, u64)>,
    /// The header that its newest segment needs.
    pub(super) header: Option<FilePath>,
    /// What it has named, and what has not been delivered, oldest first.
    pub(super) wanted: VecDeque<Wanted>,
    pub(super) generation: u64,
    /// Nothing of this generation has been delivered.
    pub(super) is_fresh: bool,
    /// The timeline of the last segment that it named.
    pub(super) timeline: u64,
    /// The wall clock at the end of the last segment that it named.
    pub(super) ends_at: SystemTime,
    /// Where it matters: what was uploaded before this was an earlier encoder's.
    pub(super) since: u64,
    pub(super) is_over: bool,
}

/// A segment to be delivered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) file: Option<FilePath>,
    pub(crate) header: Option<FilePath>,
    pub(crate) duration: Duration,
    pub(crate) recorded_at: SystemTime,
    pub(super) sequence: u64,
    pub(super) timeline: u64,
    pub(super) named_at: Instant,
}

/// Both clocks: one for people, and one that is never set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) wall: SystemTime,
    pub(crate) instant: Instant,
}

/// The wall clock may differ this much from what the durations add up to.
const DRIFT_MAX: Duration = Duration::from_secs(5);

impl Now {
    pub(crate) fn read() -> Self {
        Now { wall: SystemTime::now(), instant: Instant::now() }
    }
}

impl Followed {
    pub(super) fn new(generation: u64, now: Now) -> Self {
        Followed {
            target: Duration::ZERO,
            container: Container::MpegTs,
            numbers: None,
            header: None,
            wanted: VecDeque::new(),
            generation,
            is_fresh: true,
            timeline: 0,
            ends_at: now.wall,
            since: 0,
            is_over: false,
        }
    }

    /// Numbers that start again, that leave a gap, or that go on after the end are another start's,
    /// and so are other containers.
    pub(super) fn is_restarted_by(&self, segments: &Segments) -> bool {
        let (Some((first, last)), Some(oldest), Some(newest)) =
            (self.numbers, segments.named.first(), segments.named.last())
        else {
            return false;
        };
        let goes_back = oldest.sequence < first || newest.sequence < last;
        let goes_on_after_the_end = self.is_over && !segments.is_over;
        let changes = container_of(newest) != self.container;
        goes_back || oldest.sequence > last + 1 || goes_on_after_the_end || changes
    }

    pub(super) fn restart(&mut self, generation: u64) {
        self.generation = generation.max(self.generation + 1);
        self.numbers = None;
        self.wanted.clear();
        self.is_fresh = true;
        self.timeline = 0;
    }

    /// Adds what is named for the first time.
    pub(super) fn name(&mut self, segments: Segments, first_segments: usize, now: Now) {
        self.target = segments.target;
        self.is_over = segments.is_over;
        let (Some(oldest), Some(newest)) = (segments.named.first(), segments.named.last()) else {
            return;
        };
        let numbers = (oldest.sequence, newest.sequence);
        self.container = container_of(newest);
        self.header.clone_from(&newest.header);
        let mut before = None;
        let fresh: Vec<_> = match self.numbers {
            Some((_, last)) => {
                let known = segments.named.iter().take_while(|named| named.sequence <= last);
                let known = known.inspect(|named| before = Some(named.timeline)).count();
                segments.named.into_iter().skip(known).collect()
            }
            None => {
                let unwanted = segments.named.len().saturating_sub(first_segments);
                segments.named.into_iter().skip(unwanted).collect()
            }
        };
        self.numbers = Some(numbers);
        self.date(&fresh, now);
        for named in fresh {
            // A playlist whose first tags are gone may count them or not: what counts is a change.
            self.timeline += u64::from(before.is_some_and(|before| before != named.timeline));
            before = Some(named.timeline);
            self.want(named, now);
        }
    }

    fn want(&mut self, named: Named, now: Now) {
        let recorded_at = named.recorded_at.unwrap_or(self.ends_at);
        self.ends_at = recorded_at + named.duration;
        self.wanted.push_back(Wanted {
            file: named.file,
            header: named.header,
            duration: named.duration,
            recorded_at,
            sequence: named.sequence,
            timeline: self.timeline,
            named_at: now.instant,
        });
        while self.wanted.len() > WANTED_SEGMENTS_MAX {
            self.wanted.pop_front();
            self.is_fresh = true;
        }
    }

    /// Where the packager tells no dates, the last segment ends now, give or take what it takes to
    /// come here; and each begins when the one before ended, as long as that remains true.
    fn date(&mut self, fresh: &[Named], now: Now) {
        let durations = fresh.iter().map(|named| named.duration).sum();
        let by_the_clock = now.wall.checked_sub(durations).unwrap_or(now.wall);
        let drift = match by_the_clock.duration_since(self.ends_at) {
            Ok(ahead) => ahead,
            Err(behind) => behind.duration(),
        };
        if (self.is_fresh && self.wanted.is_empty()) || drift > DRIFT_MAX {
            self.ends_at = by_the_clock;
        }
    }

    pub(super) fn next_timeline(&self) -> u64 {
        self.wanted.front().map_or(self.timeline, |next| next.timeline)
    }
}

/// What needs a header is CMAF.
fn container_of(named: &Named) -> Container {
    match named.header {
        Some(_) => Container::Cmaf,
        None => Container::MpegTs,
    }
}
