//! The rules of a WebTorrent tracker and nothing else: who is in which swarm, who is offered to
//! whom, and what is refused. There is no socket, clock, thread or global state in here, so one
//! seed replays a whole run and the tests reach the very code that serves.
//!
//! A frame becomes a typed message in [`wire`], a [`Shard`] handles it, and what must be sent
//! comes out through an [`Outbox`]:
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use rand::{SeedableRng, rngs::SmallRng};
//! use tracker_core::{ConnId, Incoming, Input, Outbox, Outgoing, Settings, Shard, parse};
//!
//! #[derive(Default)]
//! struct Sent(Vec<(ConnId, String)>);
//!
//! impl Outbox for Sent {
//!     fn send(&mut self, to: ConnId, message: &Outgoing<'_>) {
//!         self.0.push((to, message.to_string()));
//!     }
//!     fn probe(&mut self, _: ConnId) {}
//! }
//!
//! let settings = Settings::default();
//! let mut shard = Shard::new(settings.clone(), 1);
//! let mut sent = Sent::default();
//! let frame = Bytes::from_static(
//!     br#"{"action":"announce","info_hash":"aaaaaaaaaaaaaaaaaaaa","peer_id":"bbbbbbbbbbbbbbbbbbbb"}"#,
//! );
//! let message = parse(frame, &settings.limits);
//! let Ok(Incoming::Announce(announce)) = message else { panic!("a valid announce") };
//! let input = Input::Announce { from: ConnId(7), announce: &announce };
//! shard.handle(input, Duration::ZERO, &mut SmallRng::seed_from_u64(1), &mut sent);
//! assert_eq!(sent.0[0].0, ConnId(7));
//! assert!(sent.0[0].1.contains(r#""interval":120"#));
//! ```

mod hash;
mod id;
pub mod limits;
mod partition;
mod shard;
mod swarm;
pub mod wire;

pub use id::{ConnId, InfoHash, OfferId, PeerId};
pub use limits::{Limits, Settings};
pub use partition::{CrossAnswer, CrossOffer, Digest, ReturnToken, SiblingId};
pub use shard::{Counters, Input, Outbox, Shard};
pub use swarm::Counts;
pub use wire::{Announce, Answer, Event, Incoming, Outgoing, Reason, Refusal, Scrape, parse};
