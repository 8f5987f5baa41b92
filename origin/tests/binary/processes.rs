//! Its ffmpegs, which end when it does, and are started again when they hang.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use origin::limits::FIRST_PLAYLIST_WAIT;
use rustix::process::{Pid, Signal, getpgid};

use super::{PATIENCE, config, names_in};
use crate::support::running::Running;
use crate::support::{Playlist, eventually, ffmpeg_of, get, processes_with, require_ffmpeg};

#[test]
fn a_signal_ends_it_with_its_ffmpeg_and_its_folder() {
    require_ffmpeg();
    for (signal, name) in [(Signal::INT, "signal-int"), (Signal::TERM, "signal-term")] {
        let running = Running::start(&config(&[name]), 1, None);
        Playlist::get(running.address, name);
        assert_eq!(ffmpeg_of(name).len(), 1);
        let folder = running.folder.clone();
        assert_eq!(names_in(folder.path()).len(), 2, "the config and the segments' folder");
        let (status, took, log) = running.end(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(took < Duration::from_secs(3), "{took:?}: {log}");
        assert!(ffmpeg_of(name).is_empty());
        assert_eq!(names_in(folder.path()), ["config.json"]);
    }
}

/// A terminal signals its whole foreground group; ffmpeg must hear of it through the origin alone,
/// or it would be restarted in between.
#[test]
fn ffmpeg_is_in_a_process_group_of_its_own() {
    require_ffmpeg();
    let running = Running::start(&config(&["group"]), 1, None);
    let pid = eventually(PATIENCE, "an ffmpeg", || ffmpeg_of("group").first().copied());
    eventually(PATIENCE, "its own group", || {
        let group = getpgid(Pid::from_raw(pid)).expect("a process");
        (group.as_raw_nonzero().get() == pid).then_some(())
    });
    running.end(Signal::TERM);
}

#[cfg(target_os = "linux")]
#[test]
fn ffmpeg_does_not_outlive_an_origin_that_is_killed() {
    require_ffmpeg();
    let running = Running::start(&config(&["orphan"]), 1, None);
    Playlist::get(running.address, "orphan");
    assert_eq!(ffmpeg_of("orphan").len(), 1);
    let (status, ..) = running.end(Signal::KILL);
    assert_eq!(status.code(), None);
    eventually(PATIENCE, "the end of ffmpeg", || ffmpeg_of("orphan").is_empty().then_some(()));
}

#[test]
fn without_ffmpeg_the_same_address_plays_the_clip_and_the_log_says_how_to_get_it() {
    let empty = tempfile::tempdir().expect("a folder");
    let path = empty.path().to_str().expect("a path");
    let running = Running::start(&config(&["testcard"]), 1, Some(path));
    let playlist = eventually(PATIENCE, "a whole playlist", || {
        let playlist = Playlist::get(running.address, "testcard");
        (playlist.segments.len() == 12).then_some(playlist)
    });
    let newest = playlist.segments.last().expect("a segment");
    assert_eq!(get(running.address, &format!("/live/testcard/{newest}")).status, 200);
    let (status, _, log) = running.end(Signal::TERM);
    assert_eq!(status.code(), Some(0), "{log}");
    let hints: Vec<_> = log.lines().filter(|line| line.contains("apt install ffmpeg")).collect();
    assert_eq!(hints.len(), 1, "{log}");
    assert!(hints[0].contains("brew install ffmpeg"), "{log}");
}

/// An ffmpeg that passes the trial and then hangs, with much to say.
#[test]
fn an_ffmpeg_that_hangs_gets_503_for_viewers_and_is_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "#!/bin/sh\n\
        case \"$*\" in *null*) exit 0 ;; esac\n\
        i=0; while [ $i -lt 1000 ]; do echo \"noise $i\" >&2; i=$((i + 1)); done\n\
        exec sleep 1000.25\n";
    let fake = folder.path().join("ffmpeg");
    fs::write(&fake, script).expect("a file");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("a script");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let running = Running::start(&config(&["hung"]), 1, Some(&path));

    let began = Instant::now();
    let answer = get(running.address, "/live/hung/index.m3u8");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("cache-control"), "public, max-age=1");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(began.elapsed() >= FIRST_PLAYLIST_WAIT, "it is held for a while first");

    let first = processes_with("sleep 1000.25");
    assert_eq!(first.len(), 1);
    eventually(PATIENCE, "another ffmpeg", || {
        let now = processes_with("sleep 1000.25");
        (now.len() == 1 && now != first).then_some(())
    });
    let (status, took, log) = running.end(Signal::TERM);
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(3), "{took:?}: {log}");
    assert!(processes_with("sleep 1000.25").is_empty());
    let why =
        "no new segment for 15s; its last words: noise 996 | noise 997 | noise 998 | noise 999";
    assert!(log.contains(why), "{log}");
    let lines = log.lines().filter(|line| line.contains("ffmpeg: noise")).count();
    assert!((1..50).contains(&lines), "{lines} of 2000 lines are logged: {log}");
}
