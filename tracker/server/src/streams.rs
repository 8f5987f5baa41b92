//! The origin inside this process. For a first look the tracker's own listeners and workers serve
//! its streams; with `origin.listen` it has a listener, and threads that give way to the tracker's,
//! so that no download makes signalling wait.

use std::net::SocketAddr;
use std::sync::Arc;

use origin::{Counts, Origin, OriginError, Server, StreamInfo, ValidOrigin};

use crate::listen::Routes;

/// A running origin, and who serves its streams.
#[derive(Debug)]
pub(crate) enum Streams {
    /// The tracker's listeners.
    Beside(Origin),
    /// A listener for them alone.
    Apart(Box<Server>),
}

/// Where streams are served apart from the rest.
#[derive(Clone, Copy, Debug)]
pub struct StreamsAddress {
    /// What it listens on.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
}

impl Streams {
    /// Starts all streams. To be called inside an actix System.
    pub(crate) fn start(config: ValidOrigin) -> Result<Self, OriginError> {
        Ok(match config.has_listener() {
            true => Self::Apart(Box::new(Server::start(config)?)),
            false => Self::Beside(Origin::start(config)?),
        })
    }

    /// The streams, in the configuration's order.
    pub(crate) fn list(&self) -> Vec<StreamInfo> {
        match self {
            Self::Beside(origin) => origin.streams(),
            Self::Apart(server) => server.streams(),
        }
    }

    /// Where they are, unless that is where the tracker is.
    pub(crate) fn address(&self) -> Option<StreamsAddress> {
        match self {
            Self::Beside(_) => None,
            Self::Apart(server) => {
                Some(StreamsAddress { address: server.address(), tls: server.is_secure() })
            }
        }
    }

    /// What the tracker's listeners serve of them. There is one way to a stream: a CDN that is told
    /// of another would bring back the load that it is to be spared, and each copy would be two.
    pub(crate) fn routes(&self) -> Option<Routes> {
        match self {
            Self::Beside(origin) => Some(Arc::new(origin.routes())),
            Self::Apart(_) => None,
        }
    }

    /// The key that signs digests, for pages to pin.
    pub(crate) fn digests_key(&self) -> Option<&str> {
        match self {
            Self::Beside(origin) => origin.digests_key(),
            Self::Apart(server) => server.digests_key(),
        }
    }

    /// What is counted of the streams.
    pub(crate) fn counts(&self) -> Counts {
        match self {
            Self::Beside(origin) => origin.counts(),
            Self::Apart(server) => server.counts(),
        }
    }

    /// Reads the origin's files again.
    pub(crate) async fn reload(&self) {
        match self {
            Self::Beside(origin) => origin.reload().await,
            Self::Apart(server) => server.reload().await,
        }
    }

    /// Ends all streams, with ffmpeg.
    pub(crate) async fn stop(self) {
        match self {
            Self::Beside(origin) => {
                // It waits for its own thread, which is no business of this one's.
                let _ = tokio::task::spawn_blocking(move || origin.stop()).await;
            }
            Self::Apart(server) => server.stop().await,
        }
    }
}
