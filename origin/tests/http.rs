//! What players and CDNs get, over real sockets, with the clip as the stream.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use support::{Playlist, Response, Served, eventually, get, request};

const CLIP: &str = r#"{ "streams": [{ "name": "clip", "loop": {}, "playlistSegments": 6 }] }"#;

const EXPOSED: &str =
    "Accept-Ranges, Age, Content-Length, Content-Range, Date, ETag, Server-Timing";

/// The path of the newest segment but one: it stays for the whole test.
fn a_segment(at: SocketAddr) -> String {
    let segments = eventually(Duration::from_secs(10), "three segments", || {
        let segments = Playlist::get(at, "clip").segments;
        (segments.len() >= 3).then_some(segments)
    });
    format!("/live/clip/{}", segments[segments.len() - 2])
}

fn assert_open_to_all_pages(response: &Response) {
    assert_eq!(response.header("access-control-allow-origin"), "*", "{response:?}");
    assert_eq!(response.header("access-control-expose-headers"), EXPOSED);
    assert_eq!(response.header("timing-allow-origin"), "*");
    assert!(!response.header("vary").contains("Origin"), "a CDN keeps one copy for all pages");
    assert_eq!(response.header("set-cookie"), "", "a CDN caches nothing with a cookie");
}

fn assert_brief_error(response: &Response, status: u16) {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(response.header("cache-control"), "public, max-age=1");
    assert_open_to_all_pages(response);
}

#[test]
fn the_first_request_gets_a_whole_playlist_whose_segments_are_all_there() {
    let served = Served::start(CLIP);
    let list = get(served.address, "/live/clip/index.m3u8");
    assert_eq!(list.status, 200);
    assert!(list.text().contains("AUDIO=\"audio\"\nvideo.m3u8\n"), "{}", list.text());
    let response = get(served.address, "/live/clip/video.m3u8");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), "application/vnd.apple.mpegurl");
    assert_eq!(response.header("cache-control"), "public, max-age=1", "half of 2 s");
    assert_open_to_all_pages(&response);
    let playlist = Playlist::parse(response.text());
    assert_eq!(playlist.segments.len(), 6);
    for (index, name) in playlist.segments.iter().enumerate() {
        assert_eq!(*name, format!("video-{}.m4s", playlist.sequence + index as u64));
        let segment = get(served.address, &format!("/live/clip/{name}"));
        assert_eq!(segment.status, 200, "{name}");
        assert_eq!(segment.header("content-type"), "video/mp4");
        assert_eq!(segment.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(segment.header("content-length"), segment.body.len().to_string());
        assert_open_to_all_pages(&segment);
    }
    let expected = ["/live/clip/index.m3u8"];
    let paths: Vec<_> = served.origin.streams().into_iter().map(|info| info.path).collect();
    assert_eq!(paths, expected);
    served.stop();
}

#[test]
fn the_loop_goes_on_and_a_segment_that_left_the_playlist_stays_a_while() {
    let served = Served::start(CLIP);
    let first = Playlist::get(served.address, "clip");
    let next = support::eventually(Duration::from_secs(4), "a new segment", || {
        let playlist = Playlist::get(served.address, "clip");
        (playlist.sequence > first.sequence).then_some(playlist)
    });
    assert_eq!(next.segments.len(), 6);
    let passed = (next.sequence - first.sequence) as usize;
    assert_eq!(next.segments[0], first.segments[passed]);
    let left = get(served.address, &format!("/live/clip/{}", first.segments[0]));
    assert_eq!(left.status, 200);
    served.stop();
}

#[test]
fn head_tells_what_get_would_without_the_body() {
    let served = Served::start(CLIP);
    for path in [a_segment(served.address), "/live/clip/index.m3u8".to_owned()] {
        let whole = get(served.address, &path);
        let head = request(served.address, "HEAD", &path, &[]);
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["content-type", "content-length", "cache-control", "accept-ranges"] {
            assert_eq!(head.header(name), whole.header(name), "{name} of {path}");
        }
        assert_ne!(head.header("content-length"), "");
    }
    served.stop();
}

#[test]
fn a_range_gets_its_part() {
    let served = Served::start(CLIP);
    let path = a_segment(served.address);
    let whole = get(served.address, &path).body;
    let length = whole.len();
    let tail = length - 188;
    for (range, first, last) in [
        ("bytes=0-187".to_owned(), 0, 187),
        ("bytes=188-".to_owned(), 188, length - 1),
        ("bytes=-188".to_owned(), tail, length - 1),
        (format!("bytes={tail}-99999999999"), tail, length - 1),
        (format!("bytes=-{}", length + 5), 0, length - 1),
    ] {
        let part = request(served.address, "GET", &path, &[("Range", &range)]);
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/{length}"));
        assert_eq!(part.header("accept-ranges"), "bytes");
        assert_eq!(part.header("content-type"), "video/mp4");
        assert!(part.body == whole[first..=last], "{range}");
        assert_open_to_all_pages(&part);
    }
    served.stop();
}

#[test]
fn a_range_beyond_the_end_is_refused_with_the_length() {
    let served = Served::start(CLIP);
    let path = a_segment(served.address);
    let length = get(served.address, &path).body.len();
    for range in [format!("bytes={length}-"), "bytes=-0".to_owned()] {
        let refusal = request(served.address, "GET", &path, &[("Range", &range)]);
        assert_brief_error(&refusal, 416);
        assert_eq!(refusal.header("content-range"), format!("bytes */{length}"));
    }
    served.stop();
}

#[test]
fn an_odd_range_gets_the_whole() {
    let served = Served::start(CLIP);
    let path = a_segment(served.address);
    let length = get(served.address, &path).body.len();
    let huge = format!("bytes={}", "0-1,".repeat(500));
    let above = format!("bytes=0-{}", "9".repeat(40));
    let odd = [
        "bytes=0-1,5-6",
        "bytes=9-3",
        "bytes=x",
        "packets=0-1",
        "",
        "bytes=",
        "bytes=-",
        "bytes=--1",
        "bytes = 0-1",
        "bytes=0-1;",
        "bytes=0x0-0x1",
        &huge,
        &above,
    ];
    for range in odd {
        let whole = request(served.address, "GET", &path, &[("Range", range)]);
        assert_eq!((whole.status, whole.body.len()), (200, length), "{range}");
    }
    let playlist = "/live/clip/index.m3u8";
    let ranged = request(served.address, "GET", playlist, &[("Range", "bytes=0-1")]);
    assert_eq!(ranged.status, 200, "a playlist has no parts");
    served.stop();
}

#[test]
fn a_range_of_another_version_gets_the_whole() {
    let served = Served::start(CLIP);
    let path = a_segment(served.address);
    let whole = get(served.address, &path);
    let status = |version: &str| {
        let headers = [("Range", "bytes=0-1"), ("If-Range", version)];
        request(served.address, "GET", &path, &headers).status
    };
    assert_eq!(status(whole.header("etag")), 206);
    assert_eq!(status("\"another\""), 200);
    assert_eq!(status("Mon, 23 Nov 2026 01:11:30 GMT"), 200);
    served.stop();
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let served = Served::start(CLIP);
    let path = a_segment(served.address);
    let etag = get(served.address, &path).header("etag").to_owned();
    let head = request(served.address, "HEAD", &path, &[("If-None-Match", &etag)]);
    assert_eq!((head.status, head.body.len()), (304, 0));
    for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
        let answer = request(served.address, "GET", &path, &[("If-None-Match", &known)]);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), etag);
        assert_open_to_all_pages(&answer);
    }
    let other = request(served.address, "GET", &path, &[("If-None-Match", "\"other\"")]);
    assert_eq!(other.status, 200);
    served.stop();
}

/// What decodes a body in `coding`, as a tool that the machine has.
fn decoded(coding: &str, body: &[u8]) -> String {
    let mut text = Vec::new();
    match coding {
        "gzip" => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut text).expect("gzip")),
        "br" => brotli::BrotliDecompress(&mut &body[..], &mut text).expect("brotli"),
        other => panic!("{other}"),
    }
    String::from_utf8(text).expect("text")
}

#[test]
fn a_playlist_is_compressed_for_those_who_take_it_and_each_coding_has_an_etag_of_its_own() {
    let served = Served::start(CLIP);
    // The list of tracks waits until the picture's playlist is whole.
    assert_eq!(Playlist::get(served.address, "clip").segments.len(), 6);
    let path = "/live/clip/video.m3u8";
    let ask = |headers: &[(&str, &str)]| request(served.address, "GET", path, headers);
    // Between two segments, so that all answers are of one version.
    let etags = support::eventually(Duration::from_secs(10), "one version", || {
        let plain = ask(&[]);
        assert_eq!(
            (plain.header("content-encoding"), plain.header("vary")),
            ("", "Accept-Encoding")
        );
        let mut etags = vec![plain.header("etag").to_owned()];
        for (accepted, coding) in [("gzip", "gzip"), ("gzip, deflate, br, zstd", "br")] {
            let answer = ask(&[("Accept-Encoding", accepted)]);
            assert_eq!(answer.header("content-encoding"), coding);
            assert_eq!(answer.header("vary"), "Accept-Encoding");
            assert_eq!(answer.header("content-length"), answer.body.len().to_string());
            assert!(answer.body.len() * 2 < plain.body.len(), "{coding}: {}", answer.body.len());
            if decoded(coding, &answer.body) != plain.text() {
                return None;
            }
            let known = [("Accept-Encoding", accepted), ("If-None-Match", answer.header("etag"))];
            let known = ask(&known);
            if known.status != 304 {
                return None;
            }
            assert_eq!((known.header("vary"), known.body.len()), ("Accept-Encoding", 0));
            etags.push(answer.header("etag").to_owned());
        }
        Some(etags)
    });
    assert!(etags.iter().all(|etag| etag.starts_with('"')), "strong: {etags:?}");
    assert!(etags[0] != etags[1] && etags[1] != etags[2] && etags[0] != etags[2], "{etags:?}");
    let segment =
        request(served.address, "GET", &a_segment(served.address), &[("Accept-Encoding", "gzip")]);
    assert_eq!((segment.header("content-encoding"), segment.header("vary")), ("", ""));
    served.stop();
}

#[test]
fn an_answer_tells_how_long_it_took_and_how_old_the_stream_is() {
    let served = Served::start(CLIP);
    let answer = get(served.address, &a_segment(served.address));
    let timing = answer.header("server-timing");
    let number = |name: &str| -> f64 {
        let part = timing.split(", ").find_map(|part| part.strip_prefix(name));
        part.and_then(|part| part.strip_prefix(";dur=")).expect(timing).parse().expect(timing)
    };
    assert!((0.0..1000.0).contains(&number("origin")), "{timing}");
    assert!((0.0..10_000.0).contains(&number("newest-segment")), "{timing}");
    let date = answer.header("date");
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
    served.stop();
}

#[test]
fn a_list_of_streams_tells_tracks_bitrate_and_the_newest_segment() {
    let served = Served::start(CLIP);
    let playlist = Playlist::get(served.address, "clip");
    let list: serde_json::Value =
        serde_json::from_str(&get(served.address, "/streams.json").text()).expect("JSON");
    let clip = &list[0];
    assert_eq!((clip["name"].as_str(), clip["state"].as_str()), (Some("clip"), Some("live")));
    let tracks = clip["tracks"].as_array().expect("a list");
    let video = tracks.iter().find(|track| track["content"] == "video").expect("a picture");
    let newest = video["newestSequence"].as_u64().expect("a number");
    assert!((playlist.newest()..playlist.newest() + 3).contains(&newest), "{clip}");
    assert_eq!((&video["name"], &video["container"]), (&"video".into(), &"cmaf".into()));
    let bits = |of: &serde_json::Value| of["bitsPerSecond"].as_u64().expect("a number");
    assert!((50_000..5_000_000).contains(&bits(video)), "{clip}");
    assert_eq!(bits(clip), tracks.iter().map(bits).sum::<u64>());
    served.stop();
}

#[test]
fn a_page_elsewhere_may_ask_for_ranges() {
    let served = Served::start(CLIP);
    let headers = [
        ("Origin", "https://viewer.example"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "range"),
    ];
    let preflight = request(served.address, "OPTIONS", &a_segment(served.address), &headers);
    assert_eq!((preflight.status, preflight.body.len()), (204, 0));
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
    assert_eq!(preflight.header("access-control-allow-headers"), "Range, If-Range, If-None-Match");
    assert_eq!(preflight.header("access-control-max-age"), "86400");
    assert_open_to_all_pages(&preflight);
    served.stop();
}

#[test]
fn only_names_that_the_stream_gave_out_exist() {
    let served = Served::start(CLIP);
    let newest = Playlist::get(served.address, "clip").newest();
    for path in [
        "/live/other/index.m3u8".to_owned(),
        "/live/clip/other.m3u8".to_owned(),
        format!("/live/clip/video-{}.m4s", newest + 1000),
        format!("/live/clip/video-0{newest}.m4s"),
        "/live/clip/video-0.m4s".to_owned(),
        "/live/clip/video-99999999999999999999999.m4s".to_owned(),
        "/live/clip/.htaccess".to_owned(),
        "/live/clip/%00".to_owned(),
        "/live/clip/..%2f..%2f..%2fetc%2fpasswd".to_owned(),
        "/live/clip/%2e%2e%2fclip%2findex.m3u8".to_owned(),
        "/live/..%2f..%2fetc/passwd".to_owned(),
    ] {
        assert_brief_error(&get(served.address, &path), 404);
    }
    // These do not name a file of a stream at all, so the app around the routes answers.
    for path in ["/live/clip/../../../etc/passwd", "/live/../etc/passwd/x", "/live//", "/live/clip"]
    {
        assert_eq!(get(served.address, path).status, 404, "{path}");
    }
    served.stop();
}

#[test]
fn a_stream_cannot_be_written_to() {
    let served = Served::start(CLIP);
    for method in ["POST", "PUT", "DELETE"] {
        let refusal = request(served.address, method, "/live/clip/index.m3u8", &[]);
        assert_brief_error(&refusal, 405);
        assert_eq!(refusal.header("allow"), "GET, HEAD, OPTIONS");
    }
    served.stop();
}
