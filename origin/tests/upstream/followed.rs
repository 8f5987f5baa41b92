//! What an upstream says is kept, its tracks and its periods too, and it is asked for no more than
//! viewers need.

use std::ops::RangeInclusive;

use super::{CLIP, PATIENCE, failure, playlist, publish, pulling, wait_for};
use crate::support::upstream::{Reply, Upstream};
use crate::support::{Playlist, Served, eventually, get};

#[test]
fn gaps_parts_dates_and_discontinuities_are_kept() {
    let upstream = Upstream::start();
    let double = [CLIP, CLIP].concat();
    let length = CLIP.len();
    upstream.set("/tv/all.ts", Reply::File(double));
    upstream.set("/tv/3.ts", Reply::File(CLIP.to_vec()));
    let text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:1\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:7\n\
         #EXT-X-PROGRAM-DATE-TIME:2026-11-23T00:57:40.963Z\n#EXTINF:1,\n\
         #EXT-X-BYTERANGE:{length}@0\nall.ts\n#EXTINF:1,\n#EXT-X-BYTERANGE:{length}\nall.ts\n\
         #EXT-X-DISCONTINUITY\n#EXTINF:1,\n3.ts\n"
    );
    upstream.set("/tv/index.m3u8", Reply::File(text.clone().into_bytes()));
    let served = pulling(&upstream, &["tv"]);
    let taken = wait_for(served.address, "tv", 3);
    assert_eq!(taken.segments, ["main-1.ts", "main-2.ts", "main-3.ts"]);
    assert_eq!(taken.discontinuities, 1, "{}", taken.text);
    assert!(taken.text.contains("2026-11-23T00:57:42.963Z\n#EXTINF:1.000000,\nmain-3.ts"));
    for name in &taken.segments {
        assert!(get(served.address, &format!("/live/tv/{name}")).body == CLIP, "{name}");
    }
    let gap = text + "#EXT-X-GAP\n#EXTINF:1,\n4.ts\n#EXTINF:1,\n3.ts\n";
    upstream.set("/tv/index.m3u8", Reply::File(gap.into_bytes()));
    let after = wait_for(served.address, "tv", 5);
    assert_eq!(after.segments, ["main-5.ts"]);
    assert_eq!(upstream.count("/tv/4.ts"), 0);
    failure(&served, "tv", "the upstream has a gap there");
    served.stop();
}

#[test]
fn secrets_go_to_the_upstream_alone_and_redirects_are_followed() {
    let (upstream, elsewhere) = (Upstream::start(), Upstream::start());
    publish(&elsewhere, "tv", 1..=3);
    let to = format!("Location: {}\r\n", elsewhere.url("/tv/index.m3u8"));
    upstream.set("/s3cret/index.m3u8?key=s3cret", Reply::Says(307, to, Vec::new()));
    let url = upstream.url("/s3cret/index.m3u8?key=s3cret").replace("//", "//me:s3cret@");
    let served = Served::start(&format!(
        r#"{{ "streams": [{{ "name": "tv", "upstream": {{ "url": "{url}",
            "headers": ["X-Token: s3cret"] }} }}] }}"#
    ));
    wait_for(served.address, "tv", 3);
    let head = upstream.heads("/s3cret/index.m3u8?key=s3cret").remove(0);
    assert!(head.contains("x-token: s3cret\r\n"), "{head}");
    // "me:s3cret"
    assert!(head.contains("authorization: Basic bWU6czNjcmV0\r\n"), "{head}");
    for path in ["/tv/index.m3u8", "/tv/3.ts"] {
        for head in elsewhere.heads(path) {
            assert!(!head.contains("s3cret") && !head.contains("authorization"), "{head}");
        }
    }
    upstream.set("/s3cret/index.m3u8?key=s3cret", Reply::Close);
    failure(&served, "tv", "/…/index.m3u8: ");
    assert!(!get(served.address, "/streams.json").text().contains("s3cret"));
    served.stop();
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let upstream = Upstream::start();
    let text = playlist(1..=3).into_bytes();
    let tagged = Reply::Says(200, "ETag: \"one\"\r\n".to_owned(), text);
    upstream.set("/tv/index.m3u8", tagged);
    (1..=3).for_each(|n| upstream.set(&format!("/tv/{n}.ts"), Reply::File(CLIP.to_vec())));
    let served = pulling(&upstream, &["tv"]);
    wait_for(served.address, "tv", 3);
    upstream.set("/tv/index.m3u8", Reply::Says(304, String::new(), Vec::new()));
    let asked = upstream.count("/tv/index.m3u8");
    eventually(PATIENCE, "more readings", || {
        (upstream.count("/tv/index.m3u8") > asked + 2).then_some(())
    });
    let conditional = "if-none-match: \"one\"\r\n";
    assert!(upstream.heads("/tv/index.m3u8")[1..].iter().all(|head| head.contains(conditional)));
    assert_eq!(served.status("tv")["lastFailure"], serde_json::Value::Null);
    served.stop();
}

/// The list of tracks, and three tracks with numbers of their own.
fn publish_ladder(upstream: &Upstream, numbers: RangeInclusive<u64>) {
    let list = "#EXTM3U\n\
        #EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS=\"avc1.42c01f,mp4a.40.2\",RESOLUTION=640x360\n\
        low.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2900000,CODECS=\"avc1.42c01f,mp4a.40.2\",RESOLUTION=1280x720\n\
        high.m3u8\n";
    upstream.set("/tv/index.m3u8", Reply::File(list.as_bytes().to_vec()));
    for track in ["low", "high"] {
        let text = playlist(numbers.clone()).replace(".ts", &format!("-{track}.ts"));
        upstream.set(&format!("/tv/{track}.m3u8"), Reply::File(text.into_bytes()));
        for number in numbers.clone() {
            let path = format!("/tv/{number}-{track}.ts");
            upstream.set_if_missing(&path, Reply::File(CLIP.to_vec()));
        }
    }
}

#[test]
fn a_track_that_nobody_plays_is_not_taken() {
    let upstream = Upstream::start();
    publish_ladder(&upstream, 1..=4);
    let served = pulling(&upstream, &["tv"]);
    let list = eventually(PATIENCE, "the list of tracks", || {
        let response = get(served.address, "/live/tv/index.m3u8");
        (response.status == 200).then(|| response.text())
    });
    for line in ["RESOLUTION=1280x720\nhigh.m3u8\n", "RESOLUTION=640x360\nlow.m3u8\n"] {
        assert!(list.contains(line), "{list}");
    }
    let track = |name: &str| {
        let response = get(served.address, &format!("/live/tv/{name}.m3u8"));
        assert_eq!(response.status, 200, "{name}: {}", response.text());
        Playlist::parse(response.text())
    };
    let low = eventually(PATIENCE, "the low track", || {
        let low = track("low");
        (low.newest() == 4 && low.segments.len() == 3).then_some(low)
    });
    assert_eq!(low.segments, ["low-2.ts", "low-3.ts", "low-4.ts"]);
    for newest in 5..=8 {
        publish_ladder(&upstream, newest - 3..=newest);
        eventually(PATIENCE, "the next", || (track("low").newest() == newest).then_some(()));
    }
    let high = (1..=8).map(|number| upstream.count(&format!("/tv/{number}-high.ts")));
    assert!(high.sum::<usize>() <= 1, "only what describes the track");
    // It is not served old, either: who wants it waits for the newest.
    let high = track("high");
    assert!(high.segments.contains(&"high-8.ts".to_owned()) || high.newest() >= 6, "{high:?}");
    assert!(!high.segments.contains(&"high-4.ts".to_owned()), "{high:?}");
    for number in 2..=8 {
        assert_eq!(upstream.count(&format!("/tv/{number}-low.ts")), 1, "{number}");
    }
    served.stop();
}

/// A manifest of periods: of each its id, and the numbers of its segments of 2 s.
fn publish_dash(upstream: &Upstream, periods: &[(&str, RangeInclusive<u64>)]) {
    let period = |(id, numbers): &(&str, RangeInclusive<u64>)| {
        let (first, repeats) = (numbers.start(), numbers.end() - numbers.start());
        format!(
            r#"<Period id="{id}"><AdaptationSet mimeType="video/mp4" codecs="avc1.42c01f">
                <SegmentTemplate timescale="1" startNumber="{first}" media="{id}-$Number$.m4s"
                    initialization="header.mp4">
                <SegmentTimeline><S t="{}" d="2" r="{repeats}"/></SegmentTimeline>
                </SegmentTemplate><Representation id="v" bandwidth="100000"/>
            </AdaptationSet></Period>"#,
            first * 2
        )
    };
    let periods_text: String = periods.iter().map(period).collect();
    let text = format!(
        r#"<?xml version="1.0"?><MPD type="dynamic" minimumUpdatePeriod="PT1S"
            availabilityStartTime="2026-01-01T00:00:00Z">{periods_text}</MPD>"#
    );
    let segment = include_bytes!("../../clip/clip/video-0.m4s").to_vec();
    let header = include_bytes!("../../clip/clip/video-header.mp4").to_vec();
    upstream.set("/tv/header.mp4", Reply::File(header));
    for (id, numbers) in periods {
        for number in numbers.clone() {
            let path = format!("/tv/{id}-{number}.m4s");
            upstream.set_if_missing(&path, Reply::File(segment.clone()));
        }
    }
    upstream.set("/tv/manifest.mpd", Reply::File(text.into_bytes()));
}

#[test]
fn periods_of_dash_are_timelines_and_its_failures_leave_what_there_was() {
    let upstream = Upstream::start();
    publish_dash(&upstream, &[("one", 1..=4)]);
    let url = upstream.url("/tv/manifest.mpd");
    let served = Served::start(&format!(
        r#"{{ "streams": [{{ "name": "tv", "playlistSegments": 6,
            "upstream": {{ "url": "{url}" }} }}] }}"#
    ));
    let playlist = |newest: u64| {
        eventually(PATIENCE, &format!("segment {newest}"), || {
            let response = get(served.address, "/live/tv/v.m3u8");
            let playlist = (response.status == 200).then(|| Playlist::parse(response.text()))?;
            (playlist.newest() == newest).then_some(playlist)
        })
    };
    let first = playlist(4);
    assert_eq!(first.segments, ["v-2.m4s", "v-3.m4s", "v-4.m4s"]);
    upstream.set("/tv/manifest.mpd", Reply::File(b"<html>Sorry</html>".to_vec()));
    failure(&served, "tv", "neither an HLS playlist nor a DASH manifest");
    assert_eq!(get(served.address, "/live/tv/v-4.m4s").status, 200);
    upstream.set("/tv/one-5.m4s", Reply::Cut(vec![0; 1000]));
    publish_dash(&upstream, &[("one", 3..=6)]);
    let after = playlist(6);
    assert_eq!(
        (after.segments.as_slice(), after.discontinuities),
        (["v-6.m4s".to_owned()].as_slice(), 0)
    );
    publish_dash(&upstream, &[("one", 5..=6), ("two", 1..=2)]);
    let after = playlist(8);
    assert_eq!(after.segments, ["v-6.m4s", "v-7.m4s", "v-8.m4s"], "{}", after.text);
    assert!(after.text.contains("#EXT-X-DISCONTINUITY\n"), "{}", after.text);
    assert_eq!(after.discontinuities, 1);
    assert_eq!(upstream.count("/tv/two-1.m4s"), 1);
    assert_eq!(upstream.count("/tv/header.mp4"), 1, "{:?}", upstream.counts());
    served.stop();
}
