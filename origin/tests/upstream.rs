//! Another origin's stream, pulled over real sockets from an upstream that misbehaves in every way
//! that was thought of: what was taken stays, what is not whole is never served, and what fails is
//! told once.

#![allow(clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use support::upstream::{Reply, Upstream};
use support::{Playlist, Served, eventually, get, request};

const CLIP: &[u8] = include_bytes!("../clip/clip/0.ts");

const PATIENCE: Duration = Duration::from_secs(30);

/// An origin with one stream for each upstream playlist, named like it.
fn pulling(upstream: &Upstream, names: &[&str]) -> Served {
    let stream = |name: &&str| {
        let url = upstream.url(&format!("/{name}/index.m3u8"));
        format!(
            r#"{{ "name": "{name}", "playlistSegments": 6, "upstream": {{ "url": "{url}" }} }}"#
        )
    };
    let streams: Vec<_> = names.iter().map(stream).collect();
    Served::start(&format!(r#"{{ "streams": [{}] }}"#, streams.join(",")))
}

/// A media playlist of 1 s segments with these numbers.
fn playlist(numbers: RangeInclusive<u64>) -> String {
    let entries: String =
        numbers.clone().map(|number| format!("#EXTINF:1,\n{number}.ts\n")).collect();
    let first = numbers.start();
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n{entries}")
}

/// Puts the playlist there, and each segment that is not there yet.
fn publish(upstream: &Upstream, name: &str, numbers: RangeInclusive<u64>) {
    for number in numbers.clone() {
        upstream.set_if_missing(&format!("/{name}/{number}.ts"), Reply::File(CLIP.to_vec()));
    }
    let text = playlist(numbers).into_bytes();
    upstream.set(&format!("/{name}/index.m3u8"), Reply::File(text));
}

fn newest(from: SocketAddr, name: &str) -> u64 {
    Playlist::get(from, name).newest()
}

fn wait_for(from: SocketAddr, name: &str, number: u64) -> Playlist {
    eventually(PATIENCE, &format!("segment {number} of {name}"), || {
        let playlist = Playlist::get(from, name);
        (playlist.newest() >= number).then_some(playlist)
    })
}

/// What `/streams.json` says of a stream.
fn status(from: SocketAddr, name: &str) -> serde_json::Value {
    let all: Vec<serde_json::Value> =
        serde_json::from_str(&get(from, "/streams.json").text()).expect("JSON");
    all.into_iter().find(|stream| stream["name"] == name).expect("the stream")
}

fn failure(from: SocketAddr, name: &str, words: &str) -> serde_json::Value {
    eventually(PATIENCE, &format!("{words:?} of {name}"), || {
        let status = status(from, name);
        let said = status["lastFailure"].as_str().is_some_and(|said| said.contains(words));
        said.then_some(status)
    })
}

#[test]
fn a_segment_that_is_not_whole_is_left_out_and_never_served() {
    let html = b"<html>Sorry</html>".to_vec();
    let text = "Content-Type: text/html\r\n".to_owned();
    let cases = [
        ("gone", Reply::Says(404, String::new(), Vec::new()), "the answer is 404"),
        ("broken", Reply::Says(503, String::new(), Vec::new()), "the answer is 503"),
        ("html", Reply::Says(200, text, html), "no whole segment"),
        ("cut", Reply::Cut(CLIP.to_vec()), "broke off"),
        ("chunks", Reply::CutInChunks(CLIP.to_vec()), "broke off"),
        ("half", Reply::File(CLIP[..CLIP.len() / 2 + 1].to_vec()), "no whole segment"),
        ("slow", Reply::Trickle(CLIP.to_vec()), "took longer than 3s"),
        ("endless", Reply::Endless, "has more than"),
        ("packed", Reply::Says(200, "Content-Encoding: br\r\n".into(), vec![1]), "packed"),
        ("close", Reply::Close, "connection closed"),
    ];
    let upstream = Upstream::start();
    let names = cases.each_ref().map(|(name, ..)| *name);
    names.iter().for_each(|name| publish(&upstream, name, 1..=4));
    let served = pulling(&upstream, &names);
    for (name, reply, _) in &cases {
        let first = Playlist::get(served.address, name);
        assert_eq!(wait_for(served.address, name, 4).segments[0], "main-2.ts", "{first:?}");
        upstream.set(&format!("/{name}/5.ts"), reply.clone());
        publish(&upstream, name, 2..=7);
    }
    for (name, _, words) in &cases {
        let after = wait_for(served.address, name, 7);
        assert_eq!(after.segments, ["main-6.ts", "main-7.ts"], "{name}: {}", after.text);
        assert_eq!(get(served.address, &format!("/live/{name}/main-5.ts")).status, 404, "{name}");
        for number in [4, 6, 7] {
            let kept = get(served.address, &format!("/live/{name}/main-{number}.ts"));
            assert!(kept.body == CLIP, "{name}: {} bytes of {number}", kept.body.len());
        }
        failure(served.address, name, "segment 5 of main is left out");
        failure(served.address, name, words);
    }
    assert_eq!(upstream.count("/gone/5.ts"), 3, "missing is asked for thrice, half a second apart");
    for (name, ..) in &cases {
        assert_eq!(upstream.count(&format!("/{name}/6.ts")), 1, "{name}");
        assert_eq!(upstream.count(&format!("/{name}/1.ts")), 0, "{name}: too old to begin with");
    }
    served.stop();
}

#[test]
fn while_the_playlist_errs_what_was_taken_stays_and_then_it_goes_on() {
    let html = Reply::Says(200, "Content-Type: text/html\r\n".into(), b"<html>Sorry".to_vec());
    let nothing = playlist(1..=4).into_bytes();
    let aes = playlist(1..=4).replace("#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF");
    let list = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nindex.m3u8\n".to_vec();
    let again = Reply::Says(302, "Location: index.m3u8\r\n".into(), Vec::new());
    let file = Reply::Says(302, "Location: file:///etc/passwd\r\n".into(), Vec::new());
    let cases = [
        ("down", Reply::Close, "connection closed"),
        ("broken", Reply::Says(500, String::new(), Vec::new()), "the answer is 500"),
        ("html", html, "it is no playlist"),
        ("silent", Reply::Silence, "no answer within 5s"),
        ("slow", Reply::Trickle(nothing.clone()), "took longer than 5s"),
        ("cut", Reply::Cut(nothing.clone()), "broke off"),
        ("chunks", Reply::CutInChunks(nothing), "broke off"),
        ("endless", Reply::Endless, "has more than 2097152 bytes"),
        ("loop", again, "more than 5 redirects"),
        ("file", file, "a redirect that leads nowhere"),
        ("locked", Reply::File(aes.into_bytes()), "its segments are encrypted"),
        ("list", Reply::File(list), "a list of tracks"),
    ];
    let upstream = Upstream::start();
    let names = cases.each_ref().map(|(name, ..)| *name);
    names.iter().for_each(|name| publish(&upstream, name, 1..=4));
    let served = pulling(&upstream, &names);
    names.iter().for_each(|name| drop(wait_for(served.address, name, 4)));
    for (name, reply, _) in &cases {
        upstream.set(&format!("/{name}/index.m3u8"), reply.clone());
    }
    for (name, _, words) in &cases {
        let status = failure(served.address, name, words);
        assert_eq!((&status["state"], &status["restarts"]), (&"failing".into(), &0.into()));
        let stale = Playlist::get(served.address, name);
        assert_eq!(stale.segments, ["main-2.ts", "main-3.ts", "main-4.ts"], "{name}");
        assert_eq!(get(served.address, &format!("/live/{name}/main-4.ts")).status, 200, "{name}");
    }
    names.iter().for_each(|name| publish(&upstream, name, 2..=6));
    for name in names {
        let after = wait_for(served.address, name, 6);
        let expected: Vec<_> = (2..=6).map(|number| format!("main-{number}.ts")).collect();
        assert_eq!((after.segments, after.discontinuities), (expected, 0), "{name}");
        let status = status(served.address, name);
        assert_eq!((&status["state"], &status["restarts"]), (&"live".into(), &0.into()), "{name}");
    }
    served.stop();
}

#[test]
fn a_cache_in_between_that_is_behind_for_a_moment_does_no_harm() {
    let upstream = Upstream::start();
    publish(&upstream, "tv", 1..=4);
    let served = pulling(&upstream, &["tv"]);
    wait_for(served.address, "tv", 4);
    publish(&upstream, "tv", 1..=2);
    failure(served.address, "tv", "/…/index.m3u8: its numbers went back from 4 to 2");
    assert_eq!(newest(served.address, "tv"), 4);
    publish(&upstream, "tv", 2..=5);
    let after = wait_for(served.address, "tv", 5);
    assert_eq!(after.segments, ["main-2.ts", "main-3.ts", "main-4.ts", "main-5.ts"]);
    assert_eq!(
        (after.discontinuities, status(served.address, "tv")["restarts"].clone()),
        (0, 0.into())
    );
    served.stop();
}

#[test]
fn what_cannot_be_played_at_all_says_why_and_is_tried_again() {
    let upstream = Upstream::start();
    let text = |name: &str, text: &str| {
        upstream.set(&format!("/{name}/index.m3u8"), Reply::File(text.as_bytes().to_vec()));
    };
    text("html", "<html></html>");
    text("empty", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n");
    let aes = playlist(1..=1).replace("#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF");
    text("locked", &aes);
    text("over", &(playlist(1..=2) + "#EXT-X-ENDLIST\n"));
    for number in 1..=2 {
        upstream.set(&format!("/over/{number}.ts"), Reply::File(CLIP.to_vec()));
    }
    let served = pulling(&upstream, &["missing", "html", "empty", "locked", "over"]);
    failure(served.address, "missing", "the answer is 404");
    failure(served.address, "html", "neither an HLS playlist nor a DASH manifest");
    failure(served.address, "empty", "it has no segments yet");
    failure(served.address, "locked", "encrypted (line 4 has #EXT-X-KEY with METHOD=AES-128)");
    assert_eq!(get(served.address, "/live/locked/1.ts").status, 404);
    failure(served.address, "over", "the upstream's stream has ended");
    assert_eq!(newest(served.address, "over"), 2, "what there was stays");
    publish(&upstream, "missing", 1..=3);
    wait_for(served.address, "missing", 3);
    // The stream that had ended begins anew, with numbers from the beginning.
    publish(&upstream, "over", 1..=1);
    let anew = wait_for(served.address, "over", 1_000_001);
    assert_eq!(anew.segments, ["main-1000001.ts"]);
    served.stop();
}

#[test]
fn numbers_that_jump_are_followed_and_those_that_fall_never_name_other_content() {
    let upstream = Upstream::start();
    publish(&upstream, "ahead", 1..=4);
    publish(&upstream, "anew", 101..=104);
    let served = pulling(&upstream, &["ahead", "anew"]);
    wait_for(served.address, "ahead", 4);
    wait_for(served.address, "anew", 104);
    publish(&upstream, "ahead", 900..=906);
    publish(&upstream, "anew", 1..=3);
    let ahead = wait_for(served.address, "ahead", 906);
    assert_eq!(ahead.segments, ["main-904.ts", "main-905.ts", "main-906.ts"]);
    failure(served.address, "ahead", "segments 5 to 903 of main were missed");
    let anew = wait_for(served.address, "anew", 1_000_003);
    let expected: Vec<_> =
        (1..=3).map(|number| format!("main-{}.ts", 1_000_000 + number)).collect();
    assert_eq!(anew.segments, expected);
    failure(served.address, "anew", "went back from 104 to 3");
    served.stop();
}

#[test]
fn a_playlist_that_never_changes_is_polled_gently_and_told_of() {
    let upstream = Upstream::start();
    publish(&upstream, "still", 1..=4);
    let served = pulling(&upstream, &["still"]);
    wait_for(served.address, "still", 4);
    let (before, began) = (upstream.count("/still/index.m3u8"), Instant::now());
    failure(served.address, "still", "no new segment of main for 15s");
    let polls = upstream.count("/still/index.m3u8") - before;
    let halves = (began.elapsed().as_secs_f64() * 2.0) as usize;
    assert!(polls <= halves + 2 && polls >= halves / 3, "{polls} in {halves} half seconds");
    assert_eq!(newest(served.address, "still"), 4);
    publish(&upstream, "still", 2..=5);
    let after = wait_for(served.address, "still", 5);
    assert_eq!(after.segments.last().map(String::as_str), Some("main-5.ts"));
    served.stop();
}

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
    failure(served.address, "tv", "the upstream has a gap there");
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
    failure(served.address, "tv", "/…/index.m3u8: ");
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
    assert_eq!(status(served.address, "tv")["lastFailure"], serde_json::Value::Null);
    served.stop();
}

#[test]
fn an_origin_that_is_told_to_pull_itself_finds_out() {
    let upstream = Upstream::start();
    publish(&upstream, "tv", 1..=3);
    let served = pulling(&upstream, &["tv"]);
    wait_for(served.address, "tv", 3);
    let head = upstream.heads("/tv/index.m3u8").remove(0);
    let via = head.lines().find_map(|line| line.strip_prefix("via: ")).expect("a Via");
    let path = "/live/tv/index.m3u8";
    let looped = request(served.address, "GET", path, &[("Via", via)]);
    assert_eq!(looped.status, 508, "{}", looped.text());
    let other = request(served.address, "GET", path, &[("Via", "1.1 origin-0123456789abcdef")]);
    assert_eq!(other.status, 200);
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
    let segment = include_bytes!("../clip/clip/video-0.m4s").to_vec();
    let header = include_bytes!("../clip/clip/video-header.mp4").to_vec();
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
    failure(served.address, "tv", "neither an HLS playlist nor a DASH manifest");
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
