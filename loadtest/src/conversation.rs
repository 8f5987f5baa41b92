//! What a peer does with what it hears: answers offers and pings, and has everything judged by the
//! ledger. No sockets in here: bytes come in, bytes for the outbox go out.

use std::time::Instant;

use crate::client::codec::Codec;
use crate::client::deflate::InflateError;
use crate::client::frame::{Frame, FrameError, Opcode};
use crate::client::handshake::{self, HandshakeError};
use crate::client::id::{OfferNumber, STRANGER_PREFIX};
use crate::client::incoming::{Body, Incoming};
use crate::client::outbox::Outbox;
use crate::client::outgoing::{self, AnnounceTemplate, AnswerTemplate};
use crate::phase::Signals;
use crate::plan::{Plan, Role, Share};
use crate::record::{Counts, Kind, Record, Sides};
use crate::verify::{GoodOffer, Ledger, Membership, Took, Violation, shown};

/// All of a worker's peers as far as they talk.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    pub(crate) share: &'a Share,
    pub(crate) ledger: Ledger,
    pub(crate) record: Record,
    pub(crate) counts: Counts,
    /// Latencies are kept only while measuring.
    pub(crate) measures: bool,
    /// When the last relayed message arrived.
    pub(crate) last_relay: Instant,
    /// What the tracker asked for at most, in seconds; `None` when it leaves that to its clients.
    pub(crate) min_interval: Option<u64>,
    /// When it wants its clients again, in seconds.
    pub(crate) interval: Option<u64>,
    announce: AnnounceTemplate,
    answer: AnswerTemplate,
    codec: Codec,
    offers_deflate: bool,
    /// By peer: answers to offers of strangers, and of those who have left. Each may be refused,
    /// because its receiver may be gone by then.
    doubtful_answers: Vec<u32>,
}

/// How far a peer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// `connect` was called.
    Connecting,
    /// The handshake was sent.
    Upgrading,
    /// The first announce was sent.
    Joining,
    /// In its swarm, with no announce of its own under way.
    Idle,
    /// Waits until its announce has been answered in full.
    Announcing,
    /// Has said goodbye, and reads on until the tracker has, too.
    Leaving,
    Gone,
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CutOff {
    #[error("the tracker closed with code {code} {reason:?}")]
    Closed { code: u16, reason: String },
    #[error("the connection ended without a close frame")]
    Ended,
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Inflate(#[from] InflateError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl<'a> Conversation<'a> {
    pub(crate) fn new(plan: &Plan, share: &'a Share) -> Self {
        let mut record = Record::new();
        record.sides = plan.is_cluster().then(|| Box::new(Sides::new()));
        Self {
            share,
            ledger: Ledger::new(plan, share),
            record,
            counts: Counts::default(),
            measures: false,
            last_relay: Instant::now(),
            min_interval: None,
            interval: None,
            announce: AnnounceTemplate::new(&share.offer_sdp, plan.offers),
            answer: AnswerTemplate::new(&share.answer_sdp),
            codec: Codec::new(plan.seed ^ u64::from(share.worker)),
            offers_deflate: plan.nodes[0].wire.offers_deflate,
            doubtful_answers: vec![0; share.peers.len()],
        }
    }

    /// Takes note of what the main thread wants now.
    pub(crate) fn heed(&mut self, signals: &Signals) {
        self.ledger.window = signals.window();
        self.ledger.strangers = signals.strangers();
        self.ledger.expects_strangers |= self.ledger.strangers > 0;
    }

    /// Takes what `peer` has received so far; returns how many bytes of it are done with.
    ///
    /// # Errors
    /// Why the connection ends.
    pub(crate) fn hear(
        &mut self,
        peer: u32,
        stage: &mut Stage,
        bytes: &[u8],
        out: &mut Outbox,
    ) -> Result<usize, CutOff> {
        let now = Instant::now();
        let mut used = 0;
        if *stage == Stage::Upgrading {
            let Some(consent) = handshake::consent(bytes, self.offers_deflate)? else {
                return Ok(0);
            };
            (used, out.deflates) = (consent.bytes, consent.deflates);
            self.record.sockets_deflated += u64::from(consent.deflates);
            *stage = Stage::Joining;
            self.join(peer, now, out);
        }
        while let Some(frame) = Frame::first(&bytes[used..], out.deflates)? {
            used += frame.bytes;
            match frame.opcode {
                Opcode::Text if frame.is_deflated => {
                    let text = self.codec.inflate(frame.payload)?;
                    self.message(peer, *stage, &text, now, out);
                    self.codec.give_back(text);
                }
                Opcode::Text => self.message(peer, *stage, frame.payload, now, out),
                Opcode::Ping => self.codec.write(out, Opcode::Pong, frame.payload),
                Opcode::Pong => {}
                Opcode::Close => return Err(CutOff::by_frame(frame.payload)),
                Opcode::Binary => {
                    let what = "a binary frame".into();
                    self.record.violations.add(&Violation::Unreadable { peer, what });
                }
            }
        }
        Ok(used)
    }

    /// Announces with offers; latency counts from when that was `due`.
    pub(crate) fn announce(&mut self, peer: u32, due: Instant, out: &mut Outbox) {
        let me = self.ledger.roster.now(peer);
        let info_hash = &self.share.swarms[me.swarm as usize].info_hash;
        let announce = self.ledger.announce(peer, due, Instant::now());
        let maker = self.share.number(peer);
        let first = OfferNumber { maker, announce, slot: 0 };
        let text = self.announce.fill(info_hash, &me.id, first);
        self.codec.write(out, Opcode::Text, text);
        self.counts.announces += 1;
        if let Some(window) = self.ledger.window {
            self.record.window(window).announces += 1;
        }
    }

    /// Leaves as a closing page does: close code 1001.
    pub(crate) fn leave(&mut self, out: &mut Outbox) {
        let going_away = 1001_u16.to_be_bytes();
        self.codec.write(out, Opcode::Close, &going_away);
    }

    /// Says `stopped` in a swarm, as clients do that have the time.
    pub(crate) fn stop(&mut self, from: Membership, out: &mut Outbox) {
        let info_hash = &self.share.swarms[from.swarm as usize].info_hash;
        let text = outgoing::stopped(info_hash, &from.id);
        self.codec.write(out, Opcode::Text, &text);
    }

    /// Says the first announce in the swarm in which the peer is now.
    pub(crate) fn join(&mut self, peer: u32, now: Instant, out: &mut Outbox) {
        let me = self.ledger.roster.now(peer);
        let info_hash = &self.share.swarms[me.swarm as usize].info_hash;
        self.ledger.join(peer, now);
        let text = outgoing::join(info_hash, &me.id);
        self.codec.write(out, Opcode::Text, &text);
    }

    fn message(&mut self, peer: u32, stage: Stage, text: &[u8], now: Instant, out: &mut Outbox) {
        let is_viewer = self.share.peers[peer as usize].role == Role::Viewer;
        let Ok(message) = Incoming::read(text) else {
            let what = shown(text);
            return self.judge(is_viewer, Kind::Reply, Err(Violation::Unreadable { peer, what }));
        };
        if self.is_strangers(&message) {
            return self.answer_stranger(peer, &message, out);
        }
        let share = self.share;
        let (kind, judged) = match message.body {
            // What somebody is told who is going, or who says what it should not, binds nobody.
            Body::Reply(_) | Body::Refusal { .. }
                if stage == Stage::Leaving || (!is_viewer && stage != Stage::Joining) =>
            {
                let is_refusal = matches!(message.body, Body::Refusal { .. });
                self.record.unrest.misbehaving_refused += u64::from(is_refusal && !is_viewer);
                return;
            }
            Body::Reply(reply) => {
                self.counts.replies += 1;
                self.counts.throttled += u64::from(reply.is_warned);
                self.min_interval = self.min_interval.max(reply.min_interval);
                self.interval = self.interval.max(reply.interval);
                (Kind::Reply, self.ledger.reply(share, peer, &message, reply, now))
            }
            Body::Offer { sdp } => {
                self.counts.offers += 1;
                self.last_relay = now;
                let judged = self.ledger.offer(share, peer, &message, sdp, now);
                (Kind::Offer, judged.map(|offer| self.answer(peer, &offer, out)))
            }
            Body::Answer { sdp } => {
                self.counts.answers += 1;
                self.last_relay = now;
                // Nobody who is going needs an answer.
                if stage == Stage::Leaving {
                    return;
                }
                (Kind::Answer, self.ledger.answer(share, peer, &message, sdp, now))
            }
            Body::Refusal { .. } if self.doubtful_answers[peer as usize] > 0 => {
                self.doubtful_answers[peer as usize] -= 1;
                return;
            }
            Body::Refusal { .. } if self.ledger.excuses_far_refusal(peer) => return,
            Body::Refusal { .. } if self.ledger.excuses_refusal(peer, now) => return,
            Body::Refusal { reason } => {
                let reason = shown(reason);
                (Kind::Reply, Err(Violation::Refused { peer, reason }))
            }
        };
        self.judge(true, kind, judged);
    }

    /// Keeps what came of a message; what is said to those who misbehave may be anything.
    fn judge(&mut self, counts: bool, kind: Kind, judged: Result<Option<Took>, Violation>) {
        match judged {
            Ok(Some(took)) => self.record.arrived(kind, took, self.measures),
            Ok(None) => {}
            Err(violation) if counts => self.record.violations.add(&violation),
            Err(_) => self.record.unrest.misbehaving_refused += 1,
        }
    }

    /// Answers an offer, if its receiver does.
    fn answer(&mut self, peer: u32, offer: &GoodOffer, out: &mut Outbox) -> Option<Took> {
        if offer.is_answered {
            let info_hash = &self.share.swarms[offer.to.swarm as usize].info_hash;
            let (me, maker) = (&offer.to.id, &offer.maker_id);
            let text = self.answer.fill(info_hash, me, maker, &offer.number.id());
            self.codec.write(out, Opcode::Text, text);
            self.doubtful_answers[peer as usize] += u32::from(offer.is_late);
        }
        offer.took
    }

    /// Whether somebody who is not of this run makes an offer, while that may be.
    fn is_strangers(&self, message: &Incoming<'_>) -> bool {
        self.ledger.expects_strangers
            && matches!(message.body, Body::Offer { .. })
            && message.peer_id.starts_with(STRANGER_PREFIX)
    }

    /// Answers a stranger as anybody would: it cannot be told from a viewer.
    fn answer_stranger(&mut self, peer: u32, message: &Incoming<'_>, out: &mut Outbox) {
        let (Ok(stranger), Ok(offer)) = (message.peer_id.try_into(), message.offer_id.try_into())
        else {
            return;
        };
        let me = self.ledger.roster.now(peer);
        let info_hash = &self.share.swarms[me.swarm as usize].info_hash;
        let text = self.answer.fill(info_hash, &me.id, stranger, offer);
        self.codec.write(out, Opcode::Text, text);
        self.counts.strangers_answered += 1;
        self.doubtful_answers[peer as usize] += 1;
    }
}

impl CutOff {
    pub(crate) fn by_frame(payload: &[u8]) -> Self {
        match payload {
            [high, low, reason @ ..] => {
                Self::Closed { code: u16::from_be_bytes([*high, *low]), reason: shown(reason) }
            }
            // A close frame may be empty: 1005, no status received (RFC 6455, section 7.1.5).
            _ => Self::Closed { code: 1005, reason: String::new() },
        }
    }

    /// The code to count it by.
    pub(crate) fn code(&self) -> u16 {
        if let Self::Closed { code, .. } = self { *code } else { 1006 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::small_plan;

    #[test]
    fn a_ping_is_answered_with_its_own_bytes() {
        let plan = small_plan();
        let share = plan.shares().remove(0);
        let mut talk = Conversation::new(&plan, &share);
        let (mut stage, mut out) = (Stage::Idle, Outbox::default());
        let used = talk.hear(0, &mut stage, b"\x89\x02hi", &mut out);
        assert_eq!(used.expect("goes on"), 4);
        let out = out.waiting();
        let key = [out[2], out[3], out[4], out[5]];
        assert_eq!(out[..2], [0x8A, 0x82]);
        assert_eq!([out[6] ^ key[0], out[7] ^ key[1]], *b"hi");
    }

    #[test]
    fn a_close_frame_tells_its_code_and_an_empty_one_tells_1005() {
        let plan = small_plan();
        let share = plan.shares().remove(0);
        let mut talk = Conversation::new(&plan, &share);
        for (frame, code) in [(&b"\x88\x02\x03\xe9"[..], 1001), (b"\x88\x00", 1005)] {
            let ended = talk.hear(0, &mut Stage::Idle, frame, &mut Outbox::default());
            assert_eq!(ended.expect_err("ends").code(), code);
        }
    }
}
