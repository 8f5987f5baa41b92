//! What is wanted of a packager's files, in which order, and which run it belongs to.

use std::time::SystemTime;

use super::super::listing::Named;
use super::*;
use crate::limits::WANTED_SEGMENTS_MAX;
use crate::playlist::{Container, Content};

const TARGET: Duration = Duration::from_secs(2);

fn path(text: &str) -> FilePath {
    FilePath::parse(text).expect(text)
}

/// A clock that stands still until it is moved.
fn clock() -> Now {
    Now { wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000), instant: Instant::now() }
}

fn later(now: Now, seconds: u64) -> Now {
    let passed = Duration::from_secs(seconds);
    Now { wall: now.wall + passed, instant: now.instant + passed }
}

/// A media playlist that names these numbers.
fn segments(track: &str, numbers: std::ops::Range<u64>) -> Listing {
    let named = numbers.map(|sequence| Named {
        sequence,
        timeline: 0,
        duration: TARGET,
        recorded_at: None,
        file: Some(path(&format!("{track}-{sequence}.ts"))),
        header: None,
    });
    Listing::Segments(Segments { target: TARGET, named: named.collect(), is_over: false })
}

fn changed(listing: Listing, change: impl FnOnce(&mut Segments)) -> Listing {
    match listing {
        Listing::Segments(mut segments) => {
            change(&mut segments);
            Listing::Segments(segments)
        }
        tracks => tracks,
    }
}

fn follower() -> Follower {
    Follower::new(path("index.m3u8"), 6)
}

/// A follower whose main playlist lists two tracks.
fn of_two() -> Follower {
    let mut follower = follower();
    let listed = ["v", "a"].map(|name| Listed {
        track: Track::new(name, Content::Video, Container::MpegTs),
        playlist: path(&format!("{name}.m3u8")),
    });
    follower.take(&path("index.m3u8"), Listing::Tracks(listed.into()), clock());
    follower
}

/// Takes all that a track wants: the files, and with which number and timeline.
fn take_all(follower: &mut Follower, track: usize) -> Vec<(String, Option<u64>, u64)> {
    let mut taken = Vec::new();
    loop {
        let next = follower.wanted(track).next().cloned();
        let Some(wanted) = next else {
            return taken;
        };
        let (number, timeline) = follower.took(track).expect("a wanted segment");
        let file = wanted.file.expect("a file").as_str().to_owned();
        taken.push((file.trim_end_matches(".ts").to_owned(), number, timeline));
    }
}

fn files(taken: &[(String, Option<u64>, u64)]) -> Vec<&str> {
    taken.iter().map(|(file, ..)| file.as_str()).collect()
}

#[test]
fn each_segment_is_wanted_once_and_in_order() {
    let (mut follower, main, now) = (follower(), path("index.m3u8"), clock());
    assert_eq!(follower.begin(now), None, "nothing is known");
    assert_eq!(follower.take(&main, segments("s", 0..3), now), Change::GoesOn);
    let (tracks, target) = follower.begin(now).expect("a run");
    assert_eq!((tracks.len(), tracks[0].name.as_ref(), target), (1, "main", TARGET));
    assert_eq!(files(&take_all(&mut follower, 0)), ["s-0", "s-1", "s-2"]);
    assert_eq!(follower.take(&main, segments("s", 1..4), now), Change::GoesOn);
    assert_eq!(follower.begin(now), None, "the same run");
    assert_eq!(files(&take_all(&mut follower, 0)), ["s-3"]);
}

#[test]
fn of_a_long_playlist_only_the_newest_are_wanted_at_first() {
    let mut follower = follower();
    follower.take(&path("index.m3u8"), segments("s", 0..500), clock());
    follower.begin(clock());
    let taken = take_all(&mut follower, 0);
    assert_eq!(files(&taken), ["s-494", "s-495", "s-496", "s-497", "s-498", "s-499"]);
}

#[test]
fn an_encoder_that_starts_again_is_another_run() {
    let (mut follower, main, now) = (follower(), path("index.m3u8"), clock());
    follower.take(&main, segments("s", 0..5), now);
    follower.begin(now).expect("a run");
    take_all(&mut follower, 0);
    assert_eq!(follower.take(&main, segments("s", 0..1), now), Change::Restarted);
    assert!(follower.begin(now).is_some());
    assert_eq!(files(&take_all(&mut follower, 0)), ["s-0"]);
    let gap = segments("s", 7..9);
    assert_eq!(follower.take(&main, gap, now), Change::Restarted, "what is between is missing");
    assert!(follower.begin(now).is_some());
    let cmaf = changed(segments("s", 8..10), |segments| {
        segments.named.iter_mut().for_each(|named| named.header = Some(path("init.mp4")));
    });
    assert_eq!(follower.take(&main, cmaf, now), Change::Restarted, "another container");
    let (tracks, _) = follower.begin(now).expect("a run");
    assert_eq!(tracks[0].container, Container::Cmaf);
}

#[test]
fn what_goes_on_after_the_end_is_another_run() {
    let (mut follower, main, now) = (follower(), path("index.m3u8"), clock());
    let over = changed(segments("s", 0..2), |segments| segments.is_over = true);
    follower.take(&main, over.clone(), now);
    follower.begin(now).expect("a run");
    assert!(!follower.is_over(), "not delivered yet");
    take_all(&mut follower, 0);
    assert!(follower.is_over());
    follower.begin_again();
    assert_eq!(follower.take(&main, over, now), Change::GoesOn, "the same once more");
    assert_eq!(follower.begin(now), None, "nothing to deliver");
    assert_eq!(follower.take(&main, segments("s", 2..3), now), Change::Restarted);
    assert!(follower.begin(now).is_some() && !follower.is_over());
}

#[test]
fn numbers_of_a_clock_are_kept_and_others_are_not() {
    let (mut follower, main, now) = (follower(), path("index.m3u8"), clock());
    let numbers = |follower: &mut Follower, first: u64| -> Vec<_> {
        follower.take(&main, segments("s", first..first + 2), now);
        follower.begin(now);
        take_all(follower, 0).into_iter().map(|(_, number, _)| number).collect()
    };
    assert_eq!(numbers(&mut follower, 0), [None, None]);
    let first = 1_795_636_938;
    assert_eq!(numbers(&mut follower, first), [Some(first), Some(first + 1)]);
    assert_eq!(numbers(&mut follower, first - 5), [None, None], "those were given before");
    assert_eq!(numbers(&mut follower, first + 3), [None, None], "and so were these, by the stream");
    assert_eq!(numbers(&mut follower, first + 9), [Some(first + 9), Some(first + 10)]);
}

#[test]
fn a_discontinuity_within_a_run_counts_from_where_the_run_began() {
    let (mut follower, main, now) = (follower(), path("index.m3u8"), clock());
    // The encoder doesn't count those that have left its playlist.
    let with = |first: u64, timelines: &[u64]| {
        let last = first + timelines.len() as u64;
        changed(segments("s", first..last), |segments| {
            let pairs = segments.named.iter_mut().zip(timelines);
            pairs.for_each(|(named, timeline)| named.timeline = *timeline);
        })
    };
    follower.take(&main, with(0, &[7, 7, 8]), now);
    follower.begin(now);
    let timelines = |taken: Vec<(String, Option<u64>, u64)>| -> Vec<_> {
        taken.into_iter().map(|(.., timeline)| timeline).collect()
    };
    assert_eq!(timelines(take_all(&mut follower, 0)), [0, 0, 1]);
    follower.take(&main, with(2, &[0, 0, 1]), now);
    assert_eq!(timelines(take_all(&mut follower, 0)), [1, 2]);
    follower.begin_again();
    follower.take(&main, with(3, &[0, 1, 1]), now);
    follower.begin(now);
    assert_eq!(timelines(take_all(&mut follower, 0)), [0]);
}

#[test]
fn what_never_comes_is_given_up_and_what_follows_is_another_run() {
    let (mut follower, main, now) = (follower(), path("index.m3u8"), clock());
    follower.take(&main, segments("s", 0..3), now);
    follower.begin(now);
    follower.took(0).expect("a segment");
    assert!(!follower.is_overdue(0, later(now, 6)));
    assert!(follower.is_overdue(0, later(now, 7)), "three target durations");
    follower.give_up(0);
    assert!(follower.begin(now).is_some(), "its timestamps jump");
    assert_eq!(files(&take_all(&mut follower, 0)), ["s-2"]);
    let gap = changed(segments("s", 3..5), |segments| segments.named[0].file = None);
    follower.take(&main, gap, now);
    assert!(follower.is_overdue(0, now), "a gap is not waited for");
}

#[test]
fn a_stream_that_is_joined_begins_where_there_is_something() {
    let (mut follower, main, now) = (follower(), path("index.m3u8"), clock());
    follower.take(&main, segments("s", 10..13), now);
    follower.begin(now);
    assert!(follower.is_fresh(0));
    follower.skip(0, 2);
    assert_eq!(files(&take_all(&mut follower, 0)), ["s-12"]);
    assert!(!follower.is_fresh(0));
}

#[test]
fn a_run_waits_for_all_tracks_but_not_for_ever() {
    let (mut follower, now) = (of_two(), clock());
    follower.take(&path("v.m3u8"), segments("v", 0..2), now);
    assert_eq!(follower.begin(now), None);
    assert_eq!(follower.begin(later(now, 3)), None);
    let (tracks, _) = follower.begin(later(now, 4)).expect("a run without the other");
    assert_eq!(tracks.len(), 1);
    follower.take(&path("a.m3u8"), segments("a", 0..2), later(now, 5));
    let (tracks, _) = follower.begin(later(now, 5)).expect("a run with both");
    let names: Vec<_> = tracks.iter().map(|track| track.name.as_ref()).collect();
    assert_eq!(names, ["v", "a"]);
}

#[test]
fn when_an_encoder_of_two_tracks_starts_again_both_are_in_the_same_run() {
    let (mut follower, now) = (of_two(), clock());
    for track in ["v", "a"] {
        follower.take(&path(&format!("{track}.m3u8")), segments(track, 0..5), now);
    }
    assert_eq!(follower.begin(now).expect("a run").0.len(), 2);
    take_all(&mut follower, 0);
    follower.take(&path("v.m3u8"), segments("v", 0..1), now);
    assert_eq!(follower.begin(now), None, "the sound has not started again");
    follower.take(&path("a.m3u8"), segments("a", 0..1), now);
    assert_eq!(follower.begin(now).expect("a run").0.len(), 2);
    assert_eq!(files(&take_all(&mut follower, 0)), ["v-0"]);
    assert_eq!(files(&take_all(&mut follower, 1)), ["a-0"], "and nothing of the run before");
}

#[test]
fn the_list_of_tracks_may_come_last_and_may_change() {
    let (mut follower, now) = (follower(), clock());
    for track in ["v", "a"] {
        follower.take(&path(&format!("{track}.m3u8")), segments(track, 0..1), now);
    }
    assert_eq!(follower.begin(now), None);
    let list = |names: &[&str]| {
        let listed = names.iter().map(|name| Listed {
            track: Track::new(name, Content::Muxed, Container::MpegTs),
            playlist: path(&format!("{name}.m3u8")),
        });
        Listing::Tracks(listed.collect())
    };
    follower.take(&path("index.m3u8"), list(&["v", "a"]), now);
    assert_eq!(follower.begin(now).expect("a run").0.len(), 2);
    follower.take(&path("index.m3u8"), list(&["v", "a"]), now);
    assert_eq!(follower.track_count(), 2, "the same list again");
    follower.take(&path("index.m3u8"), list(&["v"]), now);
    assert_eq!(follower.begin(now).expect("a run").0.len(), 1);
    assert_eq!(follower.take(&path("other.m3u8"), list(&["w"]), now), Change::Ignored);
}

#[test]
fn dates_are_the_packagers_or_follow_from_the_durations() {
    let (mut follower, main, now) = (follower(), path("index.m3u8"), clock());
    follower.take(&main, segments("s", 0..2), now);
    follower.begin(now);
    let dates = |follower: &mut Follower| -> Vec<u64> {
        let wanted: Vec<_> = follower.wanted(0).cloned().collect();
        take_all(follower, 0);
        let since = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH);
        wanted.iter().map(|of| since(of.recorded_at).expect("a date").as_secs()).collect()
    };
    assert_eq!(dates(&mut follower), [996, 998], "the last one ends now");
    follower.take(&main, segments("s", 1..3), later(now, 3));
    assert_eq!(dates(&mut follower), [1000], "whatever it took to come");
    follower.take(&main, segments("s", 2..4), later(now, 60));
    assert_eq!(dates(&mut follower), [1058], "unless that is no longer true");
    let dated = changed(segments("s", 4..6), |segments| {
        segments.named[0].recorded_at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(77));
    });
    follower.take(&main, dated, later(now, 62));
    assert_eq!(dates(&mut follower), [77, 79]);
}

#[test]
fn playlists_and_wanted_segments_are_bounded() {
    let (mut follower, now) = (follower(), clock());
    for number in 0..5 * FOLLOWED_PLAYLISTS_MAX {
        let taken = follower.take(&path(&format!("{number}.m3u8")), segments("s", 0..1), now);
        assert_eq!(taken, Change::GoesOn, "those that no list names make room");
        assert!(follower.followed.len() <= FOLLOWED_PLAYLISTS_MAX);
    }
    let mut one = Follower::new(path("index.m3u8"), 6);
    for first in 0..300 {
        one.take(&path("index.m3u8"), segments("s", first..first + 6), now);
    }
    assert_eq!(one.wanted_by(&path("index.m3u8")).count(), WANTED_SEGMENTS_MAX);
}
