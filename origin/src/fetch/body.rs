//! A body, to its end and within its bound, unpacked. One that breaks off, before the length that
//! was announced or within its chunks, is an error.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Incoming};
use hyper::header::CONTENT_ENCODING;

use super::FetchError;
use super::error::chain;

/// Room that is made at once for a body of a known length; more comes as the body does, so that
/// nobody gets memory for a length that he only claims.
const ROOM_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Reads all of it. What is packed is unpacked when it is text, and refused otherwise.
pub(super) async fn whole(
    mut incoming: Incoming,
    headers: &HeaderMap,
    bytes_max: usize,
    is_text: bool,
) -> Result<Bytes, FetchError> {
    let is_packed = match headers.get(CONTENT_ENCODING).map(|packing| packing.as_bytes()) {
        None | Some(b"identity" | b"") => false,
        Some(b"gzip" | b"x-gzip") if is_text => true,
        Some(_) => return Err(FetchError::Packed),
    };
    let length = incoming.size_hint();
    if length.lower() > bytes_max as u64 {
        return Err(FetchError::TooLarge(bytes_max));
    }
    let mut bytes = BytesMut::with_capacity(length.lower().min(ROOM_BYTES_MAX) as usize);
    while let Some(frame) = incoming.frame().await {
        let broken_off = |error| FetchError::BrokenOff { got: bytes.len(), reason: chain(&error) };
        let Ok(data) = frame.map_err(broken_off)?.into_data() else {
            // Trailers.
            continue;
        };
        if bytes.len() + data.len() > bytes_max {
            return Err(FetchError::TooLarge(bytes_max));
        }
        bytes.extend_from_slice(&data);
    }
    match is_packed {
        true => unpack(&bytes, bytes_max),
        false => Ok(bytes.freeze()),
    }
}

fn unpack(packed: &[u8], bytes_max: usize) -> Result<Bytes, FetchError> {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(packed).take(bytes_max as u64 + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length > bytes_max => Err(FetchError::TooLarge(bytes_max)),
        Ok(_) => Ok(bytes.into()),
        Err(error) => Err(FetchError::BrokenOff { got: bytes.len(), reason: error.to_string() }),
    }
}
