//! The same segments for DASH, the clock that it needs, and their digests.

#![allow(clippy::expect_used, reason = "a test ends at what it did not expect")]

mod support;

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;
use support::{Served, get, require_ffmpeg};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const CLIP: &str = r#"{ "streams": [{ "name": "clip", "loop": {}, "playlistSegments": 6 }] }"#;

#[test]
fn ffmpeg_plays_the_manifest() {
    require_ffmpeg();
    let served = Served::start(CLIP);
    let manifest = get(served.address, "/live/clip/manifest.mpd");
    assert_eq!(manifest.status, 200, "{}", manifest.text());
    assert_eq!(manifest.header("content-type"), "application/dash+xml");
    assert_eq!(manifest.header("cache-control"), "public, max-age=1", "half of 2 s");
    let url = format!("http://{}/live/clip/manifest.mpd", served.address);
    let frames = "-show_entries stream=codec_name,nb_read_frames -count_frames -of csv=p=0";
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-read_intervals", "%+4"])
        .args(frames.split(' '))
        .arg(url)
        .output()
        .expect("ffprobe");
    let said = String::from_utf8_lossy(&probe.stdout);
    let complaints = String::from_utf8_lossy(&probe.stderr);
    let count = |codec: &str| -> u64 {
        let line = said.lines().find_map(|line| line.strip_prefix(codec));
        line.and_then(|line| line.trim_matches(',').parse().ok()).unwrap_or(0)
    };
    assert!(count("h264") >= 50 && count("aac") >= 90, "{said}{complaints}");
    served.stop();
}

#[test]
fn a_manifest_names_only_what_is_there() {
    let served = Served::start(CLIP);
    let manifest = get(served.address, "/live/clip/manifest.mpd").text();
    let values = |name: &str| -> Vec<String> {
        let begin = format!(" {name}=\"");
        let values = manifest.split(&*begin).skip(1).filter_map(|rest| rest.split('"').next());
        values.map(str::to_owned).collect()
    };
    let (headers, media) = (values("initialization"), values("media"));
    assert!(headers.len() >= 2 && headers.len() == media.len(), "{manifest}");
    let first = media.iter().zip(values("startNumber"));
    let first = first.map(|(name, number)| name.replace("$Number$", &number));
    for name in headers.iter().cloned().chain(first) {
        let file = get(served.address, &format!("/live/clip/{name}"));
        assert_eq!(file.status, 200, "{name}");
    }
    served.stop();
}

#[test]
fn a_stream_in_mpeg_ts_says_why_it_has_no_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let segment = concat!(env!("CARGO_MANIFEST_DIR"), "/clip/clip/0.ts");
    fs::copy(segment, folder.path().join("0.ts")).expect("a file");
    let index = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n0.ts\n";
    fs::write(folder.path().join("index.m3u8"), index).expect("a playlist");
    let film = format!(
        r#"{{ "streams": [{{ "name": "film", "loop": {{ "folder": {:?} }} }}] }}"#,
        folder.path()
    );
    let served = Served::start(&film);
    support::Playlist::get(served.address, "film");
    let manifest = get(served.address, "/live/film/manifest.mpd");
    assert_eq!(manifest.status, 404);
    assert!(manifest.text().contains("its segments are MPEG-TS"), "{}", manifest.text());
    served.stop();
}

#[test]
fn a_player_is_told_the_time() {
    let served = Served::start(CLIP);
    let answer = get(served.address, "/live/clip/time");
    assert_eq!(answer.header("cache-control"), "public, max-age=1");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let told = OffsetDateTime::parse(&answer.text(), &Rfc3339).expect("a date");
    let off = (OffsetDateTime::from(SystemTime::now()) - told).unsigned_abs();
    assert!(off < Duration::from_secs(2), "{told}");
    assert_eq!(get(served.address, "/live/other/time").status, 404);
    served.stop();
}

/// RFC 8037, appendix A, has this key in parts.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

#[test]
fn the_digest_of_each_file_is_signed_with_the_configured_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key.pem");
    std::fs::write(&file, KEY).expect("a file");
    let served = Served::start(&format!(
        r#"{{ "integrity": {{ "keyFile": {file:?} }},
              "streams": [{{ "name": "clip", "loop": {{}}, "playlistSegments": 6 }}] }}"#
    ));
    assert_eq!(served.origin.digests_key(), Some(PUBLIC));
    assert_eq!(served.origin.streams()[0].digests, "/live/clip/digests.json");
    let playlist = support::Playlist::get(served.address, "clip");
    let document = get(served.address, "/live/clip/digests.json");
    assert_eq!(document.header("content-type"), "application/json");
    assert_eq!(document.header("cache-control"), "public, max-age=1");
    let document: Value = serde_json::from_slice(&document.body).expect("JSON");
    let part = |name: &str| document[name].as_str().expect("text").to_owned();
    let compact = ["protected", "payload", "signature"].map(part).join(".");
    let key = DecodingKey::from_ed_components(PUBLIC).expect("a public key");
    let rules = Validation::new(Algorithm::EdDSA);
    let claims = decode::<Value>(compact, &key, &rules).expect("a good signature").claims;
    assert_eq!(claims["sub"], "clip");
    for name in &playlist.segments {
        let bytes = get(served.address, &format!("/live/clip/{name}")).body;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(claims["sha256"][name], digest, "{name}");
    }
    served.stop();
}
