//! An operator's own film, over and over, without any ffmpeg.

#![allow(clippy::expect_used, reason = "a test ends at what it did not expect")]

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use support::{Playlist, Served, eventually, get};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clip/clip");

fn served(folder: &Path) -> Served {
    Served::start(&format!(
        r#"{{ "streams": [{{ "name": "film", "playlistSegments": 6,
                             "loop": {{ "folder": {folder:?} }} }}] }}"#
    ))
}

#[test]
fn a_folder_of_segments_is_played_with_a_discontinuity_at_the_wrap() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut index = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    for part in 0..4 {
        let name = format!("{part}.ts");
        fs::copy(Path::new(CLIP).join(&name), folder.path().join(&name)).expect("a file");
        index.push_str(&format!("#EXTINF:2.0,\n{name}\n"));
    }
    fs::write(folder.path().join("index.m3u8"), index + "#EXT-X-ENDLIST\n").expect("a playlist");
    let served = served(folder.path());
    let playlist = eventually(Duration::from_secs(4), "a whole playlist", || {
        let playlist = Playlist::get(served.address, "film");
        (playlist.segments.len() == 6).then_some(playlist)
    });
    assert!((1..=2).contains(&playlist.discontinuities), "{playlist:?}");
    for (index, name) in playlist.segments.iter().enumerate() {
        let part = (playlist.sequence + index as u64) % 4;
        let bytes = get(served.address, &format!("/live/film/{name}")).body;
        let expected = fs::read(Path::new(CLIP).join(format!("{part}.ts"))).expect("a file");
        assert_eq!(bytes, expected, "{name}");
    }
    served.stop();
}

#[test]
fn a_folder_that_is_filled_later_plays_then() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = served(folder.path());
    assert_eq!(get(served.address, "/live/film/index.m3u8").status, 503);
    fs::copy(Path::new(CLIP).join("0.ts"), folder.path().join("0.ts")).expect("a file");
    let index = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n0.ts\n";
    fs::write(folder.path().join("index.m3u8"), index).expect("a playlist");
    assert!(Playlist::get(served.address, "film").segments.len() <= 6);
    served.stop();
}
