//! Whether a packager's segment is whole, by what its container says of itself.

use std::time::Duration;

use bytes::Bytes;

use crate::cmaf::Header;
use crate::mpegts::starts_with_key_frame;

/// A CMAF segment may be this much shorter than it is named: packagers round, and the last frame's
/// length is a guess.
const SHORTER_MAX: Duration = Duration::from_millis(250);

/// The last header that was read: most segments share one.
#[derive(Debug, Default)]
pub(super) struct HeaderCache(Option<(Bytes, Header)>);

impl HeaderCache {
    fn get(&mut self, bytes: &Bytes) -> Result<&Header, String> {
        let known = self.0.take().filter(|(known, _)| known == bytes);
        let pair = match known {
            Some(pair) => pair,
            None => {
                let header = Header::read(bytes).map_err(|error| format!("its header: {error}"))?;
                (bytes.clone(), header)
            }
        };
        Ok(&self.0.insert(pair).1)
    }
}

/// Checks a segment that was named with `duration`.
///
/// # Errors
/// What is not whole about it, for people.
pub(super) fn check(
    segment: &Bytes,
    header: Option<&Bytes>,
    duration: Duration,
    headers: &mut HeaderCache,
) -> Result<(), String> {
    let Some(header) = header else {
        return starts_with_key_frame(segment).map(drop).map_err(|error| error.to_string());
    };
    let times = headers.get(header)?.times(segment).map_err(|error| error.to_string())?;
    // Cut between two fragments it would look whole.
    if times.duration() + SHORTER_MAX < duration {
        return Err(format!("it plays {:?}, but is named with {duration:?}", times.duration()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TS: &[u8] = include_bytes!("../../../clip/clip/0.ts");
    const HEADER: &[u8] = include_bytes!("../../../tests/samples/h264.header.mp4");
    const SEGMENT: &[u8] = include_bytes!("../../../tests/samples/h264.m4s");

    fn checked(segment: &'static [u8], header: Option<&'static [u8]>, millis: u64) -> bool {
        let header = header.map(Bytes::from_static);
        let duration = Duration::from_millis(millis);
        let segment = Bytes::from_static(segment);
        check(&segment, header.as_ref(), duration, &mut HeaderCache::default()).is_ok()
    }

    #[test]
    fn a_segment_is_whole_when_its_packets_or_boxes_are() {
        assert!(checked(TS, None, 2000));
        assert!(!checked(&TS[..TS.len() - 1], None, 2000));
        assert!(!checked(b"", None, 2000));
        let whole = Header::read(HEADER).expect("a header").times(SEGMENT).expect("a segment");
        let millis = whole.duration().as_millis() as u64;
        assert!(checked(SEGMENT, Some(HEADER), millis));
        assert!(!checked(&SEGMENT[..SEGMENT.len() - 1], Some(HEADER), millis));
        assert!(!checked(SEGMENT, Some(HEADER), millis + 1000), "cut between fragments");
        assert!(!checked(SEGMENT, Some(SEGMENT), millis), "no header");
        assert!(!checked(TS, Some(HEADER), 2000), "another container");
    }

    #[test]
    fn one_header_is_read_once_and_another_one_anew() {
        let mut headers = HeaderCache::default();
        let (header, other) = (Bytes::from_static(HEADER), Bytes::from_static(b"other"));
        assert!(headers.get(&header).is_ok());
        assert!(headers.get(&other).is_err());
        assert!(headers.get(&header).is_ok());
    }
}
