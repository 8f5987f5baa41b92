//! Who may send, where to, and what: all else is refused, with words that name the reason.

use super::{BEARER, assert_refused, put, send_from, served};
use crate::support::send;

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
