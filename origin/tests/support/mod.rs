//! What the tests share: an origin behind a real socket, a client that sends exactly what it is
//! told (a library would tidy up the paths), and the machine's list of processes.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test ends at what it did not expect")]
#![allow(unreachable_pub, reason = "every test is a crate of its own")]

pub mod encoder;
pub mod running;
pub mod server;
pub mod upstream;

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use origin::{Origin, OriginConfig};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// 2 s of MPEG-TS each.
pub const SEGMENTS: [&[u8]; 4] = [
    include_bytes!("../../clip/clip/0.ts"),
    include_bytes!("../../clip/clip/1.ts"),
    include_bytes!("../../clip/clip/2.ts"),
    include_bytes!("../../clip/clip/3.ts"),
];

/// An origin whose routes are served on a port of its own.
pub struct Served {
    pub origin: Origin,
    pub address: SocketAddr,
    server: ServerHandle,
    thread: thread::JoinHandle<()>,
}

impl Served {
    /// `section` is the `origin` section of a config file.
    pub fn start(section: &str) -> Served {
        let config: OriginConfig = serde_json::from_str(section).expect("a config");
        let origin = Origin::start(config.validate().expect("a valid config")).expect("an origin");
        let routes = origin.routes();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || App::new().configure(routes.clone());
                let server = HttpServer::new(app).workers(2).disable_signals().shutdown_timeout(1);
                let server = server.bind("127.0.0.1:0").expect("a port");
                let address = server.addrs()[0];
                let server = server.run();
                tell.send((address, server.handle())).expect("a test that waits");
                server.await.expect("a server that ends well");
            });
        });
        let (address, server) = told.recv().expect("a server");
        Served { origin, address, server, thread }
    }

    /// Waits until the stream's playlist has so many segments.
    pub fn has_segments(&self, stream: &str, count: usize) -> Playlist {
        eventually(Duration::from_secs(60), &format!("{count} segments"), || {
            let playlist = Playlist::get(self.address, stream);
            (playlist.segments.len() == count).then_some(playlist)
        })
    }

    /// What is in a segment of the playlist.
    pub fn segment(&self, stream: &str, playlist: &Playlist, index: usize) -> Vec<u8> {
        let segment = get(self.address, &format!("/live/{stream}/{}", playlist.segments[index]));
        assert_eq!(segment.status, 200);
        segment.body
    }

    /// What `/streams.json` says of a stream.
    pub fn status(&self, stream: &str) -> Value {
        let streams = get(self.address, "/streams.json").text();
        let streams: Vec<Value> = serde_json::from_str(&streams).expect("JSON");
        streams.into_iter().find(|status| status["name"] == stream).expect(stream)
    }

    /// Why the stream's source has failed last, if it has.
    pub fn failure(&self, stream: &str) -> Option<String> {
        self.status(stream)["lastFailure"].as_str().map(str::to_owned)
    }

    /// Stops the origin, then the server, and returns how long the origin took.
    pub fn stop(self) -> Duration {
        let began = Instant::now();
        self.origin.stop();
        let took = began.elapsed();
        actix_web::rt::System::new().block_on(self.server.stop(true));
        self.thread.join().expect("a server that ends well");
        took
    }
}

/// What came back.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value; empty when it isn't there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }
}

/// One request on a connection of its own, with the path as it stands.
pub fn request(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    send(to, method, path, headers, b"")
}

/// The same with a body, whose length is in no header but those given.
pub fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let mut socket = TcpStream::connect(to).expect("a connection");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    socket.write_all((head + "\r\n").as_bytes()).expect("a request");
    // Who is refused may find the connection closed before all is said.
    let _ = socket.write_all(body);
    read_response(socket)
}

/// What comes on a connection until it is closed.
pub fn read_response(mut socket: TcpStream) -> Response {
    let mut bytes = Vec::new();
    // Who was refused before all was said may find the connection broken after the answer.
    let _ = socket.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head of text");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let headers = lines.filter_map(|line| line.split_once(": "));
    Response {
        status: status.parse().expect("a status"),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: bytes[end + 4..].to_vec(),
    }
}

pub fn get(to: SocketAddr, path: &str) -> Response {
    request(to, "GET", path, &[])
}

/// What a playlist says.
#[derive(Debug, Clone, PartialEq)]
pub struct Playlist {
    pub sequence: u64,
    pub discontinuity_sequence: u64,
    pub discontinuities: usize,
    pub segments: Vec<String>,
    pub text: String,
}

impl Playlist {
    pub fn parse(text: String) -> Playlist {
        let number = |tag: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(tag));
            value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{tag} in {text}"))
        };
        let segments = text.lines().filter(|line| !line.starts_with('#'));
        Playlist {
            sequence: number("#EXT-X-MEDIA-SEQUENCE:"),
            discontinuity_sequence: number("#EXT-X-DISCONTINUITY-SEQUENCE:"),
            discontinuities: text.matches("#EXT-X-DISCONTINUITY\n").count(),
            segments: segments.map(str::to_owned).collect(),
            text: text.clone(),
        }
    }

    /// The stream's playlist, or that of its first quality.
    pub fn get(from: SocketAddr, stream: &str) -> Playlist {
        let text = text(from, stream, INDEX);
        let mut lines = text.lines();
        match lines.find(|line| line.starts_with("#EXT-X-STREAM-INF:")) {
            None => Playlist::parse(text),
            Some(_) => Playlist::named(from, stream, lines.next().expect("its playlist")),
        }
    }

    /// The playlist of a track, by its file name.
    pub fn named(from: SocketAddr, stream: &str, file: &str) -> Playlist {
        Playlist::parse(text(from, stream, file))
    }

    /// Waits until the newest segment has this number.
    pub fn with(from: SocketAddr, stream: &str, sequence: u64) -> Playlist {
        eventually(Duration::from_secs(30), &format!("segment {sequence}"), || {
            let playlist = Playlist::get(from, stream);
            (playlist.newest() >= sequence).then_some(playlist)
        })
    }

    /// The header that a segment needs, if it does.
    pub fn header_of(&self, segment: &str) -> Option<&str> {
        let before = self.text.lines().take_while(|line| *line != segment);
        let map = before.filter_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\"")).last()?;
        Some(map.trim_end_matches('"'))
    }

    /// A segment as it can be decoded alone.
    pub fn whole(&self, from: SocketAddr, stream: &str, segment: &str) -> Vec<u8> {
        let file = |name: &str| {
            let response = get(from, &format!("/live/{stream}/{name}"));
            assert_eq!(response.status, 200, "{name} of {}", self.text);
            response.body
        };
        let header = self.header_of(segment).map(file).unwrap_or_default();
        [header, file(segment)].concat()
    }

    /// The number of its newest segment.
    pub fn newest(&self) -> u64 {
        self.sequence + self.segments.len() as u64 - 1
    }
}

/// The playlist by which players begin.
pub const INDEX: &str = "index.m3u8";

/// A playlist; on a busy machine an encoder may start more slowly than the origin holds a request,
/// and then it is asked again.
pub fn text(from: SocketAddr, stream: &str, file: &str) -> String {
    eventually(Duration::from_secs(30), "a playlist", || {
        let response = get(from, &format!("/live/{stream}/{file}"));
        assert!([200, 503].contains(&response.status), "{}", response.text());
        (response.status == 200).then(|| response.text())
    })
}

/// What ffprobe says about a segment, a line for each stream and packet.
pub fn ffprobe(segment: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("segment");
    fs::write(&file, segment).expect("a file");
    let entries = "stream=codec_name,width,height,pix_fmt,has_b_frames,profile,sample_rate,\
                   channels:packet=stream_index,flags,pts_time";
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", entries, "-of", "compact"])
        .arg(&file)
        .output()
        .expect("ffprobe");
    assert!(probe.status.success() && probe.stderr.is_empty(), "{probe:?}");
    String::from_utf8(probe.stdout).expect("text")
}

/// Asks again and again until there is an answer; `what` is said when there is none in time.
pub fn eventually<T>(within: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Ends the test when there is no ffmpeg: these tests are about the real one.
pub fn require_ffmpeg() {
    for program in ["ffmpeg", "ffprobe"] {
        let mut command = Command::new(program);
        command.arg("-version").stdout(Stdio::null()).stderr(Stdio::null());
        let found = command.status().is_ok_and(|status| status.success());
        assert!(found, "this test needs {program}: `make test` or `apt install ffmpeg` gets it");
    }
}

/// The processes whose command line contains `part`, zombies excepted.
pub fn processes_with(part: &str) -> Vec<i32> {
    if cfg!(not(target_os = "linux")) {
        let pgrep = Command::new("pgrep").args(["-f", part]).output().expect("pgrep");
        let pids = String::from_utf8(pgrep.stdout).expect("numbers");
        return pids.lines().map(|pid| pid.parse().expect("a number")).collect();
    }
    let mut pids = Vec::new();
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process that has just ended has no file, and a zombie has no command line.
        let command_line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command_line).replace('\0', " ").contains(part) {
            pids.push(pid);
        }
    }
    pids
}

/// The ffmpeg of a stream, whose name is in its command line.
pub fn ffmpeg_of(stream: &str) -> Vec<i32> {
    processes_with(&format!(" {stream}.mpd"))
}

pub fn send_signal(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process id");
    kill_process(pid, signal).expect("a process of ours");
}
