//! Frames out of bytes, however the network cuts them: what comes out is the same, and what was
//! written by ourselves is read as it was.

use bytes::BytesMut;
use tracker_websocket::Violation;
use tracker_websocket::frame::{Frame, Opcode, decode, write_header};
use tracker_websocket::limits::CONTROL_PAYLOAD_BYTES_MAX;

/// What was read of some bytes: the frames, and what comes behind them.
#[derive(PartialEq, Eq, Debug)]
struct Read {
    frames: Vec<(Opcode, bool, bool, BytesMut)>,
    /// Bytes that are no whole frame yet, or what is wrong with them.
    rest: Result<BytesMut, Violation>,
}

/// The input is the longest payload that is taken in two bytes, the length of the pieces in which
/// the rest comes in one, and the rest.
pub fn frames(data: &[u8]) {
    let [high, low, piece, bytes @ ..] = data else { return };
    let payload_max = usize::from(u16::from_be_bytes([*high, *low]));
    for deflate in [false, true] {
        let whole = read(bytes, usize::MAX, payload_max, deflate);
        assert_eq!(read(bytes, usize::from(*piece) + 1, payload_max, deflate), whole);
        for (opcode, fin, deflated, payload) in &whole.frames {
            assert!(payload.len() <= payload_max);
            match opcode {
                Opcode::Close | Opcode::Ping | Opcode::Pong => {
                    assert!(*fin && !deflated && payload.len() <= CONTROL_PAYLOAD_BYTES_MAX);
                }
                Opcode::Continuation => assert!(!deflated, "only the first frame says so"),
                Opcode::Text | Opcode::Binary => assert!(deflate || !deflated),
            }
            assert_eq!(written_and_read(*opcode, payload), **payload);
        }
    }
}

fn read(bytes: &[u8], piece: usize, payload_max: usize, deflate: bool) -> Read {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(piece.min(bytes.len().max(1))) {
        buffer.extend_from_slice(piece);
        loop {
            let before = buffer.clone();
            match decode(&mut buffer, payload_max, deflate) {
                Ok(Some(Frame { opcode, fin, deflated, payload })) => {
                    assert!(buffer.len() + payload.len() < before.len(), "made of nothing");
                    assert!(before.ends_with(&buffer));
                    frames.push((opcode, fin, deflated, payload));
                }
                Ok(None) => {
                    assert_eq!(buffer, before, "nothing is taken of half a frame");
                    break;
                }
                Err(violation) => return Read { frames, rest: Err(violation) },
            }
        }
    }
    Read { frames, rest: Ok(buffer) }
}

/// A frame of ours, masked as a client would, and read again.
fn written_and_read(opcode: Opcode, payload: &[u8]) -> BytesMut {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = Vec::new();
    write_header(opcode, payload.len(), &mut frame);
    frame[1] |= 0x80;
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    let mut buffer = BytesMut::from(&frame[..]);
    let read =
        decode(&mut buffer, payload.len(), false).expect("a frame of ours").expect("all of it");
    assert!(read.fin && read.opcode == opcode && buffer.is_empty());
    read.payload
}
