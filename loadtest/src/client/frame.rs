//! WebSocket frames (RFC 6455, section 5.2) as a client has them: masked when sent, plain when
//! received. The first reserved bit marks a compressed message (RFC 7692, section 6) where that was
//! agreed on; others are errors.

use crate::limits::FRAME_BYTES_MAX;

/// Kinds of frame that a tracker may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// A whole frame at the front of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: Opcode,
    pub(crate) payload: &'a [u8],
    /// The payload is a compressed message.
    pub(crate) is_deflated: bool,
    /// How many bytes it took, header included.
    pub(crate) bytes: usize,
}

/// Why bytes are no frame that this client can take.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a reserved bit is set that no negotiated extension defines")]
    ReservedBit,
    #[error("opcode {0} is not defined")]
    Opcode(u8),
    #[error("a fragmented message; trackers send each message in one frame")]
    Fragment,
    #[error("a masked frame from a server (RFC 6455, section 5.1)")]
    Masked,
    #[error("{0} bytes in one frame, more than {FRAME_BYTES_MAX}")]
    TooLong(u64),
}

/// The first reserved bit (RSV1), in a frame's first byte.
const DEFLATED: u8 = 0x40;

impl<'a> Frame<'a> {
    /// The first frame of `bytes`, or `None` when more must be read; `deflates` is whether messages
    /// may be compressed.
    pub(crate) fn first(bytes: &'a [u8], deflates: bool) -> Result<Option<Self>, FrameError> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let is_deflated = first & DEFLATED != 0;
        let is_control = first & 0x08 != 0;
        if first & 0x30 != 0 || is_deflated && (is_control || !deflates) {
            return Err(FrameError::ReservedBit);
        }
        let opcode = match first & 15 {
            _ if first & 0x80 == 0 => return Err(FrameError::Fragment),
            0 => return Err(FrameError::Fragment),
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            other => return Err(FrameError::Opcode(other)),
        };
        if second & 0x80 != 0 {
            return Err(FrameError::Masked);
        }
        let (length, header) = match (second & 0x7F, rest) {
            (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4),
            (127, [a, b, c, d, e, f, g, h, ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 10)
            }
            (126 | 127, _) => return Ok(None),
            (short, _) => (u64::from(short), 2),
        };
        if length > FRAME_BYTES_MAX as u64 {
            return Err(FrameError::TooLong(length));
        }
        let end = header + length as usize;
        let frame = bytes.get(header..end);
        Ok(frame.map(|payload| Self { opcode, payload, is_deflated, bytes: end }))
    }
}

/// Appends one masked frame to `out`. The key must be new for each frame (section 5.3).
pub(crate) fn write_masked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: u32) {
    write(out, 0x80 | opcode.bits(), payload, key);
}

/// The same for a text message that is compressed.
pub(crate) fn write_deflated(out: &mut Vec<u8>, payload: &[u8], key: u32) {
    write(out, 0x80 | DEFLATED | Opcode::Text.bits(), payload, key);
}

fn write(out: &mut Vec<u8>, first: u8, payload: &[u8], key: u32) {
    out.push(first);
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length @ 126..65_536 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    let key_bytes = key.to_be_bytes();
    out.extend_from_slice(&key_bytes);
    // Eight bytes at a time: the key twice, in the order in which it stands on the wire.
    let key_twice = u64::from(key) << 32 | u64::from(key);
    let start = out.len();
    out.resize(start + payload.len(), 0);
    let mut to = out[start..].chunks_exact_mut(8);
    let mut from = payload.chunks_exact(8);
    for (to, from) in (&mut to).zip(&mut from) {
        let mut word = [0; 8];
        word.copy_from_slice(from);
        to.copy_from_slice(&(u64::from_ne_bytes(word) ^ key_twice.to_be()).to_ne_bytes());
    }
    let tail = to.into_remainder().iter_mut().zip(from.remainder());
    for (at, (to, from)) in tail.enumerate() {
        *to = from ^ key_bytes[at & 3];
    }
}

impl Opcode {
    pub(crate) fn bits(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfcs_own_examples_hold() {
        // RFC 6455, section 5.7: "Hello", masked by the client, plain from the server.
        let mut out = Vec::new();
        write_masked(&mut out, Opcode::Text, b"Hello", 0x37fa_213d);
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        let plain = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        let (opcode, payload) = (Opcode::Text, &b"Hello"[..]);
        let frame = Frame { opcode, payload, is_deflated: false, bytes: 7 };
        assert_eq!(Frame::first(&plain, false), Ok(Some(frame)));
    }

    #[test]
    fn masking_is_undone_by_the_same_key_at_every_length() {
        for length in (0..40).chain([125, 126, 127, 1_500, 65_535, 65_536]) {
            let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut out = Vec::new();
            let key: u32 = 0xA1B2_C3D4;
            write_masked(&mut out, Opcode::Text, &payload, key);
            let at = out.len() - length;
            let key = key.to_be_bytes();
            let plain: Vec<u8> =
                out[at..].iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
            assert_eq!(plain, payload, "{length} bytes");
        }
    }

    #[test]
    fn a_frame_in_pieces_waits_for_its_last_byte() {
        for length in [5, 200, 60_000_usize] {
            let mut bytes = vec![0x81];
            match length {
                0..126 => bytes.push(length as u8),
                _ => bytes.extend([126, (length >> 8) as u8, length as u8]),
            }
            bytes.resize(bytes.len() + length, b'x');
            for end in [0, 1, 2, 3, bytes.len() - 1] {
                assert_eq!(Frame::first(&bytes[..end], false), Ok(None), "{end} of {length}");
            }
            let frame = Frame::first(&bytes, false).expect("a frame").expect("whole");
            assert_eq!((frame.payload.len(), frame.bytes), (length, bytes.len()));
        }
    }

    #[test]
    fn what_a_server_may_not_send_is_refused() {
        assert_eq!(Frame::first(&[0xC1, 0], false), Err(FrameError::ReservedBit));
        // RSV1 marks compressed data, and no control frame (RFC 7692, section 6.1).
        assert!(Frame::first(&[0xC1, 0], true).is_ok_and(|frame| frame.is_some()));
        assert_eq!(Frame::first(&[0xC9, 0], true), Err(FrameError::ReservedBit));
        assert_eq!(Frame::first(&[0xA1, 0], true), Err(FrameError::ReservedBit));
        assert_eq!(Frame::first(&[0x01, 0], false), Err(FrameError::Fragment));
        assert_eq!(Frame::first(&[0x80, 0], false), Err(FrameError::Fragment));
        assert_eq!(Frame::first(&[0x83, 0], false), Err(FrameError::Opcode(3)));
        assert_eq!(Frame::first(&[0x81, 0x80], false), Err(FrameError::Masked));
        let long = [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 1];
        assert_eq!(Frame::first(&long, false), Err(FrameError::TooLong(65_537)));
    }
}
