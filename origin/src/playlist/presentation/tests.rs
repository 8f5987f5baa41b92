//! What numbers and names tracks and segments get.

use super::*;
use crate::playlist::samples::{self, TARGET, aac, h264, h265, ts};

const AT: SystemTime = SystemTime::UNIX_EPOCH;

fn delivery(track: usize, sequence: Option<u64>, timeline: u64) -> Delivery {
    Delivery { track, sequence, timeline, ..samples::delivery(Container::MpegTs) }
}

fn muxed() -> Vec<Track> {
    vec![Track::new("main", Content::Muxed, Container::MpegTs)]
}

fn cmaf() -> Vec<Track> {
    ["video", "audio"].map(|name| Track::new(name, Content::Video, Container::Cmaf)).into()
}

fn presentation(tracks: Vec<Track>) -> Presentation {
    let mut presentation = Presentation::new(3, AT + Duration::from_secs(100));
    presentation.begin_run();
    presentation.declare(tracks, TARGET).expect("tracks that can be played");
    presentation
}

#[test]
fn numbers_go_on_over_runs_and_each_run_that_made_something_is_a_timeline() {
    let mut all = presentation(muxed());
    let pushed = |all: &mut Presentation, timeline| {
        let segment = all.push(delivery(0, None, timeline)).expect("a segment");
        (segment.sequence, segment.timeline, segment.name.to_string())
    };
    assert_eq!(pushed(&mut all, 0), (100, 0, "main-100.ts".to_owned()));
    assert_eq!(pushed(&mut all, 1), (101, 1, "main-101.ts".to_owned()));
    all.begin_run();
    all.begin_run();
    all.declare(muxed(), TARGET).expect("the same tracks");
    assert_eq!(pushed(&mut all, 0), (102, 2, "main-102.ts".to_owned()));
    all.clear();
    assert_eq!(all.tracks()[0].window.kept().len(), 0);
    assert_eq!(pushed(&mut all, 0).0, 103);
}

#[test]
fn a_track_that_comes_back_goes_on_above_its_numbers() {
    let other = || vec![Track::new("other", Content::Muxed, Container::MpegTs)];
    let mut all = presentation(muxed());
    let next = |all: &mut Presentation| {
        all.push(delivery(0, None, 0)).map(|segment| segment.sequence).expect("a segment")
    };
    assert_eq!((next(&mut all), next(&mut all)), (100, 101));
    all.declare(other(), TARGET).expect("another track");
    assert_eq!(next(&mut all), 100);
    all.declare(muxed(), TARGET).expect("the first track");
    assert_eq!(next(&mut all), 102);
}

#[test]
fn a_number_is_never_given_to_other_content() {
    let mut all = presentation(muxed());
    assert_eq!(all.push(delivery(0, Some(7), 0)).map(|segment| segment.sequence), Ok(7));
    for again in [7, 6] {
        let refusal = all.push(delivery(0, Some(again), 0)).map(|_| ());
        assert_eq!(refusal, Err(Refusal::Old { track: "main".into(), sequence: again, newest: 7 }));
    }
    assert_eq!(all.tracks()[0].window.kept().len(), 1);
}

#[test]
fn a_header_is_kept_once_and_named_by_its_content() {
    let mut all = presentation(cmaf());
    let mut header = |track, (header, bytes): (Bytes, Bytes)| {
        let header = Some(header);
        let duration = Duration::from_secs(1);
        let delivery = Delivery { header, bytes, duration, ..delivery(track, None, 0) };
        let segment = all.push(delivery).expect("a segment");
        segment.header.expect("a header")
    };
    let (first, second, third) = (header(0, h264()), header(0, h264()), header(0, h265()));
    assert!(Arc::ptr_eq(&first, &second));
    let [a, b, c, d, ..] = sha256(&h264().0);
    let digits = format!("{a:02x}{b:02x}{c:02x}{d:02x}");
    assert_eq!(*first.name, *format!("video-header-{digits}.mp4"));
    assert_ne!(first.name, third.name);
    assert_eq!(*header(1, h264()).name, *format!("audio-header-{digits}.mp4"));
}

#[test]
fn what_a_source_does_not_say_is_read_from_the_header() {
    let mut all = presentation(cmaf());
    let declared = Track { codecs: Some("avc1.other".to_owned()), ..cmaf()[0].clone() };
    let of = |(header, bytes): (Bytes, Bytes), track| Delivery {
        header: Some(header),
        bytes,
        ..delivery(track, None, 0)
    };
    let video = all.push(of(h264(), 0)).expect("a segment");
    let audio = all.push(of(aac(), 1)).expect("a segment");
    assert_eq!(video.duration, Duration::from_secs(1));
    assert_eq!(audio.times.map(|times| times.timescale), Some(48_000));
    let told = |of: &TrackWindow| (of.track.codecs.clone().unwrap_or_default(), of.track.pixels);
    assert_eq!(told(&all.tracks()[0]), ("avc1.64000a".to_owned(), Some((64, 48))));
    assert_eq!(told(&all.tracks()[1]), ("mp4a.40.2".to_owned(), None));
    all.declare(vec![declared], TARGET).expect("a track");
    all.push(of(h264(), 0)).expect("a segment");
    assert_eq!(told(&all.tracks()[0]).0, "avc1.other");
}

#[test]
fn what_is_not_whole_is_refused_and_takes_no_number() {
    let mut all = presentation(muxed());
    let half = Delivery { bytes: ts().slice(..1_000), ..delivery(0, None, 0) };
    let refusal = all.push(half).expect_err("half a segment").to_string();
    assert!(refusal.starts_with("a segment of main, which is not whole: 1000 bytes"), "{refusal}");
    assert_eq!(all.push(delivery(0, None, 0)).map(|segment| segment.sequence), Ok(100));

    let mut all = presentation(cmaf());
    let with = |header: Bytes, bytes: Bytes, duration| Delivery {
        header: Some(header),
        bytes,
        duration,
        ..delivery(0, None, 0)
    };
    let (header, bytes) = h264();
    let half = with(header.clone(), bytes.slice(..bytes.len() / 2), TARGET);
    let refusal = all.push(half).expect_err("half a segment").to_string();
    assert!(refusal.starts_with("a segment of video, which is not whole: "), "{refusal}");
    let short = with(header.clone(), bytes.clone(), Duration::from_secs(3));
    let refusal = all.push(short).expect_err("too short").to_string();
    assert_eq!(refusal, "a segment of video, which plays 1s instead of 3s");
    let no_header = with(bytes.clone(), bytes, TARGET);
    let refusal = all.push(no_header).expect_err("no header").to_string();
    assert_eq!(refusal, "a header of video: mdat: a header holds no samples");
    assert_eq!(all.tracks()[0].window.kept().len(), 0);
}

#[test]
fn what_was_cut_where_a_packet_ends_is_refused_when_it_plays_less_than_half() {
    let mut all = presentation(muxed());
    let whole = delivery(0, None, 0);
    let packets = whole.bytes.len() / 188;
    let cut =
        |packets: usize| Delivery { bytes: whole.bytes.slice(..packets * 188), ..whole.clone() };
    let few = (1..packets).find(|few| mpegts::plays(&cut(*few).bytes).is_some());
    let few = few.expect("frames that say something");
    let short = all.push(cut(few)).map(|_| ());
    assert!(matches!(short, Err(Refusal::Short { told: TARGET, .. })), "{short:?}");
    // So few frames may be all that there are.
    assert!(all.push(cut(few - 1)).is_ok());
}

#[test]
fn what_cannot_be_played_is_refused() {
    let mut all = presentation(cmaf());
    let refused = |all: &mut Presentation, delivery| all.push(delivery).map(|_| ());
    assert_eq!(refused(&mut all, delivery(2, None, 0)), Err(Refusal::NoSuchTrack(2)));
    let no_header = Err(Refusal::NoHeader("video".into()));
    assert_eq!(refused(&mut all, delivery(0, None, 0)), no_header);
    assert_eq!(all.declare(Vec::new(), TARGET), Err(Refusal::TrackCount(0)));
    let twice = [muxed(), muxed()].concat();
    assert_eq!(all.declare(twice, TARGET), Err(Refusal::TrackTwice("main".into())));
}

#[test]
fn a_run_with_other_tracks_forgets_those_that_are_gone() {
    let mut all = presentation(cmaf());
    all.declare(muxed(), TARGET).expect("other tracks");
    let names: Vec<_> = all.tracks().iter().map(|of| of.track.name.to_string()).collect();
    assert_eq!(names, ["main"]);
}
