//! Manifests as packagers write them, and as damage leaves them.

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use super::*;

const TIMES: &str = r#"<?xml version="1.0"?>
    <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" minimumUpdatePeriod="PT2S"
         availabilityStartTime="1970-01-01T00:16:40Z">
      <BaseURL>https://cdn.example/tv/</BaseURL>
      <Period id="p1" start="PT0S">
        <AdaptationSet mimeType="video/mp4" frameRate="30000/1001">
          <SegmentTemplate timescale="1000" initialization="$RepresentationID$.mp4"
              media="$RepresentationID$/$Time$.m4s?a=1&amp;b=2">
            <SegmentTimeline><S t="500" d="2000" r="1"/><S d="1500"/></SegmentTimeline>
          </SegmentTemplate>
          <Representation id="hi" bandwidth="2000000" codecs="avc1.64001f" width="1280" height="720"/>
          <SupplementalProperty schemeIdUri="x" value="y"/>
          <Representation id="lo" bandwidth="800000" codecs="avc1.64001f" width="640" height="360"/>
        </AdaptationSet>
        <AdaptationSet mimeType="text/vtt"><Representation id="subs"/></AdaptationSet>
        <AdaptationSet contentType="audio" mimeType="audio/mp4" lang="en">
          <Representation id="snd" bandwidth="64000" codecs="mp4a.40.2">
            <SegmentTemplate timescale="48000" startNumber="7" duration="96000"
                media="snd-$Number%03d$.m4s" initialization="snd.mp4"/>
          </Representation>
        </AdaptationSet>
      </Period>
    </MPD>"#;

fn place() -> Place {
    Place::parse("https://e.example/live/manifest.mpd?key=s3cret").expect("a place")
}

fn read(text: &str) -> Result<Manifest, String> {
    Manifest::read(text.as_bytes(), &place())
}

/// Names and numbers of a representation's segments, so many seconds after the start.
fn segments(manifest: &Manifest, id: &str, after: f64) -> Vec<(String, u64, f64)> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    let now = now + Duration::from_secs_f64(after);
    let part = &manifest.parts[0];
    let of = part.representation(id, Content::Video).expect("the representation");
    let segments = part.segments(of, now).into_iter();
    let told = segments.map(|segment| {
        let (place, _) = of.places(&segment).expect("a place");
        let at = segment.recorded_at.expect("a date").duration_since(SystemTime::UNIX_EPOCH);
        (place.url().path().to_owned(), segment.number, at.expect("a date").as_secs_f64() - 1000.0)
    });
    told.collect()
}

#[test]
fn tracks_are_described() {
    let manifest = read(TIMES).expect("a manifest");
    assert!(!manifest.is_over);
    assert_eq!(manifest.update_period, Some(Duration::from_secs(2)));
    let [hi, lo, snd] = manifest.parts[0].representations.as_slice() else {
        panic!("{manifest:?}");
    };
    assert_eq!((hi.id.as_str(), hi.track.pixels), ("hi", Some((1280, 720))));
    assert_eq!((lo.id.as_str(), lo.track.bits_per_second), ("lo", Some(800_000)));
    assert!((hi.track.frames_per_second.unwrap_or(0.0) - 29.97).abs() < 0.001);
    assert_eq!((snd.track.content, snd.track.language.as_deref()), (Content::Audio, Some("en")));
    assert_eq!(hi.target(), Some(Duration::from_secs(2)));
    assert!(snd.is_by_clock() && !hi.is_by_clock());
}

#[test]
fn a_timeline_names_by_time_and_numbers_by_the_grid_of_its_segments() {
    let manifest = read(TIMES).expect("a manifest");
    assert_eq!(
        segments(&manifest, "lo", 0.0),
        [
            ("/tv/lo/500.m4s".to_owned(), 0, 0.5),
            ("/tv/lo/2500.m4s".to_owned(), 1, 2.5),
            ("/tv/lo/4500.m4s".to_owned(), 2, 4.5),
        ]
    );
    let later = TIMES.replace(r#"t="500""#, r#"t="4500""#);
    let later = segments(&read(&later).expect("a manifest"), "lo", 0.0);
    assert_eq!((later[0].0.as_str(), later[0].1), ("/tv/lo/4500.m4s", 2));
}

#[test]
fn without_a_timeline_the_clock_tells_what_is_there() {
    let manifest = read(TIMES).expect("a manifest");
    assert_eq!(segments(&manifest, "snd", 1.9), []);
    assert_eq!(
        segments(&manifest, "snd", 5.9).last(),
        Some(&("/tv/snd-008.m4s".to_owned(), 8, 2.0))
    );
    assert_eq!(segments(&manifest, "snd", 10_000.0).len(), SEGMENTS_BACK as usize);
    let ended = TIMES.replace(r#"start="PT0S""#, r#"start="PT0S" duration="PT5S""#);
    let ended = segments(&read(&ended).expect("a manifest"), "snd", 10_000.0);
    assert_eq!(ended.iter().map(|of| of.1).collect::<Vec<_>>(), [7, 8, 9]);
}

#[test]
fn what_cannot_be_played_is_refused() {
    let refusal = |from: &str, to: &str| read(&TIMES.replace(from, to)).expect_err(to);
    let protected = "<ContentProtection schemeIdUri=\"x\"/><SegmentTemplate timescale=\"1000\"";
    assert!(refusal("<SegmentTemplate timescale=\"1000\"", protected).contains("encrypted"));
    assert!(refusal("\"video/mp4\"", "\"video/webm\"").contains("no MP4"));
    assert!(refusal("r=\"1\"", "r=\"-1\"").contains("negative S@r"));
    assert!(refusal("r=\"1\"", "r=\"30000\"").contains("more than 20000 segments"));
    assert!(refusal("d=\"1500\"", "d=\"0\"").contains("empty ones"));
    assert!(refusal("https://cdn.example/tv/", "http://s3cret.example/").contains("a BaseURL"));
    assert!(refusal("t=\"500\"", "t=\"18446744073709551615\"").contains("does not end"));
    assert!(refusal("media=", "odd=").contains("without a SegmentTemplate"));
    assert!(!refusal("d=\"1500\"", "d=\"s3cret\"").contains("s3cret"));
}

#[test]
fn damage_is_read_or_refused() {
    let seed = rand::rng().next_u64();
    let mut random = StdRng::seed_from_u64(seed);
    for round in 0..3_000 {
        let mut damaged = TIMES.as_bytes().to_vec();
        for _ in 0..random.random_range(1..5) {
            let at = random.random_range(0..damaged.len());
            match random.random_range(0..3) {
                0 => damaged[at] ^= 1 << random.random_range(0..7),
                1 => damaged[at] = b"0123456789<>\"/= -$%"[at % 19],
                _ => {
                    let from = random.random_range(0..=at);
                    let copy = damaged[from..at].to_vec();
                    damaged.splice(at..at, copy);
                }
            }
        }
        if round % 3 == 0 {
            damaged.truncate(random.random_range(0..damaged.len()));
        }
        let all = std::panic::catch_unwind(|| {
            let Ok(manifest) = Manifest::read(&damaged, &place()) else {
                return;
            };
            for part in &manifest.parts {
                for of in &part.representations {
                    for segment in part.segments(of, SystemTime::now()) {
                        let _ = of.places(&segment);
                    }
                }
            }
        });
        assert!(all.is_ok(), "seed {seed}: {}", String::from_utf8_lossy(&damaged));
    }
}
