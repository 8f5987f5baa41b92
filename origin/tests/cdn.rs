//! A CDN's view: nginx with a cache, by the very file that the docs give to operators, and 2,000
//! players behind it. However many they are, the origin is asked once for each segment.

#![allow(clippy::expect_used, reason = "tests")]

mod support;

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use support::server::Running;
use support::{Playlist, eventually, get, send_signal};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

/// The file for operators.
const CONFIGURATION: &str = include_str!("../../docs/operating/nginx-cdn.conf");

const SECRET: &str = "a-secret-of-thirty-two-characters";

const PLAYERS: usize = 2_000;

/// How long they watch: five segments.
const EVENING: Duration = Duration::from_secs(10);

/// How often a player asks for the playlist: every half of a target duration.
const POLL: Duration = Duration::from_secs(1);

/// A running nginx. It ends when it is dropped.
struct Nginx {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Nginx {
    fn in_front_of(origin: SocketAddr) -> Nginx {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let secret = format!("proxy_set_header X-Origin-Secret \"{SECRET}\";\n");
        std::fs::write(at("secret.conf"), secret).expect("a file");
        let mut configuration = CONFIGURATION.to_owned();
        let mut replace = |from: &str, to: &str| {
            assert!(configuration.contains(from), "the file has no `{from}` any more");
            configuration = configuration.replace(from, to);
        };
        replace("listen 80;", &format!("listen {address};"));
        replace("        listen [::]:80;\n", "");
        replace("server 127.0.0.1:8080;", &format!("server {origin};"));
        replace("/var/cache/nginx/live", &at("cache"));
        replace("/etc/nginx/origin-secret.conf", &at("secret.conf"));
        replace("worker_rlimit_nofile 65536;", "");
        std::fs::write(at("nginx.conf"), configuration).expect("a file");
        let process = Command::new("nginx")
            .args(["-e", "stderr", "-g", "daemon off; pid nginx.pid;", "-c", &at("nginx.conf")])
            .arg("-p")
            .arg(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx, which `make test` installs");
        let nginx = Nginx { address, process, _folder: folder };
        eventually(Duration::from_secs(30), "nginx", || TcpStream::connect(address).ok());
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only when it is asked to end.
        let pid = self.process.id().try_into().expect("a process id");
        send_signal(pid, Signal::TERM);
        let _ = self.process.wait();
    }
}

/// What all players saw.
#[derive(Default)]
struct Seen {
    versions: HashSet<String>,
    /// The segments, each with the length of its only content.
    segments: HashMap<String, usize>,
    requests: usize,
}

/// A connection that is kept, as browsers keep theirs.
struct Client(BufReader<tokio::net::TcpStream>);

impl Client {
    async fn get(&mut self, path: &str) -> Vec<u8> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: cdn\r\nAccept-Encoding: gzip\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.expect("a request");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("a head"));
        }
        let head = String::from_utf8(head).expect("text").to_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{path}: {head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.expect("a length").parse().expect("a length")];
        self.0.read_exact(&mut body).await.expect("a body");
        if !head.contains("content-encoding: gzip") {
            return body;
        }
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut text).expect("gzip");
        text
    }
}

/// One player: the playlist twice for each segment, and each segment once.
async fn watch(cdn: SocketAddr, place: usize, until: Instant, seen: Arc<Mutex<Seen>>) {
    tokio::time::sleep(POLL * place as u32 / PLAYERS as u32).await;
    let socket = tokio::net::TcpStream::connect(cdn).await.expect("a connection");
    let mut client = Client(BufReader::new(socket));
    let mut newest = 0;
    while Instant::now() < until {
        let next = tokio::time::Instant::now() + POLL;
        let text = String::from_utf8(client.get("/live/clip/video.m3u8").await).expect("text");
        let playlist = Playlist::parse(text);
        // A cache may show an older playlist for a moment, which players pass over.
        let missing = playlist.newest().saturating_sub(newest).min(3) as usize;
        let missing = missing.min(playlist.segments.len());
        newest = newest.max(playlist.newest());
        for name in &playlist.segments[playlist.segments.len() - missing..] {
            let length = client.get(&format!("/live/clip/{name}")).await.len();
            let mut seen = seen.lock().expect("a lock");
            let known = *seen.segments.entry(name.clone()).or_insert(length);
            assert_eq!(known, length, "{name} is another one");
            seen.requests += 1;
        }
        {
            let mut seen = seen.lock().expect("a lock");
            seen.versions.insert(playlist.text);
            seen.requests += 1;
        }
        tokio::time::sleep_until(next).await;
    }
}

#[test]
fn two_thousand_players_cost_the_origin_what_one_does() {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, SECRET).expect("a file");
    let section = json!({"streams": [{"name": "clip", "loop": {}}], "metrics": {"port": 0},
        "access": {"cdnSecret": {"files": [file]}}});
    let origin = Running::start(&section.to_string());
    let nginx = Nginx::in_front_of(origin.address);
    assert_eq!(get(origin.address, "/live/clip/index.m3u8").status, 403, "past the CDN");
    let plain = get(nginx.address, "/live/clip/index.m3u8");
    assert!(plain.text().contains("#EXTM3U\n"), "inflated for those who can't");
    let before = asked(&origin, "playlist");

    let seen = Arc::new(Mutex::new(Seen::default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let until = Instant::now() + EVENING;
        let players: Vec<_> = (0..PLAYERS)
            .map(|place| tokio::spawn(watch(nginx.address, place, until, seen.clone())))
            .collect();
        for player in players {
            player.await.expect("a player who sees all of it");
        }
    });
    let seen = seen.lock().expect("a lock");
    let (playlists, segments) = (asked(&origin, "playlist") - before, asked(&origin, "segment"));
    assert!(seen.segments.len() >= 5 && seen.versions.len() >= 3, "an evening");
    assert!(seen.requests > PLAYERS * 4, "{} requests of players", seen.requests);
    assert_eq!(segments, seen.segments.len(), "once for each segment");
    assert!(
        playlists <= 2 * seen.versions.len(),
        "{playlists} requests for {} versions of the playlist",
        seen.versions.len()
    );
}

/// How often the origin has answered a request for such a file.
fn asked(origin: &Running, kind: &str) -> usize {
    let start = format!("origin_requests_total{{stream=\"clip\",kind=\"{kind}\",status=\"");
    let counts = origin.samples(&start).into_iter().filter(|sample| !sample.contains("\"403\""));
    let count = |sample: String| -> usize {
        sample.rsplit(' ').next().expect("a value").parse().expect("a number")
    };
    counts.map(count).sum()
}
