//! A clip is played by the clock, so that every origin shows the same at the same time.

use super::*;
use crate::playlist::{Presentation, media_playlist};

fn at(unix_seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_seconds)
}

/// The stream as an origin has it that was started at that time.
fn presentation(clip: &Clip, now: SystemTime, playlist_segments: u64) -> Presentation {
    let mut presentation = Presentation::new(playlist_segments as usize, UNIX_EPOCH);
    presentation.declare(clip.tracks(), clip.target).expect("tracks that can be played");
    let next = clip.first_shown_at(now, playlist_segments).into_iter().enumerate();
    for (track, first) in next {
        let showings = (first..).map(|sequence| Showing { track, sequence });
        for showing in showings.take_while(|showing| clip.ends_at(*showing) <= now) {
            let bytes = clip.film(showing).and_then(|film| film.read().ok()).expect("film");
            let delivery = clip.delivery(showing, 0, bytes).expect("a segment");
            presentation.push(delivery).expect("a whole segment");
        }
    }
    presentation
}

fn playlist_at(unix_seconds: u64, playlist_segments: u64) -> String {
    let clip = Clip::slate();
    let all = presentation(&clip, at(unix_seconds), playlist_segments);
    media_playlist(&all.tracks()[2].window, clip.target)
}

#[test]
fn the_playlist_follows_from_the_clock() {
    // 1,000,005 s: segment 500,002 is on air, and 500,000 was the start of round 125,000.
    assert_eq!(
        playlist_at(1_000_005, 3),
        "#EXTM3U\n\
         #EXT-X-VERSION:6\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-TARGETDURATION:2\n\
         #EXT-X-MEDIA-SEQUENCE:499999\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:124999\n\
         #EXT-X-PROGRAM-DATE-TIME:1970-01-12T13:46:38.000Z\n\
         #EXTINF:2.000000,\n\
         main-499999.ts\n\
         #EXT-X-DISCONTINUITY\n\
         #EXT-X-PROGRAM-DATE-TIME:1970-01-12T13:46:40.000Z\n\
         #EXTINF:2.000000,\n\
         main-500000.ts\n\
         #EXT-X-PROGRAM-DATE-TIME:1970-01-12T13:46:42.000Z\n\
         #EXTINF:2.000000,\n\
         main-500001.ts\n"
    );
    assert_eq!(playlist_at(1_000_004, 3), playlist_at(1_000_005, 3));
}

#[test]
fn each_wrap_is_one_discontinuity_and_is_counted_when_it_leaves() {
    for start in 1_000_000..1_000_016 {
        let text = playlist_at(start, 8);
        let number = |tag: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(tag)).expect(tag);
            line.parse().expect(tag)
        };
        let first = number("#EXT-X-MEDIA-SEQUENCE:");
        assert_eq!(number("#EXT-X-DISCONTINUITY-SEQUENCE:"), first / 4, "{text}");
        let expected = (first + 7) / 4 - first / 4;
        let tags = text.matches("#EXT-X-DISCONTINUITY\n").count() as u64;
        assert_eq!(tags, expected, "{text}");
    }
}

#[test]
fn a_number_means_the_same_content_for_ever() {
    let clip = Clip::testcard();
    let bytes =
        |sequence| clip.film(Showing { track: 0, sequence }).and_then(|film| film.read().ok());
    assert_eq!(bytes(7), bytes(11));
    assert_ne!(bytes(7), bytes(8));
}

#[test]
fn sound_and_picture_of_what_ships_are_exactly_as_long_and_begin_at_zero() {
    for clip in [Clip::testcard(), Clip::slate()] {
        let all = presentation(&clip, at(8_000), 4);
        for of in all.tracks().iter().filter(|of| of.track.container == Container::Cmaf) {
            let segments: Vec<_> = of.window.kept().collect();
            let [first, .., last] = segments[..] else { panic!("a round") };
            let (first, last) = (first.times.expect("CMAF"), last.times.expect("CMAF"));
            assert_eq!(first.presentation_time, 0);
            let end = last.presentation_time + last.ticks;
            assert_eq!(end, 8 * u64::from(last.timescale), "{}", of.track.name);
            assert!(segments.iter().all(|segment| {
                segment.times.is_some_and(|times| times.starts_with_sync_sample)
            }));
        }
    }
}

#[test]
fn what_ships_is_small() {
    let bytes = |clip: &Clip| -> usize {
        let parts = clip.tracks.iter().flat_map(|reel| &reel.parts);
        parts.map(|part| part.film.len() as usize).sum()
    };
    assert!(bytes(&Clip::testcard()) < 400_000);
    assert!(bytes(&Clip::slate()) < 50_000);
}
