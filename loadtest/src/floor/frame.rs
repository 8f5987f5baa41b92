//! Frames as a server has them (RFC 6455, section 5.2): unmasked where they lie when read, plain
//! when written. Fragments and extensions are not known.

use crate::client::frame::Opcode;

/// A whole frame at the front of some bytes.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) is_text: bool,
    /// Unmasked.
    pub(super) payload: &'a [u8],
    /// How many bytes it took.
    pub(super) bytes: usize,
}

impl<'a> Frame<'a> {
    /// The first frame of `bytes`, or `None` when more must be read.
    pub(super) fn first(bytes: &'a mut [u8]) -> Option<Self> {
        let (length, header) = match *bytes {
            [_, second, ..] if second & 0x7F < 126 => (u64::from(second & 0x7F), 2),
            [_, second, a, b, ..] if second & 0x7F == 126 => {
                (u64::from(u16::from_be_bytes([a, b])), 4)
            }
            [_, second, a, b, c, d, e, f, g, h, ..] if second & 0x7F == 127 => {
                (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 10)
            }
            _ => return None,
        };
        let start: usize = header + 4;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let is_text = bytes[0] & 15 == Opcode::Text.bits();
        let frame = bytes.get_mut(header..end)?;
        let (key, payload) = frame.split_first_chunk_mut()?;
        unmask(payload, *key);
        Some(Self { is_text, payload, bytes: end })
    }
}

/// Eight bytes at a time, the key twice.
fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let half = u64::from(u32::from_ne_bytes(key));
    let twice = half << 32 | half;
    let (words, rest) = payload.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ twice).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends the header of a text frame with `length` bytes.
pub(super) fn write_header(out: &mut Vec<u8>, length: usize) {
    out.push(0x80 | Opcode::Text.bits());
    match length {
        0..126 => out.push(length as u8),
        126..65_536 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::frame::{self, write_masked};

    #[test]
    fn a_clients_frame_is_read_and_a_client_reads_ours() {
        for length in (0..20).chain([125, 126, 1_500, 65_535, 65_536]) {
            let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut sent = Vec::new();
            write_masked(&mut sent, Opcode::Text, &payload, 0xA1B2_C3D4);
            let end = sent.len();
            assert!(Frame::first(&mut sent[..end - 1]).is_none(), "{length} bytes");
            sent.extend(b"more");
            let frame = Frame::first(&mut sent).expect("whole");
            assert_eq!((frame.payload, frame.bytes), (&payload[..], end));
            let mut ours = Vec::new();
            write_header(&mut ours, length);
            ours.extend_from_slice(&payload);
            let read = frame::Frame::first(&ours, false).expect("a frame").expect("whole");
            assert_eq!((read.opcode, read.payload), (Opcode::Text, &payload[..]));
        }
    }

    #[test]
    fn a_length_that_no_memory_has_waits_for_ever() {
        let mut endless = [0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
        assert!(Frame::first(&mut endless).is_none());
    }
}
