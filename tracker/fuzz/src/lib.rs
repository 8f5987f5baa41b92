//! What fuzzers run: a function for each target, which panics when a promise is broken. libFuzzer
//! looks for inputs that break one (`.ci/fuzz`), and the tests run those that are worth keeping
//! (`corpus/`, a folder for each target).

#![allow(clippy::expect_used, reason = "a finding is a panic")]

mod deflate;
mod extensions;
mod frames;
mod messages;
mod shard;

// The core's tests judge in the same way, with inputs of their own.
#[path = "../../core/tests/oracle/mod.rs"]
mod oracle;
#[path = "../../core/tests/reference/mod.rs"]
mod reference;
#[path = "../../core/tests/support/mod.rs"]
mod support;

use bytes::Bytes;
use tracker_core::Limits;

pub use deflate::{deflate, inflate};
pub use extensions::extensions;
pub use frames::frames;
pub use messages::messages;
pub use shard::shard;

/// A target, which panics when it finds something.
pub type Target = fn(&[u8]);

/// All targets, by the names of their folders.
pub const TARGETS: [(&str, Target); 7] = [
    ("frames", frames),
    ("messages", messages),
    ("extensions", extensions),
    ("inflate", inflate),
    ("deflate", deflate),
    ("json", json),
    ("shard", shard),
];

/// A message, as it is parsed here and by another parser: what is accepted means the same to both,
/// and what is relayed of it is JSON; with the limits that a site begins with and without any.
pub fn json(data: &[u8]) {
    let unlimited =
        Limits { json_depth: 0, offers_per_announce: 0, sdp_bytes: 0, ..Limits::default() };
    let frame = Bytes::copy_from_slice(data);
    oracle::check(&frame, &Limits::default());
    oracle::check(&frame, &unlimited);
}
