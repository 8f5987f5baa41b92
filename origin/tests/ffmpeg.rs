//! The test card with the real ffmpeg: what it makes can be decoded, its death is a discontinuity
//! and not an end, and nothing of it is left when the origin stops.

#![allow(clippy::expect_used)]

mod support;

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use support::{Playlist, Served, eventually, ffmpeg_of, get, require_ffmpeg, send_signal};

/// The smallest card worth looking at, in one-second segments.
fn card(name: &str, folder: &str) -> String {
    format!(
        r#"{{ "folder": "{folder}", "streams": [{{ "name": "{name}", "playlistSegments": 6,
            "testcard": {{ "width": 160, "height": 90, "fps": 10, "videoKbps": 100,
            "segmentSeconds": 1 }} }}] }}"#
    )
}

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until the playlist's newest segment has this number.
fn newest_is(served: &Served, stream: &str, sequence: u64) -> Playlist {
    eventually(PATIENCE, &format!("segment {sequence}"), || {
        let playlist = Playlist::get(served.address, stream);
        (playlist.newest() >= sequence).then_some(playlist)
    })
}

/// What ffprobe says about a segment, as `key=value` lines.
fn ffprobe(segment: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("segment.ts");
    fs::write(&file, segment).expect("a file");
    let entries = "stream=codec_name,width,height,pix_fmt,has_b_frames:packet=stream_index,flags";
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", entries, "-of", "compact"])
        .arg(&file)
        .output()
        .expect("ffprobe");
    assert!(probe.status.success() && probe.stderr.is_empty(), "{probe:?}");
    String::from_utf8(probe.stdout).expect("text")
}

#[test]
fn segments_can_each_be_decoded_alone_in_every_browser() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(&card("decodable", &folder.path().display().to_string()));
    let first = Playlist::get(served.address, "decodable");
    let playlist = newest_is(&served, "decodable", first.sequence + 2);
    assert_eq!(playlist.discontinuities, 0, "{}", playlist.text);
    assert!(playlist.text.contains("#EXT-X-TARGETDURATION:1\n"), "{}", playlist.text);
    assert!(playlist.text.contains("#EXTINF:1.000000,\n"), "{}", playlist.text);
    for name in &playlist.segments {
        let told = ffprobe(&get(served.address, &format!("/live/decodable/{name}")).body);
        let video = "codec_name=h264|width=160|height=90|has_b_frames=0|pix_fmt=yuv420p";
        assert!(told.contains(video), "{told}");
        assert!(told.contains("codec_name=aac"), "{told}");
        let pictures: Vec<_> =
            told.lines().filter(|line| line.starts_with("packet|stream_index=0")).collect();
        assert_eq!(pictures.len(), 10, "{told}");
        let is_key = |line: &&str| line.contains("flags=K");
        assert!(pictures.first().is_some_and(is_key), "{name} starts without a key frame");
        assert_eq!(pictures.iter().filter(|line| is_key(line)).count(), 1, "{told}");
    }
    served.stop();
}

#[test]
fn after_ffmpeg_is_killed_the_stream_goes_on_with_a_discontinuity() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(&card("killed", &folder.path().display().to_string()));
    let first = Playlist::get(served.address, "killed");
    let before = newest_is(&served, "killed", first.sequence + 1);
    let pids = ffmpeg_of("killed");
    assert_eq!(pids.len(), 1, "one ffmpeg: {pids:?}");
    send_signal(pids[0], Signal::KILL);

    let after = eventually(PATIENCE, "a discontinuity", || {
        let playlist = Playlist::get(served.address, "killed");
        assert!(playlist.sequence >= before.sequence, "never goes back: {}", playlist.text);
        (playlist.discontinuities == 1).then_some(playlist)
    });
    assert!(after.newest() > before.newest(), "{} then {}", before.text, after.text);
    assert_eq!(after.discontinuity_sequence, before.discontinuity_sequence);
    for name in &after.segments {
        assert_eq!(get(served.address, &format!("/live/killed/{name}")).status, 200, "{name}");
    }
    let pids_now = ffmpeg_of("killed");
    assert!(pids_now.len() == 1 && pids_now != pids, "another ffmpeg: {pids_now:?}");

    let later = eventually(PATIENCE, "the discontinuity to leave the playlist", || {
        let playlist = Playlist::get(served.address, "killed");
        (playlist.discontinuities == 0).then_some(playlist)
    });
    assert_eq!(later.discontinuity_sequence, before.discontinuity_sequence + 1, "{}", later.text);
    served.stop();
}

#[test]
fn stopping_leaves_no_ffmpeg_behind_and_is_quick() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(&card("stopped", &folder.path().display().to_string()));
    Playlist::get(served.address, "stopped");
    assert_eq!(ffmpeg_of("stopped").len(), 1);
    let took = served.stop();
    assert!(ffmpeg_of("stopped").is_empty());
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn stopping_while_ffmpeg_starts_is_quick_too() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(&card("hasty", &folder.path().display().to_string()));
    assert!(served.stop() < Duration::from_secs(3));
    assert!(ffmpeg_of("hasty").is_empty());
}

#[test]
fn old_segments_are_deleted_and_other_files_are_not() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let stream_folder = folder.path().join("cleaned");
    fs::create_dir(&stream_folder).expect("a folder");
    for name in ["cleaned-1.ts", "cleaned-2.ts.tmp", "index.m3u8", "notes.txt"] {
        fs::write(stream_folder.join(name), "old").expect("a file");
    }
    let served = Served::start(&card("cleaned", &folder.path().display().to_string()));
    let first = Playlist::get(served.address, "cleaned");
    assert!(first.sequence > 1_000_000_000, "numbers start with the epoch: {}", first.text);
    assert!(!stream_folder.join("cleaned-1.ts").exists());
    assert!(!stream_folder.join("cleaned-2.ts.tmp").exists());
    assert_eq!(fs::read_to_string(stream_folder.join("notes.txt")).expect("a file"), "old");
    let old = get(served.address, "/live/cleaned/cleaned-1.ts");
    assert_eq!(old.status, 404);
    served.stop();
}
