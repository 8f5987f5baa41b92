//! Bytes and frames: from a socket to messages and back. Nothing in here knows what a swarm is.

pub(crate) mod accept;
pub(crate) mod certificate;
pub(crate) mod connection;
pub(crate) mod frame;
pub(crate) mod message;
pub(crate) mod read_buffer;
pub(crate) mod stream;
pub(crate) mod tls;
pub(crate) mod upgrade;
