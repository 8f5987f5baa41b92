//! What a client's message means for its socket: which shard hears it, and whether the socket
//! moves. Placement is decided here, at the first announce of a swarm, and never per frame.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use bytes::{Bytes, BytesMut};
use tracker_core::wire::{Action, Span};
use tracker_core::{Counts, Event, InfoHash, Outgoing, PeerId, Reason, Refusal};

use super::context::SocketContext;
use super::memberships::Membership;
use super::seat::Seat;
use super::{Next, PeerActor};
use crate::actors::shard::{Adopt, Announce, Apply, PeerLeft, RelayAnswer, Scrape, ShardActor};
use crate::close::Close;
use crate::config::{Limits, Policy};
use crate::directory::{Load, Place, Wish, WorkerId};
use crate::swarm_list;

impl PeerActor {
    /// Applies an announce, on its swarm's worker. A socket's first one takes the socket along.
    pub(super) fn announce(
        &mut self,
        announce: tracker_core::Announce,
        policy: &Policy,
        ctx: &mut SocketContext,
    ) -> Next {
        if let Err(reason) = self.seat.may_announce(&policy.limits, self.read_at) {
            return self.refuse_part(&announce.frame, announce.info_hash_span, reason);
        }
        let (info_hash, peer_id) = (announce.info_hash, announce.peer_id);
        let (from, read_at) = (self.conn, self.read_at);
        let stopped = announce.event == Event::Stopped;
        if !stopped && let Err(reason) = self.worker.node.access.judge(&info_hash) {
            self.expel(info_hash, peer_id);
            return self.refuse_part(&announce.frame, announce.info_hash_span, reason);
        }
        if stopped {
            return match self.seat.leave(info_hash, peer_id) {
                Some(left) => {
                    let worker = left.place.worker();
                    let left = Some(left);
                    self.tell(worker, Announce { from, announce, read_at, left }, ctx)
                }
                None => {
                    self.refuse_part(&announce.frame, announce.info_hash_span, Reason::NotAnnounced)
                }
            };
        }
        let expires_at = read_at + self.worker.node.member_lifetime();
        let renewed = self.seat.renew(info_hash, peer_id, expires_at);
        self.forget_silent();
        let worker = match renewed {
            Some(worker) => worker,
            None => {
                let first = self.seat.is_nowhere();
                let worker = match self.enter(info_hash, peer_id, expires_at, policy) {
                    Ok(worker) => worker,
                    Err(reason) => {
                        return self.refuse_part(&announce.frame, announce.info_hash_span, reason);
                    }
                };
                if first && worker != self.worker.id {
                    return self.relocate(worker, announce, ctx);
                }
                worker
            }
        };
        self.tell(worker, Announce { from, announce, read_at, left: None }, ctx)
    }

    /// Notes a peer that this socket announces for the first time, and says which worker has its
    /// swarm.
    ///
    /// # Errors
    ///
    /// When the socket may not join the swarm, or has or would open too many.
    fn enter(
        &mut self,
        info_hash: InfoHash,
        peer_id: PeerId,
        expires_at: Duration,
        policy: &Policy,
    ) -> Result<WorkerId, Reason> {
        self.seat.may_join(&info_hash)?;
        self.seat.has_room(peer_id, &policy.limits)?;
        let place = self.place(info_hash, &policy.limits)?;
        let worker = place.worker();
        self.seat.join(Membership::new(place, peer_id, expires_at));
        Ok(worker)
    }

    /// Gives up what the socket has announced once and then no more.
    fn forget_silent(&mut self) {
        for membership in self.seat.take_silent(self.read_at) {
            self.leave(membership);
        }
    }

    /// Takes a peer out of a swarm that is served no more, so that nobody is sent to it.
    fn expel(&mut self, info_hash: InfoHash, peer_id: PeerId) {
        if let Some(membership) = self.seat.leave(info_hash, peer_id) {
            self.leave(membership);
        }
    }

    /// Tells a swarm's shard that a peer is there no more.
    pub(super) fn leave(&self, membership: Membership) {
        let worker = membership.place.worker();
        let left = PeerLeft { from: self.conn, membership };
        // After a panic the rules may be in the middle of something.
        if worker == self.worker.id && !std::thread::panicking() {
            left.apply(&self.worker);
        } else if let Some(shard) = self.worker.node.shard(worker) {
            shard.do_send(left);
        }
    }

    /// The place in a swarm that this socket enters: the one that it has, if another of its peers is
    /// in it. A new swarm is placed where the socket is, if it has its place already, so that one
    /// viewer's streams stay together.
    fn place(&self, info_hash: InfoHash, limits: &Limits) -> Result<Place, Reason> {
        if let Some(place) = self.seat.place_in(info_hash) {
            return Ok(place.again());
        }
        let node = &self.worker.node;
        let load = |worker| {
            let metrics = node.metrics.of(worker);
            Load { busy: metrics.busy_ratio(), sockets: metrics.connections.load(Relaxed) }
        };
        let wish = Wish {
            home: (!self.seat.is_nowhere()).then_some(self.worker.id),
            workers: node.workers(),
            load: &load,
            swarms_max: limits.swarms,
            members_max: limits.partition_members,
        };
        node.directory.place(info_hash, wish)
    }

    /// Moves the socket to `worker`, with its announce and everything that is left to read and to
    /// write. This actor ends.
    fn relocate(
        &mut self,
        worker: WorkerId,
        announce: tracker_core::Announce,
        ctx: &mut SocketContext,
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
        let empty = Seat::new(server, None, None, None, BytesMut::new());
        let seat = std::mem::replace(&mut self.seat, empty);
        match connection.stream.detach() {
            Ok(stream) => {
                let read_at = self.read_at;
                shard.do_send(Adopt { stream, seat, unsent, announce, read_at });
            }
            Err(error) => {
                tracing::debug!(%error, "a socket could not leave its worker");
                self.worker.metrics().closed(Close::Lost);
            }
        }
        ctx.stop();
        Next::Over
    }

    /// Applies an answer, on its swarm's worker.
    pub(super) fn answer(&mut self, answer: tracker_core::Answer, ctx: &mut SocketContext) -> Next {
        let (from, read_at) = (self.conn, self.read_at);
        match self.seat.worker_of(answer.info_hash, answer.peer_id) {
            Ok(worker) => self.tell(worker, RelayAnswer { from, answer, read_at }, ctx),
            Err(reason) => self.refuse_part(&answer.frame, answer.info_hash_span, reason),
        }
    }

    /// Answers how large swarms are. The client's next message is not looked at before that.
    pub(super) fn scrape(
        &mut self,
        scrape: tracker_core::Scrape,
        policy: &Policy,
        ctx: &mut SocketContext,
    ) -> Next {
        if let Err(reason) = self.seat.may_announce(&policy.limits, self.read_at) {
            return self.refuse_scrape(reason);
        }
        match scrape {
            tracker_core::Scrape::Swarms(info_hashes) => self.scrape_swarms(info_hashes, ctx),
            tracker_core::Scrape::Everything if policy.scrape_all => {
                let largest = swarm_list::largest(&self.worker.node).into_actor(self);
                ctx.wait(largest.map(|files, peer, _| peer.send_scrape(&files)));
                Next::Wait
            }
            tracker_core::Scrape::Everything => self.refuse_scrape(Reason::ScrapeOfEverything),
        }
    }

    fn refuse_scrape(&self, reason: Reason) -> Next {
        self.refuse(&Bytes::new(), Refusal { action: Action::Scrape, info_hash: None, reason })
    }

    /// Asks the workers of the swarms, and answers when all have.
    fn scrape_swarms(&mut self, asked: Vec<InfoHash>, ctx: &mut SocketContext) -> Next {
        let node = &self.worker.node;
        let mut by_worker = BTreeMap::<WorkerId, Vec<InfoHash>>::new();
        for info_hash in &asked {
            for worker in node.directory.workers_of(info_hash) {
                by_worker.entry(worker).or_default().push(*info_hash);
            }
        }
        let questions: Vec<_> = by_worker
            .into_iter()
            .filter_map(|(worker, info_hashes)| Some(node.shard(worker)?.send(Scrape(info_hashes))))
            .collect();
        let answers = futures_util::future::join_all(questions).into_actor(self);
        ctx.wait(answers.map(move |answers, peer, _| {
            // Each of several counts the others' members, too; one that is about to go has none. Who
            // has finished is known where it was said.
            let mut known = BTreeMap::<InfoHash, Counts>::new();
            for (info_hash, counts) in answers.into_iter().flatten().flatten() {
                let most = known.entry(info_hash).or_default();
                let downloaded = most.downloaded + counts.downloaded;
                if counts.complete + counts.incomplete >= most.complete + most.incomplete {
                    *most = counts;
                }
                most.downloaded = downloaded;
            }
            let mut files = Vec::with_capacity(asked.len());
            for info_hash in asked {
                if files.iter().all(|(listed, _)| *listed != info_hash) {
                    files.push((info_hash, known.get(&info_hash).copied().unwrap_or_default()));
                }
            }
            peer.send_scrape(&files);
        }));
        Next::Wait
    }

    fn send_scrape(&self, files: &[(InfoHash, Counts)]) {
        self.worker.metrics().scrapes.fetch_add(1, Relaxed);
        self.worker.send(self.conn, &Outgoing::Scrape { files });
    }

    /// Tells a worker what has happened in a swarm of its: this one at once, another one's shard by
    /// a message, and nothing more is read while that shard's mailbox is full.
    fn tell<M>(&mut self, worker: WorkerId, message: M, ctx: &mut SocketContext) -> Next
    where
        M: Apply + Message<Result = ()> + Send + 'static,
        ShardActor: Handler<M>,
        Context<ShardActor>: ToEnvelope<ShardActor, M>,
    {
        if worker == self.worker.id {
            message.apply(&self.worker);
            return Next::Read;
        }
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
        self.refuse(frame, Refusal { action, info_hash, reason })
    }
}
