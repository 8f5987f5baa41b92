//! The test card with the real ffmpeg: what it makes can be decoded, in all its qualities alike, its
//! death is a discontinuity and not an end, and nothing of it is left when the origin stops.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::{
    INDEX, Playlist, Served, eventually, ffmpeg_of, ffprobe, get, require_ffmpeg, send_signal, text,
};

/// The smallest card worth looking at, in one-second segments.
fn card(name: &str, folder: &str) -> String {
    of_heights(name, folder, &[90], 6)
}

fn of_heights(name: &str, folder: &str, heights: &[u32], playlist_segments: usize) -> String {
    let quality = |height: &u32| format!(r#"{{ "height": {height}, "videoKbps": 100 }}"#);
    let qualities: Vec<_> = heights.iter().map(quality).collect();
    let qualities = qualities.join(",");
    format!(
        r#"{{ "folder": "{folder}", "streams": [{{ "name": "{name}", "playlistSegments": {playlist_segments},
            "testcard": {{ "fps": 10, "segmentSeconds": 1, "qualities": [{qualities}] }} }}] }}"#
    )
}

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn segments_can_each_be_decoded_alone_in_every_browser() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(&card("decodable", &folder.path().display().to_string()));
    let from = served.address;
    let first = Playlist::get(from, "decodable");
    let playlist = Playlist::with(from, "decodable", first.sequence + 2);
    assert_eq!(playlist.discontinuities, 0, "{}", playlist.text);
    assert!(playlist.text.contains("#EXT-X-TARGETDURATION:1\n"), "{}", playlist.text);
    for name in &playlist.segments {
        let told = ffprobe(&playlist.whole(from, "decodable", name));
        for part in ["codec_name=h264|", "width=160|height=90|has_b_frames=0|pix_fmt=yuv420p"] {
            assert!(told.contains(part), "no {part} in {told}");
        }
        let pictures: Vec<_> = told.lines().filter(|line| line.starts_with("packet|")).collect();
        assert_eq!(pictures.len(), 10, "{told}");
        let is_key = |line: &&str| line.contains("flags=K");
        assert!(pictures.first().is_some_and(is_key), "{name} starts without a key frame");
        assert_eq!(pictures.iter().filter(|line| is_key(line)).count(), 1, "{told}");
    }
    let sound = Playlist::named(from, "decodable", "audio.m3u8");
    let newest = sound.segments.last().expect("a segment");
    let told = ffprobe(&sound.whole(from, "decodable", newest));
    assert!(told.contains("codec_name=aac|profile=LC|sample_rate=48000|channels=2"), "{told}");
    served.stop();
}

/// When a segment's packets play, in seconds.
fn times(segment: &[u8]) -> Vec<f64> {
    let told = ffprobe(segment);
    let times = told.lines().filter_map(|line| line.split("|pts_time=").nth(1));
    times.map(|time| time.split('|').next().unwrap_or("").parse().expect("seconds")).collect()
}

#[test]
fn qualities_are_cut_at_the_same_frames_and_the_sound_beside_them() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let section = of_heights("ladder", &folder.path().display().to_string(), &[180, 90], 30);
    let served = Served::start(&section);
    let from = served.address;
    let list = text(from, "ladder", INDEX);
    for part in [
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\"",
        "BANDWIDTH=196000,",
        ",RESOLUTION=320x180,FRAME-RATE=10.000,AUDIO=\"audio\"\nvideo-180.m3u8\n",
        ",RESOLUTION=160x90,FRAME-RATE=10.000,AUDIO=\"audio\"\nvideo-90.m3u8\n",
    ] {
        assert!(list.contains(part), "no {part} in {list}");
    }
    let first = Playlist::get(from, "ladder");
    Playlist::with(from, "ladder", first.sequence + 5);
    let of = |track: &str, number: u64| {
        let name = format!("{track}-{number}.m4s");
        let what = format!("{name} in its playlist");
        let playlist = eventually(PATIENCE, &what, || {
            let playlist = Playlist::named(from, "ladder", &format!("{track}.m3u8"));
            playlist.segments.contains(&name).then_some(playlist)
        });
        times(&playlist.whole(from, "ladder", &name))
    };
    for number in first.sequence + 1..first.sequence + 5 {
        let large = of("video-180", number);
        assert_eq!(large, of("video-90", number), "segment {number}");
        let (sound, frame) = (of("audio", number), 1024.0 / 48_000.0);
        let apart = (sound[0] - large[0]).abs();
        assert!(apart <= frame, "segment {number}: the sound begins {apart} s beside the picture");
    }
    served.stop();
}

/// Two runs within a minute share a Discontinuity Sequence Number: then a player takes the second's
/// timestamps for those of the first.
#[test]
fn an_origin_that_starts_again_goes_on_in_its_timeline() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let run = || {
        let served = Served::start(&card("again", &folder.path().display().to_string()));
        let picture = Playlist::get(served.address, "again");
        let sound = Playlist::named(served.address, "again", "audio.m3u8");
        let begins = [&picture, &sound].map(|playlist| {
            let whole = playlist.whole(served.address, "again", &playlist.segments[0]);
            times(&whole)[0]
        });
        served.stop();
        (begins, picture.discontinuity_sequence)
    };
    let began = Instant::now();
    let ([picture, sound], timeline) = run();
    let apart = began.elapsed().as_secs_f64();
    let ([picture_again, _], timeline_again) = run();
    let later = picture_again - picture;
    assert!(timeline_again >= timeline, "{timeline} then {timeline_again}");
    assert!(later > 0.0 && later < 2.0 * apart + 10.0, "{later} s later after {apart} s");
    assert!((sound - picture).abs() < 0.1, "the sound at {sound}, the picture at {picture}");
}

#[test]
fn after_ffmpeg_is_killed_the_stream_goes_on_with_a_discontinuity() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(&card("killed", &folder.path().display().to_string()));
    let first = Playlist::get(served.address, "killed");
    let before = Playlist::with(served.address, "killed", first.sequence + 1);
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
    let sound = Playlist::named(served.address, "killed", "audio.m3u8");
    assert_eq!(sound.discontinuities, 1, "{}", sound.text);
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
    let old = ["0-1000.m4s", "1-999.m4s.tmp", "7-header.mp4", "notes.txt"];
    for name in old {
        fs::write(stream_folder.join(name), "old").expect("a file");
    }
    let served = Served::start(&card("cleaned", &folder.path().display().to_string()));
    let first = Playlist::get(served.address, "cleaned");
    assert!(first.sequence > 1_000_000_000, "numbers start with the epoch: {}", first.text);
    for name in &old[..3] {
        assert!(!stream_folder.join(name).exists(), "{name}");
    }
    assert_eq!(fs::read_to_string(stream_folder.join("notes.txt")).expect("a file"), "old");
    served.stop();
}
