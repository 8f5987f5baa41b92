//! Who isn't as they should be: slow readers, and those who say what is refused or broken. They are
//! members like all others, so offers go to them, and nobody else may notice what they do.

use std::time::Instant;

use rand::{Rng, RngExt};

use super::Worker;
use crate::client::frame::{Opcode, write_masked};
use crate::client::id::Id;
use crate::conversation::Stage;
use crate::limits::SLOW_PING_INTERVAL;
use crate::plan::{Plan, Role, Share};

/// The odd ones of a worker.
#[derive(Debug)]
pub(super) struct Mischief {
    slow: Vec<u32>,
    misbehaving: Vec<u32>,
    /// Whose turn it is, and what is said next.
    turn: usize,
    /// What is due and not said.
    due: f64,
    per_s: f64,
    looked: Option<Instant>,
    pinged: Instant,
}

/// What a misbehaving peer knows.
struct Scene<'a> {
    info_hash: &'a str,
    me: &'a str,
    /// A viewer in the swarm.
    victim: &'a str,
}

/// Something to say: the first byte of its frame, and its payload.
type Say = fn(&Scene<'_>) -> (u8, Vec<u8>);

const TEXT: u8 = 0x81;

/// What is said in turn. The first ones are refused, the last ones break the protocol, so that a
/// tracker has to close.
const SAYINGS: [Say; 12] = [
    |_| (TEXT, b"null".to_vec()),
    |_| (TEXT, br#"{"action":"announce","info_hash":"#.to_vec()),
    |_| (TEXT, br#"{"action":"dance"}"#.to_vec()),
    |_| (TEXT, "[".repeat(5_000).into_bytes()),
    |_| (0x82, vec![0xff; 200]),
    // Offers that are none, to be passed on to others.
    |scene| announce(scene, scene.me, r#","numwant":5,"offers":[null,{"offer":7}]"#),
    // In the name of somebody else, who is here.
    |scene| announce(scene, scene.victim, r#","numwant":0,"offers":[]"#),
    |scene| announce(scene, scene.victim, r#","event":"stopped""#),
    // Answers to an offer that nobody has made, in one's own name and in another's.
    |scene| announce(scene, scene.me, &answer(scene.victim)),
    |scene| announce(scene, scene.victim, &answer(scene.me)),
    // Text that isn't UTF-8, and a frame with a reserved bit.
    |_| (TEXT, b"{\"action\":\"\xff\"}".to_vec()),
    |_| (0xF1, b"{}".to_vec()),
];

fn announce(scene: &Scene<'_>, peer_id: &str, more: &str) -> (u8, Vec<u8>) {
    let info_hash = scene.info_hash;
    let text = format!(
        r#"{{"action":"announce","info_hash":"{info_hash}","peer_id":"{peer_id}","left":1{more}}}"#
    );
    (TEXT, text.into_bytes())
}

fn answer(to: &str) -> String {
    format!(
        r#","to_peer_id":"{to}","offer_id":"nobody-has-made-this","answer":{{"type":"answer","sdp":"v=0"}}"#
    )
}

impl Mischief {
    pub(super) fn new(plan: &Plan, share: &Share) -> Self {
        let with = |role| {
            let places = (0..).zip(&share.peers).filter(move |(_, peer)| peer.role == role);
            places.map(|(place, _)| place).collect::<Vec<u32>>()
        };
        let misbehaving = with(Role::Misbehaving);
        let per_s = plan.oddities.misbehaving_per_s * misbehaving.len() as f64;
        let (slow, pinged) = (with(Role::Slow), Instant::now());
        Self { slow, misbehaving, turn: 0, due: 0.0, per_s, looked: None, pinged }
    }
}

impl Worker<'_> {
    /// Lets those who misbehave say what is due.
    pub(super) fn misbehave(&mut self, now: Instant) {
        let looked = self.mischief.looked.replace(now).unwrap_or(now);
        let passed_s = now.saturating_duration_since(looked).as_secs_f64();
        self.mischief.due += self.mischief.per_s * passed_s;
        while self.mischief.due >= 1.0 {
            self.mischief.due -= 1.0;
            let turn = self.mischief.turn;
            self.mischief.turn += 1;
            let count = self.mischief.misbehaving.len();
            let peer = self.mischief.misbehaving[turn % count];
            // A round of them says different things, and so does each in different rounds.
            self.say(peer, SAYINGS[(turn + turn / count) % SAYINGS.len()]);
        }
    }

    fn say(&mut self, peer: u32, what: Say) {
        let roster = &self.talk.ledger.roster;
        let me = roster.now(peer);
        let peers = self.talk.share.peers.len() as u32;
        let first = self.rng.random_range(0..peers);
        let mut others = (0..peers).map(|step| (first + step) % peers);
        let victim = others.find_map(|other| {
            let is_here =
                matches!(self.links[other as usize].stage, Stage::Idle | Stage::Announcing);
            let victim = roster.now(other);
            // Whoever is not here has an id that is nobody's yet, and could be taken.
            let is_owner = is_here && roster.role(other) == Role::Viewer;
            (is_owner && victim.swarm == me.swarm).then_some(victim)
        });
        let info_hash = &self.talk.share.swarms[me.swarm as usize].info_hash;
        let victim = victim.map_or(me.id, |victim| victim.id);
        let scene =
            Scene { info_hash: shown(info_hash), me: shown(&me.id), victim: shown(&victim) };
        let (first_byte, payload) = what(&scene);
        let link = &mut self.links[peer as usize];
        let (Stage::Idle, Some(socket)) = (link.stage, &mut link.socket) else {
            return;
        };
        let out = socket.outbox(&mut self.buffers).bytes();
        let at = out.len();
        write_masked(out, Opcode::Text, &payload, self.rng.next_u32());
        out[at] = first_byte;
        self.talk.record.unrest.misbehaving_said += 1;
        self.touch(peer);
    }

    /// Lets slow readers read that have waited long enough, and say that they are there: who never
    /// reads hears of the end of a connection only when there is no one to take what it says.
    pub(super) fn read_slowly(&mut self, now: Instant) {
        let says = now.saturating_duration_since(self.mischief.pinged) > SLOW_PING_INTERVAL;
        if says {
            self.mischief.pinged = now;
        }
        for at in 0..self.mischief.slow.len() {
            let peer = self.mischief.slow[at];
            let link = &mut self.links[peer as usize];
            let (Stage::Idle, Some(socket)) = (link.stage, &mut link.socket) else {
                continue;
            };
            if says && !socket.has_output() {
                let out = socket.outbox(&mut self.buffers).bytes();
                write_masked(out, Opcode::Ping, b"", self.rng.next_u32());
                self.touch(peer);
            }
            let waited = now.saturating_duration_since(self.links[peer as usize].read_until);
            if self.plan.oddities.slow_pause.is_some_and(|pause| waited >= pause) {
                self.read(peer);
            }
        }
    }

    /// Lets slow readers read all that there is.
    pub(super) fn read_all(&mut self) {
        self.again.extend(&self.mischief.slow);
    }
}

/// An id of this program, which is all letters and digits.
fn shown(id: &Id) -> &str {
    str::from_utf8(id).unwrap_or_default()
}
