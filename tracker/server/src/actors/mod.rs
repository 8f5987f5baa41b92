//! Who sends what to whom. Each worker thread has one `ShardActor` and a `PeerActor` per socket;
//! a socket lives on the worker of its swarm, so that all of this stays on one core.
//!
//! ```text
//!             bytes         Announce, RelayAnswer, Scrape, PeerLeft, OwnerLives
//!   socket ----------> PeerActor -------------------------------------------> ShardActor
//!      ^                 ^  |                                                  |      |
//!      |        a wake,  |  | Adopt: the socket moves to its swarm's worker    |      | Deliver,
//!      |        a Close  |  +------------------------------> another's         |      | Probe
//!      |                 |                                   ShardActor        |      v
//!      +-------------- Worker <------------------------------------------------+   another's
//!        one flush      (outboxes of this thread's sockets)   frames               ShardActor
//!        per round
//! ```
//!
//! On the main thread a `StunActor` per UDP socket, and a `FilesActor` that reads lists, keys and
//! certificates again when their files change.
//!
//! A message lives beside the actor that hears it.

mod files;
mod peer;
mod shard;
mod stun;

pub(crate) use files::{FilesActor, ReloadFiles, StopFiles};
pub(crate) use peer::PeerActor;
pub(crate) use peer::seat::Seat;
pub(crate) use shard::{Drain, LargestSwarms, PolicyChanged, Probing, ShardActor};
pub(crate) use stun::{StopStun, StunActor};
