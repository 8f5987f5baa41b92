//! A folder that a packager fills: what is named and whole is played; what leads out of the folder,
//! is no file or is half written is not; and neither the folder's end nor the packager's is the
//! stream's.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use support::encoder::{Encoder, FAST};
use support::{Playlist, SEGMENTS, Served, eventually, get, require_ffmpeg};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// An origin with a stream for each of these folders below `root`.
fn serve(root: &TempDir, folders: &[&str]) -> Served {
    let stream = |folder: &&str| {
        let path = root.path().join(folder);
        format!(
            r#"{{ "name": "{folder}", "playlistSegments": 8, "dir": {{ "folder": "{}" }} }}"#,
            path.display()
        )
    };
    let streams: Vec<_> = folders.iter().map(stream).collect();
    Served::start(&format!(r#"{{ "streams": [{}] }}"#, streams.join(",")))
}

fn folder(root: &TempDir, name: &str) -> std::path::PathBuf {
    let folder = root.path().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn write_segment(folder: &Path, number: usize) {
    let segment = SEGMENTS[number % SEGMENTS.len()];
    fs::write(folder.join(format!("s{number}.ts")), segment).expect("a segment");
}

fn playlist<'a>(first: usize, files: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    files.into_iter().for_each(|file| text.push_str(&format!("#EXTINF:2.000,\n{file}\n")));
    text
}

/// Writes a playlist as packagers do: at once.
fn name_segments(folder: &Path, first: usize, files: &[&str]) {
    let text = playlist(first, files.iter().copied());
    fs::write(folder.join("index.tmp"), text).expect("a playlist");
    fs::rename(folder.join("index.tmp"), folder.join("index.m3u8")).expect("a playlist");
}

/// Why a stream's source has failed, once it has.
fn failure_of(served: &Served, stream: &str) -> String {
    eventually(PATIENCE, &format!("a failure of {stream}"), || served.failure(stream))
}

#[test]
fn what_leads_out_of_the_folder_or_is_no_file_is_never_read() {
    let root = tempfile::tempdir().expect("a folder");
    let secret = root.path().join("secret.ts");
    // Even what would be a whole segment.
    fs::write(&secret, SEGMENTS[3]).expect("a file");
    let up = "../secret.ts";
    let absolute = secret.display().to_string();
    let cases = [
        ("link", "out.ts", "out.ts is a link, and none is followed"),
        ("linked-folder", "out/secret.ts", "out is a link, and none is followed"),
        ("up", up, "leads out of the stream's folder"),
        ("escaped", "%2e%2e/secret.ts", "is in a path, but its parts must be"),
        ("absolute", &absolute, "leads out of the stream's folder"),
        ("url", "http://127.0.0.1/secret.ts", "leads out of the stream's folder"),
        ("dotfile", ".secret.ts", "not begin with a dot"),
        ("fifo", "fifo.ts", "fifo.ts is no plain file"),
        ("device", "null.ts", "null.ts is a link, and none is followed"),
        ("inner-folder", "folder.ts", "folder.ts is no plain file"),
        ("large", "large.ts", "it has 67108865 bytes, more than 67108864"),
    ];
    for (name, file, _) in cases {
        let folder = folder(&root, name);
        symlink("../secret.ts", folder.join("out.ts")).expect("a link");
        symlink("..", folder.join("out")).expect("a link");
        symlink("/dev/null", folder.join("null.ts")).expect("a link");
        fs::write(folder.join(".secret.ts"), SEGMENTS[3]).expect("a file");
        fs::create_dir(folder.join("folder.ts")).expect("a folder");
        let made = Command::new("mkfifo").arg(folder.join("fifo.ts")).status().expect("mkfifo");
        assert!(made.success());
        // A hole, which takes no room on the disk.
        let large = File::create(folder.join("large.ts")).expect("a file");
        large.set_len(67_108_865).expect("a hole");
        name_segments(&folder, 0, &[file]);
    }
    let names: Vec<_> = cases.iter().map(|(name, ..)| *name).collect();
    let served = serve(&root, &names);
    for (name, _, why) in cases {
        let failure = failure_of(&served, name);
        assert!(failure.contains(why), "{name}: {failure}");
        let last = &served.status(name)["lastSegmentSecondsAgo"];
        assert!(last.is_null(), "{name} has played something {last} s ago");
    }
    // What stands beside such a file is played: the stream is not its hostage.
    let link = folder(&root, "link");
    (0..2).for_each(|number| write_segment(&link, number));
    name_segments(&link, 1, &["s0.ts", "out.ts", "s1.ts"]);
    served.has_segments("link", 1);
    let all = served.has_segments("link", 2);
    assert_eq!(all.discontinuities, 1, "{}", all.text);
    assert_eq!(served.segment("link", &all, 0), SEGMENTS[0]);
    assert_eq!(served.segment("link", &all, 1), SEGMENTS[1]);
    served.stop();
}

#[test]
fn a_segment_that_still_grows_is_waited_for() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = folder(&root, "tv");
    write_segment(&folder, 0);
    let mut growing = File::create(folder.join("s1.ts")).expect("a file");
    name_segments(&folder, 0, &["s0.ts", "s1.ts"]);
    let served = serve(&root, &["tv"]);
    served.has_segments("tv", 1);
    // Each part consists of whole packets, so that only its growth tells that it is a part.
    for part in SEGMENTS[1].chunks(188 * 60) {
        growing.write_all(part).expect("a part");
        thread::sleep(Duration::from_millis(150));
        let playlist = Playlist::get(served.address, "tv");
        assert!(playlist.segments.len() == 1 || part.len() < 188 * 60, "{}", playlist.text);
    }
    let all = served.has_segments("tv", 2);
    assert_eq!(served.segment("tv", &all, 1), SEGMENTS[1]);
    assert_eq!(all.discontinuities, 0, "{}", all.text);
    served.stop();
}

#[test]
fn half_a_segment_is_never_served_and_the_stream_goes_on() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = folder(&root, "tv");
    [0, 2].iter().for_each(|number| write_segment(&folder, *number));
    let half = &SEGMENTS[1][..SEGMENTS[1].len() / 2 + 1];
    fs::write(folder.join("s1.ts"), half).expect("half a segment");
    name_segments(&folder, 0, &["s0.ts", "s1.ts", "s2.ts"]);
    let served = serve(&root, &["tv"]);
    served.has_segments("tv", 1);
    let all = served.has_segments("tv", 2);
    assert_eq!(all.discontinuities, 1, "{}", all.text);
    assert_eq!(served.segment("tv", &all, 1), SEGMENTS[2]);
    served.stop();
}

#[test]
fn a_playlist_that_is_written_in_pieces_is_read_when_it_is_whole() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = folder(&root, "tv");
    (0..5).for_each(|number| write_segment(&folder, number));
    name_segments(&folder, 0, &["s0.ts", "s1.ts", "s2.ts"]);
    let served = serve(&root, &["tv"]);
    let before = served.has_segments("tv", 3);
    // Up to a line's end it looks like the playlist of a packager that has started again.
    for numbers in [0..4, 0..5] {
        let files: Vec<_> = numbers.map(|number| format!("s{number}.ts")).collect();
        let text = playlist(0, files.iter().map(String::as_str));
        let mut file = File::create(folder.join("index.m3u8")).expect("a file");
        for line in text.split_inclusive('\n') {
            let (half, rest) = line.split_at(line.len() / 2);
            file.write_all(half.as_bytes()).expect("half a line");
            thread::sleep(Duration::from_millis(20));
            file.write_all(rest.as_bytes()).expect("the rest");
            thread::sleep(Duration::from_millis(20));
        }
        let all = served.has_segments("tv", files.len());
        assert_eq!((all.sequence, all.discontinuities), (before.sequence, 0), "{}", all.text);
    }
    served.stop();
}

#[test]
fn a_folder_that_vanishes_and_comes_back_is_played_on() {
    let root = tempfile::tempdir().expect("a folder");
    let served = serve(&root, &["tv"]);
    assert!(failure_of(&served, "tv").contains("No such file or directory"), "not there yet");
    let path = folder(&root, "tv");
    (0..2).for_each(|number| write_segment(&path, number));
    name_segments(&path, 0, &["s0.ts", "s1.ts"]);
    let before = served.has_segments("tv", 2);
    fs::remove_dir_all(&path).expect("no folder");
    thread::sleep(Duration::from_millis(300));
    let path = folder(&root, "tv");
    write_segment(&path, 3);
    name_segments(&path, 0, &["s3.ts"]);
    let after = served.has_segments("tv", 3);
    assert_eq!((after.sequence, after.discontinuities), (before.sequence, 1), "{}", after.text);
    assert_eq!(served.segment("tv", &after, 2), SEGMENTS[3]);
    served.stop();
}

#[test]
fn what_was_left_behind_long_ago_is_not_played_as_live() {
    let root = tempfile::tempdir().expect("a folder");
    let old = folder(&root, "old");
    write_segment(&old, 0);
    name_segments(&old, 0, &["s0.ts"]);
    let yesterday = std::time::SystemTime::now() - Duration::from_secs(86_400);
    let file = File::options().write(true).open(old.join("index.m3u8")).expect("a file");
    file.set_modified(yesterday).expect("a date");
    let over = folder(&root, "over");
    write_segment(&over, 0);
    let ended = playlist(0, ["s0.ts"]) + "#EXT-X-ENDLIST\n";
    fs::write(over.join("index.m3u8"), ended).expect("a playlist");
    let served = serve(&root, &["old", "over"]);
    let failure = failure_of(&served, "old");
    assert!(failure.contains("index.m3u8: it was written 864"), "{failure}");
    let failure = failure_of(&served, "over");
    assert!(failure.contains("index.m3u8: it has ended already"), "{failure}");
    for (path, name) in [(old, "old"), (over, "over")] {
        write_segment(&path, 1);
        name_segments(&path, 1, &["s1.ts"]);
        let playlist = served.has_segments(name, 1);
        assert_eq!(served.segment(name, &playlist, 0), SEGMENTS[1]);
    }
    served.stop();
}

/// An ffmpeg that writes 1 s segments and their playlist.
fn write_hls(arguments: &[&str], to: &Path) -> Encoder {
    let hls = "-f hls -hls_time 1 -hls_list_size 4 -hls_flags delete_segments";
    let hls: Vec<_> = hls.split_whitespace().collect();
    Encoder::start(FAST, &[&hls, arguments, &[to.to_str().expect("a path of text")]].concat())
}

#[test]
fn what_ffmpeg_writes_is_played_and_its_next_start_is_a_discontinuity() {
    require_ffmpeg();
    let root = tempfile::tempdir().expect("a folder");
    let path = folder(&root, "tv");
    let served = serve(&root, &["tv"]);
    let packager = write_hls(&[], &path.join("index.m3u8"));
    let before = eventually(PATIENCE, "three segments", || {
        let playlist = Playlist::get(served.address, "tv");
        (playlist.segments.len() >= 3).then_some(playlist)
    });
    assert_eq!(before.discontinuities, 0, "{}", before.text);
    drop(packager);
    let packager = write_hls(&[], &path.join("index.m3u8"));
    let after = eventually(PATIENCE, "a discontinuity", || {
        let playlist = Playlist::get(served.address, "tv");
        assert!(playlist.sequence >= before.sequence, "never goes back: {}", playlist.text);
        (playlist.discontinuities == 1).then_some(playlist)
    });
    for index in 0..after.segments.len() {
        let bytes = served.segment("tv", &after, index);
        assert_eq!(bytes.len() % 188, 0);
        assert!(bytes.chunks(188).all(|packet| packet[0] == 0x47), "{}", after.text);
    }
    drop(packager);
    served.stop();
}

#[test]
fn a_ladder_in_fragmented_mp4_is_a_track_for_each() {
    require_ffmpeg();
    let root = tempfile::tempdir().expect("a folder");
    let path = folder(&root, "tv");
    let served = serve(&root, &["tv"]);
    let map = "v:0,agroup:a,name:video a:0,agroup:a,name:sound";
    let mut arguments: Vec<_> =
        "-hls_segment_type fmp4 -master_pl_name index.m3u8 -map 0:v -map 1:a".split(' ').collect();
    arguments.extend(["-var_stream_map", map]);
    let packager = write_hls(&arguments, &path.join("%v/index.m3u8"));
    for name in ["video", "sound"] {
        let track = eventually(PATIENCE, name, || {
            let response = get(served.address, &format!("/live/tv/{name}.m3u8"));
            let playlist = (response.status == 200).then(|| Playlist::parse(response.text()))?;
            (playlist.segments.len() >= 3).then_some(playlist)
        });
        assert_eq!(track.discontinuities, 0, "{}", track.text);
        assert!(track.text.contains("#EXT-X-MAP:URI="), "{}", track.text);
    }
    let list = get(served.address, "/live/tv/index.m3u8").text();
    assert!(list.contains("URI=\"sound.m3u8\"") && list.contains("\nvideo.m3u8\n"), "{list}");
    drop(packager);
    served.stop();
}
