//! Bytes and frames: from a socket to messages and back. Nothing in here knows what a swarm is.

pub(crate) mod connection;
pub(crate) mod frame;
pub(crate) mod message;
pub(crate) mod read_buffer;
pub(crate) mod stream;
pub(crate) mod upgrade;
