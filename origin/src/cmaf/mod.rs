//! What has to be known of CMAF (ISO/IEC 23000-19), which is MP4 in pieces: what a header says of
//! its track, and whether a segment is whole, where it stands in time and how long it plays. All of
//! it comes from strangers, so every size is checked against what is there before it is believed.

mod boxes;
mod codecs;
mod header;
mod segment;
#[cfg(test)]
mod tests;

use mp4_atom::FourCC;
use thiserror::Error;

#[cfg(test)]
use header::Track;
pub(crate) use header::{Header, Kind};
pub(crate) use segment::Times;

/// Why bytes are no header, or no whole segment: the box, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {what}", kind.as_ref().escape_ascii())]
pub(crate) struct CmafError {
    kind: FourCC,
    what: String,
}

impl CmafError {
    fn new(kind: FourCC, what: impl Into<String>) -> Self {
        CmafError { kind, what: what.into() }
    }
}
