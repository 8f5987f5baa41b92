//! From a TCP connection to a stream that HTTP can read: as it is, or with TLS where the listener
//! has a certificate; unless its address has too many of them, or has them too fast.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use origin::{Punctual, Times};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use super::stream::Stream;
use super::tls::TlsStream;
use crate::access::Arrival;
use crate::config::ServerConfig;
use crate::limits::{RESPONSE_PATIENCE, TLS_HANDSHAKES_MAX};
use crate::worker::Worker;

/// A connection that speaks HTTP, and is counted of its network, where that is under a bound.
pub(crate) type OpenStream = Punctual<Stream, Option<Arrival>>;

/// What a listener does with new connections on one worker.
#[derive(Debug)]
pub(crate) struct Acceptor {
    worker: Rc<Worker>,
    server: Arc<ServerConfig>,
    /// Who finds none left waits for one: after a restart everybody comes at once, and those who
    /// were turned away would stay away for minutes.
    handshakes: Semaphore,
}

/// How a TLS handshake ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Handshake {
    Full,
    /// The client had a ticket of an earlier session.
    Resumed,
    /// The client speaks no TLS, not ours, or has gone.
    Failed,
    TimedOut,
}

impl Acceptor {
    pub(crate) fn new(worker: Rc<Worker>, server: Arc<ServerConfig>) -> Self {
        Self { worker, server, handshakes: Semaphore::new(TLS_HANDSHAKES_MAX) }
    }

    /// Makes a stream of a new connection, and tells where it comes from.
    ///
    /// # Errors
    ///
    /// When it has broken already, and the system doesn't know any more whose it was; when there are
    /// too many of its address, or too many come; when its TLS handshake fails, or takes longer than
    /// `limits.handshakeSeconds`.
    pub(crate) async fn accept(&self, socket: TcpStream) -> io::Result<(OpenStream, SocketAddr)> {
        let node = &self.worker.node;
        let peer = socket.peer_addr()?;
        let (arrival, wait) = node.arrive(peer.ip()).map_err(|turned_away| {
            let why = turned_away.reason();
            tracing::debug!(%peer, why, "closed");
            self.worker.metrics().turned_away(&turned_away);
            io::Error::new(ErrorKind::QuotaExceeded, why)
        })?;
        let (began, limit) = (Instant::now(), node.policy().limits.handshake);
        if !wait.is_zero() {
            self.worker.metrics().arrivals_delayed.fetch_add(1, Relaxed);
            sleep(wait).await;
        }
        let stream = self.stream(socket, limit.map(|limit| began + limit)).await?;
        let times = limit.map(|request| Times { request, response: request * RESPONSE_PATIENCE });
        Ok((Punctual::new(stream, arrival, began, times), peer))
    }

    async fn stream(&self, socket: TcpStream, until: Option<Instant>) -> io::Result<Stream> {
        // Else an answer waits up to 40 ms for the client's acknowledgement of what was sent
        // before. An error means that the client has gone, which is seen soon enough.
        let _ = socket.set_nodelay(true);
        let Some(certificate) = &self.server.certificate else {
            return Ok(Stream::Plain(socket));
        };
        let handshake = async {
            // Who says nothing takes nobody's turn: else a crowd of them would make all wait.
            socket.readable().await?;
            let _slot = self.handshakes.acquire().await.map_err(io::Error::other)?;
            TlsStream::accept(socket, certificate.config()).await
        };
        let outcome = match until {
            Some(until) => timeout_at(until, handshake).await,
            None => Ok(handshake.await),
        };
        let outcome = outcome.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
        self.worker.metrics().shook_hands(match &outcome {
            Ok(stream) if stream.is_resumed() => Handshake::Resumed,
            Ok(_) => Handshake::Full,
            Err(error) if error.kind() == ErrorKind::TimedOut => Handshake::TimedOut,
            Err(_) => Handshake::Failed,
        });
        outcome.map(Stream::Tls).inspect_err(|error| tracing::debug!(%error, "no TLS handshake"))
    }
}

impl Handshake {
    /// The labels under which handshakes are counted, each at its [`index`](Self::index).
    pub(crate) const LABELS: [&'static str; 4] = ["full", "resumed", "failed", "timed_out"];

    /// The place of this end in a table of counts.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Full => 0,
            Self::Resumed => 1,
            Self::Failed => 2,
            Self::TimedOut => 3,
        }
    }
}
