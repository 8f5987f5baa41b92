//! The tracker as a library: [`Tracker::start`] runs what a [`Config`] names and returns a handle
//! with the addresses that it got. The binary adds flags, signals and a log; the tests start it
//! the same way.

mod access;
mod actors;
mod bus;
mod close;
pub mod config;
mod dashboard;
mod directory;
mod http;
mod latency;
mod limits;
mod listen;
mod load;
mod metrics;
mod node;
mod player;
mod process;
mod prometheus;
mod streams;
mod stun;
mod swarm_list;
mod sync;
mod transport;
mod web_root;
mod worker;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use actix_server::ServerHandle;
use origin::OriginError;
use thiserror::Error;

use actors::{FilesActor, ReloadFiles, StopFiles, StopStun, StunActor};
use bus::{NatsActor, StopNats};
use config::{Config, Written};
use dashboard::Dashboard;
use limits::{HANG_UP_TIMEOUT, STOP_POLL, STOP_TIMEOUT};
use listen::Listener;
use node::Node;
use streams::Streams;

pub use streams::StreamsAddress;

/// A running tracker, with whatever its configuration put beside it.
#[derive(Debug)]
pub struct Tracker {
    addresses: Addresses,
    node: Arc<Node>,
    server: ServerHandle,
    files: Option<Addr<FilesActor>>,
    link: Option<Addr<NatsActor>>,
    stun: Vec<Addr<StunActor>>,
    metrics: Option<ServerHandle>,
    dashboard: Option<Arc<Dashboard>>,
    streams: Option<Streams>,
    /// What it was started with.
    written: Written,
}

/// Where everything is. Port 0 in the configuration is the real one here.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The listeners, in the configuration's order.
    pub servers: Vec<ServerAddress>,
    /// The STUN server.
    pub stun: Option<SocketAddr>,
    /// The private listener of `/metrics`.
    pub metrics: Option<SocketAddr>,
    /// Paths of playlists.
    pub streams: Vec<String>,
    /// Where these are, unless it is the first of the listeners.
    pub streams_at: Option<StreamsAddress>,
    /// Whether `/` is the player.
    pub player: bool,
    /// Whether there is `/dashboard`.
    pub dashboard: bool,
}

/// Where a listener is.
#[derive(Clone, Debug)]
pub struct ServerAddress {
    /// What it listens on.
    pub address: SocketAddr,
    /// Where its sockets are.
    pub socket_path: String,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// Why a tracker could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address can't be listened on.
    #[error("{key}: cannot listen on {address}: {source}")]
    Listen {
        /// The configuration's key.
        key: String,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The origin.
    #[error("origin: {0}")]
    Origin(#[from] OriginError),
    /// Anything else that the system refused.
    #[error("cannot start: {0}")]
    Io(#[from] io::Error),
}

impl Tracker {
    /// Starts everything. To be called inside an actix System, which goes on to run it.
    ///
    /// # Errors
    ///
    /// When an address can't be had or the origin can't start.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let written = config.written().clone();
        let (has_files, connections_max) = (config.has_files(), config.connections_max());
        let listeners = listen::bind(config.servers)?;
        let servers: Vec<_> = listeners.iter().map(|listener| listener.place.clone()).collect();
        let node = Arc::new(Node::new(node::Parts {
            policy: config.policy,
            access: config.access,
            dashboard: config.dashboard,
            cluster: config.cluster,
            certificates: listeners.iter().filter_map(Listener::certificate).collect(),
            workers: config.workers,
            listeners: listeners.len(),
            connections_max,
        }));
        let stun = config.stun.map(StunActor::start_for).transpose()?;
        let (stun, stun_address) = stun.unwrap_or_default();
        let metrics =
            config.metrics.map(|address| listen::tcp("metrics".to_owned(), address)).transpose()?;
        // The origin comes last: what fails before it leaves no ffmpeg behind.
        let streams = config.origin.map(Streams::start).transpose()?;
        let player =
            config.web.map(|web| player::settings(web, streams.as_ref(), &servers, stun_address));

        let addresses = Addresses {
            servers,
            stun: stun_address,
            metrics: metrics.as_ref().map(TcpListener::local_addr).transpose()?,
            streams: streams.iter().flat_map(Streams::list).map(|stream| stream.path).collect(),
            streams_at: streams.as_ref().and_then(Streams::address),
            player: player.is_some(),
            dashboard: node.dashboard.is_some(),
        };
        let counts = streams.as_ref().map(Streams::counts);
        let dashboard = Dashboard::start(&node, counts.clone());
        let pages = listen::Pages {
            player: player.map(|settings| Arc::new(web::routes(settings)) as listen::Routes),
            origin: streams.as_ref().and_then(Streams::routes),
            dashboard: dashboard.clone(),
            files: config.web_root.map(|root| Arc::new(root.routes()) as listen::Routes),
        };
        let server = listen::serve(&node, listeners, &pages, config.workers)?;
        let metrics =
            metrics.map(|listener| prometheus::serve(&node, counts, listener)).transpose()?;
        let files = has_files.then(|| FilesActor::start_for(&node));
        let link = node.cluster.as_ref().map(|cluster| NatsActor::start_for(&node, cluster));
        Ok(Self {
            addresses,
            node,
            server,
            files,
            link,
            stun,
            metrics,
            dashboard,
            streams,
            written,
        })
    }

    /// Where everything is.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Puts in force what of `config` may change while the tracker runs: its [`config::Policy`]. The
    /// log is told which keys would take a restart.
    pub fn reload(&self, config: Config) {
        for key in config.needs_restart(&self.written) {
            tracing::warn!(key, "this has changed, and takes a restart");
        }
        self.node.change(config.policy);
    }

    /// Reads the files that the configuration names again: certificates, and those of the sections
    /// `access` and `origin`. One that makes no sense is told to the log, and what was read before
    /// stays in force.
    pub async fn reload_files(&self) {
        if let Some(files) = &self.files {
            files.do_send(ReloadFiles);
        }
        if let Some(streams) = &self.streams {
            streams.reload().await;
        }
    }

    /// Stops everything. First the sockets are closed with 1001, evenly over `drainSeconds`, while
    /// everything else is served on; then ffmpeg is killed and reaped, and requests have a moment
    /// to end. Takes 3 s at most and what of the window it needs: without sockets none of it.
    ///
    /// Dropping the future ends ffmpeg all the same, and nothing else in an orderly way.
    pub async fn stop(mut self) {
        let window = self.node.policy().drain;
        let sockets = || self.node.metrics.connections();
        tracing::info!(sockets = sockets(), seconds = window.as_secs(), "draining");
        self.node.drain(window);
        self.hung_up_within(window).await;
        tracing::info!(sockets = sockets(), "drained");
        if let Some(files) = &self.files {
            files.do_send(StopFiles);
        }
        if let Some(link) = &self.link {
            let _ = link.send(StopNats).await;
        }
        for stun in &self.stun {
            stun.do_send(StopStun);
        }
        if let Some(dashboard) = &self.dashboard {
            dashboard.stop();
        }
        self.server.pause().await;
        let streams = self.streams.take();
        let streams = async {
            if let Some(streams) = streams {
                streams.stop().await;
            }
        };
        let sockets = async {
            // For those whose turn was the last, and those who don't answer.
            self.hung_up_within(HANG_UP_TIMEOUT).await;
            // Only now: a thread of the server without requests ends at once, and its actors with it.
            let _ = tokio::time::timeout(STOP_TIMEOUT, self.server.stop(true)).await;
        };
        tokio::join!(streams, sockets);
        if let Some(metrics) = self.metrics {
            metrics.stop(false).await;
        }
    }

    /// Waits until no socket is left, but not longer than `timeout`.
    async fn hung_up_within(&self, timeout: Duration) {
        let hung_up = async {
            while self.node.metrics.connections() > 0 {
                tokio::time::sleep(STOP_POLL).await;
            }
        };
        let _ = tokio::time::timeout(timeout, hung_up).await;
    }
}
