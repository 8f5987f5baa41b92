//! What of an encoder's uploads is played, and as what.

use std::io::Write;

use super::{BEARER, PATIENCE, begin, chunk, put, put_playlist, put_segment, served};
use crate::support::{Playlist, SEGMENTS, eventually, read_response, send};

#[test]
fn what_an_encoder_puts_is_played_as_it_is_by_its_playlist() {
    let served = served("");
    put_segment(served.address, 0);
    put_segment(served.address, 1);
    put_segment(served.address, 2);
    put_playlist(served.address, 0..2);
    let playlist = served.has_segments("tv", 2);
    assert!(playlist.text.contains("#EXTINF:2.000000,\n"), "{}", playlist.text);
    assert!(playlist.sequence > 1_000_000_000, "an encoder's 0 is no name for ever");
    assert_eq!(served.segment("tv", &playlist, 0), SEGMENTS[0]);
    assert_eq!(served.segment("tv", &playlist, 1), SEGMENTS[1]);
    assert!(!playlist.text.contains("s0.ts"), "nothing is passed through: {}", playlist.text);
    put_playlist(served.address, 0..3);
    assert_eq!(served.segment("tv", &served.has_segments("tv", 3), 2), SEGMENTS[2]);
    served.stop();
}

#[test]
fn post_is_an_alias_and_numbers_of_a_clock_are_kept() {
    let served = served("");
    let (length, first) = (SEGMENTS[0].len().to_string(), 1_795_636_938);
    let path = format!("/push/tv/s{first}.ts");
    let posted =
        send(served.address, "POST", &path, &[BEARER, ("Content-Length", &length)], SEGMENTS[0]);
    assert_eq!(posted.status, 201);
    put_playlist(served.address, first..first + 1);
    assert_eq!(served.has_segments("tv", 1).sequence, first as u64);
    served.stop();
}

#[test]
fn a_segment_may_come_in_chunks_and_after_the_playlist_that_names_it() {
    let served = served("");
    put_segment(served.address, 0);
    put_segment(served.address, 2);
    put_playlist(served.address, 0..3);
    served.has_segments("tv", 1);
    let mut late = begin(served.address, "/push/tv/s1.ts", "Transfer-Encoding: chunked");
    for part in SEGMENTS[1].chunks(10_000) {
        chunk(&mut late, part);
    }
    assert_eq!(Playlist::get(served.address, "tv").segments.len(), 1, "it is not whole yet");
    late.write_all(b"0\r\n\r\n").expect("the last chunk");
    assert_eq!(read_response(late).status, 201);
    let playlist = served.has_segments("tv", 3);
    assert_eq!(playlist.discontinuities, 0, "{}", playlist.text);
    assert_eq!(served.segment("tv", &playlist, 1), SEGMENTS[1]);
    served.stop();
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let served = served(r#", "heldBytes": 1048576"#);
    let large = vec![0x47; 900_000];
    put_segment(served.address, 0);
    put_playlist(served.address, 0..2);
    for headers in ["Content-Length: 900000", "Transfer-Encoding: chunked"] {
        let mut socket = begin(served.address, "/push/tv/s1.ts", headers);
        match headers.contains("chunked") {
            true => chunk(&mut socket, &large[..899_999]),
            false => socket.write_all(&large[..899_999]).expect("most of it"),
        }
        drop(socket);
        // The room that it took is there again.
        eventually(PATIENCE, "room", || {
            let status = put(served.address, "/push/tv/other.ts", &large).status;
            let deleted = send(served.address, "DELETE", "/push/tv/other.ts", &[BEARER], b"");
            assert_eq!(deleted.status, 204);
            (status == 201).then_some(())
        });
    }
    assert_eq!(served.has_segments("tv", 1).segments.len(), 1);
    put_segment(served.address, 1);
    assert_eq!(served.has_segments("tv", 2).discontinuities, 0);
    served.stop();
}

#[test]
fn a_segment_that_is_not_whole_is_never_served_and_the_stream_goes_on() {
    let served = served("");
    put_segment(served.address, 0);
    let half = &SEGMENTS[1][..SEGMENTS[1].len() / 2 + 1];
    assert_eq!(put(served.address, "/push/tv/s1.ts", half).status, 201);
    put_segment(served.address, 2);
    put_playlist(served.address, 0..3);
    served.has_segments("tv", 1);
    let playlist = served.has_segments("tv", 2);
    assert_eq!(playlist.discontinuities, 1, "{}", playlist.text);
    assert_eq!(served.segment("tv", &playlist, 1), SEGMENTS[2]);
    served.stop();
}

#[test]
fn an_encoder_that_starts_again_at_0_is_a_discontinuity_and_numbers_go_on() {
    let served = served("");
    (0..3).for_each(|number| put_segment(served.address, number));
    put_playlist(served.address, 0..2);
    let before = served.has_segments("tv", 2);
    // Number 2 has come, and no playlist has named it before the encoder died.
    let put_other = |number: usize| {
        let path = format!("/push/tv/s{number}.ts");
        assert_eq!(put(served.address, &path, SEGMENTS[3]).status, 201);
        put_playlist(served.address, 0..number + 1);
    };
    put_other(0);
    let after = served.has_segments("tv", 3);
    assert_eq!((after.sequence, after.discontinuities), (before.sequence, 1), "{}", after.text);
    put_other(1);
    served.has_segments("tv", 4);
    put_playlist(served.address, 0..3);
    put_other(2);
    let later = served.has_segments("tv", 5);
    assert_eq!(served.segment("tv", &later, 4), SEGMENTS[3], "not what the first start has left");
    assert_eq!((later.sequence, later.discontinuities), (before.sequence, 1), "{}", later.text);
    served.stop();
}

#[test]
fn what_was_played_stays_when_the_encoder_deletes_it() {
    let served = served("");
    put_segment(served.address, 0);
    put_playlist(served.address, 0..1);
    let playlist = served.has_segments("tv", 1);
    for _ in 0..2 {
        let deleted = send(served.address, "DELETE", "/push/tv/s0.ts", &[BEARER], b"");
        assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    }
    assert_eq!(served.segment("tv", &playlist, 0), SEGMENTS[0]);
    served.stop();
}

#[test]
fn with_a_folder_what_comes_is_held_there_without_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = folder.path().join("held");
    let served = served(&format!(r#", "folder": "{}""#, held.display()));
    (0..2).for_each(|number| put_segment(served.address, number));
    assert_eq!(std::fs::read_dir(&held).expect("the folder").count(), 0);
    put_playlist(served.address, 0..2);
    let playlist = served.has_segments("tv", 2);
    assert_eq!(served.segment("tv", &playlist, 0), SEGMENTS[0]);
    assert_eq!(served.segment("tv", &playlist, 1), SEGMENTS[1]);
    served.stop();
}
