//! Messages out of bytes, as they are read here and by tungstenite: the same messages in the same
//! order, and what one of the two refuses, the other does too.

use std::io::{self, Read, Write};

use bytes::{Bytes, BytesMut};
use tracker_websocket::Violation;
use tracker_websocket::frame::decode;
use tracker_websocket::message::{Data, Fragments, Message};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, WebSocket, error::ProtocolError};

/// What was said.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Said {
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    Close,
}

/// What comes behind that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Nothing yet.
    Open,
    /// Nothing: it was said to be over.
    Closed,
    /// A text that isn't UTF-8.
    NotUtf8,
    /// Something else that is against the rules.
    Violation(&'static str),
}

/// The input is what a message may be longer than a kilobyte in two bytes, and what a client sends.
pub fn messages(data: &[u8]) {
    let [high, low, bytes @ ..] = data else { return };
    let payload_max = 1024 + usize::from(u16::from_be_bytes([*high, *low]));
    let (said, end) = read(bytes, payload_max);
    let (theirs, their_end) = read_by_tungstenite(bytes, payload_max);
    match (end, their_end) {
        // It counts no empty fragments.
        (End::Violation(what), _) if what.contains("empty fragments") => {
            assert!(theirs.starts_with(&said));
        }
        // A text in fragments: it finds out before the last of them is here.
        (_, End::NotUtf8) => {
            assert!(said.starts_with(&theirs));
            let more = &said[theirs.len()..];
            assert!(!more.iter().any(|said| matches!(said, Said::Text(_) | Said::Binary(_))));
        }
        // A close frame with what may not be in one is still a close frame to it.
        (End::Violation(_) | End::NotUtf8, End::Closed) => {
            assert_eq!(theirs, [&said[..], &[Said::Close]].concat());
        }
        // Of half a frame the header is enough for us.
        (End::Violation(_), End::Open) => assert_eq!(said, theirs),
        (End::Violation(_), End::Violation(_)) => assert_eq!(said, theirs),
        (end, their_end) => assert_eq!((said, end), (theirs, their_end)),
    }
}

fn read(bytes: &[u8], payload_max: usize) -> (Vec<Said>, End) {
    let (mut buffer, mut fragments) = (BytesMut::from(bytes), Fragments::default());
    let mut said = Vec::new();
    loop {
        let message = match decode(&mut buffer, payload_max, false) {
            Ok(Some(frame)) => fragments.add(frame, payload_max),
            Ok(None) => return (said, End::Open),
            Err(violation) => Err(violation),
        };
        let message = match message {
            Ok(None) => continue,
            Ok(Some(Message::Data(Data { text: true, payload, .. })))
                if std::str::from_utf8(&payload).is_err() =>
            {
                Err(Violation::NotUtf8)
            }
            Ok(Some(message)) => Ok(message),
            Err(violation) => Err(violation),
        };
        said.push(match message {
            Ok(Message::Data(Data { text: true, payload, .. })) => Said::Text(payload),
            Ok(Message::Data(Data { text: false, payload, .. })) => Said::Binary(payload),
            Ok(Message::Ping(payload)) => Said::Ping(payload),
            Ok(Message::Pong) => Said::Pong,
            Ok(Message::Close) => {
                said.push(Said::Close);
                return (said, End::Closed);
            }
            Err(Violation::NotUtf8) => return (said, End::NotUtf8),
            Err(Violation::NotDeflate) => unreachable!("nothing is inflated"),
            Err(Violation::TooBig) => return (said, End::Violation("too big")),
            Err(Violation::Protocol(what)) => return (said, End::Violation(what)),
        });
    }
}

fn read_by_tungstenite(bytes: &[u8], payload_max: usize) -> (Vec<Said>, End) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(payload_max))
        .max_frame_size(Some(payload_max));
    let mut socket = WebSocket::from_raw_socket(Wire(bytes), Role::Server, Some(config));
    let mut said = Vec::new();
    loop {
        said.push(match socket.read() {
            Ok(tungstenite::Message::Text(text)) => Said::Text(text.into()),
            Ok(tungstenite::Message::Binary(bytes)) => Said::Binary(bytes),
            Ok(tungstenite::Message::Ping(payload)) => Said::Ping(payload),
            Ok(tungstenite::Message::Pong(_)) => Said::Pong,
            Ok(tungstenite::Message::Close(_)) => {
                said.push(Said::Close);
                return (said, End::Closed);
            }
            Ok(tungstenite::Message::Frame(_)) => unreachable!("it reads messages"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (said, End::Open);
            }
            Err(Error::Utf8(_)) => return (said, End::NotUtf8),
            Err(Error::Protocol(_) | Error::Capacity(_)) => {
                return (said, End::Violation("by tungstenite's rules"));
            }
            Err(error) => panic!("nothing else can be wrong: {error}"),
        });
    }
}

/// A client that sends this and reads everything.
struct Wire<'a>(&'a [u8]);

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
