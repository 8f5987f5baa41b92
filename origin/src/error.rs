//! What can go wrong before a stream runs. Everything after that is mended and logged instead of
//! returned, since nobody is there to hear it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// A value in the config that the origin refuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{key} is {value}, but must be {bound}")]
pub struct ConfigError {
    /// Where it stands, such as `origin.streams[0].fps`.
    pub key: String,
    /// What was written there, quoted when it is text.
    pub value: String,
    /// What would have been accepted.
    pub bound: String,
}

/// Why an origin could not start.
#[derive(Debug, Error)]
pub enum OriginError {
    /// The folder for ffmpeg's segments cannot be made.
    #[error("cannot make the folder {} for segments: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said. (Not called `source`, as the text has it already.)
        reason: io::Error,
    },
    /// An address can't be had.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
    /// The system has no randomness for a key of this start.
    #[error("cannot make a key to sign digests with")]
    NoKey,
    /// The origin's thread cannot be started.
    #[error("cannot start the origin's thread: {0}")]
    Thread(io::Error),
}
