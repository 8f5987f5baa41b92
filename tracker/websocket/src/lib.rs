//! WebSocket (RFC 6455) as a server speaks it, on bytes alone: [`frame`] cuts frames out of what
//! was read, [`message`] puts messages together, [`deflate`] compresses and inflates them where
//! [`PerMessageDeflate`] was agreed on. There is no socket, clock or task in here and nothing about
//! swarms, so tests and fuzzers reach the very code that serves.

pub mod deflate;
mod extension;
pub mod frame;
pub mod limits;
pub mod message;
mod violation;

pub use extension::PerMessageDeflate;
pub use violation::Violation;
