//! What viewers say and hear: they announce when they are asked to, and answer every offer.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use mio::event::Event;
use rand::RngExt;

use super::Worker;
use crate::client::frame::{Frame, Opcode};
use crate::client::handshake;
use crate::client::id::OfferNumber;
use crate::client::incoming::{Body, Incoming, Reply};
use crate::client::socket::ReadEnd;
use crate::conversation::CutOff;
use crate::limits::REST_SPARE;
use crate::soak::viewer::Stage;
use crate::verify::shown;

impl Worker<'_> {
    pub(super) fn socket_event(&mut self, event: &Event, now: Instant) {
        let place = event.token().0;
        let Some(viewer) = &mut self.viewers[place] else {
            return;
        };
        if viewer.stage == Stage::Connecting {
            match viewer.socket.finish_connect() {
                Ok(true) => {
                    let out = viewer.socket.outbox(&mut self.buffers);
                    out.bytes().extend_from_slice(&self.request);
                    viewer.stage = Stage::Upgrading;
                }
                Ok(false) => return,
                Err(error) => return self.cut_off(place, &error.into()),
            }
        }
        if event.is_writable() {
            self.touch(place);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(place, now);
        }
    }

    /// Reads once and lets the viewer react.
    pub(super) fn read(&mut self, place: usize, now: Instant) {
        // Out of its place while it reads, so that everything else is at hand.
        let Some(mut viewer) = self.viewers[place].take() else {
            return;
        };
        let mut buffers = std::mem::take(&mut self.buffers);
        let mut ended = None;
        let (mut agreed, mut heard) = (None, Vec::new());
        let (stage, offers_deflate) = (viewer.stage, self.plan.target.wire.offers_deflate);
        let read = viewer.socket.read(&mut buffers, |bytes, out| {
            let mut take = || {
                let mut used = 0;
                if stage == Stage::Upgrading {
                    agreed = handshake::consent(bytes, offers_deflate)?;
                    let Some(consent) = agreed else {
                        return Ok(0);
                    };
                    (used, out.deflates) = (consent.bytes, consent.deflates);
                }
                while let Some(frame) = Frame::first(&bytes[used..], out.deflates)? {
                    used += frame.bytes;
                    match frame.opcode {
                        Opcode::Text if frame.is_deflated => {
                            heard.push(self.codec.inflate(frame.payload)?);
                        }
                        Opcode::Text => heard.push(frame.payload.to_vec()),
                        Opcode::Ping => self.codec.write(out, Opcode::Pong, frame.payload),
                        Opcode::Pong => {}
                        Opcode::Close => return Err(CutOff::by_frame(frame.payload)),
                        Opcode::Binary => self.record.violation("binary", || shown(frame.payload)),
                    }
                }
                Ok(used)
            };
            take().unwrap_or_else(|why: CutOff| {
                ended = Some(why);
                bytes.len()
            })
        });
        self.buffers = buffers;
        self.viewers[place] = Some(viewer);
        if let Some(consent) = agreed {
            self.record.sockets_deflated += u64::from(consent.deflates);
            self.enter(place, Stage::Joining);
            self.say_announce(place, now);
        }
        for text in heard {
            self.hear(place, &text, now);
            self.codec.give_back(text);
        }
        match (read, ended) {
            (_, Some(why)) => return self.cut_off(place, &why),
            (Err(error), _) => return self.cut_off(place, &error.into()),
            (Ok(ReadEnd::Closed), _) => return self.cut_off(place, &CutOff::Ended),
            (Ok(ReadEnd::More), _) => self.again.push(place),
            (Ok(ReadEnd::Drained), _) => {}
        }
        self.touch(place);
    }

    fn enter(&mut self, place: usize, stage: Stage) {
        if let Some(viewer) = &mut self.viewers[place] {
            viewer.stage = stage;
        }
    }

    /// Lets those announce whose time has come.
    pub(super) fn announce_due(&mut self, now: Instant) {
        while let Some(Reverse((due, place, peer))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            let is_same = |viewer: &&mut _| is_due(viewer, peer, due);
            if self.viewers[place].as_mut().filter(is_same).is_some() {
                self.say_announce(place, now);
            }
        }
    }

    /// Announces with offers. Without a reply it does so again a minute later.
    pub(super) fn say_announce(&mut self, place: usize, now: Instant) {
        let Some(viewer) = &mut self.viewers[place] else {
            return;
        };
        let peer = &mut viewer.peer;
        let info_hash = self.ids.info_hash(peer.swarm);
        let first = OfferNumber { maker: peer.number, announce: peer.announces, slot: 0 };
        peer.announces += 1;
        let text = self.announce.fill(&info_hash, &peer.id, first);
        let out = viewer.socket.outbox(&mut self.buffers);
        self.codec.write(out, Opcode::Text, text);
        self.record.announces += 1;
        self.announce_in(place, Duration::from_secs(60), now);
        self.touch(place);
    }

    fn announce_in(&mut self, place: usize, pause: Duration, now: Instant) {
        if let Some(viewer) = &mut self.viewers[place] {
            viewer.due = now + pause;
            self.due.push(Reverse((viewer.due, place, viewer.peer.number.place)));
        }
    }

    fn hear(&mut self, place: usize, text: &[u8], now: Instant) {
        let Ok(message) = Incoming::read(text) else {
            return self.record.violation("unreadable", || shown(text));
        };
        let Some(viewer) = &mut self.viewers[place] else {
            return;
        };
        let peer = viewer.peer;
        let info_hash = self.ids.info_hash(peer.swarm);
        let is_current = message.info_hash == info_hash;
        let was_there = |ids: &crate::client::id::Ids| {
            viewer.was(|former| message.info_hash == ids.info_hash(former.swarm))
        };
        if !is_current && !was_there(&self.ids) {
            return self.record.violation("another swarm's", || shown(text));
        }
        match message.body {
            Body::Reply(reply) if is_current => self.replied(place, &reply, text, now),
            Body::Offer { .. } if is_current => {
                let (Ok(maker), Ok(offer)) =
                    (message.peer_id.try_into(), message.offer_id.try_into())
                else {
                    return self.record.violation("offer without ids", || shown(text));
                };
                let answer = self.answer.fill(&info_hash, &peer.id, maker, offer);
                let out = viewer.socket.outbox(&mut self.buffers);
                self.codec.write(out, Opcode::Text, answer);
                self.record.offers_answered += 1;
            }
            // What comes for a swarm that it has left is of no use to it.
            Body::Reply(_) | Body::Offer { .. } => {}
            Body::Answer { .. } => {
                let number = OfferNumber::read(message.offer_id).map(|offer| offer.maker);
                let is_mine = number == Some(peer.number)
                    || viewer.was(|former| number == Some(former.number));
                if is_mine {
                    self.record.answers += 1;
                } else {
                    self.record.violation("another peer's answer", || shown(text));
                }
            }
            // Whoever made an offer may have left before the answer came.
            Body::Refusal { reason } => {
                *self.record.refusals.entry(shown(reason)).or_default() += 1;
            }
        }
    }

    /// Announces again when the tracker wants it to.
    fn replied(&mut self, place: usize, reply: &Reply, text: &[u8], now: Instant) {
        let Some(interval) = reply.interval else {
            return self.record.violation("reply without interval", || shown(text));
        };
        let mut pause = Duration::from_secs(interval.max(1));
        let at_least = Duration::from_secs(reply.min_interval.unwrap_or(0)) + REST_SPARE;
        if reply.is_warned {
            self.record.throttled += 1;
            pause = at_least;
        }
        let Some(viewer) = &mut self.viewers[place] else {
            return;
        };
        if viewer.stage == Stage::Joining {
            viewer.stage = Stage::Present;
            (self.joining, self.present) = (self.joining - 1, self.present + 1);
            self.record.joins += 1;
            // A crowd that has come at once would announce at once for ever after.
            pause = at_least.max(pause.mul_f64(self.rng.random()));
        }
        self.announce_in(place, pause, now);
    }
}

fn is_due(viewer: &crate::soak::viewer::Viewer, peer: u32, due: Instant) -> bool {
    viewer.peer.number.place == peer && viewer.due == due
}
