//! A tracker with one worker in this process, and pairs of peers on loopback that cost next to
//! nothing: they say what was written before, and read into one array each.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tracker::Tracker;
use tracker::config::Sources;

/// No event that is waited for takes this long, on a machine however busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the tracker, which lives as long as the process. Everybody may announce as often as they
/// like.
pub(crate) fn start() -> SocketAddr {
    let file = tempfile::NamedTempFile::with_suffix(".json").expect("a file");
    let config = json!({
        "servers": [{"server": {"port": 0, "host": "127.0.0.1"}}],
        "workers": 1,
        "tracker": {"minAnnounceInterval": 0},
        "limits": {"announcesPerSecondPerSocket": 0, "offersPerSecondPerReceiver": 0},
    });
    std::fs::write(file.path(), config.to_string()).expect("a file");
    let config = Sources::file(file.path().to_owned()).load().expect("a configuration").config;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let tracker = Tracker::start(config).expect("a tracker");
            tell.send(tracker.addresses().servers[0].address).expect("a test");
            std::future::pending::<()>().await;
        });
    });
    told.recv_timeout(PATIENCE).expect("an address")
}

/// Two peers, alone in their swarm, and what they say to each other, over and over.
pub(crate) struct Pair {
    offerer: Socket,
    answerer: Socket,
    offer: Vec<u8>,
    answer: Vec<u8>,
}

impl Pair {
    /// Connects both, and lets the second one join.
    pub(crate) fn join(address: SocketAddr, swarm: &str, sdp_bytes: usize) -> Self {
        let sdp = "x".repeat(sdp_bytes);
        let (ann, ben, offer_id) = (id("ann"), id("ben"), id("offer"));
        let message = |from: &str, members: Value| message(swarm, from, &members);
        let offers = json!([{"offer_id": offer_id, "offer": {"type": "offer", "sdp": sdp}}]);
        let answer = json!({"type": "answer", "sdp": sdp});
        let mut pair = Self {
            offerer: Socket::connect(address),
            answerer: Socket::connect(address),
            offer: message(&ann, json!({"numwant": 1, "offers": offers})),
            answer: message(
                &ben,
                json!({"to_peer_id": ann, "offer_id": offer_id, "answer": answer}),
            ),
        };
        pair.answerer.say(&message(&ben, json!({"offers": []})));
        pair.answerer.hear(b"interval");
        pair
    }
}

/// Each pair announces an offer, hears it, answers it, and hears the reply and the answer: two
/// relays a pair, and all pairs at a time.
pub(crate) fn talk(pairs: &mut [Pair]) {
    for pair in &mut *pairs {
        pair.offerer.say(&pair.offer);
    }
    for pair in &mut *pairs {
        pair.answerer.hear(b"offer_id");
        pair.answerer.say(&pair.answer);
    }
    for pair in pairs {
        pair.offerer.hear(b"interval");
        pair.offerer.hear(b"\"answer\"");
    }
}

fn id(name: &str) -> String {
    format!("{name:_<20}")
}

/// A frame with an announce of a peer, with these members.
fn message(swarm: &str, peer_id: &str, members: &Value) -> Vec<u8> {
    let mut message = json!({"action": "announce", "info_hash": id(swarm), "peer_id": peer_id});
    for (key, value) in members.as_object().expect("an object") {
        message[key] = value.clone();
    }
    let text = message.to_string();
    let length = u16::try_from(text.len()).expect("a short message").to_be_bytes();
    // A mask of zeros leaves the text as it is.
    [&[0x81, 0x80 | 126][..], &length, &[0; 4], text.as_bytes()].concat()
}

struct Socket {
    socket: TcpStream,
    buffer: Box<[u8; 16 << 10]>,
}

impl Socket {
    fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut this = Self { socket, buffer: Box::new([0; 16 << 10]) };
        this.say(
            b"GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
        let mut end = 0;
        while !this.buffer[..end].ends_with(b"\r\n\r\n") {
            end += this.socket.read(&mut this.buffer[end..]).expect("a response");
        }
        assert!(this.buffer.starts_with(b"HTTP/1.1 101"));
        this
    }

    fn say(&mut self, frame: &[u8]) {
        self.socket.write_all(frame).expect("sent");
    }

    /// Reads a frame, which has this in it.
    fn hear(&mut self, part: &[u8]) {
        self.socket.read_exact(&mut self.buffer[..2]).expect("a header");
        let length = match self.buffer[1] {
            126 => {
                self.socket.read_exact(&mut self.buffer[..2]).expect("a length");
                usize::from(u16::from_be_bytes([self.buffer[0], self.buffer[1]]))
            }
            short => usize::from(short),
        };
        let payload = &mut self.buffer[..length];
        self.socket.read_exact(payload).expect("a payload");
        let is_in_it = payload.windows(part.len()).any(|bytes| bytes == part);
        assert!(is_in_it, "{}", String::from_utf8_lossy(payload));
    }
}
