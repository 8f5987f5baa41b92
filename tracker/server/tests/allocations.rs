//! What a relay takes of the heap, counted by the allocator of this test's own process. It counts
//! the server alone: the clients here read into one array, and say what was written before.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may fail, and tells its figures"
)]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tracker::Tracker;
use tracker::config::Sources;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// No event that is waited for takes this long, on a machine however busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pairs of peers, each in a swarm of its own. They talk in turn, so that none says so much that it
/// has to rest.
const PAIRS: usize = 16;

/// Rounds of all pairs. What a sweep allocates once a second is lost among so many.
const ROUNDS: usize = 60;

/// Allocations, and bytes of them, for an announce with one offer, its reply, and the answer: what a
/// mailbox takes for two messages, the list of offers, and what picks their receivers.
const ALLOCATIONS_MAX: f64 = 7.5;
const BYTES_MAX: f64 = 800.0;

#[test]
fn what_a_relay_allocates_is_little_and_does_not_grow_with_the_message() {
    let address = start();
    let mut pairs: Vec<_> =
        (0..PAIRS).map(|_| [(); 2].map(|()| Socket::connect(address))).collect();
    for sdp_bytes in [600, 6000] {
        let talks: Vec<_> = (0..PAIRS).map(|pair| Talk::new(pair, sdp_bytes)).collect();
        talks.iter().zip(&mut pairs).for_each(|(talk, [_, ben])| {
            ben.say(&talk.join);
            ben.hear(b"interval");
        });
        let mut rounds = |rounds| {
            for _ in 0..rounds {
                talks.iter().zip(&mut pairs).for_each(|(talk, pair)| talk.round(pair));
            }
        };
        // Until the buffers are as large as they get.
        rounds(ROUNDS);
        let region = Region::new(ALLOCATOR);
        rounds(ROUNDS);
        let counted = region.change();
        let per_talk = |count: usize| count as f64 / (PAIRS * ROUNDS) as f64;
        let allocations = per_talk(counted.allocations + counted.reallocations);
        let bytes = per_talk(counted.bytes_allocated);
        println!("{sdp_bytes} bytes of SDP: {allocations:.2} allocations of {bytes:.0} bytes");
        assert!(allocations <= ALLOCATIONS_MAX, "{counted:?}");
        assert!(bytes <= BYTES_MAX, "{counted:?}");
    }
}

/// A tracker with one worker, until the test ends. Everybody may announce as often as they like.
fn start() -> SocketAddr {
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

/// What two peers say to each other, over and over.
struct Talk {
    join: Vec<u8>,
    offer: Vec<u8>,
    answer: Vec<u8>,
}

impl Talk {
    fn new(pair: usize, sdp_bytes: usize) -> Self {
        let sdp = "x".repeat(sdp_bytes);
        let (ann, ben, offer_id) = (id("ann"), id("ben"), id("offer"));
        let message = |from: &str, members: Value| message(&format!("film {pair}"), from, &members);
        let offer = json!([{"offer_id": offer_id, "offer": {"type": "offer", "sdp": sdp}}]);
        let answer = json!({"type": "answer", "sdp": sdp});
        Self {
            join: message(&ben, json!({"offers": []})),
            offer: message(&ann, json!({"numwant": 1, "offers": offer})),
            answer: message(
                &ben,
                json!({"to_peer_id": ann, "offer_id": offer_id, "answer": answer}),
            ),
        }
    }

    /// An announce with an offer, its reply, and the answer.
    fn round(&self, [ann, ben]: &mut [Socket; 2]) {
        ann.say(&self.offer);
        ben.hear(b"offer_id");
        ben.say(&self.answer);
        ann.hear(b"interval");
        ann.hear(b"\"answer\"");
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
