//! What an answer's body is, for a listener that can send it from the kernel's pages. Answers carry
//! it beside their body; whoever doesn't know it sends the body.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::loans::time_for;
use crate::store::{File, Shelf, Written};

/// A part of a file.
pub(crate) struct Sendable {
    pub(super) file: File,
    pub(super) bytes: Range<u64>,
    pub(super) shelf: Arc<Shelf>,
}

impl Sendable {
    /// The pages of the whole file, and which of its bytes are meant.
    pub(crate) fn pages(&self) -> Option<(Arc<Written>, Range<u64>)> {
        Some((self.file.pages()?, self.bytes.clone()))
    }

    /// How long the client may take for it.
    pub(crate) fn time(&self) -> Duration {
        time_for(self.bytes.end - self.bytes.start)
    }

    /// So many bytes were handed to the client.
    pub(crate) fn sent(&self, bytes: usize) {
        self.shelf.traffic.sent(bytes);
    }

    /// It took too long.
    pub(crate) fn cut(&self) {
        self.shelf.traffic.cut();
    }
}
