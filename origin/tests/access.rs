//! Signed addresses and the CDN's secret, over real sockets: who has neither gets nothing.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::fs;
use std::time::{Duration, SystemTime};

use origin::SigningKey;
use serde_json::{Value, json};
use support::server::Running;
use support::{Playlist, Response, eventually, get, request};
use tempfile::TempDir;

const SECRET: &str = "a-secret-of-thirty-two-characters";
const KEY: &str = "another-one-of-thirty-two-letters";
const PLAYLIST: &str = "/live/clip/video.m3u8";

/// An origin with the clip, whose files with secrets are in a folder.
struct Guarded {
    running: Running,
    folder: TempDir,
}

impl Guarded {
    fn start(signed: bool, cdn: bool) -> Guarded {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, secret: &str| {
            let path = folder.path().join(name);
            fs::write(&path, format!("{secret}\n")).expect("a file");
            path
        };
        let mut access = json!({});
        if signed {
            access["signingKeyFiles"] = json!([file("key", KEY)]);
        }
        if cdn {
            access["cdnSecret"] =
                json!({"header": "X-From-CDN", "files": [file("secret", SECRET)]});
        }
        let section = json!({
            "streams": [{"name": "clip", "loop": {}}, {"name": "other", "loop": {}}],
            "access": access, "metrics": {"port": 0},
        });
        Guarded { running: Running::start(&section.to_string()), folder }
    }

    fn get(&self, path: &str) -> Response {
        get(self.running.address, path)
    }

    fn denied(&self, reason: &str) -> f64 {
        let sample = format!("origin_denied_total{{stream=\"clip\",reason=\"{reason}\"}}");
        self.running.count(&sample)
    }
}

fn key() -> SigningKey {
    SigningKey::new(KEY.as_bytes())
}

fn within(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(seconds)
}

fn assert_denied(answer: &Response, why: &str) {
    assert_eq!(answer.status, 403, "{why}: {}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store", "a viewer with a signature comes next");
    assert_eq!(answer.header("access-control-allow-origin"), "*", "so that a page can tell");
    assert!(answer.text().contains(why), "{}", answer.text());
}

#[test]
fn one_signature_in_the_path_opens_a_playlist_and_the_segments_that_it_names() {
    let guarded = Guarded::start(true, false);
    let folder = format!("/live/clip/{}", key().sign_stream("clip", within(3600)));
    let answer = guarded.get(&format!("{folder}/video.m3u8"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let playlist = Playlist::parse(answer.text());
    let newest = playlist.segments.last().expect("a segment");
    let segment = guarded.get(&format!("{folder}/{newest}"));
    assert_eq!(segment.status, 200);
    let cached = segment.header("cache-control");
    let seconds = cached.strip_prefix("public, max-age=").and_then(|rest| rest.split(',').next());
    let seconds: u64 = seconds.expect(cached).parse().expect(cached);
    assert!((3590..=3600).contains(&seconds), "no longer than the address is good: {cached}");
    assert!(cached.ends_with(", immutable"));
}

#[test]
fn a_signature_in_the_query_is_for_a_stream_or_for_a_file() {
    let guarded = Guarded::start(true, false);
    let stream = key().sign_stream("clip", within(60)).query();
    let file = key().sign_file("clip", "video.m3u8", within(60)).query();
    assert_eq!(guarded.get(&format!("{PLAYLIST}?{stream}")).status, 200);
    let answer = guarded.get(&format!("{PLAYLIST}?v=1&{file}"));
    assert_eq!(answer.status, 200);
    let segment = format!("/live/clip/{}", Playlist::parse(answer.text()).segments[0]);
    assert_eq!(guarded.get(&format!("{segment}?{stream}")).status, 200);
    assert_denied(&guarded.get(&format!("{segment}?{file}")), "signed wrongly");
}

#[test]
fn what_is_not_signed_or_wrongly_or_too_late_is_refused_and_counted() {
    let guarded = Guarded::start(true, false);
    let good = key().sign_stream("clip", within(60)).to_string();
    assert_denied(&guarded.get(PLAYLIST), "has to be signed");
    assert_denied(&guarded.get("/live/clip/nothing.ts"), "has to be signed");
    assert_denied(&guarded.get("/live/no-stream/video.m3u8"), "has to be signed");
    let mut turned = good.clone().into_bytes();
    let middle = turned.len() / 2;
    turned[middle] = if turned[middle] == b'A' { b'B' } else { b'A' };
    let turned = String::from_utf8(turned).expect("text");
    let strangers = SigningKey::new(SECRET.as_bytes()).sign_stream("clip", within(60)).to_string();
    let other = key().sign_stream("other", within(60)).to_string();
    let later = good.replacen(['1', '2'], "3", 1);
    let longer = format!("{good}A");
    let forged = [&turned, &strangers, &other, &later, &longer, "~", "~.", "~1.", "~x.y"];
    for part in forged {
        assert_denied(&guarded.get(&format!("/live/clip/{part}/video.m3u8")), "signed wrongly");
    }
    assert_eq!(guarded.denied("forged"), forged.len() as f64);
    let past = SystemTime::now() - Duration::from_secs(1);
    let expired = key().sign_stream("clip", past);
    let answer = guarded.get(&format!("/live/clip/{expired}/video.m3u8"));
    assert_denied(&answer, "has expired");
    assert_denied(&guarded.get(&format!("{PLAYLIST}?{}", expired.query())), "has expired");
    assert_eq!((guarded.denied("expired"), guarded.denied("unsigned")), (2.0, 2.0));
    let strays = r#"origin_denied_total{stream="",reason="unsigned"}"#;
    assert_eq!(guarded.running.count(strays), 1.0);
}

#[test]
fn a_preflight_needs_no_signature_since_no_page_can_sign_it() {
    let guarded = Guarded::start(true, false);
    assert_eq!(request(guarded.running.address, "OPTIONS", PLAYLIST, &[]).status, 204);
}

#[test]
fn only_requests_with_the_secret_of_the_cdn_are_answered() {
    let guarded = Guarded::start(false, true);
    let at = guarded.running.address;
    let with = |method: &str, path: &str, secret: &str| {
        request(at, method, path, &[("X-From-CDN", secret)])
    };
    assert_eq!(with("GET", PLAYLIST, SECRET).status, 200);
    assert_eq!(with("OPTIONS", PLAYLIST, SECRET).status, 204);
    assert_eq!(with("GET", "/streams.json", SECRET).status, 200);
    for (method, path) in [("GET", PLAYLIST), ("OPTIONS", PLAYLIST), ("GET", "/streams.json")] {
        for secret in ["", "x", &SECRET[1..], &format!("{SECRET}x"), &SECRET.to_uppercase()] {
            assert_eq!(with(method, path, secret).status, 403, "{method} {path} {secret}");
        }
        assert_denied(&request(at, method, path, &[]), "for the CDN");
    }
    assert_eq!(with("HEAD", PLAYLIST, "x").status, 403);
}

#[test]
fn a_secret_is_changed_without_a_restart() {
    let guarded = Guarded::start(false, true);
    let file = guarded.folder.path().join("secret");
    fs::write(&file, format!("{KEY} \r\n")).expect("a file");
    let status = |secret| {
        request(guarded.running.address, "GET", PLAYLIST, &[("X-From-CDN", secret)]).status
    };
    eventually(Duration::from_secs(20), "the new secret", || (status(KEY) == 200).then_some(()));
    assert_eq!(status(SECRET), 403);
    // One that makes no sense leaves the last good one in force.
    fs::write(&file, "short").expect("a file");
    std::thread::sleep(origin::limits::FILES_WATCH * 2);
    assert_eq!(status(KEY), 200);
}

#[test]
fn both_keys_are_good_while_one_replaces_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let files: Vec<Value> = [KEY, SECRET]
        .iter()
        .enumerate()
        .map(|(index, secret)| {
            let path = folder.path().join(index.to_string());
            fs::write(&path, secret).expect("a file");
            json!(path)
        })
        .collect();
    let section = json!({"streams": [{"name": "clip", "loop": {}}],
        "access": {"signingKeyFiles": files}});
    let running = Running::start(&section.to_string());
    for secret in [KEY, SECRET] {
        let signature = SigningKey::new(secret.as_bytes()).sign_stream("clip", within(60));
        let answer = get(running.address, &format!("/live/clip/{signature}/video.m3u8"));
        assert_eq!(answer.status, 200);
    }
}
