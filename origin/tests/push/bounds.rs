//! How much an encoder may send, at a time and at all, and how many encoders there may be.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::{
    BEARER, PATIENCE, assert_refused, begin, playlist, put, put_playlist, put_segment, send_from,
    served,
};
use crate::support::{SEGMENTS, eventually, read_response, send};

#[test]
fn what_is_too_large_is_refused_before_it_has_come() {
    let served = served("");
    let announced = begin(served.address, "/push/tv/s.ts", "Content-Length: 67108865");
    assert_refused(&read_response(announced), 413, "more than 67108864 bytes");
    let mut playlist = begin(served.address, "/push/tv/index.m3u8", "Transfer-Encoding: chunked");
    let line = [b'#'; 100_000];
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && playlist.write_all(b"186a0\r\n").is_ok() {
        if playlist.write_all(&line).is_err() || playlist.write_all(b"\r\n").is_err() {
            break;
        }
    }
    assert_refused(&read_response(playlist), 413, "more than 2097152 bytes");
    assert_refused(&put(served.address, "/push/tv/s.ts", b""), 400, "empty");
    served.stop();
}

#[test]
fn what_no_playlist_names_is_held_within_its_bounds() {
    let served = served(r#", "heldBytes": 1048576"#);
    let half = vec![0x47; 600_000];
    assert_eq!(put(served.address, "/push/tv/a.ts", &half).status, 201);
    let full = "1048576 bytes (heldBytes) or 512 files are held";
    assert_refused(&put(served.address, "/push/tv/b.ts", &half), 507, full);
    assert_eq!(put(served.address, "/push/tv/b.ts", &half[..400_000]).status, 201);
    let deleted = send(served.address, "DELETE", "/push/tv/a.ts", &[BEARER], b"");
    assert_eq!(deleted.status, 204);
    eventually(PATIENCE, "room", || {
        (put(served.address, "/push/tv/c.ts", &half).status == 201).then_some(())
    });
    for path in ["b.ts", "c.ts"] {
        send(served.address, "DELETE", &format!("/push/tv/{path}"), &[BEARER], b"");
    }
    let mut taken = 0;
    let refusal = loop {
        let response = put(served.address, &format!("/push/tv/{taken}.ts"), b"x");
        if response.status != 201 {
            break response;
        }
        taken += 1;
    };
    assert_refused(&refusal, 507, full);
    assert!((500..=512).contains(&taken), "{taken} files");
    served.stop();
}

/// Whether there is something to read.
fn is_answered(upload: &TcpStream) -> bool {
    upload.set_nonblocking(true).expect("a socket");
    let is_answered = upload.peek(&mut [0]).is_ok();
    upload.set_nonblocking(false).expect("a socket");
    is_answered
}

#[test]
fn uploads_at_a_time_are_bounded() {
    let served = served("");
    // One more than may come, in whichever order they are seen.
    let mut open: Vec<_> = (0..33)
        .map(|upload| begin(served.address, &format!("/push/tv/{upload}.ts"), "Content-Length: 5"))
        .collect();
    let refused = eventually(PATIENCE, "a refusal", || open.iter().position(is_answered));
    let busy = read_response(open.remove(refused));
    assert_refused(&busy, 503, "32 uploads of this stream are coming already");
    assert_eq!(busy.header("retry-after"), "1");
    let mut first = open.remove(0);
    first.write_all(b"video").expect("the body");
    assert_eq!(read_response(first).status, 201);
    eventually(PATIENCE, "one more", || {
        (put(served.address, "/push/tv/more.ts", b"video").status == 201).then_some(())
    });
    served.stop();
}

#[test]
fn another_encoder_has_to_wait_until_the_first_is_silent() {
    let served = served("");
    (0..2).for_each(|number| put_segment(served.address, number));
    put_playlist(served.address, 0..2);
    let before = served.has_segments("tv", 2);
    let other = |path: &str, body: &[u8]| {
        let length = body.len().to_string();
        let headers = [BEARER, ("Content-Length", length.as_str())];
        send_from("127.0.0.2", served.address, path, &headers, body)
    };
    let refusal = other("/push/tv/s2.ts", SEGMENTS[2]);
    assert_refused(&refusal, 409, "another encoder sends this stream");
    let wait: u64 = refusal.header("retry-after").parse().expect("seconds");
    assert!((1..=15).contains(&wait), "{wait}");
    let taken_over = Instant::now();
    eventually(PATIENCE, "its turn", || {
        thread::sleep(Duration::from_millis(200));
        (other("/push/tv/s5.ts", SEGMENTS[2]).status == 201).then_some(())
    });
    assert!(taken_over.elapsed() > Duration::from_secs(10), "{:?}", taken_over.elapsed());
    assert_eq!(other("/push/tv/index.m3u8", playlist(5..6).as_bytes()).status, 201);
    let after = served.has_segments("tv", 3);
    assert_eq!((after.sequence, after.discontinuities), (before.sequence, 1), "{}", after.text);
    let late = put(served.address, "/push/tv/s2.ts", SEGMENTS[2]);
    assert_refused(&late, 409, "another encoder sends this stream");
    served.stop();
}

#[test]
fn an_upload_that_stalls_or_creeps_is_ended_and_disturbs_nobody() {
    let served = served("");
    let began = Instant::now();
    let stalled = begin(served.address, "/push/tv/s1.ts", "Content-Length: 100000");
    let mut creeping = begin(served.address, "/push/tv/s2.ts", "Content-Length: 100000");
    let creeps = thread::spawn(move || {
        creeping.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
        let mut answer = Vec::new();
        // A byte a second, until there is an answer.
        while answer.is_empty() && began.elapsed() < Duration::from_secs(90) {
            let _ = creeping.write_all(b"G");
            let mut buffer = [0; 1024];
            let read = creeping.read(&mut buffer).unwrap_or(0);
            answer.extend_from_slice(&buffer[..read]);
        }
        (String::from_utf8(answer).expect("text"), began.elapsed())
    });
    (0..2).for_each(|number| put_segment(served.address, number));
    put_playlist(served.address, 0..2);
    served.has_segments("tv", 2);
    assert_refused(&read_response(stalled), 408, "it came too slowly");
    assert!((15..25).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let (answer, took) = creeps.join().expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!((60..75).contains(&took.as_secs()), "{took:?}");
    served.stop();
}
