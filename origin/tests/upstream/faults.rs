//! What an upstream does wrong, and what viewers have of it: what there was.

use std::time::Instant;

use super::{CLIP, failure, newest, playlist, publish, pulling, wait_for};
use crate::support::upstream::{Reply, Upstream};
use crate::support::{Playlist, get, request};

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
        failure(&served, name, "segment 5 of main is left out");
        failure(&served, name, words);
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
        let status = failure(&served, name, words);
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
        let status = served.status(name);
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
    failure(&served, "tv", "/…/index.m3u8: its numbers went back from 4 to 2");
    assert_eq!(newest(served.address, "tv"), 4);
    publish(&upstream, "tv", 2..=5);
    let after = wait_for(served.address, "tv", 5);
    assert_eq!(after.segments, ["main-2.ts", "main-3.ts", "main-4.ts", "main-5.ts"]);
    assert_eq!((after.discontinuities, served.status("tv")["restarts"].clone()), (0, 0.into()));
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
    failure(&served, "missing", "the answer is 404");
    failure(&served, "html", "neither an HLS playlist nor a DASH manifest");
    failure(&served, "empty", "it has no segments yet");
    failure(&served, "locked", "encrypted (line 4 has #EXT-X-KEY with METHOD=AES-128)");
    assert_eq!(get(served.address, "/live/locked/1.ts").status, 404);
    failure(&served, "over", "the upstream's stream has ended");
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
    failure(&served, "ahead", "segments 5 to 903 of main were missed");
    let anew = wait_for(served.address, "anew", 1_000_003);
    let expected: Vec<_> =
        (1..=3).map(|number| format!("main-{}.ts", 1_000_000 + number)).collect();
    assert_eq!(anew.segments, expected);
    failure(&served, "anew", "went back from 104 to 3");
    served.stop();
}

#[test]
fn a_playlist_that_never_changes_is_polled_gently_and_told_of() {
    let upstream = Upstream::start();
    publish(&upstream, "still", 1..=4);
    let served = pulling(&upstream, &["still"]);
    wait_for(served.address, "still", 4);
    let (before, began) = (upstream.count("/still/index.m3u8"), Instant::now());
    failure(&served, "still", "no new segment of main for 15s");
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
