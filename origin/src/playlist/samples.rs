//! Segments for tests: what is not whole is refused, so they are real ones, of 1 and 2 s.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::{Container, Delivery};

/// How long a segment of MPEG-TS here plays.
pub(crate) const TARGET: Duration = Duration::from_secs(2);

macro_rules! file {
    ($file:literal) => {
        Bytes::from_static(include_bytes!(concat!("../../", $file)))
    };
}

/// MPEG-TS with picture and sound.
pub(crate) fn ts() -> Bytes {
    file!("clip/slate/0.ts")
}

/// Headers of two pictures and a sound, and the first second of each.
pub(crate) fn h264() -> (Bytes, Bytes) {
    (file!("tests/samples/h264.header.mp4"), file!("tests/samples/h264.m4s"))
}
pub(crate) fn h265() -> (Bytes, Bytes) {
    (file!("tests/samples/h265.header.mp4"), file!("tests/samples/h265.m4s"))
}
pub(crate) fn aac() -> (Bytes, Bytes) {
    (file!("tests/samples/aac.header.mp4"), file!("tests/samples/aac.m4s"))
}

/// A segment of the first track, which the stream numbers.
pub(crate) fn delivery(container: Container) -> Delivery {
    let (header, bytes, duration) = match container {
        Container::MpegTs => (None, ts(), TARGET),
        Container::Cmaf => (Some(h264().0), h264().1, Duration::from_secs(1)),
    };
    Delivery {
        track: 0,
        sequence: None,
        timeline: 0,
        duration,
        recorded_at: SystemTime::UNIX_EPOCH,
        header,
        bytes,
    }
}
