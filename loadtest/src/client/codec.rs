//! How a worker's peers put their messages into frames: masked with a key of its own each, and
//! compressed where the tracker has agreed to that.

use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::deflate::{Deflater, InflateError, Inflater};
use super::frame::{Opcode, write_deflated, write_masked};
use super::outbox::Outbox;

/// One for all sockets of a worker.
#[derive(Debug)]
pub(crate) struct Codec {
    keys: SmallRng,
    /// Made when the first socket needs it; some 300 kB.
    deflater: Option<Box<Deflater>>,
    inflater: Option<Box<Inflater>>,
}

impl Codec {
    pub(crate) fn new(seed: u64) -> Self {
        Self { keys: SmallRng::seed_from_u64(seed), deflater: None, inflater: None }
    }

    /// Appends one frame.
    pub(crate) fn write(&mut self, out: &mut Outbox, opcode: Opcode, payload: &[u8]) {
        let key = self.keys.next_u32();
        if out.deflates && opcode == Opcode::Text {
            let deflater = self.deflater.get_or_insert_default();
            if let Some(deflated) = deflater.deflate(payload) {
                return write_deflated(out.bytes(), deflated, key);
            }
        }
        write_masked(out.bytes(), opcode, payload, key);
    }

    /// The text of a compressed message; [`Self::give_back`] takes it for the next one.
    ///
    /// # Errors
    /// When the payload stands for no message within the bound.
    pub(crate) fn inflate(&mut self, payload: &[u8]) -> Result<Vec<u8>, InflateError> {
        self.inflater.get_or_insert_default().inflate(payload)
    }

    pub(crate) fn give_back(&mut self, text: Vec<u8>) {
        self.inflater.get_or_insert_default().give_back(text);
    }
}
