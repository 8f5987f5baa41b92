//! An event loop of connections, each of which downloads one segment after the other. What arrives
//! is compared with what the segment is, byte by byte, while it is still in the cache.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rand::RngExt;

use super::catalogue::{Catalogue, Segment};
use super::http;
use super::window::Window;
use crate::limits::{
    DOWNLOAD_READ_BYTES, FLOOR_EVENTS_PER_ROUND, LATENCY_US_MAX, RESPONSE_HEAD_BYTES_MAX,
};

/// How long a round waits when nothing arrives: the window's ends are looked at in between.
const WAIT: Duration = Duration::from_millis(10);

/// What one worker saw within the window.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) downloads: u64,
    pub(super) bytes: u64,
    /// From the request to the last byte, in microseconds.
    pub(super) times_us: Histogram<u64>,
    /// Downloads that were not what they should be.
    pub(super) wrong: u64,
    /// What the first of them was.
    pub(super) first_wrong: Option<String>,
    /// Processor time of the worker itself.
    pub(super) cpu: Option<Duration>,
}

pub(super) struct Worker<'a> {
    poll: Poll,
    address: SocketAddr,
    catalogue: &'a Catalogue,
    window: Window,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    seen: Seen,
}

struct Connection {
    stream: TcpStream,
    segment: Arc<Segment>,
    asked_at: Instant,
    /// Bytes of the request that the kernel has not taken; it takes all of them but for the first.
    unsent: usize,
    /// The head as far as it has come; empty once the body has begun.
    head: Vec<u8>,
    /// Bytes of the body so far; `None` before the head is whole.
    body: Option<usize>,
}

impl<'a> Worker<'a> {
    /// # Errors
    /// When the system has no event queue left.
    pub(super) fn new(
        address: SocketAddr,
        catalogue: &'a Catalogue,
        window: Window,
    ) -> anyhow::Result<Self> {
        Ok(Worker {
            poll: Poll::new().context("no event queue")?,
            address,
            catalogue,
            window,
            connections: Vec::new(),
            buffer: vec![0; DOWNLOAD_READ_BYTES],
            seen: Seen {
                downloads: 0,
                bytes: 0,
                times_us: Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?,
                wrong: 0,
                first_wrong: None,
                cpu: None,
            },
        })
    }

    /// Downloads on so many connections until the window is over.
    ///
    /// # Errors
    /// When the server is gone, or the event queue fails.
    pub(super) fn run(mut self, connections: u64) -> anyhow::Result<Seen> {
        for place in 0..connections as usize {
            let connection = self.connect(place)?;
            self.connections.push(connection);
        }
        let mut events = Events::with_capacity(FLOOR_EVENTS_PER_ROUND);
        let mut cpu_before = None;
        while !self.window.is_over() {
            if cpu_before.is_none() && self.window.is_open() {
                cpu_before = crate::process::thread_cpu();
            }
            match self.poll.poll(&mut events, Some(WAIT)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
            for event in &events {
                let place = event.token().0;
                if let Err(error) = self.go_on(place) {
                    self.is_wrong(&error);
                    self.connections[place] = self.connect(place)?;
                }
            }
        }
        let cpu = crate::process::thread_cpu();
        self.seen.cpu = cpu.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
        Ok(self.seen)
    }

    fn is_wrong(&mut self, error: &anyhow::Error) {
        self.seen.wrong += 1;
        self.seen.first_wrong.get_or_insert_with(|| format!("{error:#}"));
    }

    fn connect(&mut self, place: usize) -> anyhow::Result<Connection> {
        let mut stream = TcpStream::connect(self.address)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(place), both)?;
        let segment = self.choose();
        let unsent = segment.request.len();
        let asked_at = Instant::now();
        Ok(Connection { stream, segment, asked_at, unsent, head: Vec::new(), body: None })
    }

    /// Any of the segments that there are.
    fn choose(&self) -> Arc<Segment> {
        let segments = self.catalogue.segments();
        segments[rand::rng().random_range(0..segments.len())].clone()
    }

    /// Does what the kernel lets a connection do.
    fn go_on(&mut self, place: usize) -> anyhow::Result<()> {
        if self.connections[place].unsent > 0 && !self.connections[place].ask()? {
            return Ok(());
        }
        loop {
            let connection = &mut self.connections[place];
            let read = match connection.stream.read(&mut self.buffer) {
                Ok(0) => bail!("closed in the middle"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("broken in the middle"),
            };
            let is_counted = self.window.is_open();
            let whole = connection.take(&self.buffer[..read])?;
            if is_counted {
                self.seen.bytes += read as u64;
            }
            if !whole {
                continue;
            }
            let took = connection.asked_at.elapsed();
            if is_counted {
                self.seen.downloads += 1;
                self.seen.times_us.saturating_record(took.as_micros() as u64);
            }
            let segment = self.choose();
            let connection = &mut self.connections[place];
            connection.unsent = segment.request.len();
            (connection.segment, connection.asked_at) = (segment, Instant::now());
            connection.body = None;
            if !connection.ask()? {
                return Ok(());
            }
        }
    }
}

impl Connection {
    /// Sends the rest of the request; whether all of it is sent.
    fn ask(&mut self) -> anyhow::Result<bool> {
        let request = &self.segment.request;
        while self.unsent > 0 {
            match self.stream.write(&request[request.len() - self.unsent..]) {
                Ok(written) => self.unsent -= written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                // mio tells of a connection that isn't there yet like this on some systems.
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the request could not be sent"),
            }
        }
        Ok(true)
    }

    /// Takes what has arrived; whether the segment is whole with it.
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<bool> {
        let Some(at) = self.body else {
            return self.take_head(bytes);
        };
        let expected = &self.segment.body[at..];
        ensure!(bytes.len() <= expected.len(), "more than the segment");
        ensure!(bytes == &expected[..bytes.len()], "other bytes than the segment's");
        self.body = Some(at + bytes.len());
        Ok(bytes.len() == expected.len())
    }

    fn take_head(&mut self, bytes: &[u8]) -> anyhow::Result<bool> {
        let room = RESPONSE_HEAD_BYTES_MAX.saturating_sub(self.head.len());
        let (start, before) = (&bytes[..bytes.len().min(room)], self.head.len());
        self.head.extend_from_slice(start);
        let Some(head) = http::head(&self.head)? else {
            return Ok(false);
        };
        self.head.clear();
        ensure!(head.status == 200, "status {}", head.status);
        let length = head.content_length;
        let expected = self.segment.body.len();
        ensure!(length == Some(expected), "Content-Length {length:?} instead of {expected}");
        self.body = Some(0);
        self.take(&bytes[head.bytes - before..])
    }
}
