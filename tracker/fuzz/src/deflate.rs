//! Messages compressed and back: what we wrote is read as it was, and what others wrote as another
//! implementation reads it, within its bound.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use tracker_websocket::Violation;
use tracker_websocket::deflate::{Body, Deflater, Inflater};

/// What a compressed message goes without (RFC 7692, section 7.2.1).
const TAIL: &[u8] = &[0x00, 0x00, 0xff, 0xff];

/// A last block that says `a`.
const LAST: &[u8] = &[0x4b, 0x04, 0x00];

/// Longer than any bound of an input.
const PLAIN_BYTES_MAX: usize = 1 << 17;

/// The input is how long a message may be in two bytes, and a compressed one.
pub fn inflate(data: &[u8]) {
    let [high, low, deflated @ ..] = data else { return };
    let bytes_max = usize::from(u16::from_be_bytes([*high, *low]));
    let mut inflater = Inflater::default();
    let bounded = inflater.inflate(deflated, bytes_max).map(<[u8]>::to_vec);
    let (theirs, is_deflate) = inflate_by_miniz(deflated);
    match &bounded {
        Ok(plain) if is_deflate => assert_eq!(*plain, theirs),
        // A code without symbols, in the last block of what breaks off: zlib's kind waits until it
        // is used, and miniz doesn't.
        Ok(plain) => assert!(plain.starts_with(&theirs)),
        Err(Violation::TooBig) => assert!(theirs.len() > bytes_max || !is_deflate),
        // A code without an end of its block, likewise: zlib's kind refuses it as it reads it.
        Err(Violation::NotDeflate) => assert!(!is_deflate || !ends_between_blocks(deflated)),
        Err(violation) => panic!("{violation:?} is of no inflater"),
    }
    assert!(bounded.as_ref().map_or(0, Vec::len) <= bytes_max);
    // Whatever it was, the next message begins with nothing of it.
    assert_eq!(inflater.inflate(deflated, bytes_max).map(<[u8]>::to_vec), bounded);
    assert_eq!(inflater.inflate(b"\x4a\x04\x00", 1), Ok(&b"a"[..]));
}

/// The input is a message.
pub fn deflate(message: &[u8]) {
    let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
    for _ in 0..2 {
        match deflater.deflate(|out| out.extend_from_slice(message)) {
            Body::Plain(plain) => assert_eq!(plain, message),
            Body::Deflated(deflated) => {
                assert!(deflated.len() < message.len());
                assert_eq!(inflater.inflate(deflated, message.len()), Ok(message));
                assert_eq!(inflate_by_miniz(deflated), (message.to_vec(), true));
            }
        }
    }
}

/// Whether another implementation finds its tail, and what it is given behind that, where they
/// would be read as such.
fn ends_between_blocks(deflated: &[u8]) -> bool {
    let input = [deflated, TAIL, LAST].concat();
    let (plain, read, status) = inflate_all(&input, |read| read == input.len());
    status == TINFLStatus::Done && read == input.len() && plain.ends_with(b"a")
}

/// What another implementation makes of it, or of what comes before a flaw, and whether there is
/// none. Of what is longer than any bound here, its start.
fn inflate_by_miniz(deflated: &[u8]) -> (Vec<u8>, bool) {
    let input = [deflated, TAIL].concat();
    let is_over = |read| read == deflated.len() || read == input.len();
    let (plain, _, status) = inflate_all(&input, is_over);
    let wants_more = [TINFLStatus::NeedsMoreInput, TINFLStatus::HasMoreOutput];
    (plain, status == TINFLStatus::Done || wants_more.contains(&status))
}

/// The text, how far it was read, and how that ended. A block that calls itself final ends a
/// stream, and another begins behind it with nothing of it, unless `is_over` says of the bytes
/// that were read that they are all.
fn inflate_all(input: &[u8], is_over: impl Fn(usize) -> bool) -> (Vec<u8>, usize, TINFLStatus) {
    let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (mut plain, mut read) = (Vec::new(), 0);
    loop {
        let mut out = vec![0; PLAIN_BYTES_MAX - plain.len()];
        let mut stream = DecompressorOxide::new();
        let (status, took, wrote) = decompress(&mut stream, &input[read..], &mut out, 0, flags);
        read += took;
        plain.extend_from_slice(&out[..wrote]);
        if status != TINFLStatus::Done || is_over(read) {
            return (plain, read, status);
        }
    }
}
