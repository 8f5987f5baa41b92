//! A stream on demand: its encoder runs when somebody asks, and not for long after.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::time::Duration;

use support::{Playlist, Served, eventually, ffmpeg_of, get, require_ffmpeg};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_stream_on_demand_runs_while_somebody_asks_and_begins_anew_after() {
    require_ffmpeg();
    let served = Served::start(
        r#"{ "streams": [ { "name": "asked", "start": "onDemand", "idleSeconds": 10,
            "playlistSegments": 4, "testcard": { "fps": 10, "segmentSeconds": 1,
            "qualities": [{ "height": 90, "videoKbps": 100 }] } } ] }"#,
    );
    assert!(ffmpeg_of("asked").is_empty());
    assert!(get(served.address, "/streams.json").text().contains(r#""state":"idle""#));

    let first = Playlist::get(served.address, "asked");
    assert_eq!(ffmpeg_of("asked").len(), 1);
    assert!(get(served.address, "/streams.json").text().contains(r#""state":"live""#));

    eventually(PATIENCE, "its end", || ffmpeg_of("asked").is_empty().then_some(()));
    let gone = get(served.address, &format!("/live/asked/{}", first.segments[0]));
    assert_eq!(gone.status, 404, "what it had would be old");

    let again = Playlist::get(served.address, "asked");
    assert!(again.sequence > first.newest(), "{} then {}", first.text, again.text);
    assert!(again.discontinuity_sequence > first.discontinuity_sequence);
    served.stop();
    assert!(ffmpeg_of("asked").is_empty());
}
