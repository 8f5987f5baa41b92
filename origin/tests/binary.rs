//! `origin` as people run it: what it prints, how it ends, what it refuses, and what it does on a
//! machine whose ffmpeg is missing or broken.

#![allow(clippy::expect_used)]

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use origin::limits::FIRST_PLAYLIST_WAIT;
use rustix::process::{Pid, Signal, getpgid};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use support::running::{Running, command};
use support::upstream::{Reply, Upstream};
use support::{
    Playlist, eventually, ffmpeg_of, get, processes_with, require_ffmpeg, send, send_signal,
};

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
        let clip = include_bytes!("../clip/clip/0.ts").to_vec();
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

/// Runs it to its end, which must come by itself.
fn refused(config: &str) -> Output {
    let (mut command, _folder) = command(config, None);
    command.output().expect("the binary")
}

/// What a folder holds.
fn names_in(folder: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    fs::read_dir(folder).expect("a folder").flatten().map(name).collect()
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
fn a_signal_ends_it_with_its_ffmpeg_and_its_folder() {
    require_ffmpeg();
    for (signal, name) in [(Signal::INT, "signal-int"), (Signal::TERM, "signal-term")] {
        let running = Running::start(&config(&[name]), 1, None);
        Playlist::get(running.address, name);
        assert_eq!(ffmpeg_of(name).len(), 1);
        let folder = running.folder.clone();
        assert_eq!(names_in(folder.path()).len(), 2, "the config and the segments' folder");
        let (status, took, log) = running.end(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(took < Duration::from_secs(3), "{took:?}: {log}");
        assert!(ffmpeg_of(name).is_empty());
        assert_eq!(names_in(folder.path()), ["config.json"]);
    }
}

/// A terminal signals its whole foreground group; ffmpeg must hear of it through the origin alone,
/// or it would be restarted in between.
#[test]
fn ffmpeg_is_in_a_process_group_of_its_own() {
    require_ffmpeg();
    let running = Running::start(&config(&["group"]), 1, None);
    let pid = eventually(PATIENCE, "an ffmpeg", || ffmpeg_of("group").first().copied());
    eventually(PATIENCE, "its own group", || {
        let group = getpgid(Pid::from_raw(pid)).expect("a process");
        (group.as_raw_nonzero().get() == pid).then_some(())
    });
    running.end(Signal::TERM);
}

#[cfg(target_os = "linux")]
#[test]
fn ffmpeg_does_not_outlive_an_origin_that_is_killed() {
    require_ffmpeg();
    let running = Running::start(&config(&["orphan"]), 1, None);
    Playlist::get(running.address, "orphan");
    assert_eq!(ffmpeg_of("orphan").len(), 1);
    let (status, ..) = running.end(Signal::KILL);
    assert_eq!(status.code(), None);
    eventually(PATIENCE, "the end of ffmpeg", || ffmpeg_of("orphan").is_empty().then_some(()));
}

#[test]
fn without_ffmpeg_the_same_address_plays_the_clip_and_the_log_says_how_to_get_it() {
    let empty = tempfile::tempdir().expect("a folder");
    let path = empty.path().to_str().expect("a path");
    let running = Running::start(&config(&["testcard"]), 1, Some(path));
    let playlist = eventually(PATIENCE, "a whole playlist", || {
        let playlist = Playlist::get(running.address, "testcard");
        (playlist.segments.len() == 12).then_some(playlist)
    });
    let newest = playlist.segments.last().expect("a segment");
    assert_eq!(get(running.address, &format!("/live/testcard/{newest}")).status, 200);
    let (status, _, log) = running.end(Signal::TERM);
    assert_eq!(status.code(), Some(0), "{log}");
    let hints: Vec<_> = log.lines().filter(|line| line.contains("apt install ffmpeg")).collect();
    assert_eq!(hints.len(), 1, "{log}");
    assert!(hints[0].contains("brew install ffmpeg"), "{log}");
}

/// An ffmpeg that passes the trial and then hangs, with much to say.
#[test]
fn an_ffmpeg_that_hangs_gets_503_for_viewers_and_is_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "#!/bin/sh\n\
        case \"$*\" in *null*) exit 0 ;; esac\n\
        i=0; while [ $i -lt 1000 ]; do echo \"noise $i\" >&2; i=$((i + 1)); done\n\
        exec sleep 1000.25\n";
    let fake = folder.path().join("ffmpeg");
    fs::write(&fake, script).expect("a file");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("a script");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let running = Running::start(&config(&["hung"]), 1, Some(&path));

    let began = Instant::now();
    let answer = get(running.address, "/live/hung/index.m3u8");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("cache-control"), "public, max-age=1");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(began.elapsed() >= FIRST_PLAYLIST_WAIT, "it is held for a while first");

    let first = processes_with("sleep 1000.25");
    assert_eq!(first.len(), 1);
    eventually(PATIENCE, "another ffmpeg", || {
        let now = processes_with("sleep 1000.25");
        (now.len() == 1 && now != first).then_some(())
    });
    let (status, took, log) = running.end(Signal::TERM);
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(3), "{took:?}: {log}");
    assert!(processes_with("sleep 1000.25").is_empty());
    let why =
        "no new segment for 15s; its last words: noise 996 | noise 997 | noise 998 | noise 999";
    assert!(log.contains(why), "{log}");
    let lines = log.lines().filter(|line| line.contains("ffmpeg: noise")).count();
    assert!((1..50).contains(&lines), "{lines} of 2000 lines are logged: {log}");
}

#[test]
fn a_config_that_cannot_work_is_one_clear_line_and_exit_code_2() {
    for (config, clear) in [
        (
            r#"{"origin":{"streams":[{"testcard":{"fps":0}}]}}"#,
            "origin.streams[0].testcard.fps is 0, but must be 1 to 120",
        ),
        (
            r#"{"origin":{"streams":[{"testcard":{"fps":"x"}}]}}"#,
            "origin.streams[0].testcard.fps: invalid type: string",
        ),
        (r#"{"origin":{"strems":[]}}"#, "origin.strems: unknown field `strems`"),
        (r#"{"origin":{}} x"#, "trailing characters at line 1"),
        (r#"{"origin":"#, "EOF while parsing"),
        ("[]", "invalid type: sequence, expected an object"),
    ] {
        let output = refused(config);
        let log = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{config}: {log}");
        assert!(log.contains(clear), "{config}: {log}");
        assert!(log.contains("config.json"), "{config}: {log}");
        assert_eq!(log.lines().count(), 1, "{config}: {log}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_secret_may_come_from_the_environment_and_no_error_shows_it() {
    let config = r#"{ "origin": { "listen": { "host": "127.0.0.1", "port": 0 },
        "streams": [{ "name": "tv", "push": {} }] } }"#;
    let with = |token: &str| {
        let (mut command, folder) = command(config, None);
        command.env("TRACKER_ORIGIN__STREAMS__0__PUSH__TOKEN", token);
        (command, folder)
    };
    let token = "1234567890123456";
    let (command, folder) = with(token);
    let running = Running::from(command, folder, 1);
    let put = |token: &str| {
        let shown = format!("Bearer {token}");
        let headers = [("Authorization", shown.as_str()), ("Content-Length", "1")];
        send(running.address, "PUT", "/push/tv/1.ts", &headers, b"x").status
    };
    assert_eq!((put(token), put("6543210987654321")), (201, 401));
    assert_eq!(running.end(Signal::TERM).0.code(), Some(0));

    let (mut command, _folder) = with("s3cr3t");
    let output = command.output().expect("the binary");
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{log}");
    assert!(log.contains("origin.streams[0].push.token") && !log.contains("s3cr3t"), "{log}");
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_its_reason_once() {
    let config = r#"{ "origin": { "folder": "/dev/null/x", "streams": [{ "loop": {} }] } }"#;
    let output = refused(config);
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("cannot make the folder /dev/null/x for segments"), "{log}");
    assert_eq!(log.matches("os error").count(), 1, "{log}");
}

#[test]
fn a_port_that_is_taken_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let port = address.port();
    let output = refused(&format!(
        r#"{{ "origin": {{ "listen": {{ "host": "127.0.0.1", "port": {port} }},
            "streams": [{{ "loop": {{}} }}] }} }}"#
    ));
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains(&format!("cannot listen on {address}: Address already in use")), "{log}");
}

#[test]
fn the_trackers_sections_are_left_to_the_tracker_by_name() {
    let config = config(&["shared"]).replacen('{', r#"{ "servers": [], "tracker": {}, "#, 1);
    let running = Running::start(&config, 1, Some("/nonexistent"));
    let (status, _, log) = running.end(Signal::TERM);
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("not the origin's, and not read: servers, tracker"), "{log}");
}

#[test]
fn check_config_says_what_each_stream_will_do_and_starts_nothing() {
    let config = r#"{ "origin": { "listen": { "host": "127.0.0.1", "port": 1 },
        "metrics": { "port": 9109 },
        "streams": [{ "name": "clip", "loop": {} },
                    { "name": "card", "start": "onDemand", "testcard": {} }] } }"#;
    for (path, ffmpeg) in
        [(None, "by ffmpeg, which is here"), (Some("/nonexistent"), "IS NOT HERE")]
    {
        if path.is_none() {
            require_ffmpeg();
        }
        let (mut command, folder) = command(config, path);
        let output = command.arg("--check-config").output().expect("the binary");
        let said = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.status.code(), Some(0), "{said}");
        for part in [
            "stream   /live/clip/: loop, always, 12 segments",
            "stream   /live/card/: testcard, ",
            ffmpeg,
            "on demand, 60 s longer",
            "listens  127.0.0.1:1\n",
            "metrics  127.0.0.1:9109\n",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert_eq!(names_in(folder.path()), ["config.json"]);
    }
    let (mut command, _folder) = command(r#"{"origin":{"strems":[]}}"#, None);
    let output = command.arg("--check-config").output().expect("the binary");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn a_file_whose_name_says_so_is_toml_as_it_is_to_the_tracker() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let check = |config: &str| {
        fs::write(&file, config).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_origin"));
        command.arg("--check-config").arg(&file).env_remove("RUST_LOG");
        let output = command.output().expect("the binary");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, plan, log) = check(
        "drainSeconds = 5\n[[servers]]\nserver = { port = 80 }\n[[origin.streams]]\n\
         name = \"clip\"\nloop = {}\n",
    );
    assert_eq!(code, Some(0), "{log}");
    assert!(plan.contains("stream   /live/clip/: loop, always, 12 segments"), "{plan}");
    assert!(log.contains("not read: drainSeconds, servers"), "{log}");
    let (code, _, log) = check("[origin]\nstreams = [\n");
    assert_eq!((code, log.lines().count()), (Some(2), 1), "{log}");
    assert!(log.contains("config.toml: ") && log.contains(" at line 2 column "), "{log}");
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
