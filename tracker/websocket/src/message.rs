//! Messages out of frames: most are one frame and pass through as they are, a fragmented one is
//! put together here, within the bound of a whole message.

use bytes::{Bytes, BytesMut};

use super::frame::{Frame, Opcode};
use crate::Violation;
use crate::limits::EMPTY_FRAGMENTS_MAX;

/// What a client said.
#[derive(Debug)]
pub enum Message {
    /// Something for the tracker.
    Data(Data),
    /// To be answered with the same payload.
    Ping(Bytes),
    /// The answer to a ping of ours.
    Pong,
    /// The client ends the conversation.
    Close,
}

/// What is for the tracker, text or not: some clients send their JSON in binary messages.
#[derive(Debug)]
pub struct Data {
    /// It has to be UTF-8, and isn't known to be yet.
    pub text: bool,
    /// `payload` is compressed.
    pub deflated: bool,
    /// What it says.
    pub payload: Bytes,
}

/// The start of a message whose end hasn't come.
#[derive(Debug, Default)]
pub struct Fragments(Option<Box<Started>>);

#[derive(Debug)]
struct Started {
    text: bool,
    deflated: bool,
    payload: BytesMut,
    /// Fragments so far that held nothing.
    empty: usize,
}

impl Fragments {
    /// Takes the next frame; `Ok(None)` when it isn't the end of a message.
    ///
    /// # Errors
    ///
    /// [`Violation::Protocol`] for fragments out of order, [`Violation::TooBig`] for a message of
    /// more than `payload_max` bytes, as they came.
    pub fn add(&mut self, frame: Frame, payload_max: usize) -> Result<Option<Message>, Violation> {
        let payload = frame.payload;
        match frame.opcode {
            Opcode::Ping => return Ok(Some(Message::Ping(payload.freeze()))),
            Opcode::Pong => return Ok(Some(Message::Pong)),
            Opcode::Close => return check_close(&payload).map(|()| Some(Message::Close)),
            Opcode::Text | Opcode::Binary if self.0.is_some() => {
                return Err(Violation::Protocol("a message starts inside another"));
            }
            Opcode::Text | Opcode::Binary => {
                let (text, deflated) = (frame.opcode == Opcode::Text, frame.deflated);
                if frame.fin {
                    let payload = payload.freeze();
                    return Ok(Some(Message::Data(Data { text, deflated, payload })));
                }
                // A copy, so that the worker's read buffer isn't held until the rest comes.
                let payload = BytesMut::from(&payload[..]);
                self.0 = Some(Box::new(Started { text, deflated, payload, empty: 0 }));
                return Ok(None);
            }
            Opcode::Continuation => {}
        }
        let Some(mut started) = self.0.take() else {
            return Err(Violation::Protocol("a continuation of nothing"));
        };
        started.empty += usize::from(payload.is_empty());
        if started.empty > EMPTY_FRAGMENTS_MAX {
            return Err(Violation::Protocol("a message of too many empty fragments"));
        }
        if started.payload.len() + payload.len() > payload_max {
            return Err(Violation::TooBig);
        }
        started.payload.extend_from_slice(&payload);
        if !frame.fin {
            self.0 = Some(started);
            return Ok(None);
        }
        let Started { text, deflated, payload, .. } = *started;
        Ok(Some(Message::Data(Data { text, deflated, payload: payload.freeze() })))
    }
}

/// The payload of a close frame: nothing, or a code that may be sent and a text (RFC 6455,
/// sections 5.5.1 and 7.4).
fn check_close(payload: &[u8]) -> Result<(), Violation> {
    match payload {
        [] => Ok(()),
        [high, low, reason @ ..] => match u16::from_be_bytes([*high, *low]) {
            1000..=1003 | 1007..=1014 | 3000..=4999 => {
                std::str::from_utf8(reason).map_or(Err(Violation::NotUtf8), |_| Ok(()))
            }
            _ => Err(Violation::Protocol("a close code that may not be sent")),
        },
        [_] => Err(Violation::Protocol("half a close code")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: Opcode, fin: bool, payload: &[u8]) -> Frame {
        Frame { opcode, fin, deflated: false, payload: BytesMut::from(payload) }
    }

    #[test]
    fn fragments_become_one_message_with_control_frames_in_between() {
        let mut fragments = Fragments::default();
        assert!(matches!(fragments.add(frame(Opcode::Text, false, b"a"), 3), Ok(None)));
        let ping = fragments.add(frame(Opcode::Ping, true, b"?"), 3);
        assert!(matches!(ping, Ok(Some(Message::Ping(payload))) if payload == "?"));
        assert!(matches!(fragments.add(frame(Opcode::Continuation, false, b""), 3), Ok(None)));
        let last = fragments.add(frame(Opcode::Continuation, true, b"bc"), 3);
        let Ok(Some(Message::Data(last))) = last else { panic!("no message: {last:?}") };
        assert!(last.text && !last.deflated && last.payload == "abc");
    }

    #[test]
    fn a_message_in_fragments_is_compressed_when_its_first_frame_says_so() {
        let mut fragments = Fragments::default();
        let first = Frame { deflated: true, ..frame(Opcode::Binary, false, b"a") };
        assert!(matches!(fragments.add(first, 2), Ok(None)));
        let last = fragments.add(frame(Opcode::Continuation, true, b"b"), 2);
        let Ok(Some(Message::Data(last))) = last else { panic!("no message: {last:?}") };
        assert!(!last.text && last.deflated && last.payload == "ab");
    }

    #[test]
    fn fragments_out_of_order_endless_or_too_long_are_refused() {
        let mut fragments = Fragments::default();
        let orphan = fragments.add(frame(Opcode::Continuation, true, b""), 3);
        assert!(matches!(orphan, Err(Violation::Protocol(_))));

        assert!(matches!(fragments.add(frame(Opcode::Binary, false, b"ab"), 3), Ok(None)));
        let nested = fragments.add(frame(Opcode::Text, true, b""), 3);
        assert!(matches!(nested, Err(Violation::Protocol(_))));
        let long = fragments.add(frame(Opcode::Continuation, true, b"cd"), 3);
        assert!(matches!(long, Err(Violation::TooBig)));

        let mut fragments = Fragments::default();
        assert!(matches!(fragments.add(frame(Opcode::Text, false, b""), 3), Ok(None)));
        let endless = (0..=EMPTY_FRAGMENTS_MAX)
            .map(|_| fragments.add(frame(Opcode::Continuation, false, b""), 3))
            .find_map(Result::err);
        assert!(matches!(endless, Some(Violation::Protocol(_))));
    }

    #[test]
    fn fragments_that_hold_something_are_as_many_as_the_message_has_bytes() {
        const BYTES: usize = 64 << 10;
        let mut fragments = Fragments::default();
        assert!(matches!(fragments.add(frame(Opcode::Text, false, b"a"), BYTES), Ok(None)));
        for _ in 2..BYTES {
            let next = fragments.add(frame(Opcode::Continuation, false, b"a"), BYTES);
            assert!(matches!(next, Ok(None)));
        }
        let last = fragments.add(frame(Opcode::Continuation, true, b"a"), BYTES);
        let Ok(Some(Message::Data(last))) = last else { panic!("no message: {last:?}") };
        assert_eq!(last.payload.len(), BYTES);
    }
}
