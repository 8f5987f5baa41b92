//! A client that does what no library would: frames byte by byte, broken ones, none at all.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

const MASK: [u8; 4] = [0xa1, 0x5b, 0x00, 0xff];

pub struct Raw<S = TcpStream> {
    pub socket: S,
    read: Vec<u8>,
}

/// A masked frame; `first` is its first byte (0x81: a whole text message).
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b));
    out
}

impl Raw {
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        Self::on(socket)
    }
}

impl<S: Read + Write> Raw<S> {
    pub fn on(socket: S) -> Self {
        Self { socket, read: Vec::new() }
    }

    /// Sends the handshake, and `more` in the same packet, and reads the response.
    pub fn upgrade(mut self, more: &[u8]) -> Self {
        self.shake_hands("", more);
        self
    }

    /// The same with `permessage-deflate`, as Chromium and Firefox offer it.
    pub fn upgrade_with_deflate(mut self) -> Self {
        let offer = "permessage-deflate; client_max_window_bits";
        let head = self.shake_hands(&format!("Sec-WebSocket-Extensions: {offer}\r\n"), b"");
        assert!(head.contains("permessage-deflate"), "{head}");
        self
    }

    /// Sends the handshake with more `headers`, a line each, and returns the response's head.
    pub fn shake_hands(&mut self, headers: &str, more: &[u8]) -> String {
        let head = self.ask_for_upgrade(headers, more);
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        // RFC 6455, section 1.3: the accept value of this very key.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        head
    }

    /// The same, whatever the response is.
    pub fn ask_for_upgrade(&mut self, headers: &str, more: &[u8]) -> String {
        let mut request = format!(
            "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        )
        .into_bytes();
        request.extend(more);
        self.write(&request);
        self.read_head()
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("sent");
        self.socket.flush().expect("sent");
    }

    pub fn say(&mut self, text: &str) {
        self.write(&frame(0x81, text.as_bytes()));
    }

    /// The head of an HTTP response.
    pub fn read_head(&mut self) -> String {
        loop {
            let end = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if let Some(end) = end {
                let rest = self.read.split_off(end + 4);
                let head = std::mem::replace(&mut self.read, rest);
                return String::from_utf8(head).expect("text");
            }
            assert!(self.read_some(), "the connection ended within the head");
        }
    }

    /// The next frame: its first byte and its payload. `None` at the end of the connection.
    pub fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((frame, bytes)) = first_frame(&self.read) {
                self.read.drain(..bytes);
                return Some(frame);
            }
            if !self.read_some() {
                return None;
            }
        }
    }

    /// The next text message.
    pub fn hear_text(&mut self) -> String {
        loop {
            match self.hear() {
                Some((0x81, payload)) => return String::from_utf8(payload).expect("UTF-8"),
                Some(_) => {}
                None => panic!("the connection ended"),
            }
        }
    }

    /// Waits for the end, and returns the code of the close frame before it.
    pub fn close_code(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some((first, payload)) = self.hear() {
            assert!(code.is_none(), "a frame behind the close frame");
            if first == 0x88 {
                let payload = payload.first_chunk().expect("a code");
                code = Some(u16::from_be_bytes(*payload));
            }
        }
        code
    }

    fn read_some(&mut self) -> bool {
        let mut bytes = [0; 64 << 10];
        match self.socket.read(&mut bytes) {
            // A process that has ended somewhere in the tests.
            Err(error) if error.kind() == ErrorKind::Interrupted => self.read_some(),
            Ok(0) => false,
            Ok(count) => {
                self.read.extend(&bytes[..count]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came")
            }
            Err(_) => false,
        }
    }
}

/// The first whole frame of `bytes`, and how long it is. A server doesn't mask.
fn first_frame(bytes: &[u8]) -> Option<((u8, Vec<u8>), usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert!(second < 0x80, "a server's frame is masked");
    let (start, length) = match second {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize),
        short => (2, usize::from(short)),
    };
    let payload = bytes.get(start..start + length)?;
    Some(((first, payload.to_vec()), start + length))
}
