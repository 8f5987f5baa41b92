//! One simulated peer's side of the wire: socket, frames, messages, session descriptions. It is
//! written against the RFCs and the clients alone and shares nothing with any tracker, so that one
//! bug cannot hide on both sides.

pub(crate) mod codec;
pub(crate) mod deflate;
pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod id;
pub(crate) mod incoming;
pub(crate) mod outbox;
pub(crate) mod outgoing;
pub(crate) mod sdp;
pub(crate) mod socket;
pub(crate) mod source;
pub(crate) mod tls;
pub(crate) mod wire;
