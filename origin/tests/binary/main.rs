//! `origin` as people run it: what it prints, how it ends, what it refuses, and what it does on a
//! machine whose ffmpeg is missing or broken.

#![allow(clippy::expect_used, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod configuration;
mod processes;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use support::running::{Running, command};
use support::upstream::{Reply, Upstream};
use support::{Playlist, eventually, get, require_ffmpeg, send_signal};

const PATIENCE: Duration = Duration::from_secs(30);

/// A config of small test cards with these names, on a port that the system chooses.
fn config(names: &[&str]) -> String {
    let stream = |name: &&str| {
        format!(
            r#"{{ "name": "{name}", "testcard": {{ "fps": 10, "segmentSeconds": 1,
            "qualities": [{{ "height": 90, "videoKbps": 100 }}] }} }}"#
        )
    };
    let streams: Vec<_> = names.iter().map(stream).collect();
    format!(
        r#"{{ "origin": {{ "listen": {{ "host": "127.0.0.1", "port": 0 }},
            "streams": [{}] }} }}"#,
        streams.join(",")
    )
}

/// A live playlist of three segments from this number on.
fn three_segments(first: u64) -> Reply {
    let clip = |number: u64| format!("#EXTINF:1,\n{number}.ts\n");
    let entries: String = (first..first + 3).map(clip).collect();
    let head = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    Reply::File((head + &entries).into_bytes())
}

/// What a folder holds.
fn names_in(folder: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    fs::read_dir(folder).expect("a folder").flatten().map(name).collect()
}

#[test]
fn an_upstream_over_tls_is_believed_by_its_certificate_and_its_failures_are_told_once() {
    let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a key");
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.expect("a provider").with_no_client_auth();
    let tls = tls.with_single_cert(vec![issued.cert.der().clone()], key).expect("a certificate");
    let upstream = Upstream::over_tls(tls);
    for number in 1..=6 {
        let clip = include_bytes!("../../clip/clip/0.ts").to_vec();
        upstream.set(&format!("/s3cret/{number}.ts"), Reply::File(clip));
    }
    upstream.set("/s3cret/index.m3u8?key=s3cret", three_segments(1));
    let url = upstream.url("/s3cret/index.m3u8?key=s3cret").replace("http://", "https://");
    let stream =
        |name: &str| format!(r#"{{ "name": "{name}", "upstream": {{ "url": "{url}" }} }}"#);
    let config = format!(
        r#"{{ "origin": {{ "listen": {{ "host": "127.0.0.1", "port": 0 }}, "streams": [{}] }} }}"#,
        stream("tv")
    );

    let stranger = Running::start(&config, 1, None);
    eventually(PATIENCE, "a refusal of the certificate", || {
        get(stranger.address, "/streams.json").text().contains("certificate").then_some(())
    });
    let (_, _, log) = stranger.end(Signal::TERM);
    assert!(!log.contains("s3cret"), "{log}");
    assert_eq!(upstream.counts().len(), 0, "nothing was asked");

    let (mut command, folder) = command(&config, None);
    let trusted = folder.path().join("trusted.pem");
    fs::write(&trusted, issued.cert.pem()).expect("a file");
    command.env("SSL_CERT_FILE", trusted);
    let running = Running::from(command, folder, 1);
    let newest = |number: u64| {
        eventually(PATIENCE, &format!("segment {number}"), || {
            (Playlist::get(running.address, "tv").newest() == number).then_some(())
        });
    };
    newest(3);
    let path = "/s3cret/index.m3u8?key=s3cret";
    upstream.set(path, Reply::Says(503, String::new(), Vec::new()));
    let asked = upstream.count(path);
    eventually(PATIENCE, "three failures", || (upstream.count(path) > asked + 3).then_some(()));
    upstream.set("/s3cret/5.ts", Reply::Says(404, String::new(), Vec::new()));
    upstream.set(path, three_segments(4));
    newest(6);
    let (_, _, log) = running.end(Signal::TERM);
    assert_eq!(log.matches("the answer is 503").count(), 1, "{log}");
    assert_eq!(log.matches("segment 5 of main is left out").count(), 1, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn it_prints_a_line_per_stream_and_serves_what_it_prints() {
    require_ffmpeg();
    let running = Running::start(&config(&["print-a", "print-b"]), 2, None);
    let address = running.address;
    assert_ne!(address.port(), 0);
    for (line, name) in running.lines.iter().zip(["print-a", "print-b"]) {
        assert_eq!(*line, format!("stream   http://{address}/live/{name}/index.m3u8"));
        Playlist::get(address, name);
    }
    running.end(Signal::TERM);
}

#[test]
fn sign_prints_an_address_that_the_origin_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    fs::write(&key, "a-secret-of-thirty-two-characters").expect("a file");
    let config = format!(
        r#"{{ "origin": {{ "listen": {{ "host": "127.0.0.1", "port": 0 }},
            "access": {{ "signingKeyFiles": [{key:?}] }},
            "streams": [{{ "name": "clip", "loop": {{}} }}] }} }}"#
    );
    let running = Running::start(&config, 1, None);
    let sign = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_origin"));
        command.arg("sign").args(args).arg("--key").arg(&key);
        command.output().expect("the binary")
    };
    for args in [
        &["/live/clip/", "--for", "1h"][..],
        &["/live/clip/", "--for", "1h", "--query"],
        &["/live/clip/index.m3u8", "--for", "10s"],
    ] {
        let output = sign(args);
        let address = String::from_utf8(output.stdout).expect("text");
        assert!(address.starts_with("/live/clip/") && address.contains("index.m3u8"), "{address}");
        let answer = eventually(PATIENCE, "the stream", || {
            let answer = get(running.address, address.trim_end());
            (answer.status != 503).then_some(answer)
        });
        assert_eq!(answer.status, 200, "{address}: {}", answer.text());
    }
    assert_eq!(get(running.address, "/live/clip/index.m3u8").status, 403);
    for wrong in [&["/clip/", "--for", "1h"][..], &["/live/clip", "--for", "1h"], &["/live/clip/"]]
    {
        assert_eq!(sign(wrong).status.code(), Some(2), "{wrong:?}");
    }
    running.end(Signal::TERM);
}

#[cfg(unix)]
#[test]
fn a_hangup_does_not_end_it() {
    let config = r#"{ "origin": { "listen": { "host": "127.0.0.1", "port": 0 },
        "streams": [{ "name": "clip", "loop": {} }] } }"#;
    let running = Running::start(config, 1, None);
    send_signal(running.pid(), Signal::HUP);
    Playlist::get(running.address, "clip");
    let (status, ..) = running.end(Signal::TERM);
    assert_eq!(status.code(), Some(0));
}
