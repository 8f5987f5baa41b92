//! What a client's message means for its socket: which shard hears it, and whether the socket
//! moves. Placement is decided here, at the first announce of a swarm, and never per frame.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use bytes::{Bytes, BytesMut};
use tracker_core::wire::{Action, Span};
use tracker_core::{Counts, Event, InfoHash, Outgoing, PeerId, Reason, Refusal};

use super::seat::{Membership, Seat};
use super::{Next, PeerActor};
use crate::actors::shard::{Adopt, Announce, PeerLeft, RelayAnswer, Scrape, ShardActor};
use crate::close::Close;
use crate::directory::{WorkerId, less_loaded_of_two};

impl PeerActor {
    /// Passes an announce on to its swarm's shard. A socket's first one takes the socket along.
    pub(super) fn announce(
        &mut self,
        announce: tracker_core::Announce,
        ctx: &mut Context<Self>,
    ) -> Next {
        let (info_hash, peer_id) = (announce.info_hash, announce.peer_id);
        let stopped = announce.event == Event::Stopped;
        if !stopped && let Err(reason) = self.worker.node.access.judge(&info_hash) {
            self.expel(info_hash, peer_id);
            return self.refuse_part(&announce.frame, announce.info_hash_span, reason);
        }
        let now = self.worker.node.now();
        let known = if stopped {
            self.seat.leave(info_hash, peer_id)
        } else {
            self.seat.renew(info_hash, peer_id, now)
        };
        let worker = match known {
            Some(membership) => membership.worker,
            None if stopped => {
                let reason = Reason::NotAnnounced;
                return self.refuse_part(&announce.frame, announce.info_hash_span, reason);
            }
            None => {
                let lifetime = self.worker.node.settings.member_lifetime();
                let may_join = self.seat.may_join(&info_hash);
                let may_join = may_join.and_then(|()| self.seat.makes_room(now, lifetime));
                if let Err(reason) = may_join {
                    return self.refuse_part(&announce.frame, announce.info_hash_span, reason);
                }
                let first = self.seat.is_nowhere();
                let worker = self.place(info_hash);
                self.seat.join(Membership { info_hash, peer_id, worker, announced_at: now });
                if first && worker != self.worker.id {
                    return self.relocate(worker, announce, ctx);
                }
                worker
            }
        };
        self.tell(worker, Announce { from: self.conn, announce }, ctx)
    }

    /// Takes a peer out of a swarm that is served no more, so that nobody is sent to it.
    fn expel(&mut self, info_hash: InfoHash, peer_id: PeerId) {
        if let Some(membership) = self.seat.leave(info_hash, peer_id)
            && let Some(shard) = self.worker.node.shard(membership.worker)
        {
            shard.do_send(PeerLeft { from: self.conn, membership });
        }
    }

    /// The worker of a swarm that this socket enters. A new one is placed where the socket is, if
    /// it has its place already, so that one viewer's streams stay together.
    fn place(&self, info_hash: InfoHash) -> WorkerId {
        let node = &self.worker.node;
        node.directory.place(info_hash, || {
            if self.seat.is_nowhere() {
                let load = |worker| node.metrics.of(worker).connections.load(Relaxed);
                less_loaded_of_two(node.workers(), load)
            } else {
                self.worker.id
            }
        })
    }

    /// Moves the socket to `worker`, with its announce and everything that is left to read and to
    /// write. This actor ends.
    fn relocate(
        &mut self,
        worker: WorkerId,
        announce: tracker_core::Announce,
        ctx: &mut Context<Self>,
    ) -> Next {
        let (Some(shard), Some(connection)) =
            (self.worker.node.shard(worker).cloned(), self.worker.remove(self.conn))
        else {
            ctx.stop();
            return Next::Over;
        };
        // Half a frame shall not hold this worker's read buffer from over there.
        self.seat.keep_rest();
        let unsent = connection.outbox.rest().to_vec();
        let server = self.seat.server.clone();
        let seat =
            std::mem::replace(&mut self.seat, Seat::new(server, None, None, BytesMut::new()));
        match connection.stream.detach() {
            Ok(stream) => shard.do_send(Adopt { stream, seat, unsent, announce }),
            Err(error) => {
                tracing::debug!(%error, "a socket could not leave its worker");
                self.worker.metrics().closed(Close::Lost);
            }
        }
        ctx.stop();
        Next::Over
    }

    /// Passes an answer on to its swarm's shard.
    pub(super) fn answer(&mut self, answer: tracker_core::Answer, ctx: &mut Context<Self>) -> Next {
        match self.seat.worker_of(answer.info_hash, answer.peer_id) {
            Ok(worker) => self.tell(worker, RelayAnswer { from: self.conn, answer }, ctx),
            Err(reason) => self.refuse_part(&answer.frame, answer.info_hash_span, reason),
        }
    }

    /// Asks the workers of the swarms, and answers when all have. The client's next message is
    /// not looked at before that.
    pub(super) fn scrape(
        &mut self,
        scrape: &tracker_core::Scrape,
        ctx: &mut Context<Self>,
    ) -> Next {
        let node = &self.worker.node;
        let mut by_worker = BTreeMap::<WorkerId, Vec<InfoHash>>::new();
        for info_hash in &scrape.info_hashes {
            if let Some(worker) = node.directory.worker_of(info_hash) {
                by_worker.entry(worker).or_default().push(*info_hash);
            }
        }
        let questions: Vec<_> = by_worker
            .into_iter()
            .filter_map(|(worker, info_hashes)| Some(node.shard(worker)?.send(Scrape(info_hashes))))
            .collect();
        let asked = scrape.info_hashes.clone();
        let answers = futures_util::future::join_all(questions).into_actor(self);
        ctx.wait(answers.map(move |answers, peer, _| {
            let known: BTreeMap<_, _> = answers.into_iter().flatten().flatten().collect();
            peer.send_scrape(&asked, &known);
        }));
        Next::Wait
    }

    fn send_scrape(&self, asked: &[InfoHash], known: &BTreeMap<InfoHash, Counts>) {
        let mut files = Vec::with_capacity(asked.len());
        for info_hash in asked {
            if files.iter().all(|(listed, _)| listed != info_hash) {
                files.push((*info_hash, known.get(info_hash).copied().unwrap_or_default()));
            }
        }
        self.worker.metrics().scrapes.fetch_add(1, Relaxed);
        self.worker.send(self.conn, &Outgoing::Scrape { files: &files });
        self.worker.flush();
    }

    /// Sends a message to a shard, and stops reading while its mailbox is full.
    fn tell<M>(&mut self, worker: WorkerId, message: M, ctx: &mut Context<Self>) -> Next
    where
        M: Message<Result = ()> + Send + 'static,
        ShardActor: Handler<M>,
        Context<ShardActor>: ToEnvelope<ShardActor, M>,
    {
        let Some(shard) = self.worker.node.shard(worker) else {
            return Next::Read;
        };
        match shard.try_send(message) {
            Ok(()) => Next::Read,
            Err(SendError::Full(message)) => {
                ctx.wait(shard.send(message).into_actor(self).map(|_, _, _| ()));
                Next::Wait
            }
            Err(SendError::Closed(_)) => Next::Read,
        }
    }

    /// Refuses a message about a swarm that the socket has no part in.
    fn refuse_part(&self, frame: &Bytes, info_hash: Span, reason: Reason) -> Next {
        let (action, info_hash) = (Action::Announce, Some(info_hash));
        self.refuse(frame, Refusal { action, info_hash, reason });
        Next::Read
    }
}
