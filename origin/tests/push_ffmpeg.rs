//! Real encoders push over HTTP: what ffmpeg makes is played as it made it, its death and its next
//! start are a discontinuity, and its token is in no log.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::encoder::{Encoder, FAST};
use support::{Playlist, Served, eventually, get, require_ffmpeg};

const TOKEN: &str = "correct-horse-battery";

const PATIENCE: Duration = Duration::from_secs(60);

fn served() -> Served {
    Served::start(&format!(
        r#"{{ "streams": [{{ "name": "tv", "playlistSegments": 8,
            "push": {{ "token": "{TOKEN}" }} }}] }}"#
    ))
}

/// Encodes 1 s segments and sends them, with these arguments.
fn push(arguments: &[&str], to: &str) -> Encoder {
    Encoder::start(FAST, &[arguments, &[to]].concat())
}

const HLS: &[&str] = &[
    "-f",
    "hls",
    "-method",
    "PUT",
    "-hls_time",
    "1",
    "-hls_list_size",
    "4",
    "-hls_flags",
    "delete_segments",
    "-headers",
    "Authorization: Bearer correct-horse-battery\r\n",
];

fn url(at: SocketAddr, path: &str) -> String {
    format!("http://{at}/push/tv/{path}")
}

/// A playlist of the stream, once it has so many segments.
fn playlist(served: &Served, name: &str, segments: usize) -> Playlist {
    eventually(PATIENCE, &format!("{segments} segments of {name}"), || {
        let response = get(served.address, &format!("/live/tv/{name}"));
        let playlist = (response.status == 200).then(|| Playlist::parse(response.text()))?;
        (playlist.segments.len() >= segments).then_some(playlist)
    })
}

/// What ffprobe says of a segment, behind its header if it has one.
fn ffprobe(served: &Served, playlist: &Playlist, index: usize) -> String {
    support::ffprobe(&playlist.whole(served.address, "tv", &playlist.segments[index]))
}

fn assert_muxed_with_ten_pictures(told: &str) {
    assert!(told.contains("codec_name=h264|") && told.contains("|width=160|height=90|"), "{told}");
    assert!(told.contains("codec_name=aac"), "{told}");
    let pictures: Vec<_> =
        told.lines().filter(|line| line.starts_with("packet|stream_index=0")).collect();
    assert_eq!(pictures.len(), 10, "{told}");
    assert!(pictures[0].contains("flags=K"), "{told}");
}

#[test]
fn a_killed_ffmpeg_that_is_started_again_is_a_discontinuity_and_numbers_go_on() {
    require_ffmpeg();
    let served = served();
    let encoder = push(HLS, &url(served.address, "index.m3u8"));
    let before = playlist(&served, "index.m3u8", 3);
    assert_eq!(before.discontinuities, 0, "{}", before.text);
    assert_muxed_with_ten_pictures(&ffprobe(&served, &before, 1));
    let said = encoder.kill();
    assert!(!said.contains("HTTP error"), "{said}");

    let encoder = push(HLS, &url(served.address, "index.m3u8"));
    let after = eventually(PATIENCE, "a discontinuity", || {
        let playlist = playlist(&served, "index.m3u8", 3);
        assert!(playlist.sequence >= before.sequence, "never goes back: {}", playlist.text);
        (playlist.discontinuities == 1).then_some(playlist)
    });
    assert_eq!(after.discontinuity_sequence, before.discontinuity_sequence, "{}", after.text);
    let later = eventually(PATIENCE, "the discontinuity to leave the playlist", || {
        let playlist = playlist(&served, "index.m3u8", 3);
        (playlist.discontinuities == 0).then_some(playlist)
    });
    assert_eq!(later.discontinuity_sequence, before.discontinuity_sequence + 1, "{}", later.text);
    for index in 0..later.segments.len() {
        assert_muxed_with_ten_pictures(&ffprobe(&served, &later, index));
    }
    drop(encoder);
    served.stop();
}

#[test]
fn fragmented_mp4_is_pushed_with_its_header_and_http_basic() {
    require_ffmpeg();
    let served = served();
    let arguments = "-f hls -method PUT -hls_time 1 -hls_list_size 4 -hls_segment_type fmp4 \
        -hls_start_number_source epoch -http_persistent 1";
    let mut arguments: Vec<_> = arguments.split_whitespace().collect();
    // printf 'encoder:correct-horse-battery' | base64
    let basic = "Authorization: Basic ZW5jb2Rlcjpjb3JyZWN0LWhvcnNlLWJhdHRlcnk=\r\n";
    arguments.extend(["-headers", basic]);
    let encoder = push(&arguments, &url(served.address, "index.m3u8"));
    let all = playlist(&served, "index.m3u8", 3);
    assert!(all.sequence > 1_700_000_000, "the encoder's own: {}", all.text);
    assert_eq!(all.text.matches("#EXT-X-MAP:").count(), 1, "{}", all.text);
    assert_muxed_with_ten_pictures(&ffprobe(&served, &all, 1));
    drop(encoder);
    served.stop();
}

#[test]
fn a_ladder_with_its_sound_apart_is_a_track_for_each() {
    require_ffmpeg();
    let served = served();
    let mut arguments = HLS.to_vec();
    let tracks = "v:0,agroup:a,name:high v:1,agroup:a,name:low a:0,agroup:a,name:en,language:en";
    arguments.extend([
        "-hls_segment_type",
        "fmp4",
        "-master_pl_name",
        "index.m3u8",
        "-map",
        "0:v",
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-s:v:1",
        "80x46",
        "-var_stream_map",
        tracks,
    ]);
    let encoder = push(&arguments, &url(served.address, "%v.m3u8"));
    let list = eventually(PATIENCE, "the list of tracks", || {
        let response = get(served.address, "/live/tv/index.m3u8");
        (response.status == 200).then(|| response.text())
    });
    for line in [
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"en\",DEFAULT=YES,AUTOSELECT=YES,\
         LANGUAGE=\"en\",URI=\"en.m3u8\"\n",
        "RESOLUTION=160x90",
        ",AUDIO=\"audio\"\nhigh.m3u8\n",
        "RESOLUTION=80x46",
        ",AUDIO=\"audio\"\nlow.m3u8\n",
    ] {
        assert!(list.contains(line), "{line} in {list}");
    }
    for (name, told) in [
        ("high", "|width=160|height=90|"),
        ("low", "|width=80|height=46|"),
        ("en", "codec_name=aac"),
    ] {
        let track = playlist(&served, &format!("{name}.m3u8"), 3);
        assert_eq!(track.discontinuities, 0, "{}", track.text);
        let probed = ffprobe(&served, &track, 1);
        assert!(probed.contains(told) && !probed.contains("index=1"), "{name}: {probed}");
    }
    // All of them start again in the same run: their discontinuities agree.
    encoder.kill();
    let encoder = push(&arguments, &url(served.address, "%v.m3u8"));
    let numbers = eventually(PATIENCE, "three discontinuities", || {
        let tracks =
            ["high", "low", "en"].map(|name| playlist(&served, &format!("{name}.m3u8"), 3));
        let there = tracks.iter().all(|track| track.discontinuities == 1);
        there.then(|| tracks.map(|track| track.discontinuity_sequence))
    });
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    drop(encoder);
    served.stop();
}

#[test]
fn a_dash_encoder_is_followed_by_the_hls_playlists_that_it_writes_beside() {
    require_ffmpeg();
    let served = served();
    let arguments = "-f dash -method PUT -seg_duration 1 -window_size 4 -hls_playlist 1 \
        -hls_master_name index.m3u8";
    let mut arguments: Vec<_> = arguments.split_whitespace().collect();
    let headers = "headers=Authorization\\: Bearer correct-horse-battery";
    arguments.extend(["-http_opts", headers]);
    let encoder = push(&arguments, &url(served.address, "manifest.mpd"));
    let video = playlist(&served, "media_0.m3u8", 3);
    assert!(ffprobe(&served, &video, 1).contains("codec_name=h264"));
    let sound = playlist(&served, "media_1.m3u8", 3);
    assert!(ffprobe(&served, &sound, 1).contains("codec_name=aac"));
    let list = get(served.address, "/live/tv/index.m3u8").text();
    assert!(list.contains("URI=\"media_1.m3u8\"") && list.contains("\nmedia_0.m3u8\n"), "{list}");
    drop(encoder);
    served.stop();
}

#[test]
fn an_encoder_that_ends_well_is_played_to_its_last_segment() {
    require_ffmpeg();
    let served = served();
    let mut arguments = HLS.to_vec();
    arguments.extend(["-t", "3"]);
    let (ended, said) = push(&arguments, &url(served.address, "index.m3u8")).ended();
    assert!(ended.success(), "{said}");
    let all = playlist(&served, "index.m3u8", 3);
    assert!(!all.text.contains("#EXT-X-ENDLIST"), "the stream goes on: {}", all.text);
    let state = eventually(PATIENCE, "its end", || {
        let state = get(served.address, "/streams.json").text();
        state.contains("the encoder has ended its playlist").then_some(state)
    });
    assert!(!state.contains(TOKEN), "{state}");
    served.stop();
}

#[test]
fn the_token_is_in_no_log_and_a_full_disk_refuses_what_does_not_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.json");
    let text = format!(
        r#"{{ "origin": {{ "listen": {{ "host": "127.0.0.1", "port": 0 }}, "streams": [{{
            "name": "tv", "push": {{ "token": "{TOKEN}", "folder": "{}" }} }}] }} }}"#,
        folder.path().join("held").display()
    );
    std::fs::write(&config, text).expect("a file");
    let log = folder.path().join("log");
    // No file may have more than 102,400 bytes, as if the disk were full then. Rust's own choice,
    // to be killed by the signal for that, is overruled.
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$1\"";
    let mut origin = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_origin")])
        .arg(&config)
        .env("RUST_LOG", "trace,mio=info")
        .stdout(Stdio::piped())
        .stderr(File::create(&log).expect("a file"))
        .spawn()
        .expect("the binary");
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(origin.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut stdout, &mut line).expect("a line");
    let at = line.split("http://").nth(1).and_then(|url| url.split('/').next()).expect("a URL");
    let at: SocketAddr = at.parse().expect("an address");
    let bearer = format!("Bearer {TOKEN}");
    let put = |path: &str, body: &[u8]| {
        let length = body.len().to_string();
        let headers = [("Authorization", bearer.as_str()), ("Content-Length", &length)];
        support::send(at, "PUT", &format!("/push/tv/{path}"), &headers, body)
    };
    // 91,932 and 94,940 bytes.
    let (fits, other) = (include_bytes!("../clip/clip/3.ts"), include_bytes!("../clip/clip/2.ts"));
    let large = [&other[..], &fits[..]].concat();
    let full = put("s0.ts", &large);
    assert_eq!(full.status, 507, "{}", full.text());
    assert!(full.text().contains("it cannot be held on the disk: File too large"), "{full:?}");
    assert_eq!(put("s0.ts", fits).status, 201);
    let wrong = support::send(at, "PUT", "/push/tv/x.ts?token=not-the-right-token", &[], b"");
    assert_eq!(wrong.status, 401);
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ns0.ts?token=correct-horse-battery\n";
    assert_eq!(put("index.m3u8", list.as_bytes()).status, 201);
    let playlist = Playlist::get(at, "tv");
    assert_eq!(get(at, &format!("/live/tv/{}", playlist.segments[0])).body, fits);
    assert!(!playlist.text.contains("token"), "{}", playlist.text);
    support::send_signal(i32::try_from(origin.id()).expect("a pid"), rustix::process::Signal::TERM);
    assert!(origin.wait().expect("an end").success());
    let logged = std::fs::read_to_string(&log).expect("a log");
    let ours: Vec<_> = logged.lines().filter(|line| line.contains(" origin")).collect();
    assert!(!ours.is_empty(), "{logged}");
    for line in ours {
        assert!(!line.contains(TOKEN) && !line.contains("not-the-right-token"), "{line}");
    }
}
