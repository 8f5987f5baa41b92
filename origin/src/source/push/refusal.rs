//! Why an encoder's request is not taken, in words that help whoever set it up.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::limits::{
    PUSH_HELD_FILES_MAX, PUSH_UPLOAD_SILENCE_MAX, PUSH_UPLOAD_TIME_MAX, PUSH_UPLOADS_MAX,
};
use crate::source::{FilePath, ListingError, PathError};

/// Why a request is refused. No token is in the text.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error(
        "show the stream's token: as `Authorization: Bearer <token>`, as the password of HTTP \
         Basic, or as ?token=<token>"
    )]
    Token,
    #[error("too many wrong tokens have come from there; wait {} s", .0.as_secs() + 1)]
    WrongTokens(Duration),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("{0}: {1}")]
    Playlist(FilePath, ListingError),
    #[error("it is empty")]
    Empty,
    #[error("another encoder sends this stream; it has to be silent for {} s more", .0.as_secs() + 1)]
    Occupied(Duration),
    #[error("another encoder has taken over")]
    TakenOver,
    #[error("{PUSH_UPLOADS_MAX} uploads of this stream are coming already")]
    Busy,
    #[error("it has more than {bytes_max} bytes")]
    Large { bytes_max: u64 },
    #[error(
        "{bytes_max} bytes (heldBytes) or {PUSH_HELD_FILES_MAX} files are held, which no playlist \
         has named yet"
    )]
    Full { bytes_max: usize },
    #[error("it cannot be held on the disk: {0}")]
    Disk(#[from] io::Error),
    #[error(
        "it came too slowly: in {PUSH_UPLOAD_TIME_MAX:?} at the most, and never with \
         {PUSH_UPLOAD_SILENCE_MAX:?} without a byte"
    )]
    Slow,
    #[error("it did not come whole")]
    Broken,
    #[error("the stream does not take it at the moment")]
    Away,
}
