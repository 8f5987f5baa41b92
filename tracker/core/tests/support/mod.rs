//! A tracker without sockets: frames go in by connection, and what the shard says is recorded.
//! It does with a frame what a server does, so the tests speak the protocol and nothing else.
#![allow(dead_code, reason = "every test file uses its own part of this")]

pub(crate) mod cluster;
pub(crate) mod lives;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use tracker_core::wire::Action;
use tracker_core::{
    ConnId, Counts, CrossAnswer, CrossOffer, Digest, Incoming, InfoHash, Input, Limits, Outbox,
    Outgoing, PeerId, Reason, Refusal, Scrape, Settings, Shard, SiblingId, parse,
};

/// One thing that the shard did.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Did {
    /// Sent a message, which is valid JSON, to a connection.
    Send(u64, Value),
    /// Has a swarm no more, named as on the wire; said after all else.
    Close(String),
    /// Asked whether a connection still lives.
    Probe(u64),
    /// Told a sibling, or all of them.
    Tell(Option<SiblingId>, Parcel),
}

/// What goes from one partition to another, with the JSON of an offer or an answer.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Parcel {
    Digest(InfoHash, Digest),
    Offer(CrossOffer<'static>, Vec<u8>),
    Answer(CrossAnswer<'static>, Vec<u8>),
}

/// Writes down what it is told, in order.
#[derive(Default)]
pub(crate) struct Recording {
    done: Vec<Did>,
    is_shared: bool,
}

impl Outbox for Recording {
    fn send(&mut self, to: ConnId, message: &Outgoing<'_>) {
        let text = message.to_string();
        assert_eq!(text.len(), message.len(), "the length said beforehand is wrong: {text}");
        self.done.push(Did::Send(to.0, serde_json::from_str(&text).expect("JSON")));
    }

    fn probe(&mut self, owner: ConnId) {
        self.done.push(Did::Probe(owner.0));
    }

    fn is_shared(&self, _: &InfoHash) -> bool {
        self.is_shared
    }

    fn digest(&mut self, to: Option<SiblingId>, info_hash: &InfoHash, digest: Digest) {
        self.done.push(Did::Tell(to, Parcel::Digest(*info_hash, digest)));
    }

    fn cross_offer(&mut self, to: SiblingId, offer: &CrossOffer<'_>) {
        let parcel = Parcel::Offer(CrossOffer { offer: b"", ..*offer }, offer.offer.to_vec());
        self.done.push(Did::Tell(Some(to), parcel));
    }

    fn cross_answer(&mut self, to: SiblingId, answer: &CrossAnswer<'_>) {
        let parcel = Parcel::Answer(CrossAnswer { answer: b"", ..*answer }, answer.answer.to_vec());
        self.done.push(Did::Tell(Some(to), parcel));
    }
}

/// A shard with its clock and its dice.
pub(crate) struct Tracker {
    pub(crate) shard: Shard,
    /// Swarms that were announced in and weren't seen closed.
    open: BTreeSet<InfoHash>,
    limits: Limits,
    pub(crate) now: Duration,
    pub(crate) rng: SmallRng,
    /// Others may have partitions of its swarms.
    pub(crate) is_shared: bool,
}

impl Tracker {
    pub(crate) fn new() -> Self {
        Self::with(without_pace(), 1)
    }

    /// A tracker whose swarms may have siblings.
    pub(crate) fn shared(settings: Settings, seed: u64) -> Self {
        Self { is_shared: true, ..Self::with(settings, seed) }
    }

    pub(crate) fn with(settings: Settings, seed: u64) -> Self {
        let limits = settings.limits.clone();
        let (shard, rng) = (Shard::new(settings, seed), SmallRng::seed_from_u64(seed));
        let now = Duration::from_secs(1000);
        Self { shard, open: BTreeSet::new(), limits, now, rng, is_shared: false }
    }

    /// A frame comes in from a connection; what the shard does about it.
    pub(crate) fn hear(&mut self, from: u64, frame: &Value) -> Vec<Did> {
        self.hear_raw(from, &frame.to_string())
    }

    pub(crate) fn hear_raw(&mut self, from: u64, frame: &str) -> Vec<Did> {
        let from = ConnId(from);
        let frame = Bytes::copy_from_slice(frame.as_bytes());
        match parse(frame.clone(), &self.limits) {
            Ok(Incoming::Announce(announce)) => {
                self.handle(Input::Announce { from, announce: &announce })
            }
            Ok(Incoming::Answer(answer)) => self.handle(Input::Answer { from, answer: &answer }),
            Ok(Incoming::Scrape(Scrape::Everything)) => {
                let (action, reason) = (Action::Scrape, Reason::ScrapeOfEverything);
                say(from, &Outgoing::Refusal { action, info_hash: None, reason })
            }
            Ok(Incoming::Scrape(Scrape::Swarms(info_hashes))) => {
                let size = |&hash: &InfoHash| (hash, self.shard.counts(&hash));
                let files: Vec<_> = info_hashes.iter().map(size).collect();
                say(from, &Outgoing::Scrape { files: &files })
            }
            Err(Refusal { action, info_hash, reason }) => {
                let info_hash = info_hash.as_ref().map(|span| span.of(&frame));
                say(from, &Outgoing::Refusal { action, info_hash, reason })
            }
        }
    }

    pub(crate) fn left(&mut self, from: u64, info_hash: &str, peer_id: &str) -> Vec<Did> {
        let info_hash = InfoHash::decode(info_hash.as_bytes()).expect("an info hash");
        let peer_id = PeerId::decode(peer_id.as_bytes()).expect("a peer id");
        self.handle(Input::PeerLeft { from: ConnId(from), info_hash, peer_id })
    }

    /// A connection that was asked for a sign of life has given one.
    pub(crate) fn lives(&mut self, owner: u64) -> Vec<Did> {
        self.handle(Input::OwnerLives { owner: ConnId(owner) })
    }

    /// A parcel comes from a sibling.
    pub(crate) fn unpack(&mut self, from: SiblingId, parcel: &Parcel) -> Vec<Did> {
        match parcel {
            &Parcel::Digest(info_hash, digest) => {
                self.handle(Input::Digest { from, info_hash, digest })
            }
            Parcel::Offer(offer, json) => {
                let offer = &CrossOffer { offer: json, ..*offer };
                self.handle(Input::CrossOffer { from, offer })
            }
            Parcel::Answer(answer, json) => {
                let answer = &CrossAnswer { answer: json, ..*answer };
                self.handle(Input::CrossAnswer { from, answer })
            }
        }
    }

    pub(crate) fn sibling_gone(&mut self, sibling: SiblingId) {
        assert_eq!(self.handle(Input::SiblingsGone { siblings: &[sibling] }), []);
    }

    /// The bus is back.
    pub(crate) fn reconnected(&mut self) {
        assert_eq!(self.handle(Input::Reconnected), []);
    }

    pub(crate) fn sweep(&mut self) -> Vec<Did> {
        self.handle(Input::Sweep)
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    pub(crate) fn wait_s(&mut self, seconds: u64) {
        self.wait(Duration::from_secs(seconds));
    }

    pub(crate) fn counts(&self, info_hash: &str) -> Counts {
        self.shard.counts(&InfoHash::decode(info_hash.as_bytes()).expect("an info hash"))
    }

    /// A swarm of `members` leechers "p0", "p1" and so on, each on the connection of its number.
    pub(crate) fn populate(&mut self, info_hash: &str, members: u64) {
        for conn in 0..members {
            self.hear(conn, &announce(info_hash, &peer(conn), &json!({"event": "started"})));
        }
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Did> {
        if let Input::Announce { announce, .. } = input {
            self.open.insert(announce.info_hash);
        }
        let mut recording = Recording { is_shared: self.is_shared, ..Recording::default() };
        self.shard.handle(input, self.now, &mut self.rng, &mut recording);
        if self.shard.swarms() != self.open.len() {
            let closed = self.open.extract_if(.., |info_hash| !self.shard.contains(info_hash));
            recording.done.extend(closed.map(|info_hash| Did::Close(text(&info_hash.0))));
            assert_eq!(self.shard.swarms(), self.open.len());
        }
        recording.done
    }
}

/// wt-tracker's rules: everybody may announce, and be offered to, as often as they like.
pub(crate) fn without_pace() -> Settings {
    let limits = Limits { offers_per_second_per_receiver: 0, ..Limits::default() };
    Settings { min_announce_interval: Duration::ZERO, limits, ..Settings::default() }
}

/// An id of twenty characters that starts with `name`.
pub(crate) fn id(name: impl Display) -> String {
    format!("{name:-<20}", name = name.to_string())
}

/// The peer of connection `conn` in a populated swarm.
pub(crate) fn peer(conn: u64) -> String {
    id(format!("p{conn}"))
}

/// An announce, with `more` fields merged into it.
pub(crate) fn announce(info_hash: &str, peer_id: &str, more: &Value) -> Value {
    let frame = json!({"action": "announce", "info_hash": info_hash, "peer_id": peer_id});
    merged(frame, more)
}

/// An announce with offers "o0", "o1" and so on, and as high a `numwant`.
pub(crate) fn announce_offers(info_hash: &str, peer_id: &str, offers: usize) -> Value {
    let more = json!({"numwant": offers, "offers": some_offers(offers)});
    announce(info_hash, peer_id, &more)
}

/// Offers "o0", "o1" and so on; each has its own SDP.
pub(crate) fn some_offers(amount: usize) -> Vec<Value> {
    let offer = |index| {
        let sdp = format!("v=0\r\ns={index}\r\n");
        json!({"offer": {"type": "offer", "sdp": sdp}, "offer_id": id(format!("o{index}"))})
    };
    (0..amount).map(offer).collect()
}

pub(crate) fn answer(info_hash: &str, peer_id: &str, to_peer_id: &str, offer_id: &str) -> Value {
    json!({"action": "announce", "info_hash": info_hash, "peer_id": peer_id,
           "to_peer_id": to_peer_id, "offer_id": offer_id,
           "answer": {"type": "answer", "sdp": "v=0\r\n"}})
}

/// What the receiver of an answer gets.
pub(crate) fn relayed_answer(to: u64, info_hash: &str, peer_id: &str, offer_id: &str) -> Did {
    let answer = json!({"type": "answer", "sdp": "v=0\r\n"});
    Did::Send(
        to,
        json!({"action": "announce", "info_hash": info_hash, "peer_id": peer_id,
               "offer_id": offer_id, "answer": answer}),
    )
}

/// A refusal of what connection `to` said about `info_hash`.
pub(crate) fn refusal(to: u64, info_hash: &str, reason: tracker_core::Reason) -> Did {
    let reason = reason.to_string();
    let refusal = json!({"action": "announce", "info_hash": info_hash, "failure reason": reason});
    Did::Send(to, refusal)
}

/// The reply to an announce.
pub(crate) fn reply(to: u64, info_hash: &str, complete: usize, incomplete: usize) -> Did {
    let reply = json!({"action": "announce", "info_hash": info_hash, "interval": 120,
                       "complete": complete, "incomplete": incomplete});
    Did::Send(to, reply)
}

/// The same reply with a warning.
pub(crate) fn warned(reply: Did, warning: impl Display) -> Did {
    let Did::Send(to, reply) = reply else { panic!("no reply: {reply:?}") };
    Did::Send(to, merged(reply, &json!({"warning message": warning.to_string()})))
}

/// The same reply with a `min interval` in seconds.
pub(crate) fn paced(reply: Did, min_interval: u64) -> Did {
    let Did::Send(to, reply) = reply else { panic!("no reply: {reply:?}") };
    Did::Send(to, merged(reply, &json!({"min interval": min_interval})))
}

/// Whom offers went to, by connection, with the id of each.
pub(crate) fn offers_in(done: &[Did]) -> Vec<(u64, String)> {
    let offer = |did: &Did| match did {
        Did::Send(to, message) if message.get("offer").is_some() => {
            Some((*to, message["offer_id"].as_str().expect("an offer_id").to_owned()))
        }
        _ => None,
    };
    done.iter().filter_map(offer).collect()
}

pub(crate) fn merged(mut frame: Value, more: &Value) -> Value {
    let members = more.as_object().expect("an object").clone();
    frame.as_object_mut().expect("an object").extend(members);
    frame
}

/// An id as JavaScript sees it: a string of code points U+0000 to U+00FF.
pub(crate) fn text(id: &[u8]) -> String {
    id.iter().map(|&byte| char::from(byte)).collect()
}

fn say(to: ConnId, message: &Outgoing<'_>) -> Vec<Did> {
    let mut recording = Recording::default();
    recording.send(to, message);
    recording.done
}
