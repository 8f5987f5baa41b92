//! Which member of a fallback is on air, and what of it the stream gets: the best one that
//! delivers, at the next point where all its tracks begin together. Time is an argument.

use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};

use super::Supply;
use super::layout::Layout;
use crate::limits::{
    FALLBACK_FIRST_PATIENCE, FALLBACK_HELD_SEGMENTS, FALLBACK_NEXT_PATIENCE,
    FALLBACK_SILENT_TARGETS, FALLBACK_STEADY_SEGMENTS,
};
use crate::playlist::{Delivery, Track};

/// The members, best first.
#[derive(Debug)]
pub(crate) struct Chain {
    members: Vec<Member>,
    /// The first so many are wanted: as few as it takes to have one that delivers.
    wanted: usize,
    on_air: Option<OnAir>,
    layout: Layout,
    /// The longest that a member aimed at, as a stream's target should not change.
    target: Duration,
}

#[derive(Debug, Default)]
struct Member {
    tracks: Vec<Track>,
    target: Duration,
    /// By track: what came while another member was on air, the newest few.
    held: Vec<VecDeque<Delivery>>,
    /// Until when it may be silent.
    silent_until: Option<Instant>,
}

#[derive(Debug)]
struct OnAir {
    member: usize,
    /// Its timeline that is the stream's timeline 0 of this run.
    first_timeline: u64,
}

impl Chain {
    /// A chain of so many members, of which the first is wanted.
    pub(crate) fn new(members: usize, now: Instant) -> Self {
        let mut chain = Chain {
            members: (0..members).map(|_| Member::default()).collect(),
            wanted: 0,
            on_air: None,
            layout: Layout::default(),
            target: Duration::ZERO,
        };
        chain.want(1, now);
        chain
    }

    /// How many of the members, from the best on, should deliver.
    pub(crate) fn wanted(&self) -> usize {
        self.wanted
    }

    /// Who is on air.
    pub(crate) fn on_air(&self) -> Option<usize> {
        self.on_air.as_ref().map(|on_air| on_air.member)
    }

    /// A member supplies something; returns what the stream gets.
    pub(crate) fn supply(&mut self, from: usize, supply: Supply, now: Instant) -> Vec<Supply> {
        let Some(member) = self.members.get_mut(from).filter(|_| from < self.wanted) else {
            return Vec::new();
        };
        match supply {
            Supply::Tracks { tracks, target } => self.declare(from, tracks, target),
            Supply::Segment(delivery) => {
                let patience = member.target.mul_f64(FALLBACK_SILENT_TARGETS);
                member.silent_until = Some(now + patience);
                match &self.on_air {
                    Some(on_air) if on_air.member == from => self.pass_on(delivery),
                    _ => {
                        member.hold(delivery);
                        self.change_over(now)
                    }
                }
            }
            // What it delivered lasts for a while, and its silence after that is what counts.
            Supply::Sample(_) | Supply::Rests { .. } | Supply::Fails(_) | Supply::Ended(_) => {
                Vec::new()
            }
        }
    }

    /// Looks at who has fallen silent; returns what the stream gets. Called several times in a
    /// segment's length.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<Supply> {
        let is_silent = |member: &Member| member.is_silent(now);
        if self.on_air.as_ref().is_some_and(|on_air| is_silent(&self.members[on_air.member])) {
            self.on_air = None;
        }
        if self.wanted < self.members.len() && self.members[..self.wanted].iter().all(is_silent) {
            self.want(self.wanted + 1, now);
        }
        self.change_over(now)
    }

    fn want(&mut self, count: usize, now: Instant) {
        let patience = match self.layout.tracks() {
            [] => FALLBACK_FIRST_PATIENCE,
            // Viewers wait: whoever has to start first comes in later.
            _ => FALLBACK_NEXT_PATIENCE,
        };
        for member in self.members.get_mut(self.wanted..count).unwrap_or_default() {
            *member = Member { silent_until: Some(now + patience), ..Member::default() };
        }
        self.wanted = count;
    }

    fn declare(&mut self, from: usize, tracks: Vec<Track>, target: Duration) -> Vec<Supply> {
        let member = &mut self.members[from];
        let changed = member.tracks != tracks;
        member.held = tracks.iter().map(|_| VecDeque::new()).collect();
        (member.tracks, member.target) = (tracks, target);
        if changed && self.on_air() == Some(from) {
            // It begins anew, as a member that has just come back would.
            self.on_air = None;
        }
        Vec::new()
    }

    /// Puts the best member on air that can be, if it is another one.
    fn change_over(&mut self, now: Instant) -> Vec<Supply> {
        let on_air = self.on_air();
        let better = 0..on_air.unwrap_or(self.wanted);
        let least = if on_air.is_some() { FALLBACK_STEADY_SEGMENTS } else { 1 };
        let layout = &self.layout;
        let next = better.into_iter().find(|&index| {
            let member = &self.members[index];
            member.has(least) && !member.is_silent(now) && layout.admits(index, &member.tracks)
        });
        let Some(next) = next else {
            return Vec::new();
        };
        let member = &mut self.members[next];
        self.layout.adopt(next, &member.tracks);
        self.target = self.target.max(member.target);
        let held = member.take_held();
        let first_timeline = held.iter().map(|held| held.timeline).min().unwrap_or_default();
        self.on_air = Some(OnAir { member: next, first_timeline });
        self.want(next + 1, now);
        let tracks = self.layout.tracks().to_vec();
        let mut out = vec![Supply::Tracks { tracks, target: self.target }];
        out.extend(held.into_iter().flat_map(|delivery| self.pass_on(delivery)));
        out
    }

    /// A segment of the member on air, for each of the stream's tracks that it feeds.
    fn pass_on(&self, delivery: Delivery) -> Vec<Supply> {
        let Some(OnAir { member, first_timeline }) = &self.on_air else {
            return Vec::new();
        };
        let timeline = delivery.timeline.saturating_sub(*first_timeline);
        let fed = self.layout.fed_by(&self.members[*member].tracks, delivery.track);
        let delivery = Delivery { sequence: None, timeline, ..delivery };
        fed.map(|track| Supply::Segment(Delivery { track, ..delivery.clone() })).collect()
    }
}

impl Member {
    fn hold(&mut self, delivery: Delivery) {
        if let Some(held) = self.held.get_mut(delivery.track) {
            held.push_back(delivery);
            if held.len() > FALLBACK_HELD_SEGMENTS {
                held.pop_front();
            }
        }
    }

    /// Whether each track has at least so many segments.
    fn has(&self, least: usize) -> bool {
        !self.held.is_empty() && self.held.iter().all(|held| held.len() >= least)
    }

    /// What it holds, from the first moment on at which every track has a segment, oldest first.
    fn take_held(&mut self) -> Vec<Delivery> {
        let firsts = self.held.iter().filter_map(|held| held.front());
        let Some(start) = firsts.map(|first| first.recorded_at).max() else {
            return Vec::new();
        };
        let held = self.held.iter_mut().flat_map(mem::take);
        let since_start =
            |delivery: &Delivery| delivery.recorded_at + delivery.duration / 2 > start;
        let mut held: Vec<_> = held.filter(since_start).collect();
        held.sort_by_key(|delivery| delivery.recorded_at);
        held
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.silent_until.is_none_or(|until| until < now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;

    use super::*;
    use crate::playlist::{Container, Content};

    const TARGET: Duration = Duration::from_secs(2);

    /// A chain, its clock, and what the stream got, as `run.timeline:content`.
    struct Scene {
        chain: Chain,
        now: Instant,
        runs: usize,
        aired: Vec<String>,
    }

    impl Scene {
        fn new(members: usize) -> Self {
            let now = Instant::now();
            Scene { chain: Chain::new(members, now), now, runs: 0, aired: Vec::new() }
        }

        fn note(&mut self, out: Vec<Supply>) {
            for supply in out {
                match supply {
                    Supply::Tracks { .. } => self.runs += 1,
                    Supply::Segment(Delivery { timeline, bytes, .. }) => {
                        let content = String::from_utf8_lossy(&bytes);
                        self.aired.push(format!("{}.{timeline}:{content}", self.runs));
                    }
                    other => assert!(!matches!(other, Supply::Sample(_)), "never on air"),
                }
            }
        }

        fn declare(&mut self, from: usize, tracks: &[Content]) {
            let track =
                |content: &Content| Track::new(&format!("{content:?}"), *content, Container::Cmaf);
            let tracks = tracks.iter().map(track).collect();
            let out = self.chain.supply(from, Supply::Tracks { tracks, target: TARGET }, self.now);
            self.note(out);
        }

        /// The `number`th segment of a track, which begins at `2 * number` seconds.
        fn deliver(&mut self, from: usize, track: usize, number: u32, timeline: u64) {
            let delivery = Delivery {
                track,
                sequence: Some(u64::from(number)),
                timeline,
                duration: TARGET,
                recorded_at: SystemTime::UNIX_EPOCH + TARGET * number,
                header: None,
                bytes: Bytes::from(format!("{from}/{track}/{number}")),
            };
            let out = self.chain.supply(from, Supply::Segment(delivery), self.now);
            self.note(out);
        }

        fn pass(&mut self, seconds: f64) {
            self.now += Duration::from_secs_f64(seconds);
            let out = self.chain.tick(self.now);
            self.note(out);
        }

        fn aired(&mut self) -> Vec<String> {
            mem::take(&mut self.aired)
        }
    }

    #[test]
    fn the_first_member_plays_as_it_comes_and_its_own_restart_is_its_own_discontinuity() {
        let mut scene = Scene::new(2);
        scene.declare(0, &[Content::Muxed]);
        scene.deliver(0, 0, 1, 40);
        scene.pass(2.0);
        scene.declare(0, &[Content::Muxed]);
        scene.deliver(0, 0, 2, 41);
        assert_eq!(scene.aired(), ["1.0:0/0/1", "1.1:0/0/2"]);
        assert_eq!((scene.chain.on_air(), scene.chain.wanted()), (Some(0), 1));
    }

    #[test]
    fn a_silent_member_is_replaced_and_comes_back_once_it_is_steady() {
        let mut scene = Scene::new(2);
        scene.declare(0, &[Content::Muxed]);
        scene.deliver(0, 0, 1, 0);
        scene.pass(4.9);
        assert_eq!(scene.chain.wanted(), 1, "late is not gone");
        scene.pass(0.2);
        assert_eq!((scene.chain.on_air(), scene.chain.wanted()), (None, 2));
        scene.declare(1, &[Content::Muxed]);
        scene.deliver(1, 0, 3, 7);
        scene.aired();
        scene.deliver(0, 0, 4, 1);
        assert_eq!(scene.chain.on_air(), Some(1), "one segment is not steady");
        scene.deliver(1, 0, 4, 7);
        scene.deliver(0, 0, 5, 1);
        assert_eq!(scene.aired(), ["2.0:1/0/4", "3.0:0/0/4", "3.0:0/0/5"]);
        assert_eq!((scene.chain.on_air(), scene.chain.wanted()), (Some(0), 1));
        scene.deliver(1, 0, 5, 7);
        assert!(scene.aired().is_empty(), "nobody wants it any more");
    }

    #[test]
    fn a_member_that_never_delivers_is_passed_over_within_its_patience() {
        let mut scene = Scene::new(3);
        scene.pass(FALLBACK_FIRST_PATIENCE.as_secs_f64() + 0.1);
        assert_eq!(scene.chain.wanted(), 2);
        scene.pass(FALLBACK_FIRST_PATIENCE.as_secs_f64() + 0.1);
        assert_eq!(scene.chain.wanted(), 3);
        scene.declare(2, &[Content::Muxed]);
        scene.deliver(2, 0, 1, 0);
        assert_eq!(scene.chain.on_air(), Some(2));
        scene.pass(0.5);
        assert_eq!(scene.chain.wanted(), 3, "the better ones are waited for");
    }

    #[test]
    fn a_change_begins_where_all_tracks_begin() {
        let mut scene = Scene::new(1);
        scene.declare(0, &[Content::Video, Content::Audio]);
        scene.deliver(0, 0, 1, 0);
        scene.deliver(0, 0, 2, 0);
        assert!(scene.aired().is_empty(), "there is no sound yet");
        scene.deliver(0, 1, 2, 0);
        assert_eq!(scene.aired(), ["1.0:0/0/2", "1.0:0/1/2"]);
    }

    #[test]
    fn other_tracks_begin_a_run() {
        let mut scene = Scene::new(1);
        scene.declare(0, &[Content::Video]);
        scene.deliver(0, 0, 1, 0);
        scene.declare(0, &[Content::Video, Content::Audio]);
        scene.deliver(0, 0, 2, 1);
        scene.deliver(0, 1, 2, 1);
        assert_eq!(scene.aired(), ["1.0:0/0/1", "2.0:0/0/2", "2.0:0/1/2"]);
    }
}
