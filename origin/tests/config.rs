//! A config that cannot work is refused with its key, its value and the bound; one that can is
//! taken as it is.

#![allow(clippy::expect_used, reason = "tests")]

use origin::config::TestcardConfig;
use origin::{ConfigError, OriginConfig, ValidOrigin};

fn check(section: &str) -> Result<ValidOrigin, ConfigError> {
    let written: OriginConfig = serde_json::from_str(section).expect("well-formed JSON");
    written.validate()
}

#[test]
fn a_value_out_of_bounds_is_refused_with_key_value_and_bound() {
    let stream = |keys: &str| format!(r#"{{"streams":[{{{keys}}}]}}"#);
    let card = |keys: &str| stream(&format!(r#""testcard":{{{keys}}}"#));
    let quality = |keys: &str| card(&format!(r#""qualities":[{{{keys}}}]"#));
    let ingest = |keys: &str| stream(&format!(r#""ingest":{{{keys}}}"#));
    let url_bound = "but must be rtmp://, rtmps://, srt://, rtsp://, rtsps://, udp://, rtp://, \
                     http:// or https:// with a host, or a file's absolute path";
    let long = "x".repeat(65);
    let many = format!(r#"{{"streams":[{}]}}"#, vec!["{}"; 17].join(","));
    let name_bound = "but must be 1 to 64 of a-z, 0-9, - and _, and begin with a letter or digit";
    let cases = [
        (card(r#""fps":0"#), "origin.streams[0].testcard.fps is 0, but must be 1 to 120"),
        (card(r#""fps":121"#), "origin.streams[0].testcard.fps is 121, but must be 1 to 120"),
        (
            quality(r#""height":62"#),
            "origin.streams[0].testcard.qualities[0].height is 62, but must be 64 to 2160",
        ),
        (
            quality(r#""height":99"#),
            "origin.streams[0].testcard.qualities[0].height is 99, \
             but must be even, as 4:2:0 video wants it",
        ),
        (
            card(r#""qualities":[{},{"height":720,"videoKbps":800}]"#),
            "origin.streams[0].testcard.qualities[1].height is 720, \
             but must be a height that no other quality has",
        ),
        (
            card(r#""qualities":[]"#),
            "origin.streams[0].testcard.qualities is a list of 0, \
             but must be a list of 1 to 6 qualities",
        ),
        (
            quality(r#""videoKbps":-1"#),
            "origin.streams[0].testcard.qualities[0].videoKbps is -1, but must be 50 to 50000",
        ),
        (
            card(r#""segmentSeconds":11"#),
            "origin.streams[0].testcard.segmentSeconds is 11, but must be 1 to 10",
        ),
        (
            stream(r#""playlistSegments":2"#),
            "origin.streams[0].playlistSegments is 2, but must be 3 to 60",
        ),
        (
            stream(
                r#""testcard":{"qualities":[{"videoKbps":50000}],"segmentSeconds":10},
                   "playlistSegments":60"#,
            ),
            "origin.streams[0].testcard.qualities[0] is a playlist of 3750000000 bytes, \
             but must be at most 268435456 (videoKbps x segmentSeconds x playlistSegments)",
        ),
        (ingest(""), &format!(r#"origin.streams[0].ingest.url is "", {url_bound}"#)),
        (
            ingest(r#""url":"concat:user:word@a|b""#),
            &format!(r#"origin.streams[0].ingest.url is "***", {url_bound}"#),
        ),
        (
            ingest(r#""url":"ftp://user:word@host/a""#),
            &format!(r#"origin.streams[0].ingest.url is "ftp://host/***", {url_bound}"#),
        ),
        (
            ingest(r#""url":"http://host/a","listen":true"#),
            "origin.streams[0].ingest.listen is true, but must be false, but for rtmp://, rtsp:// and srt://",
        ),
        (
            ingest(r#""url":"rtsp://host/a","listen":true"#),
            r#"origin.streams[0].ingest.url is "rtsp://host/***", but must be an IP address of this machine and a port, to listen there"#,
        ),
        (
            ingest(r#""url":"rtmp://example.org/live/key","listen":true"#),
            r#"origin.streams[0].ingest.url is "rtmp://example.org/***", but must be an IP address of this machine and a port, to listen there"#,
        ),
        (
            ingest(r#""url":"rtmp://0.0.0.0:1935/live","listen":true"#),
            r#"origin.streams[0].ingest.url is "rtmp://0.0.0.0:1935/***", but must be rtmp://ADDRESS:PORT/APP/KEY, whose key an encoder has to know"#,
        ),
        (
            ingest(r#""url":"/a.mp4","video":"raw""#),
            r#"origin.streams[0].ingest.video is "raw", but must be "auto", "copy" or "transcode""#,
        ),
        (
            ingest(r#""url":"/a.mp4","probeSeconds":0"#),
            "origin.streams[0].ingest.probeSeconds is 0, but must be 1 to 30",
        ),
        (
            ingest(r#""url":"rtsp://host/a","rtspTransport":"tls""#),
            r#"origin.streams[0].ingest.rtspTransport is "tls", but must be "tcp" or "udp""#,
        ),
        (
            stream(r#""start":"later""#),
            r#"origin.streams[0].start is "later", but must be "always" or "onDemand""#,
        ),
        (
            stream(r#""name":"../up""#),
            &format!(r#"origin.streams[0].name is "../up", {name_bound}"#),
        ),
        (
            stream(&format!(r#""name":"{long}""#)),
            &format!(r#"origin.streams[0].name is "{long}", {name_bound}"#),
        ),
        (stream(r#""name":"-a""#), &format!(r#"origin.streams[0].name is "-a", {name_bound}"#)),
        (
            r#"{"streams":[{},{}]}"#.to_owned(),
            r#"origin.streams[1].name is "testcard", but must be a name that no other stream has"#,
        ),
        (
            r#"{"streams":[]}"#.to_owned(),
            "origin.streams is a list of 0, but must be a list of 1 to 16 streams",
        ),
        (many, "origin.streams is a list of 17, but must be a list of 1 to 16 streams"),
        (
            r#"{"listen":{"port":65536}}"#.to_owned(),
            "origin.listen.port is 65536, but must be 0 to 65535",
        ),
        (
            r#"{"listen":{"host":"example.org"}}"#.to_owned(),
            "origin.listen.host is \"example.org\", \
             but must be an IP address such as 0.0.0.0 or ::1",
        ),
        (
            stream(r#""upstream":{"url":"rtmp://a/b"}"#),
            "origin.streams[0].upstream.url is a text that is not shown, \
             but must be the http or https URL of an HLS playlist or a DASH manifest",
        ),
        (
            r#"{"listen":{"port":8080},
                "streams":[{"upstream":{"url":"http://localhost:8080/live/testcard/index.m3u8"}}]}"#
                .to_owned(),
            "origin.streams[0].upstream.url is this origin's own, but must be another origin's",
        ),
        (
            r#"{"metrics":{"port":-1}}"#.to_owned(),
            "origin.metrics.port is -1, but must be 0 to 65535",
        ),
        (
            r#"{"access":{"signingKeyFiles":["a","b","c"]}}"#.to_owned(),
            "origin.access.signingKeyFiles is a list of 3, but must be a list of 1 to 2 files",
        ),
        (
            r#"{"access":{"cdnSecret":{}}}"#.to_owned(),
            "origin.access.cdnSecret.files is a list of 0, but must be a list of 1 to 2 files",
        ),
        (
            r#"{"access":{"cdnSecret":{"header":"a b","files":["x"]}}}"#.to_owned(),
            "origin.access.cdnSecret.header is \"a b\", \
             but must be a header's name, such as \"X-Origin-Secret\"",
        ),
        (
            r#"{"access":{"signingKeyFiles":["/nowhere"]}}"#.to_owned(),
            "origin.access.signingKeyFiles[0] is '/nowhere', \
             but must be a file that can be read (No such file or directory (os error 2))",
        ),
        (
            r#"{"listen":{"tls":{"certFile":"/nowhere","keyFile":"/nowhere"}}}"#.to_owned(),
            "origin.listen.tls.certFile is '/nowhere', \
             but must be a file that can be read (No such file or directory (os error 2))",
        ),
        (
            r#"{"integrity":{"keyFile":"/nowhere"}}"#.to_owned(),
            "origin.integrity.keyFile is '/nowhere', \
             but must be a file that can be read (No such file or directory (os error 2))",
        ),
        (
            r#"{"integrity":{"keyFile":"Cargo.toml"}}"#.to_owned(),
            "origin.integrity.keyFile: Cargo.toml is something else, but must be an Ed25519 key in \
             PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` makes one",
        ),
        (r#"{"folder":""}"#.to_owned(), r#"origin.folder is "", but must be a path, or left out"#),
    ];
    for (section, refusal) in cases {
        let error = check(&section).expect_err(&section);
        assert_eq!(error.to_string(), refusal, "for {section}");
    }
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    for section in [
        r#"{"stream":[]}"#,
        r#"{"streams":[{"testcard":{"kbps":1}}]}"#,
        r#"{"streams":[{"kbps":1}]}"#,
        r#"{"listen":{"address":"0.0.0.0"}}"#,
    ] {
        let error = serde_json::from_str::<OriginConfig>(section).expect_err(section).to_string();
        let key = section.split('"').filter(|part| part.starts_with(char::is_alphabetic));
        let unknown = |key: &str| error.contains(&format!("unknown field `{key}`"));
        assert!(key.into_iter().any(unknown), "{error}");
    }
}

#[test]
fn an_empty_section_is_the_test_card_on_port_8080() {
    let config = check("{}").expect("the defaults are valid");
    assert_eq!(config.listen().to_string(), "0.0.0.0:8080");
    let written = OriginConfig::default();
    assert_eq!(written.streams.len(), 1);
    let stream = &written.streams[0];
    assert_eq!((stream.name.as_str(), stream.start.as_str()), ("testcard", "always"));
    assert_eq!((stream.idle_seconds, stream.playlist_segments), (60, 12));
    let card = TestcardConfig::default();
    assert_eq!((card.fps, card.segment_seconds), (30, 2));
    let qualities = card.qualities.iter().map(|quality| (quality.height, quality.video_kbps));
    assert_eq!(qualities.collect::<Vec<_>>(), [(720, 2500)]);
}

#[test]
fn a_stream_has_one_source() {
    let error = check(r#"{"streams":[{"loop":{},"testcard":{}}]}"#).expect_err("two sources");
    let refusal = "origin.streams[0] is testcard and loop, but must be one source";
    assert_eq!(error.to_string(), refusal);
    for (wrong, why) in [
        (r#"{"camera":{}}"#, "unknown field `camera`"),
        (r#"{"loop":{"speed":2}}"#, "unknown field `speed`"),
    ] {
        let section = format!(r#"{{"streams":[{wrong}]}}"#);
        let error = serde_json::from_str::<OriginConfig>(&section).expect_err(&section);
        assert!(error.to_string().contains(why), "{error} for {section}");
    }
}

#[test]
fn a_fallback_names_streams_that_are_there_and_are_no_fallbacks() {
    let chain = |names: &str| {
        format!(
            r#"{{"streams":[{{"name":"a","loop":{{}}}},
            {{"name":"b","fallback":{{"streams":["a"]}}}},
            {{"name":"c","fallback":{{"streams":[{names}]}}}}]}}"#
        )
    };
    check(&chain(r#""a""#)).expect("a chain");
    for (names, refusal) in [
        ("", "fallback.streams is a list of 0, but must be a list of 1 to 8 streams"),
        (r#""d""#, r#"streams[0] is "d", but must be the name of a stream that is no fallback"#),
        (
            r#""a","b""#,
            r#"streams[1] is "b", but must be the name of a stream that is no fallback"#,
        ),
        (r#""c""#, r#"streams[0] is "c", but must be the name of a stream that is no fallback"#),
        (r#""a","a""#, r#"streams[1] is "a", but must be a stream that is not in the list yet"#),
    ] {
        let error = check(&chain(names)).expect_err(names).to_string();
        assert!(error.starts_with("origin.streams[2].fallback.streams"), "{error}");
        assert!(error.ends_with(refusal), "{error}");
    }
}

#[test]
fn a_secret_that_is_none_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    for secret in ["", "short-one", &"long".repeat(100), "with blanks between, and 32 letters"] {
        std::fs::write(&file, secret).expect("a file");
        let error = check(&format!(r#"{{"access":{{"signingKeyFiles":[{file:?}]}}}}"#));
        let error = error.expect_err("refused").to_string();
        let bound = "but must be a line of 32 to 256 letters, digits and signs";
        assert!(error.contains(bound), "{error}");
        assert!(secret.is_empty() || !error.contains(secret), "{error}");
    }
}

#[test]
fn what_is_pushed_needs_a_token_that_nobody_guesses_or_reads() {
    let push = |keys: &str| format!(r#"{{"streams":[{{"name":"tv",{keys}}}]}}"#);
    let token = r#""token":"correct-horse-battery""#;
    check(&push(&format!(r#""push":{{{token}}}"#))).expect("a push");
    for (keys, refusal) in [
        (
            r#""push":{}"#.to_owned(),
            "push.token is a text of 0 bytes, but must be 16 to 256 of letters, digits, -, ., _ and ~",
        ),
        (
            r#""push":{"token":"swordfish"}"#.to_owned(),
            "push.token is a text of 9 bytes, but must be 16 to 256 of letters, digits, -, ., _ and ~",
        ),
        (
            r#""push":{"token":"swordfish swordfish"}"#.to_owned(),
            "push.token is a text of 19 bytes, but must be 16 to 256 of letters, digits, -, ., _ and ~",
        ),
        (
            format!(r#""push":{{{token},"heldBytes":1000}}"#),
            "push.heldBytes is 1000, but must be 1048576 to 4294967296",
        ),
        (
            format!(r#""push":{{{token},"playlist":"../index.m3u8"}}"#),
            "push.playlist is \"../index.m3u8\", \
             but must be a relative path of plain names that ends in .m3u8",
        ),
        (
            format!(r#""push":{{{token},"folder":""}}"#),
            "push.folder is \"\", but must be a path, or left out",
        ),
        (
            format!(r#""push":{{{token}}},"start":"onDemand""#),
            "start is \"onDemand\", but must be \"always\" for push, \
             since no encoder waits until it is asked",
        ),
        (r#""dir":{}"#.to_owned(), "dir.folder is \"\", but must be a path"),
        (
            r#""dir":{"folder":"/srv","playlist":"index.mpd"}"#.to_owned(),
            "dir.playlist is \"index.mpd\", \
             but must be a relative path of plain names that ends in .m3u8",
        ),
    ] {
        let error = check(&push(&keys)).expect_err(&keys).to_string();
        assert_eq!(error, format!("origin.streams[0].{refusal}"));
    }
    let config = check(&push(&format!(r#""push":{{{token}}}"#))).expect("a push");
    assert!(!format!("{config:?}").contains("horse"), "{config:?}");
}
