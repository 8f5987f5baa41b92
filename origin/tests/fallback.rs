//! A chain of streams with the real ffmpeg at its head: when it hangs, viewers get the slate as a
//! discontinuity, and get the stream back when it is well again.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::{Playlist, Served, eventually, ffmpeg_of, get, require_ffmpeg, send_signal};

/// A card of 1 s segments, and a stream that falls back from it.
const CHAIN: &str = r#"{ "streams": [
    { "name": "camera", "start": "onDemand", "playlistSegments": 4,
      "testcard": { "fps": 10, "segmentSeconds": 1,
            "qualities": [{ "height": 90, "videoKbps": 100 }] } },
    { "name": "tv", "playlistSegments": 8, "fallback": { "streams": ["camera"] } } ] }"#;

const PATIENCE: Duration = Duration::from_secs(30);

/// Three target durations, and as much again as a busy machine may take.
const RESUMES_WITHIN: Duration = Duration::from_secs(6);

/// Waits until the newest segment of `tv` is one of so many seconds: the camera's have one, the
/// slate's two.
fn newest_lasts(served: &Served, seconds: u32, what: &str) -> Playlist {
    eventually(PATIENCE, what, || {
        let playlist = Playlist::get(served.address, "tv");
        let newest = playlist.text.lines().rfind(|line| line.starts_with("#EXTINF:"));
        newest?.starts_with(&format!("#EXTINF:{seconds}.")).then_some(playlist)
    })
}

#[test]
fn a_hung_encoder_is_a_discontinuity_to_the_slate_and_another_back() {
    require_ffmpeg();
    let served = Served::start(CHAIN);
    let camera = newest_lasts(&served, 1, "a segment of the camera");
    assert_eq!(camera.discontinuities, 0, "{}", camera.text);
    let pids = ffmpeg_of("camera");
    assert_eq!(pids.len(), 1, "followed, and so in demand: {pids:?}");

    send_signal(pids[0], Signal::STOP);
    let hung_at = Instant::now();
    let slate = newest_lasts(&served, 2, "the slate");
    assert!(hung_at.elapsed() < RESUMES_WITHIN, "{:?}", hung_at.elapsed());
    assert!(slate.discontinuities >= 1 && slate.sequence >= camera.sequence, "{}", slate.text);
    for name in &slate.segments {
        assert_eq!(get(served.address, &format!("/live/tv/{name}")).status, 200, "{name}");
    }

    send_signal(pids[0], Signal::CONT);
    let back = newest_lasts(&served, 1, "the camera again");
    assert!(back.newest() > slate.newest(), "{} then {}", slate.text, back.text);
    served.stop();
    assert!(ffmpeg_of("camera").is_empty());
}
