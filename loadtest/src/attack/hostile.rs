//! The hostile socket: a thread that says what its script says, as fast as the tracker lets it, and
//! comes back when it is thrown out. It gives way to the good swarm's loop: a real attacker has a
//! machine of its own, and must not be felt here as a lack of processor time.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::scripts::{Attack, Manner, Scene, Script};
use super::stream::Stream;
use crate::client::frame::{Frame, Opcode};
use crate::client::handshake;
use crate::limits::{FLOOD_BYTES, HELD_SOCKETS_MAX, HOSTILE_REST, REACH_TIME_MAX};

/// An attack that is going on.
#[derive(Debug)]
pub(crate) struct Hostile {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Deeds>,
}

/// What it did, and what was done to it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Deeds {
    pub(crate) connections: u64,
    pub(crate) turned_away: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_heard: u64,
    /// How its sockets were closed by the tracker; 1006 is without a code, or before a WebSocket.
    pub(crate) closes_by_code: BTreeMap<u16, u64>,
}

impl Hostile {
    pub(crate) fn start(attack: &'static Attack, scene: Arc<Scene>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        let thread = std::thread::spawn(move || {
            give_way();
            let script = (attack.script)(&scene);
            let mut assailant = Assailant { scene, script, stop: flag, deeds: Deeds::default() };
            match attack.manner {
                Manner::Floods { reads } => assailant.flood(reads),
                Manner::Churns => assailant.churn(),
                Manner::Holds => assailant.hold(),
                Manner::Datagrams => assailant.send_datagrams(),
            }
            assailant.deeds
        });
        Self { stop, thread }
    }

    /// Ends the attack: its sockets break.
    pub(crate) fn stop(self) -> Deeds {
        self.stop.store(true, Relaxed);
        // A panic over there has been printed; the deeds are lost, and the figures stand.
        self.thread.join().unwrap_or_default()
    }
}

impl Deeds {
    pub(crate) fn add(&mut self, other: Self) {
        self.connections += other.connections;
        self.turned_away += other.turned_away;
        self.bytes_sent += other.bytes_sent;
        self.bytes_heard += other.bytes_heard;
        for (code, times) in other.closes_by_code {
            *self.closes_by_code.entry(code).or_default() += times;
        }
    }

    fn closed(&mut self, code: u16) {
        *self.closes_by_code.entry(code).or_default() += 1;
    }
}

/// The thread's own.
struct Assailant {
    scene: Arc<Scene>,
    script: Script,
    stop: Arc<AtomicBool>,
    deeds: Deeds,
}

impl Assailant {
    fn goes_on(&self) -> bool {
        !self.stop.load(Relaxed)
    }

    /// One connection at a time, which says the same for ever.
    fn flood(&mut self, reads: bool) {
        while self.goes_on() {
            let opened = self.open().and_then(|mut stream| {
                if !reads {
                    // What a client does not read shall wait at the tracker, not in the kernel.
                    SockRef::from(stream.socket()).set_recv_buffer_size(4096)?;
                }
                upgrade(&mut stream, &self.scene, self.script.deflates)?;
                stream.socket().set_nonblocking(true)?;
                Ok(stream)
            });
            match opened {
                Ok(stream) => {
                    if let Some(code) = self.flood_one(stream, reads) {
                        self.deeds.closed(code);
                    }
                }
                Err(_) => self.turned_away(),
            }
        }
    }

    /// Returns how the tracker closed it; `None` when the attack is over.
    fn flood_one(&mut self, mut stream: Stream, reads: bool) -> Option<u16> {
        let (mut at, mut is_open, mut heard) = (0, false, Vec::new());
        let mut scratch = vec![0; FLOOD_BYTES];
        while self.goes_on() {
            let bytes = if is_open { &self.script.flood } else { &self.script.opening };
            let end = bytes.len().min(at + FLOOD_BYTES);
            let mut idle = true;
            if at < end {
                match stream.write(&bytes[at..end]) {
                    Ok(count) => {
                        at += count;
                        self.deeds.bytes_sent += count as u64;
                        idle = false;
                    }
                    Err(error) if is_transient(&error) => {}
                    Err(_) => return Some(close_code(&heard)),
                }
            }
            if at == bytes.len() {
                (at, is_open) = (0, true);
            }
            if reads {
                match stream.read(&mut scratch) {
                    Ok(0) => return Some(close_code(&heard)),
                    Ok(count) => {
                        self.deeds.bytes_heard += count as u64;
                        heard.extend_from_slice(&scratch[..count]);
                        if let Some(code) = skip_frames(&mut heard) {
                            return Some(code);
                        }
                        idle = false;
                    }
                    Err(error) if is_transient(&error) => {}
                    Err(_) => return Some(close_code(&heard)),
                }
            }
            if idle {
                std::thread::sleep(HOSTILE_REST);
            }
        }
        None
    }

    /// Connects, says its opening, and breaks off, over and over.
    fn churn(&mut self) {
        while self.goes_on() {
            match self.open().and_then(|mut stream| stream.write(&self.script.opening)) {
                Ok(count) => self.deeds.bytes_sent += count as u64,
                Err(_) => self.turned_away(),
            }
        }
    }

    /// Keeps many connections open that have said the opening and nothing else.
    fn hold(&mut self) {
        let mut held = Vec::new();
        while self.goes_on() {
            while held.len() < HELD_SOCKETS_MAX && self.goes_on() {
                let opened = self.open().and_then(|mut stream| {
                    stream.write_all(&self.script.opening)?;
                    stream.socket().set_nonblocking(true)?;
                    Ok(stream)
                });
                match opened {
                    Ok(stream) => {
                        self.deeds.bytes_sent += self.script.opening.len() as u64;
                        held.push((stream, Vec::new()));
                    }
                    Err(_) => {
                        self.turned_away();
                        break;
                    }
                }
            }
            let deeds = &mut self.deeds;
            held.retain_mut(|(stream, heard)| {
                let mut scratch = [0; 512];
                match stream.read(&mut scratch) {
                    Ok(0) => deeds.closed(close_code(heard)),
                    Ok(count) => {
                        deeds.bytes_heard += count as u64;
                        heard.extend_from_slice(&scratch[..count]);
                        return true;
                    }
                    Err(error) if is_transient(&error) => return true,
                    Err(_) => deeds.closed(close_code(heard)),
                }
                false
            });
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn send_datagrams(&mut self) {
        let Some(stun) = self.scene.stun else {
            return;
        };
        let Ok(socket) = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)) else {
            return;
        };
        self.deeds.connections += 1;
        while self.goes_on() {
            match socket.send_to(&self.script.flood, stun) {
                Ok(count) => self.deeds.bytes_sent += count as u64,
                Err(_) => std::thread::sleep(HOSTILE_REST),
            }
        }
    }

    fn open(&mut self) -> io::Result<Stream> {
        let to = self.scene.address;
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        if let Some(from) = self.scene.from {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        socket.connect_timeout(&to.into(), REACH_TIME_MAX)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REACH_TIME_MAX))?;
        stream.set_write_timeout(Some(REACH_TIME_MAX))?;
        // A reset instead of a farewell, or this machine's ports would all be in TIME_WAIT soon.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        self.deeds.connections += 1;
        Stream::new(stream, self.scene.tls.as_ref())
    }

    fn turned_away(&mut self) {
        self.deeds.turned_away += 1;
        std::thread::sleep(HOSTILE_REST);
    }
}

fn upgrade(stream: &mut Stream, scene: &Scene, deflates: bool) -> io::Result<()> {
    let head = scene.request.strip_suffix(b"\r\n").unwrap_or(&scene.request);
    let extensions = if deflates { handshake::extensions() } else { String::new() };
    stream.write_all(&[head, extensions.as_bytes(), b"\r\n"].concat())?;
    let mut head = Vec::new();
    let mut byte = [0; 1];
    // Byte by byte: what comes behind the head is the first frame's.
    loop {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        match handshake::consent(&head, deflates) {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(()),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Drops all whole frames of `heard`; the code, when one of them is a close frame.
fn skip_frames(heard: &mut Vec<u8>) -> Option<u16> {
    let mut used = 0;
    let mut code = None;
    while code.is_none() {
        match Frame::first(&heard[used..], true) {
            Ok(Some(frame)) => {
                used += frame.bytes;
                if frame.opcode == Opcode::Close {
                    code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    code = code.or(Some(1005));
                }
            }
            Ok(None) => break,
            // Not what this is about; the good peers would have noticed.
            Err(_) => used = heard.len(),
        }
    }
    heard.drain(..used);
    code
}

/// What the tracker said before it ended a connection, behind its answer to the handshake, if any.
fn close_code(heard: &[u8]) -> u16 {
    let start = handshake::consent(heard, false).ok().flatten().map_or(0, |consent| consent.bytes);
    skip_frames(&mut heard[start..].to_vec()).unwrap_or(1006)
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// The lowest priority for the calling thread. Where that cannot be had, the figures are harder on
/// the tracker than need be.
fn give_way() {
    #[cfg(unix)]
    let _ = rustix::process::setpriority_process(None, 19);
}
