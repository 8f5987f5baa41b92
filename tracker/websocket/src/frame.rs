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
    /// What it says.
    pub payload: BytesMut,
}

/// Takes the first frame out of `buffer`; `Ok(None)`, and nothing taken, when it isn't all here.
///
/// # Errors
///
/// [`Violation::Protocol`] for what RFC 6455 forbids, [`Violation::TooBig`] for more than `payload_max`
/// bytes, as soon as the header says so.
pub fn decode(buffer: &mut BytesMut, payload_max: usize) -> Result<Option<Frame>, Violation> {
    let Some(header) = Header::read(buffer, payload_max)? else {
        return Ok(None);
    };
    let frame_bytes = header.bytes + header.payload_bytes;
    if buffer.len() < frame_bytes {
        return Ok(None);
    }
    let mut payload = buffer.split_to(frame_bytes);
    payload.advance(header.bytes);
    unmask(&mut payload, header.mask);
    Ok(Some(Frame { opcode: header.opcode, fin: header.fin, payload }))
}

/// Appends the header of an unfragmented frame of `payload_bytes`.
pub fn write_header(opcode: Opcode, payload_bytes: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode as u8);
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
    mask: [u8; 4],
    /// Length of the header itself.
    bytes: usize,
    payload_bytes: usize,
}

impl Header {
    /// `Ok(None)` when it isn't all here.
    fn read(buffer: &[u8], payload_max: usize) -> Result<Option<Self>, Violation> {
        let [first, second, rest @ ..] = buffer else {
            return Ok(None);
        };
        let (fin, opcode) = (first & 0x80 != 0, opcode(first & 0x0f)?);
        if first & 0x70 != 0 {
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
        Ok(Some(Self { opcode, fin, mask, bytes, payload_bytes }))
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
                assert!(matches!(decode(&mut part, 1 << 20), Ok(None)));
                assert_eq!(part.len(), cut);
            }
            let mut buffer = whole.clone();
            buffer.extend_from_slice(b"next");
            let Ok(Some(frame)) = decode(&mut buffer, 1 << 20) else {
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
            assert!(matches!(decode(&mut buffer, 1 << 20), Err(Violation::Protocol(_))));
        }
    }

    #[test]
    fn a_frame_over_the_bound_is_refused_before_it_is_here() {
        let mut header = BytesMut::from(&client_frame(0x81, &[0; 1001])[..4]);
        assert!(matches!(decode(&mut header, 1000), Err(Violation::TooBig)));
        let mut huge = BytesMut::from(&b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..]);
        assert!(matches!(decode(&mut huge, 1000), Err(Violation::TooBig)));
    }
}
