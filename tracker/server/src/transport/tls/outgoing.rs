//! What is encrypted and about to be sent. rustls writes only where all of it has room, and says how
//! much that takes.

use std::io;

use rustls::unbuffered::{EncodeError, EncryptError};

/// What is encrypted and about to be sent.
#[derive(Default)]
pub(super) struct Outgoing {
    /// Grows to the longest that there was: what [`TLS_WRITE_BYTES`] become, or a handshake's
    /// messages.
    room: Vec<u8>,
    filled: usize,
}

/// Why rustls has not written.
pub(super) enum Unwritten {
    /// It takes so many bytes.
    NoRoom(usize),
    Never(io::Error),
}

impl Outgoing {
    /// Lets `write` append, with as much room as it asks for.
    pub(super) fn append(
        &mut self,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, Unwritten>,
    ) -> io::Result<()> {
        loop {
            match write(&mut self.room[self.filled..]) {
                Ok(count) => {
                    self.filled += count;
                    return Ok(());
                }
                Err(Unwritten::NoRoom(bytes)) => self.room.resize(self.filled + bytes, 0),
                Err(Unwritten::Never(error)) => return Err(error),
            }
        }
    }

    /// All that is in it, which then is not any more.
    pub(super) fn take(&mut self) -> &[u8] {
        &self.room[..std::mem::take(&mut self.filled)]
    }
}

impl From<EncodeError> for Unwritten {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::InsufficientSize(size) => Self::NoRoom(size.required_size),
            EncodeError::AlreadyEncoded => Self::Never(io::Error::other(error)),
        }
    }
}

impl From<EncryptError> for Unwritten {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::InsufficientSize(size) => Self::NoRoom(size.required_size),
            EncryptError::EncryptExhausted => Self::Never(io::Error::other(error)),
        }
    }
}
