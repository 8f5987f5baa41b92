//! Real upstreams, pulled: another origin, and what ffmpeg's muxers for HLS and DASH write. The real
//! ffmpeg plays what comes out.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use support::encoder::Process;
use support::upstream::Upstream;
use support::{Playlist, Served, eventually, get, require_ffmpeg};

const PATIENCE: Duration = Duration::from_secs(30);

fn puller(url: &str) -> Served {
    Served::start(&format!(
        r#"{{ "streams": [{{ "name": "tv", "playlistSegments": 6,
            "upstream": {{ "url": "{url}" }} }}] }}"#
    ))
}

#[test]
fn many_viewers_cost_one_request_a_segment_and_two_pullers_agree() {
    let origin =
        Served::start(r#"{ "streams": [{ "name": "clip", "loop": {}, "playlistSegments": 6 }] }"#);
    Playlist::get(origin.address, "clip");
    let upstream = Upstream::before(origin.address);
    let first = puller(&upstream.url("/live/clip/index.m3u8"));
    let start = Playlist::get(first.address, "tv").newest();
    let viewer = |from: SocketAddr| {
        thread::spawn(move || {
            let mut seen = start;
            while seen < start + 4 {
                let playlist = Playlist::get(from, "tv");
                for name in playlist.segments {
                    let segment = get(from, &format!("/live/tv/{name}"));
                    assert_eq!(segment.status, 200, "{name}");
                    assert_eq!(segment.header("content-length"), segment.body.len().to_string());
                }
                seen = playlist.sequence + 2;
                thread::sleep(Duration::from_millis(500));
            }
        })
    };
    let viewers: Vec<_> = (0..200).map(|_| viewer(first.address)).collect();
    viewers.into_iter().for_each(|viewer| viewer.join().expect("a viewer who saw it all"));
    let counts = upstream.counts();
    let segments: Vec<_> = counts.iter().filter(|(path, _)| path.ends_with(".m4s")).collect();
    assert!(segments.len() >= 6, "{counts:?}");
    assert!(segments.iter().all(|(_, count)| **count == 1), "{counts:?}");

    let second = puller(&upstream.url("/live/clip/index.m3u8"));
    let (ours, theirs) = eventually(PATIENCE, "segments that both have", || {
        let [ours, theirs] =
            [&first, &second].map(|served| Playlist::get(served.address, "tv").segments);
        let common: Vec<_> = ours.iter().filter(|name| theirs.contains(name)).cloned().collect();
        (common.len() >= 3).then_some((common, theirs))
    });
    for name in &ours {
        let [a, b] = [&first, &second].map(|served| {
            let segment = get(served.address, &format!("/live/tv/{name}"));
            (segment.header("etag").to_owned(), segment.body)
        });
        assert!(a == b, "{name} differs; {theirs:?}");
    }
    let [there, here] = [
        get(origin.address, &format!("/live/clip/{}", ours[0])).body,
        get(first.address, &format!("/live/tv/{}", ours[0])).body,
    ];
    assert!(!there.is_empty() && there == here, "the name means the same at the upstream");
    let _ = [first, second, origin].map(Served::stop);
}

#[test]
fn who_asks_for_a_track_before_anything_is_known_of_it_never_sees_its_playlist_go_back() {
    let origin =
        Served::start(r#"{ "streams": [{ "name": "clip", "loop": {}, "playlistSegments": 6 }] }"#);
    eventually(PATIENCE, "a whole playlist to pull from", || {
        (Playlist::get(origin.address, "clip").segments.len() == 6).then_some(())
    });
    // What the list of tracks is made of may come before or after the viewer: several tries.
    for _ in 0..5 {
        let served = puller(&format!("http://{}/live/clip/index.m3u8", origin.address));
        let mut newest = 0;
        eventually(PATIENCE, "three segments of a track", || {
            let response = get(served.address, "/live/tv/video.m3u8");
            if response.status != 200 {
                return None;
            }
            let playlist = Playlist::parse(response.text());
            assert!(playlist.newest() >= newest, "after {newest}: {}", playlist.text);
            newest = playlist.newest();
            let name = playlist.segments.last()?;
            assert_eq!(get(served.address, &format!("/live/tv/{name}")).status, 200, "{name}");
            (playlist.segments.len() >= 3).then_some(())
        });
        served.stop();
    }
    origin.stop();
}

/// An ffmpeg that writes a live stream of two qualities and sound into a folder.
fn muxer(folder: &Path, output: &[&str]) -> Process {
    require_ffmpeg();
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-re"]);
    command.args(["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10"]);
    command.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]);
    command.args(["-map", "0:v", "-map", "0:v", "-map", "1:a", "-t", "120"]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
    command.args(["-g", "10", "-keyint_min", "10", "-sc_threshold", "0", "-c:a", "aac"]);
    command.args(["-b:v:0", "200k", "-b:v:1", "100k", "-s:v:1", "160x90", "-b:a", "64k"]);
    command.args(output).current_dir(folder).stdin(Stdio::null());
    Process(command.spawn().expect("ffmpeg"))
}

/// What ffprobe finds at a URL, a line for each stream.
fn probed(url: &str) -> Vec<String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0"]);
    let output = command.arg(url).output().expect("ffprobe");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().filter(|line| !line.is_empty());
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// The origin's own list plays, with both pictures and the sound, and goes on.
fn assert_plays(served: &Served, tracks: [&str; 3]) {
    let list = eventually(PATIENCE, "the list of tracks", || {
        let response = get(served.address, "/live/tv/index.m3u8");
        (response.status == 200).then(|| response.text())
    });
    for track in tracks {
        assert!(list.contains(&format!("{track}.m3u8")), "{list}");
    }
    let found = probed(&format!("http://{}/live/tv/index.m3u8", served.address));
    assert_eq!(found, ["aac", "h264,160", "h264,320"], "{list}");
    let playlist = |track: &str| {
        let response = get(served.address, &format!("/live/tv/{track}.m3u8"));
        assert_eq!(response.status, 200, "{track}: {}", response.text());
        Playlist::parse(response.text())
    };
    for track in tracks {
        let before = playlist(track).newest();
        let after = eventually(PATIENCE, &format!("more of {track}"), || {
            let playlist = playlist(track);
            (playlist.newest() >= before + 3).then_some(playlist)
        });
        assert_eq!(after.discontinuities, 0, "{}", after.text);
        assert!(after.segments.len() >= 3, "no gap in the numbers: {}", after.text);
    }
}

/// The names and bytes of a track are the same from another puller.
fn assert_agrees(one: &Served, url: &str, tracks: [&str; 3]) {
    let other = puller(url);
    for track in tracks {
        let path = format!("/live/tv/{track}.m3u8");
        let common = eventually(PATIENCE, &format!("segments of {track} that both have"), || {
            let [ours, theirs] = [one, &other].map(|served| get(served.address, &path));
            if ours.status != 200 || theirs.status != 200 {
                return None;
            }
            let [ours, theirs] =
                [ours, theirs].map(|response| Playlist::parse(response.text()).segments);
            ours.into_iter().rev().find(|name| theirs.contains(name))
        });
        let [ours, theirs] =
            [one, &other].map(|served| get(served.address, &format!("/live/tv/{common}")).body);
        assert!(!ours.is_empty() && ours == theirs, "{common}");
    }
    other.stop();
}

#[test]
fn an_hls_ladder_with_sound_apart_is_pulled() {
    let folder = tempfile::tempdir().expect("a folder");
    let _muxer = muxer(
        folder.path(),
        &[
            "-f",
            "hls",
            "-hls_time",
            "1",
            "-hls_list_size",
            "8",
            "-hls_segment_type",
            "fmp4",
            "-hls_flags",
            "independent_segments+delete_segments+temp_file+program_date_time",
            "-hls_fmp4_init_filename",
            "init.mp4",
            "-hls_segment_filename",
            "%v-%d.m4s",
            "-master_pl_name",
            "index.m3u8",
            "-var_stream_map",
            "v:0,agroup:a,name:high v:1,agroup:a,name:low a:0,agroup:a,name:snd",
            "%v.m3u8",
        ],
    );
    let list = folder.path().join("index.m3u8");
    eventually(PATIENCE, "ffmpeg's list", || list.exists().then_some(()));
    let upstream = Upstream::of_folder(folder.path());
    let served = puller(&upstream.url("/index.m3u8"));
    assert_plays(&served, ["high", "low", "snd"]);
    assert_agrees(&served, &upstream.url("/index.m3u8"), ["high", "low", "snd"]);
    served.stop();
}

#[test]
fn parts_of_one_file_are_pulled() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = vec!["-map", "-0:v:1", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0"];
    command.extend(["-hls_segment_type", "fmp4", "-hls_flags", "single_file", "index.m3u8"]);
    let _muxer = muxer(folder.path(), &command);
    let list = folder.path().join("index.m3u8");
    eventually(PATIENCE, "three segments", || {
        let text = std::fs::read_to_string(&list).unwrap_or_default();
        (text.matches("#EXT-X-BYTERANGE").count() >= 3).then_some(())
    });
    let upstream = Upstream::of_folder(folder.path());
    let served = puller(&upstream.url("/index.m3u8"));
    let taken = Playlist::get(served.address, "tv");
    eventually(PATIENCE, "more", || {
        (Playlist::get(served.address, "tv").newest() > taken.newest() + 2).then_some(())
    });
    let found = probed(&format!("http://{}/live/tv/index.m3u8", served.address));
    assert_eq!(found.first().map(String::as_str), Some("aac"), "{found:?}");
    served.stop();
}

#[test]
fn dash_is_pulled_by_number_and_by_time_with_and_without_a_timeline() {
    let sets = "id=0,streams=0,1 id=1,streams=2";
    for (timeline, media) in [
        ("1", "$RepresentationID$-$Number%05d$.m4s"),
        ("0", "$RepresentationID$-$Number$.m4s"),
        ("1", "$RepresentationID$-$Time$.m4s"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let _muxer = muxer(
            folder.path(),
            &[
                "-f",
                "dash",
                "-seg_duration",
                "1",
                "-window_size",
                "8",
                "-extra_window_size",
                "8",
                "-use_template",
                "1",
                "-use_timeline",
                timeline,
                "-init_seg_name",
                "$RepresentationID$-init.mp4",
                "-media_seg_name",
                media,
                "-adaptation_sets",
                sets,
                "-streaming",
                "0",
                "manifest.mpd",
            ],
        );
        let list = folder.path().join("manifest.mpd");
        eventually(PATIENCE, "ffmpeg's manifest", || {
            let text = std::fs::read_to_string(&list).unwrap_or_default();
            (text.contains("audio/mp4") && text.contains("160")).then_some(())
        });
        let upstream = Upstream::of_folder(folder.path());
        let served = puller(&upstream.url("/manifest.mpd"));
        assert_plays(&served, ["v180", "v90", "audio"]);
        assert_agrees(&served, &upstream.url("/manifest.mpd"), ["v180", "v90", "audio"]);
        served.stop();
    }
}
