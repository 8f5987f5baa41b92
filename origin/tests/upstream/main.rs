//! Another origin's stream, pulled over real sockets from an upstream that misbehaves in every way
//! that was thought of: what was taken stays, what is not whole is never served, and what fails is
//! told once.

#![allow(clippy::expect_used, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod followed;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use support::upstream::{Reply, Upstream};
use support::{Playlist, Served, eventually};

const CLIP: &[u8] = include_bytes!("../../clip/clip/0.ts");

const PATIENCE: Duration = Duration::from_secs(30);

/// An origin with one stream for each upstream playlist, named like it.
fn pulling(upstream: &Upstream, names: &[&str]) -> Served {
    let stream = |name: &&str| {
        let url = upstream.url(&format!("/{name}/index.m3u8"));
        format!(
            r#"{{ "name": "{name}", "playlistSegments": 6, "upstream": {{ "url": "{url}" }} }}"#
        )
    };
    let streams: Vec<_> = names.iter().map(stream).collect();
    Served::start(&format!(r#"{{ "streams": [{}] }}"#, streams.join(",")))
}

/// A media playlist of 1 s segments with these numbers.
fn playlist(numbers: RangeInclusive<u64>) -> String {
    let entries: String =
        numbers.clone().map(|number| format!("#EXTINF:1,\n{number}.ts\n")).collect();
    let first = numbers.start();
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n{entries}")
}

/// Puts the playlist there, and each segment that is not there yet.
fn publish(upstream: &Upstream, name: &str, numbers: RangeInclusive<u64>) {
    for number in numbers.clone() {
        upstream.set_if_missing(&format!("/{name}/{number}.ts"), Reply::File(CLIP.to_vec()));
    }
    let text = playlist(numbers).into_bytes();
    upstream.set(&format!("/{name}/index.m3u8"), Reply::File(text));
}

fn newest(from: SocketAddr, name: &str) -> u64 {
    Playlist::get(from, name).newest()
}

fn wait_for(from: SocketAddr, name: &str, number: u64) -> Playlist {
    eventually(PATIENCE, &format!("segment {number} of {name}"), || {
        let playlist = Playlist::get(from, name);
        (playlist.newest() >= number).then_some(playlist)
    })
}

fn failure(served: &Served, name: &str, words: &str) -> serde_json::Value {
    eventually(PATIENCE, &format!("{words:?} of {name}"), || {
        let status = served.status(name);
        let said = status["lastFailure"].as_str().is_some_and(|said| said.contains(words));
        said.then_some(status)
    })
}
