//! Follows what a packager's playlists name: which tracks a run has, which segment of each comes
//! next, and when what is named belongs to another run. Files and clocks are its caller's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::followed::{Followed, Now, Wanted};
use super::listing::{Listed, Listing, Segments};
use super::path::FilePath;
use crate::limits::{
    CLOCK_SEQUENCE_MIN, FOLLOWED_PLAYLISTS_MAX, NAMED_WAIT_MIN, NAMED_WAIT_TARGETS, TRACKS_WAIT,
};
use crate::playlist::Track;

/// All that is known of one packager's stream.
#[derive(Debug)]
pub(crate) struct Follower {
    /// The playlist that names the tracks, or is the only track's.
    main: FilePath,
    /// Segments that are wanted of a playlist that is seen for the first time.
    first_segments: usize,
    listed: Vec<Listed>,
    /// Media playlists, whether they are listed (already) or not.
    followed: HashMap<FilePath, Followed>,
    /// The last number of each track whose packager's numbers are kept.
    numbers: HashMap<Arc<str>, u64>,
    /// How often the packager has started again.
    generation: u64,
    run: Option<Run>,
    /// Since when tracks of the next run have been there, and others have not.
    waiting_since: Option<Instant>,
}

/// The tracks that are delivered, and the timeline that is the run's first.
#[derive(Debug)]
struct Run {
    tracks: Vec<(Arc<str>, FilePath)>,
    first_timeline: u64,
}

/// What a playlist was to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    GoesOn,
    /// The packager has started again.
    Restarted,
    /// There are too many playlists, or it lists tracks and isn't the main one.
    Ignored,
}

impl Follower {
    pub(crate) fn new(main: FilePath, first_segments: usize) -> Self {
        Follower {
            main,
            first_segments,
            listed: Vec::new(),
            followed: HashMap::new(),
            numbers: HashMap::new(),
            generation: 0,
            run: None,
            waiting_since: None,
        }
    }

    /// Takes a new version of a playlist.
    pub(crate) fn take(&mut self, path: &FilePath, listing: Listing, now: Now) -> Change {
        match listing {
            Listing::Tracks(listed) if *path == self.main => {
                self.list(listed);
                Change::GoesOn
            }
            Listing::Tracks(_) => Change::Ignored,
            Listing::Segments(segments) => {
                if *path == self.main {
                    self.list(vec![Listed::only(path.clone())]);
                }
                self.follow(path, segments, now)
            }
        }
    }

    fn list(&mut self, listed: Vec<Listed>) {
        let places = |list: &[Listed]| -> Vec<_> {
            list.iter().map(|of| (of.track.name.clone(), of.playlist.clone())).collect()
        };
        if places(&self.listed) != places(&listed) {
            self.run = None;
        }
        self.listed = listed;
    }

    fn follow(&mut self, path: &FilePath, segments: Segments, now: Now) -> Change {
        if !self.followed.contains_key(path) {
            if self.followed.len() == FOLLOWED_PLAYLISTS_MAX {
                // Encoders that name each session anew leave theirs behind.
                let listed: Vec<_> = self.listed.iter().map(|of| &of.playlist).collect();
                self.followed.retain(|path, _| listed.contains(&path));
                if self.followed.len() == FOLLOWED_PLAYLISTS_MAX {
                    return Change::Ignored;
                }
            }
            self.followed.insert(path.clone(), Followed::new(self.generation, now));
        }
        let Some(followed) = self.followed.get_mut(path) else {
            return Change::Ignored;
        };
        let restarted = followed.is_restarted_by(&segments);
        if restarted {
            followed.restart(self.generation);
        }
        if followed.generation > self.generation {
            self.generation = followed.generation;
            self.run = None;
            self.waiting_since = None;
        }
        followed.name(segments, self.first_segments, now);
        let is_listed = self.listed.iter().any(|of| of.playlist == *path);
        if self.run.as_ref().is_some_and(|run| is_listed && !run.has(path)) {
            self.run = None;
        }
        if restarted { Change::Restarted } else { Change::GoesOn }
    }

    /// Whether a version of a playlist would show that the packager has started again.
    pub(crate) fn is_restarted_by(&self, path: &FilePath, listing: &Listing) -> bool {
        match (self.followed.get(path), listing) {
            (Some(followed), Listing::Segments(segments)) => followed.is_restarted_by(segments),
            _ => false,
        }
    }

    /// The tracks' playlists.
    pub(crate) fn listed(&self) -> Vec<FilePath> {
        self.listed.iter().map(|of| of.playlist.clone()).collect()
    }

    /// What was uploaded before `stamp` under the names of this playlist is not what it names.
    pub(crate) fn distrust(&mut self, path: &FilePath, stamp: u64) {
        if let Some(followed) = self.followed.get_mut(path) {
            followed.since = stamp;
        }
    }

    /// The files that a playlist has named and that are still wanted.
    pub(crate) fn wanted_by(&self, path: &FilePath) -> impl Iterator<Item = &FilePath> {
        let followed = self.followed.get(path).into_iter();
        followed.flat_map(|followed| followed.wanted.iter().filter_map(|of| of.file.as_ref()))
    }

    /// Whether a wanted segment needs this header, or the next one of its track may.
    pub(crate) fn needs_header(&self, file: &FilePath) -> bool {
        let needs = |followed: &Followed| {
            let wanted = followed.wanted.iter().map(|wanted| &wanted.header);
            wanted.chain([&followed.header]).any(|header| header.as_ref() == Some(file))
        };
        self.followed.values().any(needs)
    }

    /// The source starts: its first delivery begins a run.
    pub(crate) fn begin_again(&mut self) {
        self.run = None;
    }

    /// Another encoder takes over: nothing that this one has named is wanted any more.
    pub(crate) fn forget(&mut self) {
        self.followed.clear();
        self.listed.clear();
        self.generation += 1;
        self.run = None;
        self.waiting_since = None;
    }

    /// The tracks of a new run, when it is time for one: all of them are there, or have been waited
    /// for, and there is something to deliver.
    pub(crate) fn begin(&mut self, now: Now) -> Option<(Vec<Track>, Duration)> {
        if self.run.is_some() {
            return None;
        }
        let is_ready = |of: &Listed| {
            let followed = self.followed.get(&of.playlist);
            followed.is_some_and(|of| of.numbers.is_some() && of.generation == self.generation)
        };
        let ready = self.listed.iter().filter(|of| is_ready(of)).count();
        if ready == 0 {
            return None;
        }
        let since = *self.waiting_since.get_or_insert(now.instant);
        if ready < self.listed.len() && now.instant.duration_since(since) < TRACKS_WAIT {
            return None;
        }
        let there: Vec<_> = self
            .listed
            .iter()
            .filter_map(|of| Some((of, self.followed.get(&of.playlist)?)))
            .filter(|(_, followed)| followed.numbers.is_some())
            .collect();
        if there.iter().all(|(_, followed)| followed.wanted.is_empty()) {
            return None;
        }
        let target = there.iter().map(|(_, followed)| followed.target).max()?;
        let first_timeline = there.iter().map(|(_, followed)| followed.next_timeline()).min()?;
        let tracks = there
            .iter()
            .map(|(of, followed)| Track { container: followed.container, ..of.track.clone() })
            .collect();
        let places: Vec<_> =
            there.iter().map(|(of, _)| (of.track.name.clone(), of.playlist.clone())).collect();
        for (_, playlist) in &places {
            if let Some(followed) = self.followed.get_mut(playlist) {
                followed.generation = self.generation;
            }
        }
        self.run = Some(Run { tracks: places, first_timeline });
        self.waiting_since = None;
        Some((tracks, target))
    }

    /// How many tracks the present run has; 0 when there is none.
    pub(crate) fn track_count(&self) -> usize {
        self.run.as_ref().map_or(0, |run| run.tracks.len())
    }

    /// What a track of the run wants, oldest first.
    pub(crate) fn wanted(&self, track: usize) -> impl Iterator<Item = &Wanted> {
        self.of(track).into_iter().flat_map(|followed| &followed.wanted)
    }

    /// See [`Follower::distrust`].
    pub(crate) fn since(&self, track: usize) -> u64 {
        self.of(track).map_or(0, |followed| followed.since)
    }

    /// Nothing of this track has been delivered yet, so that it may begin anywhere.
    pub(crate) fn is_fresh(&self, track: usize) -> bool {
        self.of(track).is_some_and(|followed| followed.is_fresh)
    }

    /// Drops so many segments from before the first.
    pub(crate) fn skip(&mut self, track: usize, count: usize) {
        if let Some(followed) = self.of_mut(track) {
            followed.wanted.drain(..count.min(followed.wanted.len()));
        }
    }

    /// Whether the next segment has been waited for long enough.
    pub(crate) fn is_overdue(&self, track: usize, now: Now) -> bool {
        let Some(followed) = self.of(track) else {
            return false;
        };
        let patience = NAMED_WAIT_MIN.max(followed.target * NAMED_WAIT_TARGETS);
        followed.wanted.front().is_some_and(|next| {
            next.file.is_none() || now.instant.duration_since(next.named_at) > patience
        })
    }

    /// The next segment is delivered: its number, where the packager's is kept, and its timeline.
    pub(crate) fn took(&mut self, track: usize) -> Option<(Option<u64>, u64)> {
        let run = self.run.as_ref()?;
        let (name, playlist) = run.tracks.get(track)?;
        let followed = self.followed.get_mut(playlist)?;
        let taken = followed.wanted.pop_front()?;
        followed.is_fresh = false;
        let timeline = taken.timeline.saturating_sub(run.first_timeline);
        let last = self.numbers.get_mut(name);
        let number = match last {
            Some(last) if taken.sequence > *last => {
                *last = taken.sequence;
                Some(taken.sequence)
            }
            Some(last) => {
                *last += 1;
                None
            }
            None if taken.sequence >= CLOCK_SEQUENCE_MIN => {
                self.numbers.insert(name.clone(), taken.sequence);
                Some(taken.sequence)
            }
            None => None,
        };
        Some((number, timeline))
    }

    /// The next segment never comes. What follows is another run: its timestamps jump.
    pub(crate) fn give_up(&mut self, track: usize) {
        if let Some(followed) = self.of_mut(track) {
            followed.wanted.pop_front();
            if !followed.is_fresh {
                self.run = None;
            }
        }
    }

    /// Whether the packager has said that it ends, and all has been delivered.
    pub(crate) fn is_over(&self) -> bool {
        let ended = |(_, playlist): &(_, FilePath)| {
            let followed = self.followed.get(playlist);
            followed.is_some_and(|followed| followed.is_over && followed.wanted.is_empty())
        };
        self.run.as_ref().is_some_and(|run| run.tracks.iter().all(ended))
    }

    /// The longest segment that is to be expected.
    pub(crate) fn target(&self) -> Option<Duration> {
        let listed = self.listed.iter().filter_map(|of| self.followed.get(&of.playlist));
        listed.map(|followed| followed.target).max()
    }

    fn of(&self, track: usize) -> Option<&Followed> {
        let (_, playlist) = self.run.as_ref()?.tracks.get(track)?;
        self.followed.get(playlist)
    }

    fn of_mut(&mut self, track: usize) -> Option<&mut Followed> {
        let (_, playlist) = self.run.as_ref()?.tracks.get(track)?;
        self.followed.get_mut(playlist)
    }
}

impl Run {
    fn has(&self, playlist: &FilePath) -> bool {
        self.tracks.iter().any(|(_, of)| of == playlist)
    }
}

#[cfg(test)]
mod tests;
