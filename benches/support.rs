//! Frames as clients send them, and an outbox that does with messages what a server does: it
//! writes them into its connections' buffers. Every bench takes its frames from here.

use std::fmt::Write as _;

use bytes::Bytes;
use tracker_core::{Announce, ConnId, Incoming, Limits, Outbox, Outgoing, parse};

/// What P2P Media Loader announces: 5 offers with an SDP of 630 bytes, 3.9 kB in all.
#[must_use]
pub fn p2p_media_loader_announce() -> Bytes {
    announce("-PM0230-abcdefghijkl", 5, 630)
}

/// What libraries that wait for their candidates announce: 10 offers with an SDP of 1.5 kB.
#[must_use]
pub fn gathered_announce(peer_id: &str) -> Bytes {
    announce(peer_id, 10, SDP_BYTES)
}

/// An announce without offers, as a member that fills a swarm.
#[must_use]
pub fn join(peer_id: &str) -> Bytes {
    announce(peer_id, 0, 0)
}

/// An announce whose offers are as short as they get.
#[must_use]
pub fn short_announce(peer_id: &str) -> Bytes {
    announce(peer_id, 10, 0)
}

/// An answer with an SDP of 1.5 kB to offer `index` of an announce from here.
#[must_use]
pub fn answer(peer_id: &str, to_peer_id: &str, index: usize) -> Bytes {
    let sdp = sdp("active", SDP_BYTES);
    let offer_id = offer_id(index);
    Bytes::from(format!(
        r#"{{"action":"announce","info_hash":"{INFO_HASH}","peer_id":"{peer_id}","to_peer_id":"{to_peer_id}","answer":{{"type":"answer","sdp":"{sdp}"}},"offer_id":"{offer_id}"}}"#
    ))
}

/// A scrape of [`SCRAPED`].
#[must_use]
pub fn scrape() -> Bytes {
    let hashes = SCRAPED.map(|hash| format!("\"{}\"", hash.escape_ascii())).join(",");
    Bytes::from(format!(r#"{{"action":"scrape","info_hash":[{hashes}]}}"#))
}

/// An offer of 1.5 kB as its receiver gets it.
///
/// # Panics
///
/// When the announce that it comes from makes no sense.
#[must_use]
pub fn outgoing_offer() -> Vec<u8> {
    let frame = gathered_announce(&peer_id(1));
    let Ok(Incoming::Announce(announce)) = parse(frame, &Limits::default()) else {
        panic!("no announce");
    };
    first_offer(&announce).to_string().into_bytes()
}

/// The first offer of an announce, for its receiver.
#[must_use]
pub fn first_offer(announce: &Announce) -> Outgoing<'_> {
    let (frame, offered) = (&announce.frame, announce.offers[0]);
    Outgoing::Offer {
        info_hash: announce.info_hash_span.of(frame),
        peer_id: announce.peer_id_span.of(frame),
        offer_id: offered.id_span.of(frame),
        offer: offered.offer.of(frame),
    }
}

/// The id of member `number`, 20 characters.
#[must_use]
pub fn peer_id(number: u64) -> String {
    format!("-WW0208-{number:012}")
}

/// Bytes of an SDP once its candidates are gathered.
pub const SDP_BYTES: usize = 1500;

/// The info hashes of a scrape.
pub const SCRAPED: [&[u8; 20]; 10] = [
    b"film0_______________",
    b"film1_______________",
    b"film2_______________",
    b"film3_______________",
    b"film4_______________",
    b"film5_______________",
    b"film6_______________",
    b"film7_______________",
    b"film8_______________",
    b"film9_______________",
];

/// A SHA-1 as clients spell it: more than half of its bytes are two bytes or more of UTF-8.
const INFO_HASH: &str =
    "\u{c3}\\u0012k\u{e9}P\u{b0}~\u{8f}\\u0001aQ\u{d7}4\u{ff}\\\"m\u{a0}\u{9c}2\u{f1}";

fn announce(peer_id: &str, offers: usize, sdp_bytes: usize) -> Bytes {
    let mut frame = format!(
        r#"{{"numwant":{offers},"uploaded":0,"downloaded":0,"left":null,"event":"started","action":"announce","info_hash":"{INFO_HASH}","peer_id":"{peer_id}","offers":["#
    );
    let sdp = sdp("actpass", sdp_bytes);
    for index in 0..offers {
        let separator = if index == 0 { "" } else { "," };
        let offer_id = offer_id(index);
        let _ = write!(
            frame,
            r#"{separator}{{"offer":{{"type":"offer","sdp":"{sdp}"}},"offer_id":"{offer_id}"}}"#
        );
    }
    frame.push_str("]}");
    Bytes::from(frame)
}

/// Random bytes, as the clients' offer ids are.
fn offer_id(index: usize) -> String {
    format!("{index:02}\u{e4}B\u{9d}x\u{c7}\u{fe}*t\u{b1}\u{8a}0q\u{ee}\u{a5}Z\u{d0}[\u{f7}")
}

/// The inside of an SDP's JSON string, `bytes` long: Chromium's lines, then candidates.
fn sdp(setup: &str, bytes: usize) -> String {
    let mut sdp = format!(
        r"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:Yx2m\r\na=ice-pwd:Yx2mA0h1pT4oV7qLr9sBcDeF\r\na=ice-options:trickle\r\na=fingerprint:sha-256 5B:0E:98:12:A7:3C:44:D0:6F:21:8E:B9:57:C3:1A:F4:60:7D:92:E8:0C:35:AB:4F:D1:76:29:BE:03:5A:C8:1F\r\na=setup:{setup}\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
    );
    let mut number = 0;
    while sdp.len() < bytes {
        let _ = write!(
            sdp,
            r"a=candidate:84216364{number} 1 udp 2122260223 192.0.2.{number} 5{number:04} typ host generation 0 network-id 1\r\n"
        );
        number += 1;
    }
    sdp
}

/// Buffers that messages are written into, as a server writes them for its sockets.
#[derive(Debug)]
pub struct Buffers {
    buffers: Vec<Vec<u8>>,
    /// The receivers of offers, since this was last emptied.
    pub offered_to: Vec<ConnId>,
}

impl Buffers {
    /// Connections share these: each having its own would take a gigabyte for 100,000.
    const BUFFERS: usize = 1024;
    /// A buffer that holds this much goes to its socket: it is emptied.
    const FLUSH_BYTES: usize = 4096;
}

impl Default for Buffers {
    fn default() -> Self {
        Self { buffers: vec![Vec::new(); Self::BUFFERS], offered_to: Vec::new() }
    }
}

impl Outbox for Buffers {
    fn send(&mut self, to: ConnId, message: &Outgoing<'_>) {
        if matches!(message, Outgoing::Offer { .. }) {
            self.offered_to.push(to);
        }
        let buffer = &mut self.buffers[to.0 as usize % Self::BUFFERS];
        if buffer.len() > Self::FLUSH_BYTES {
            buffer.clear();
        }
        // A frame's header needs its length first.
        buffer.reserve(message.len());
        message.write(buffer);
    }

    fn probe(&mut self, _: ConnId) {}
}
