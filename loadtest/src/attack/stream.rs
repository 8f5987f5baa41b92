//! The hostile socket's connection: plain, or with TLS in between. It writes and reads apart from
//! each other, because a tracker that no longer reads may still have something to say.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use rustls::ClientConnection;

use crate::client::tls::Tls;

/// A connection.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Stream {
    /// Shakes hands where there is TLS to speak; waits for that.
    ///
    /// # Errors
    /// What the tracker got wrong, or the system said.
    pub(super) fn new(mut socket: TcpStream, tls: Option<&Tls>) -> io::Result<Self> {
        let tls = tls.map(|tls| tls.shake_hands(&mut socket)).transpose()?.map(Box::new);
        Ok(Self { socket, tls })
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.socket.read(bytes);
        };
        loop {
            match tls.reader().read(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An end that TLS was not told of is one all the same.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                other => return other,
            }
            tls.read_tls(&mut self.socket)?;
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What is sealed goes first, so that no more waits here than rustls takes at once.
        self.flush()?;
        let Some(tls) = &mut self.tls else {
            return self.socket.write(bytes);
        };
        let taken = tls.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
        }
        Ok(())
    }
}
