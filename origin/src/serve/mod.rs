//! Listeners, and what holds their clients to their time.

mod listener;
mod punctual;

pub use listener::tcp_listener;
pub use punctual::{Punctual, Times};
