//! WebSocket frames (RFC 6455, section 5), as a server reads and writes them: what comes in is
//! masked and cut out of the buffer without a copy, what goes out is a header before its payload.

use bytes::{Buf, BytesMut};

use crate::Violation;
use crate::limits::CONTROL_PAYLOAD_BYTES_MAX;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "RFC 6455's own words")]
pub enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

/// A frame from a client, unmasked.
#[derive(Debug)]
pub struct Frame {
    /// What it is.
    pub opcode: Opcode,
    /// The last of its message.
    pub fin: bool,
    /// The first of a compressed message (RFC 7692, section 6).
    pub deflated: bool,
    /// What it says.
    pub payload: BytesMut,
}

/// The bit of a header that says "compressed" where that was agreed on, and nothing elsewhere.
const RSV1: u8 = 0x40;

/// Takes the first frame out of `buffer`; `Ok(None)`, and nothing taken, when it isn't all here.
/// `deflate` says whether its message may be compressed.
///
/// # Errors
///
/// [`Violation::Protocol`] for what RFC 6455 forbids, [`Violation::TooBig`] for more than
/// `payload_max` bytes, as soon as the header says so.
pub fn decode(
    buffer: &mut BytesMut,
    payload_max: usize,
    deflate: bool,
) -> Result<Option<Frame>, Violation> {
    let Some(header) = Header::read(buffer, payload_max, deflate)? else {
        return Ok(None);
    };
    let frame_bytes = header.bytes + header.payload_bytes;
    if buffer.len() < frame_bytes {
        return Ok(None);
    }
    let mut payload = buffer.split_to(frame_bytes);
    payload.advance(header.bytes);
    unmask(&mut payload, header.mask);
    let Header { opcode, fin, deflated, .. } = header;
    Ok(Some(Frame { opcode, fin, deflated, payload }))
}

/// Appends the header of an unfragmented frame of `payload_bytes`.
pub fn write_header(opcode: Opcode, payload_bytes: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode as u8);
    write_length(payload_bytes, out);
}

/// Appends the header of a compressed text message of `payload_bytes`.
pub fn write_deflated_header(payload_bytes: usize, out: &mut Vec<u8>) {
    out.push(0x80 | RSV1 | Opcode::Text as u8);
    write_length(payload_bytes, out);
}

fn write_length(payload_bytes: usize, out: &mut Vec<u8>) {
    match payload_bytes {
        #[expect(clippy::cast_possible_truncation, reason = "matched to be under 126")]
        0..126 => out.push(payload_bytes as u8),
        126..=0xffff => {
            out.push(126);
            #[expect(clippy::cast_possible_truncation, reason = "matched to fit")]
            out.extend((payload_bytes as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend((payload_bytes as u64).to_be_bytes());
        }
    }
}

struct Header {
    opcode: Opcode,
    fin: bool,
    deflated: bool,
    mask: [u8; 4],
    /// Length of the header itself.
    bytes: usize,
    payload_bytes: usize,
}

impl Header {
    /// `Ok(None)` when it isn't all here.
    fn read(buffer: &[u8], payload_max: usize, deflate: bool) -> Result<Option<Self>, Violation> {
        let [first, second, rest @ ..] = buffer else {
            return Ok(None);
        };
        let (fin, opcode) = (first & 0x80 != 0, opcode(first & 0x0f)?);
        let deflated = first & RSV1 != 0;
        let may_be_deflated = deflate && matches!(opcode, Opcode::Text | Opcode::Binary);
        if first & 0x30 != 0 || deflated && !may_be_deflated {
            return Err(Violation::Protocol("reserved bits are set"));
        }
        if second & 0x80 == 0 {
            return Err(Violation::Protocol("a client's frame must be masked"));
        }
        let (length, mask) = match (second & 0x7f, rest) {
            (126, [a, b, mask @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), mask),
            (127, [a, b, c, d, e, f, g, h, mask @ ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), mask)
            }
            (126 | 127, _) => return Ok(None),
            (short, mask) => (u64::from(short), mask),
        };
        if is_control(opcode) && (!fin || length > CONTROL_PAYLOAD_BYTES_MAX as u64) {
            return Err(Violation::Protocol("a control frame is fragmented or over 125 bytes"));
        }
        let payload_bytes = usize::try_from(length).map_err(|_| Violation::TooBig)?;
        if payload_bytes > payload_max {
            return Err(Violation::TooBig);
        }
        let Some(&mask) = mask.first_chunk() else {
            return Ok(None);
        };
        let bytes = 6 + match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        Ok(Some(Self { opcode, fin, deflated, mask, bytes, payload_bytes }))
    }
}

fn opcode(nibble: u8) -> Result<Opcode, Violation> {
    Ok(match nibble {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        _ => return Err(Violation::Protocol("reserved opcode")),
    })
}

fn is_control(opcode: Opcode) -> bool {
    opcode as u8 & 0x8 != 0
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

    fn client_frame(first: u8, payload: &[u8]) -> BytesMut {
        let mut out = Vec::new();
        write_header(Opcode::Text, payload.len(), &mut out);
        out[0] = first;
        out[1] |= 0x80;
        out.extend(MASK);
        out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        BytesMut::from(&out[..])
    }

    #[test]
    fn frames_of_every_header_length_come_out_as_they_went_in() {
        for length in [0, 1, 7, 8, 9, 125, 126, 127, 0xffff, 0x1_0000, 100_000] {
            let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let whole = client_frame(0x81, &payload);
            for cut in (0..whole.len()).step_by(1 + whole.len() / 50) {
                let mut part = BytesMut::from(&whole[..cut]);
                assert!(matches!(decode(&mut part, 1 << 20, false), Ok(None)));
                assert_eq!(part.len(), cut);
            }
            let mut buffer = whole.clone();
            buffer.extend_from_slice(b"next");
            let Ok(Some(frame)) = decode(&mut buffer, 1 << 20, false) else {
                panic!("no frame of {length} bytes");
            };
            assert!(frame.fin && frame.opcode == Opcode::Text && frame.payload == payload);
            assert_eq!(&buffer[..], b"next");
        }
    }

    #[test]
    fn what_rfc_6455_forbids_is_a_protocol_error() {
        let unmasked = BytesMut::from(&b"\x81\x01a"[..]);
        let long_ping = client_frame(0x89, &[0; 126]);
        let fragmented_ping = client_frame(0x09, b"");
        let reserved_bit = client_frame(0xc1, b"");
        let reserved_opcode = client_frame(0x83, b"");
        for mut buffer in [unmasked, long_ping, fragmented_ping, reserved_bit, reserved_opcode] {
            assert!(matches!(decode(&mut buffer, 1 << 20, false), Err(Violation::Protocol(_))));
        }
    }

    #[test]
    fn the_bit_for_compression_is_for_the_first_frame_of_a_message_and_only_where_agreed_on() {
        for first in [0xc1, 0xc2, 0x41, 0x42] {
            let decoded = decode(&mut client_frame(first, b"a"), 1, true);
            assert!(matches!(decoded, Ok(Some(Frame { deflated: true, .. }))), "{first:#x}");
            let decoded = decode(&mut client_frame(first & !RSV1, b"a"), 1, true);
            assert!(matches!(decoded, Ok(Some(Frame { deflated: false, .. }))), "{first:#x}");
            let decoded = decode(&mut client_frame(first, b"a"), 1, false);
            assert!(matches!(decoded, Err(Violation::Protocol(_))), "{first:#x}");
        }
        for first in [0xc0, 0x40, 0xc8, 0xc9, 0xca, 0xa1, 0x91, 0xe1, 0xd1] {
            let decoded = decode(&mut client_frame(first, b""), 1, true);
            assert!(matches!(decoded, Err(Violation::Protocol(_))), "{first:#x}");
        }
    }

    #[test]
    fn a_frame_over_the_bound_is_refused_before_it_is_here() {
        let mut header = BytesMut::from(&client_frame(0x81, &[0; 1001])[..4]);
        assert!(matches!(decode(&mut header, 1000, false), Err(Violation::TooBig)));
        let mut huge = BytesMut::from(&b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..]);
        assert!(matches!(decode(&mut huge, 1000, false), Err(Violation::TooBig)));
    }
}
