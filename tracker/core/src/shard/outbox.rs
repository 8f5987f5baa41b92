//! What a shard has to say, and to whom: to its clients, to whoever owns their sockets, and to its
//! siblings. All of it may be said in the middle of one [`Shard::handle`](crate::Shard::handle).

use crate::id::{ConnId, InfoHash};
use crate::partition::{CrossAnswer, CrossOffer, Digest, SiblingId};
use crate::wire::Outgoing;

/// Takes what a shard has to say.
pub trait Outbox {
    /// `message` is for connection `to`, which may have closed in the meantime.
    fn send(&mut self, to: ConnId, message: &Outgoing<'_>);

    /// Names the round in which the next message is sent. What a connection is sent in one round
    /// goes out in one write, and so the offers of a long round go to fewer members, several to
    /// each. `None`, the default, when each message goes out alone.
    fn round(&self) -> Option<u64> {
        None
    }

    /// Somebody else claims a peer id of connection `owner`: find out whether it still lives. If
    /// it does, say [`crate::Input::OwnerLives`]; if not, close it, and say
    /// [`crate::Input::PeerLeft`]. Said for each claim, and so more than once before either comes.
    fn probe(&mut self, owner: ConnId);

    /// Whether others may have partitions of this swarm: other nodes, or at present other workers.
    /// Asked when it opens here, and again with each digest that nobody is known to hear; nothing
    /// is said to siblings while it isn't. `false`, the default, where the shard is all there is.
    fn is_shared(&self, _: &InfoHash) -> bool {
        false
    }

    /// How many members of a swarm are here, for a sibling or for all that there are. One of nobody
    /// is a goodbye. Said when a swarm opens here, to a sibling whose partition has just opened,
    /// once in [`crate::Settings::digest_interval`] when the counts have changed and every other
    /// time when they haven't, and when the swarm closes here. May be lost.
    fn digest(&mut self, _to: Option<SiblingId>, _: &InfoHash, _: Digest) {}

    /// An offer for a member of sibling `to`, which shall hear it as
    /// [`crate::Input::CrossOffer`]. May be lost.
    fn cross_offer(&mut self, _to: SiblingId, _: &CrossOffer<'_>) {}

    /// The answer to an offer of sibling `to`, which shall hear it as
    /// [`crate::Input::CrossAnswer`]. May be lost.
    fn cross_answer(&mut self, _to: SiblingId, _: &CrossAnswer<'_>) {}
}
