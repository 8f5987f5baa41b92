//! Inputs from the real ffmpeg: it pushes RTMP, RTSP, SRT and MPEG-TS over UDP, and leaves files,
//! and what comes out can be decoded. What an encoder does wrong costs viewers a discontinuity at
//! the most.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::Duration;

use support::encoder::Encoder;
use support::{INDEX, Playlist, Served, eventually, ffprobe, get, require_ffmpeg, text};

const PATIENCE: Duration = Duration::from_secs(30);

/// H.264 with frames in another order than shown, and AAC.
const H264: &[&str] =
    &["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "2", "-c:a", "aac"];

/// Runs encoders, one after the other, until `done` has an answer.
fn send_until<T>(
    mut start: impl FnMut() -> Encoder,
    what: &str,
    mut done: impl FnMut() -> Option<T>,
) -> T {
    let mut encoder = start();
    eventually(PATIENCE, what, || {
        if encoder.has_ended() {
            thread::sleep(Duration::from_millis(200));
            encoder = start();
        }
        done()
    })
}

fn free_tcp_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").port()
}

fn free_udp_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").port()
}

/// An origin with one stream that ingests.
fn ingesting(name: &str, folder: &Path, ingest: &str) -> Served {
    let folder = folder.display();
    Served::start(&format!(
        r#"{{ "folder": "{folder}", "streams": [{{ "name": "{name}", "playlistSegments": 10,
            "ingest": {{ "segmentSeconds": 1, "probeSeconds": 1, {ingest} }} }}] }}"#
    ))
}

/// The playlist once it has so many segments; `None` as long as there is none.
fn playlist_of(served: &Served, name: &str, segments: usize) -> Option<Playlist> {
    let list = get(served.address, &format!("/live/{name}/{INDEX}"));
    (list.status == 200)
        .then(|| Playlist::get(served.address, name))
        .filter(|playlist| playlist.segments.len() >= segments)
}

fn newest_is(served: &Served, name: &str, playlist: &Playlist) -> String {
    let newest = playlist.segments.last().expect("a segment");
    ffprobe(&playlist.whole(served.address, name, newest))
}

/// An encoder sends in this way, goes, and comes back: what it sends is copied, and its return is a
/// discontinuity. Returns the playlists before and after.
fn copied_and_comes_back(served: &Served, name: &str, to: &[&str]) -> [Playlist; 2] {
    let start = || Encoder::start(H264, to);
    let first = send_until(start, "a stream", || playlist_of(served, name, 3));
    let told = newest_is(served, name, &first);
    assert!(told.contains("codec_name=h264|profile=Main"), "copied: {told}");
    let again = send_until(start, "a discontinuity", || {
        playlist_of(served, name, 1).filter(|playlist| playlist.discontinuities == 1)
    });
    assert!(again.newest() > first.newest(), "{} then {}", first.text, again.text);
    [first, again]
}

#[test]
fn rtmp_is_copied_and_an_encoder_that_comes_back_is_a_discontinuity() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("rtmp://127.0.0.1:{}/live/s3cr3t", free_tcp_port());
    let served = ingesting("rtmp", folder.path(), &format!(r#""url": "{url}", "listen": true"#));
    let [first, again] = copied_and_comes_back(&served, "rtmp", &["-f", "flv", &url]);
    let list = text(served.address, "rtmp", INDEX);
    assert!(list.contains("\nvideo.m3u8\n") && list.contains("audio.m3u8"), "{list}");
    assert_eq!(again.sequence, first.sequence, "numbers go on: {}", again.text);
    assert_eq!(served.status("rtmp")["restarts"], 0);
    served.stop();
}

/// ffmpeg lets timestamps of RTMP jump, and would make one segment of it that plays 100 s.
#[test]
fn a_clock_that_jumps_is_a_discontinuity_and_no_long_segment() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(folder.path(), "jump.flv", "8", H264);
    let url = format!("rtmp://127.0.0.1:{}/live/s3cr3t", free_tcp_port());
    let served = ingesting("jumps", folder.path(), &format!(r#""url": "{url}", "listen": true"#));
    let jump = "setts=ts=TS+gt(TS\\,3500)*100000";
    let start = || {
        let input = ["-re", "-i", &path, "-c", "copy", "-bsf:v", jump, "-bsf:a", jump];
        Encoder::run(&[&input[..], &["-f", "flv", &url]].concat())
    };
    let playlist = send_until(start, "a discontinuity", || {
        playlist_of(&served, "jumps", 1).filter(|playlist| playlist.discontinuities == 1)
    });
    let seconds = playlist.text.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    for duration in seconds {
        let duration: f64 = duration.trim_end_matches(',').parse().expect("seconds");
        assert!(duration < 2.5, "{}", playlist.text);
    }
    let failure = served.failure("jumps");
    assert!(failure.is_some_and(|failure| failure.contains("clock has jumped")));
    served.stop();
}

#[test]
fn srt_is_copied_and_an_encoder_that_comes_back_is_a_discontinuity() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("srt://127.0.0.1:{}?passphrase=0123456789abc", free_udp_port());
    let served = ingesting("srt", folder.path(), &format!(r#""url": "{url}", "listen": true"#));
    copied_and_comes_back(&served, "srt", &["-f", "mpegts", &url]);
    served.stop();
}

#[test]
fn rtsp_is_copied_and_an_encoder_that_comes_back_is_a_discontinuity() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("rtsp://127.0.0.1:{}/live", free_tcp_port());
    let served = ingesting("rtsp", folder.path(), &format!(r#""url": "{url}", "listen": true"#));
    copied_and_comes_back(&served, "rtsp", &["-bf", "0", "-f", "rtsp", &url]);
    served.stop();
}

/// RTP says when a frame is shown, and not when it is decoded.
#[test]
fn rtsp_whose_frames_come_in_another_order_is_encoded_unless_that_is_forbidden() {
    require_ffmpeg();
    for video in ["auto", "copy"] {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("rtsp://127.0.0.1:{}/live", free_tcp_port());
        let ingest = format!(r#""url": "{url}", "listen": true, "video": "{video}""#);
        let served = ingesting("rtsp", folder.path(), &ingest);
        let start = || Encoder::start(H264, &["-f", "rtsp", &url]);
        if video == "auto" {
            send_until(start, "a stream", || playlist_of(&served, "rtsp", 3));
            let list = text(served.address, "rtsp", INDEX);
            assert!(list.contains("\nvideo-720.m3u8\n"), "{list}");
        } else {
            let failure = send_until(start, "a failure", || served.failure("rtsp"));
            assert!(failure.contains("another order than they are shown in"), "{failure}");
        }
        served.stop();
    }
}

#[test]
fn mpeg_2_over_udp_is_transcoded_in_the_qualities_that_are_asked_for() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("udp://127.0.0.1:{}", free_udp_port());
    let qualities = r#"[{"height": 720, "videoKbps": 200}, {"height": 64, "videoKbps": 100}]"#;
    let ingest = format!(r#""url": "{url}", "qualities": {qualities}"#);
    let served = ingesting("udp", folder.path(), &ingest);
    // MPEG-2 has no 10 frames a second.
    let codecs = ["-r", "25", "-c:v", "mpeg2video", "-c:a", "mp2"];
    let to = format!("{url}?pkt_size=1316");
    let start = || Encoder::start(&codecs, &["-f", "mpegts", &to]);
    let playlist = send_until(start, "a stream", || playlist_of(&served, "udp", 2));
    let told = newest_is(&served, "udp", &playlist);
    assert!(told.contains("codec_name=h264"), "{told}");
    assert!(told.contains("width=160|height=90"), "never enlarged: {told}");
    let small = Playlist::named(served.address, "udp", "video-64.m3u8");
    let told = newest_is(&served, "udp", &small);
    assert!(told.contains("|height=64|"), "{told}");
    let sound = Playlist::named(served.address, "udp", "audio.m3u8");
    assert!(newest_is(&served, "udp", &sound).contains("codec_name=aac"));
    served.stop();
}

/// Makes a file of `seconds`.
fn file(folder: &Path, name: &str, seconds: &str, codecs: &[&str]) -> String {
    let path = folder.join(name).display().to_string();
    Encoder::make(codecs, seconds, &path);
    path
}

#[test]
fn a_file_is_played_over_and_over_and_keeps_what_it_is() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(
        folder.path(),
        "high.mp4",
        "3",
        &["-c:v", "libx264", "-profile:v", "high", "-bf", "2", "-c:a", "aac", "-ac", "1"],
    );
    let served = ingesting("file", folder.path(), &format!(r#""url": "{path}""#));
    let playlist = eventually(PATIENCE, "a second round", || playlist_of(&served, "file", 5));
    assert_eq!(playlist.discontinuities, 0, "{}", playlist.text);
    let told = newest_is(&served, "file", &playlist);
    assert!(told.contains("codec_name=h264|profile=High|width=160|height=90"), "{told}");
    let sound = Playlist::named(served.address, "file", "audio.m3u8");
    assert!(newest_is(&served, "file", &sound).contains("sample_rate=48000|channels=1"));
    served.stop();
}

#[test]
fn vp8_without_sound_is_transcoded() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let codecs = ["-map", "0:v", "-c:v", "libvpx", "-deadline", "realtime", "-b:v", "100k"];
    let path = file(folder.path(), "vp8.webm", "3", &codecs);
    let served = ingesting("vp8", folder.path(), &format!(r#""url": "{path}""#));
    let playlist = eventually(PATIENCE, "a stream", || playlist_of(&served, "vp8", 2));
    assert!(newest_is(&served, "vp8", &playlist).contains("codec_name=h264"));
    assert!(!text(served.address, "vp8", INDEX).contains("AUDIO"));
    served.stop();
}

#[test]
fn what_cannot_be_copied_is_told_when_nothing_else_is_allowed() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let codecs = ["-map", "0:v", "-c:v", "libvpx", "-deadline", "realtime", "-b:v", "100k"];
    let path = file(folder.path(), "vp8.webm", "1", &codecs);
    let ingest = format!(r#""url": "{path}", "video": "copy""#);
    let served = ingesting("refused", folder.path(), &ingest);
    let failure = eventually(PATIENCE, "a failure", || served.failure("refused"));
    assert!(failure.starts_with("the picture is vp8 (yuv420p), which browsers don't"), "{failure}");
    served.stop();
}

#[test]
fn an_encoder_that_does_not_know_the_key_is_turned_away() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let at = format!("rtmp://127.0.0.1:{}/live", free_tcp_port());
    let ingest = format!(r#""url": "{at}/s3cr3t", "listen": true"#);
    let served = ingesting("keyed", folder.path(), &ingest);
    let to = format!("{at}/guessed");
    let start = || Encoder::start(H264, &["-f", "flv", &to]);
    let failure = send_until(start, "a failure", || served.failure("keyed"));
    assert!(failure.starts_with("somebody sent who doesn't know the stream's key"), "{failure}");
    assert!(!failure.contains("s3cr3t"), "{failure}");
    assert!(playlist_of(&served, "keyed", 1).is_none());
    served.stop();
}

#[test]
fn a_playlist_from_elsewhere_reaches_no_file_of_this_machine() {
    require_ffmpeg();
    let folder = tempfile::tempdir().expect("a folder");
    let secret = file(folder.path(), "private.ts", "3", H264);
    let entries =
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile:{secret}\n#EXT-X-ENDLIST\n");
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("an address").port();
    thread::spawn(move || {
        use std::io::{Read, Write};
        for mut socket in server.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let length = entries.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = socket.write_all((head + &entries).as_bytes());
        }
    });
    let url = format!("http://127.0.0.1:{port}/live.m3u8?token=s3cr3t");
    let served = ingesting("foreign", folder.path(), &format!(r#""url": "{url}""#));
    let failure = eventually(PATIENCE, "a failure", || served.failure("foreign"));
    assert!(failure.contains("not on whitelist"), "{failure}");
    assert!(!failure.contains("s3cr3t"), "{failure}");
    assert!(playlist_of(&served, "foreign", 1).is_none());
    served.stop();
}
