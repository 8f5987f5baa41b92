//! Sockets: from an HTTP request to a connection, and bytes in and out of it. What the bytes mean
//! is told by the crate `tracker-websocket`; nothing in here knows what a swarm is.

pub(crate) mod accept;
pub(crate) mod connection;
pub(crate) mod read_buffer;
pub(crate) mod stream;
pub(crate) mod tls;
pub(crate) mod turned_away;
pub(crate) mod upgrade;
