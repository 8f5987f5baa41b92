//! Who sends what to whom. Each worker thread has one `ShardActor` and a `PeerActor` per socket;
//! a socket lives on the worker of its swarm, so that all of this stays on one core.
//!
//! ```text
//!             bytes           what is about a swarm of this worker
//!   socket ----------> PeerActor ----------------------------------> Swarms (of this thread)
//!      ^               ^  |   |                                         |            ^
//!      |      a wake,  |  |   |  Announce, RelayAnswer,                 |            |
//!      |      a Close  |  |   |  Scrape, PeerLeft, OwnerLives           |       ShardActor: time,
//!      |               |  |   +----------------------> another's        |       and the end of
//!      |               |  |  Adopt: the socket moves   ShardActor       |       each round
//!      |               |  +--------------------------> (or this one's)  v            |
//!      +------------ Worker <-------------------------------------- frames           |
//!        one flush    (outboxes of this thread's sockets)               |            v
//!        per round                                                      +-------> another's
//!                                                   Deliver, FromSiblings, Probe   ShardActor
//! ```
//!
//! On the main thread a `StunActor` per UDP socket, a `FilesActor` that reads lists, keys and
//! certificates again when their files change, and a `SamplerActor`, which looks at what all workers
//! have counted and tells each `StatsFeed`, an operator's dashboard on any worker. In a cluster a
//! `NatsActor` (`bus/nats/`), on a thread of its own, says to shards what other nodes do.
//!
//! A message lives beside the actor that hears it.

mod files;
mod peer;
mod sampler;
mod shard;
mod stats_feed;
mod stun;

pub(crate) use files::{FilesActor, ReloadFiles, StopFiles};
pub(crate) use peer::PeerActor;
pub(crate) use peer::seat::Seat;
pub(crate) use sampler::{SamplerActor, StopSampler};
pub(crate) use shard::{
    Drain, FromSiblings, LargestSwarms, NodesCame, NodesSpoke, PolicyChanged, Probing, ShardActor,
    SiblingsGone, Swarms,
};
pub(crate) use stats_feed::StatsFeed;
pub(crate) use stun::{StopStun, StunActor};
