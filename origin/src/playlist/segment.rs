//! A segment, as a source delivers it and as a window keeps it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::cmaf::{self, Times};
use crate::integrity::Digest;

/// One whole segment on its way from a source to its stream.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Which of the tracks that the source declared.
    pub(crate) track: usize,
    /// Its number, from sources that number alike on every origin and after every start (a clock's,
    /// an upstream's, an encoder's). The stream counts the others'.
    pub(crate) sequence: Option<u64>,
    /// Which run of timestamps it belongs to, counted from 0 by each run of the source.
    pub(crate) timeline: u64,
    /// How long it plays.
    pub(crate) duration: Duration,
    /// The wall clock at its first frame.
    pub(crate) recorded_at: SystemTime,
    /// The CMAF header that it needs; the same bytes as long as it is the same.
    pub(crate) header: Option<Bytes>,
    /// The whole file.
    pub(crate) bytes: Bytes,
}

/// One segment of a window. A clone shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Its file name in URLs, never given to other content.
    pub(crate) name: Arc<str>,
    /// Its Media Sequence Number (RFC 8216, 3): one more than that of the segment before.
    pub(crate) sequence: u64,
    /// Its Discontinuity Sequence Number (RFC 8216, 6.2.1): segments that share it share one
    /// run of timestamps. Each new run adds one.
    pub(crate) timeline: u64,
    /// How long it plays.
    pub(crate) duration: Duration,
    /// The wall clock at its first frame.
    pub(crate) recorded_at: SystemTime,
    /// What a player has to read before it, for CMAF (EXT-X-MAP).
    pub(crate) header: Option<Arc<Header>>,
    /// Where it stands in its timeline, for CMAF.
    pub(crate) times: Option<Times>,
    /// The SHA-256 of the bytes.
    pub(crate) digest: Digest,
    /// The whole file.
    pub(crate) bytes: Bytes,
}

/// A CMAF header (an "initialization segment"), which many segments share.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Its file name in URLs, which follows from its bytes.
    pub(crate) name: Arc<str>,
    /// What it says.
    pub(crate) said: cmaf::Header,
    /// The SHA-256 of the bytes.
    pub(crate) digest: Digest,
    pub(crate) bytes: Bytes,
}
