//! What goes wrong with the real ffmpeg: it hangs, its disk is full, its input's clock jumps. Viewers
//! get whole segments or none, and the stream goes on with a discontinuity.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use support::running::Running;
use support::{Playlist, eventually, ffmpeg_of, ffprobe, get, require_ffmpeg, send_signal};

const PATIENCE: Duration = Duration::from_secs(30);

/// One stream of the binary, on a port that the system chooses.
fn config(name: &str, source: &str) -> String {
    format!(
        r#"{{ "origin": {{ "listen": {{ "host": "127.0.0.1", "port": 0 }},
            "streams": [{{ "name": "{name}", "playlistSegments": 10, {source} }}] }} }}"#
    )
}

const CARD: &str = r#""testcard": { "fps": 10, "segmentSeconds": 1,
    "qualities": [{ "height": 90, "videoKbps": 100 }] }"#;

/// Waits for a discontinuity, and decodes all that is there then.
fn goes_on(running: &Running, name: &str) -> Playlist {
    let from = running.address;
    let playlist = eventually(PATIENCE, "a discontinuity", || {
        let playlist = Playlist::get(from, name);
        (playlist.discontinuities == 1).then_some(playlist)
    });
    for track in ["video-90.m3u8", "audio.m3u8"] {
        let playlist = Playlist::named(from, name, track);
        for segment in &playlist.segments {
            ffprobe(&playlist.whole(from, name, segment));
        }
    }
    playlist
}

#[test]
fn an_ffmpeg_that_stops_making_segments_is_replaced_before_players_give_up() {
    require_ffmpeg();
    let running = Running::start(&config("frozen", CARD), 1, None);
    let first = Playlist::get(running.address, "frozen");
    Playlist::with(running.address, "frozen", first.sequence + 1);
    let pids = ffmpeg_of("frozen");
    send_signal(pids[0], Signal::STOP);
    let began = Instant::now();
    goes_on(&running, "frozen");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_ne!(ffmpeg_of("frozen"), pids);
    let (_, _, log) = running.end(Signal::TERM);
    assert!(log.contains("no new segment for 5s"), "{log}");
}

/// A folder for `PATH` with an ffmpeg that goes on when a file may not grow, as when a disk is full:
/// the write fails, and nothing else happens.
fn patient_ffmpeg(folder: &Path) -> String {
    let found = Command::new("sh").args(["-c", "command -v ffmpeg"]).output().expect("sh");
    let real = String::from_utf8(found.stdout).expect("a path");
    let script = format!("#!/bin/sh\ntrap '' XFSZ\nexec {} \"$@\"\n", real.trim());
    let path = folder.join("ffmpeg");
    fs::write(&path, script).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a script");
    format!("{}:/usr/bin:/bin", folder.display())
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_nothing_is_served_that_is_not_whole() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let path = patient_ffmpeg(folder.path());
    let running = Running::start(&config("full", CARD), 1, Some(&path));
    let first = Playlist::get(running.address, "full");
    Playlist::with(running.address, "full", first.sequence + 1);
    let pid = Pid::from_raw(ffmpeg_of("full")[0]).expect("a process");
    let bytes = Some(2_000);
    let limit = Rlimit { current: bytes, maximum: bytes };
    prlimit(Some(pid), Resource::Fsize, limit).expect("a limit");
    goes_on(&running, "full");
    let streams = get(running.address, "/streams.json").text();
    assert!(streams.contains("is cut off, as when the disk is full"), "{streams}");
    let (_, _, log) = running.end(Signal::TERM);
    assert!(log.contains("is cut off, as when the disk is full"), "{log}");
}

#[test]
fn secrets_of_an_input_are_in_no_log_and_no_answer() {
    require_ffmpeg();
    // Nobody listens on port 9 of a machine in its right mind.
    for url in [
        "rtsp://user:s3cr3t-1@127.0.0.1:9/cam/s3cr3t-2?token=s3cr3t-3",
        "rtmp://127.0.0.1:9/live/s3cr3t-2?sign=s3cr3t-3456",
        "http://user:s3cr3t-1@127.0.0.1:9/live/s3cr3t-2/a.m3u8?token=s3cr3t-3",
        "srt://127.0.0.1:9?passphrase=s3cr3t-3456&streamid=s3cr3t-4",
    ] {
        let source = format!(r#""ingest": {{ "url": "{url}" }}"#);
        let running = Running::start(&config("secret", &source), 1, None);
        let streams = eventually(PATIENCE, "a failure", || {
            let streams = get(running.address, "/streams.json").text();
            (!streams.contains("\"lastFailure\":null")).then_some(streams)
        });
        let (_, _, log) = running.end(Signal::TERM);
        let shown = url.split("://").next().expect("a scheme");
        assert!(log.contains(&format!("the source reads {shown}://127.0.0.1:9/***")), "{log}");
        assert!(!log.contains("s3cr3t") && !streams.contains("s3cr3t"), "{log} {streams}");
        assert!(streams.contains("its last words: "), "{streams}");
    }
}

#[test]
fn what_ffmpeg_said_last_is_told_when_it_fails() {
    require_ffmpeg();
    let source = r#""ingest": { "url": "/nonexistent/film.mp4" }"#;
    let running = Running::start(&config("missing", source), 1, None);
    let told = "its last words: file:/nonexistent/film.mp4: No such file or directory";
    eventually(PATIENCE, told, || {
        get(running.address, "/streams.json").text().contains(told).then_some(())
    });
    running.end(Signal::TERM);
}
