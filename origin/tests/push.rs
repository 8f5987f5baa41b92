//! What encoders send, as bytes on real sockets: what is taken, what is played of it, and what is
//! refused, with which words.

#![allow(clippy::expect_used)]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use support::{Playlist, Response, Served, eventually, get, read_response, send};

const TOKEN: &str = "correct-horse-battery";
const BEARER: (&str, &str) = ("Authorization", "Bearer correct-horse-battery");

/// 2 s of MPEG-TS each.
const SEGMENTS: [&[u8]; 4] = [
    include_bytes!("../clip/clip/0.ts"),
    include_bytes!("../clip/clip/1.ts"),
    include_bytes!("../clip/clip/2.ts"),
    include_bytes!("../clip/clip/3.ts"),
];

const PATIENCE: Duration = Duration::from_secs(30);

fn served(keys: &str) -> Served {
    Served::start(&format!(
        r#"{{ "streams": [{{ "name": "tv", "playlistSegments": 6,
            "push": {{ "token": "{TOKEN}" {keys} }} }},
            {{ "name": "clip", "loop": {{}} }}] }}"#
    ))
}

fn put(to: SocketAddr, path: &str, body: &[u8]) -> Response {
    let length = body.len().to_string();
    send(to, "PUT", path, &[BEARER, ("Content-Length", &length)], body)
}

fn put_segment(to: SocketAddr, number: usize) {
    let segment = SEGMENTS[number % SEGMENTS.len()];
    assert_eq!(put(to, &format!("/push/tv/s{number}.ts"), segment).status, 201);
}

fn playlist(numbers: std::ops::Range<usize>) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{}\n",
        numbers.start
    );
    numbers.for_each(|number| text.push_str(&format!("#EXTINF:2.000,\ns{number}.ts\n")));
    text
}

fn put_playlist(to: SocketAddr, numbers: std::ops::Range<usize>) {
    let text = playlist(numbers);
    assert_eq!(put(to, "/push/tv/index.m3u8", text.as_bytes()).status, 201);
}

/// Waits until the playlist has so many segments.
fn has_segments(served: &Served, count: usize) -> Playlist {
    eventually(PATIENCE, &format!("{count} segments"), || {
        let playlist = Playlist::get(served.address, "tv");
        (playlist.segments.len() == count).then_some(playlist)
    })
}

fn segment(served: &Served, playlist: &Playlist, index: usize) -> Vec<u8> {
    let segment = get(served.address, &format!("/live/tv/{}", playlist.segments[index]));
    assert_eq!(segment.status, 200);
    segment.body
}

/// The head of an upload, on a connection that stays open.
fn begin(to: SocketAddr, path: &str, headers: &str) -> TcpStream {
    let mut socket = TcpStream::connect(to).expect("a connection");
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\n{headers}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).expect("a request");
    socket
}

fn chunk(socket: &mut TcpStream, bytes: &[u8]) {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    socket.write_all(&chunk).expect("a chunk");
}

fn assert_refused(response: &Response, status: u16, text: &str) {
    let told = response.text();
    assert_eq!(response.status, status, "{told}");
    assert!(told.contains(text), "{told}");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("access-control-allow-origin"), "", "no page may send");
    assert!(!told.contains(TOKEN), "{told}");
}

#[test]
fn what_an_encoder_puts_is_played_as_it_is_by_its_playlist() {
    let served = served("");
    put_segment(served.address, 0);
    put_segment(served.address, 1);
    put_segment(served.address, 2);
    put_playlist(served.address, 0..2);
    let playlist = has_segments(&served, 2);
    assert!(playlist.text.contains("#EXTINF:2.000000,\n"), "{}", playlist.text);
    assert!(playlist.sequence > 1_000_000_000, "an encoder's 0 is no name for ever");
    assert_eq!(segment(&served, &playlist, 0), SEGMENTS[0]);
    assert_eq!(segment(&served, &playlist, 1), SEGMENTS[1]);
    assert!(!playlist.text.contains("s0.ts"), "nothing is passed through: {}", playlist.text);
    put_playlist(served.address, 0..3);
    assert_eq!(segment(&served, &has_segments(&served, 3), 2), SEGMENTS[2]);
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
    assert_eq!(has_segments(&served, 1).sequence, first as u64);
    served.stop();
}

#[test]
fn a_segment_may_come_in_chunks_and_after_the_playlist_that_names_it() {
    let served = served("");
    put_segment(served.address, 0);
    put_segment(served.address, 2);
    put_playlist(served.address, 0..3);
    has_segments(&served, 1);
    let mut late = begin(served.address, "/push/tv/s1.ts", "Transfer-Encoding: chunked");
    for part in SEGMENTS[1].chunks(10_000) {
        chunk(&mut late, part);
    }
    assert_eq!(Playlist::get(served.address, "tv").segments.len(), 1, "it is not whole yet");
    late.write_all(b"0\r\n\r\n").expect("the last chunk");
    assert_eq!(read_response(late).status, 201);
    let playlist = has_segments(&served, 3);
    assert_eq!(playlist.discontinuities, 0, "{}", playlist.text);
    assert_eq!(segment(&served, &playlist, 1), SEGMENTS[1]);
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
    assert_eq!(has_segments(&served, 1).segments.len(), 1);
    put_segment(served.address, 1);
    assert_eq!(has_segments(&served, 2).discontinuities, 0);
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
    has_segments(&served, 1);
    let playlist = has_segments(&served, 2);
    assert_eq!(playlist.discontinuities, 1, "{}", playlist.text);
    assert_eq!(segment(&served, &playlist, 1), SEGMENTS[2]);
    served.stop();
}

#[test]
fn an_encoder_that_starts_again_at_0_is_a_discontinuity_and_numbers_go_on() {
    let served = served("");
    (0..3).for_each(|number| put_segment(served.address, number));
    put_playlist(served.address, 0..2);
    let before = has_segments(&served, 2);
    // Number 2 has come, and no playlist has named it before the encoder died.
    let put_other = |number: usize| {
        let path = format!("/push/tv/s{number}.ts");
        assert_eq!(put(served.address, &path, SEGMENTS[3]).status, 201);
        put_playlist(served.address, 0..number + 1);
    };
    put_other(0);
    let after = has_segments(&served, 3);
    assert_eq!((after.sequence, after.discontinuities), (before.sequence, 1), "{}", after.text);
    put_other(1);
    has_segments(&served, 4);
    put_playlist(served.address, 0..3);
    put_other(2);
    let later = has_segments(&served, 5);
    assert_eq!(segment(&served, &later, 4), SEGMENTS[3], "not what the first start has left");
    assert_eq!((later.sequence, later.discontinuities), (before.sequence, 1), "{}", later.text);
    served.stop();
}

#[test]
fn what_was_played_stays_when_the_encoder_deletes_it() {
    let served = served("");
    put_segment(served.address, 0);
    put_playlist(served.address, 0..1);
    let playlist = has_segments(&served, 1);
    for _ in 0..2 {
        let deleted = send(served.address, "DELETE", "/push/tv/s0.ts", &[BEARER], b"");
        assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    }
    assert_eq!(segment(&served, &playlist, 0), SEGMENTS[0]);
    served.stop();
}

#[test]
fn the_token_is_shown_in_any_of_three_ways() {
    let served = served("");
    // printf 'encoder:correct-horse-battery' | base64
    let basic = "Basic ZW5jb2Rlcjpjb3JyZWN0LWhvcnNlLWJhdHRlcnk=";
    for (query, header) in [
        ("", Some(BEARER.1)),
        ("", Some("bearer  correct-horse-battery")),
        ("", Some(basic)),
        ("?x=1&token=correct-horse-battery", None),
    ] {
        let path = format!("/push/tv/a.ts{query}");
        let mut headers = vec![("Content-Length", "5")];
        headers.extend(header.map(|header| ("Authorization", header)));
        assert_eq!(send(served.address, "PUT", &path, &headers, b"video").status, 201);
    }
    served.stop();
}

#[test]
fn a_wrong_token_is_refused_and_after_ten_of_them_nothing_is_looked_at_for_a_while() {
    let served = served("");
    let try_with = |method: &str, query: &str, header: Option<&str>| {
        let path = format!("/push/tv/a.ts{query}");
        let header = header.map(|header| ("Authorization", header));
        let headers: Vec<_> = header.into_iter().chain([("Content-Length", "5")]).collect();
        send(served.address, method, &path, &headers, b"video")
    };
    let not_shown =
        [None, Some("Bearer"), Some("Digest a=b"), Some("Basic ZW5jb2Rlcg=="), Some("Basic ?")];
    for header in not_shown.into_iter().cycle().take(15) {
        let refusal = try_with("PUT", "", header);
        assert_refused(&refusal, 401, "show the stream's token");
        assert!(refusal.header("www-authenticate").starts_with("B"), "{refusal:?}");
    }
    // The last one is printf correct-horse-battery: | base64
    let wrong = [
        "Bearer correct-horse-batter",
        "Bearer correct-horse-batterz",
        "Basic Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5Og==",
    ];
    for header in wrong.into_iter().cycle().take(9) {
        assert_refused(&try_with("PUT", "", Some(header)), 401, "show the stream's token");
    }
    assert_refused(&try_with("DELETE", "?token=wrong", None), 401, "show the stream's token");
    let refusal = try_with("PUT", "", Some(wrong[0]));
    assert_refused(&refusal, 429, "too many wrong tokens");
    let admitted = try_with("PUT", "", Some(BEARER.1));
    assert_eq!(admitted.status, 201, "{}", admitted.text());
    let wait: u64 = refusal.header("retry-after").parse().expect("seconds");
    assert!((1..=7).contains(&wait), "{wait}");
    // Another address knows nothing of it.
    let body = [("Content-Length", "5"), ("Authorization", wrong[0])];
    let other = send_from("127.0.0.2", served.address, "/push/tv/a.ts", &body, b"video");
    assert_refused(&other, 401, "show the stream's token");
    served.stop();
}

#[test]
fn a_path_that_could_lead_elsewhere_is_refused() {
    let served = served("");
    for path in [
        "../clip/index.m3u8",
        "a/../../clip/index.m3u8",
        "%2e%2e/clip/index.m3u8",
        "..%2fclip",
        ".env",
        "a/.git/config",
        "/etc/passwd",
        "a//b.ts",
        "a\\b.ts",
        "C:/b.ts",
        "a%00.ts",
        "",
        "a/",
    ] {
        let refusal = put(served.address, &format!("/push/tv/{path}"), b"video");
        assert_refused(&refusal, 400, "is in a path, but its parts must be");
    }
    let deep = put(served.address, &format!("/push/tv/{}b.ts", "a/".repeat(8)), b"video");
    assert_refused(&deep, 400, "a path has 9 parts, but may have 8");
    let long = put(served.address, &format!("/push/tv/{}", "a".repeat(256)), b"video");
    assert_refused(&long, 400, "a path has 256 bytes, but may have 255");
    served.stop();
}

#[test]
fn a_playlist_that_cannot_be_followed_is_refused_with_its_reason() {
    let served = served("");
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";
    for (lines, why) in [
        ("#EXTINF:2,\n../../../etc/passwd\n", "leads out of the stream's folder"),
        ("#EXTINF:2,\nhttp://elsewhere.example/s.ts\n", "leads out of the stream's folder"),
        ("#EXTINF:2,\n.env\n", "not begin with a dot"),
        ("#EXT-X-BYTERANGE:5@0\n#EXTINF:2,\ns.ts\n", "a part of a file"),
        ("#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\ns.ts\n", "encrypted"),
        ("#EXTINF:61,\ns.ts\n", "segment 0 is named with 61s"),
        ("#EXTINF:x,\ns.ts\n", "line 3"),
    ] {
        let text = format!("{head}{lines}");
        let refusal = put(served.address, "/push/tv/v/index.m3u8", text.as_bytes());
        assert_refused(&refusal, 400, why);
        assert!(refusal.text().starts_with("v/index.m3u8: "), "{}", refusal.text());
    }
    let refusal = put(served.address, "/push/tv/index.m3u8", b"<html></html>");
    assert_refused(&refusal, 400, "it is no playlist");
    served.stop();
}

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

#[test]
fn uploads_at_a_time_are_bounded() {
    let served = served("");
    let mut open: Vec<_> = (0..32)
        .map(|upload| begin(served.address, &format!("/push/tv/{upload}.ts"), "Content-Length: 5"))
        .collect();
    let busy = eventually(PATIENCE, "a refusal", || {
        let response = put(served.address, "/push/tv/more.ts", b"video");
        (response.status != 201).then_some(response)
    });
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
fn only_what_is_pushed_can_be_sent_to_and_only_sent_to() {
    let served = served("");
    for path in ["/push/clip/index.m3u8", "/push/other/index.m3u8", "/push/tv", "/push/"] {
        assert_refused(&put(served.address, path, b"x"), 404, "No such stream is pushed here");
    }
    for method in ["GET", "HEAD", "OPTIONS", "PATCH"] {
        let refusal = send(served.address, method, "/push/tv/index.m3u8", &[BEARER], b"");
        assert_eq!((refusal.status, refusal.header("allow")), (405, "PUT, POST, DELETE"));
    }
    served.stop();
}

/// A request from another of this machine's addresses.
fn send_from(
    from: &str,
    to: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let address: SocketAddr = format!("{from}:0").parse().expect(from);
    bind(&stream, &address).expect("an address of this machine");
    connect(&stream, &to).expect("a connection");
    let mut stream = TcpStream::from(stream);
    let mut head = format!("PUT {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("a request");
    stream.write_all(body).expect("a body");
    read_response(stream)
}

#[test]
fn another_encoder_has_to_wait_until_the_first_is_silent() {
    let served = served("");
    (0..2).for_each(|number| put_segment(served.address, number));
    put_playlist(served.address, 0..2);
    let before = has_segments(&served, 2);
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
    let after = has_segments(&served, 3);
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
    has_segments(&served, 2);
    assert_refused(&read_response(stalled), 408, "it came too slowly");
    assert!((15..25).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let (answer, took) = creeps.join().expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!((60..75).contains(&took.as_secs()), "{took:?}");
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
    let playlist = has_segments(&served, 2);
    assert_eq!(segment(&served, &playlist, 0), SEGMENTS[0]);
    assert_eq!(segment(&served, &playlist, 1), SEGMENTS[1]);
    served.stop();
}
