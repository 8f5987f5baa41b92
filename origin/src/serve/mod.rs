//! The origin on ports of its own, as the binary runs it, and the tracker when it is told to:
//! HTTP/1.1, or HTTP/2 and HTTP/1.1 over TLS, and a private listener for its counts. Clients that
//! are slow, say half a request or never go find bounds here; what they are answered is the
//! business of `http`.

mod connection;
#[cfg_attr(not(target_os = "linux"), path = "conversation_elsewhere.rs")]
mod conversation;
mod listener;
mod metrics;
mod punctual;

use std::net::SocketAddr;
use std::sync::Arc;

use actix_server::ServerHandle;
use actix_web::rt::task::{JoinHandle, spawn_blocking};

use crate::certificate::Certificate;
use crate::file_thread::{keep_fresh, refresh_all};
use crate::limits::BACKLOG_CONNECTIONS;
use crate::watched::Refresh;
use crate::{Counts, Origin, OriginError, StreamInfo, ValidOrigin};
pub use listener::tcp_listener;
pub use punctual::{Punctual, Times};

/// A running origin with its listeners.
#[derive(Debug)]
pub struct Server {
    origin: Origin,
    address: SocketAddr,
    certificate: Option<Arc<Certificate>>,
    streams: ServerHandle,
    metrics: Option<(SocketAddr, ServerHandle)>,
    watch: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens, and starts all streams. To be called inside an actix System.
    ///
    /// # Errors
    /// When an address can't be listened on, or the origin can't start.
    pub fn start(config: ValidOrigin) -> Result<Server, OriginError> {
        let (listen, metrics) = (config.listen.clone(), config.metrics);
        let is_guest = config.is_guest;
        let on = |address| {
            let listener = tcp_listener(address, BACKLOG_CONNECTIONS);
            let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
            bound.map_err(|reason| OriginError::Listen { address, reason })
        };
        // The origin comes last: what fails before it leaves no ffmpeg behind.
        let (address, streams) = on(listen.address)?;
        let metrics = metrics.map(on).transpose()?;
        let origin = Origin::start(config)?;
        let failed = |address| move |reason| OriginError::Listen { address, reason };
        let certificate = listen.certificate;
        let routes = origin.routes();
        let streams = listener::serve(streams, certificate.clone(), routes, is_guest);
        let streams = streams.map_err(failed(address))?;
        let metrics = match metrics {
            Some((address, listener)) => {
                let handle = metrics::serve(listener, origin.counts()).map_err(failed(address))?;
                Some((address, handle))
            }
            None => None,
        };
        let watch = certificate
            .clone()
            .map(|of| actix_web::rt::spawn(keep_fresh(of, Certificate::refresh)));
        Ok(Server { origin, address, certificate, streams, metrics, watch })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its counts are.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(address, _)| *address)
    }

    /// The streams, in the config's order.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamInfo> {
        self.origin.streams()
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.certificate.is_some()
    }

    /// See [`Origin::counts`].
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.origin.counts()
    }

    /// See [`Origin::digests_key`].
    #[must_use]
    pub fn digests_key(&self) -> Option<&str> {
        self.origin.digests_key()
    }

    /// Reads the certificate and the files of `access` again, changed or not.
    pub async fn reload(&self) {
        if let Some(certificate) = self.certificate.clone() {
            refresh_all(move || certificate.refresh(Refresh::All)).await;
        }
        self.origin.reload().await;
    }

    /// Ends everything; open answers get a second.
    pub async fn stop(self) {
        if let Some(watch) = self.watch {
            watch.abort();
        }
        // Side by side, so that neither's patience adds to the other's.
        let origin = self.origin;
        let origin = spawn_blocking(move || origin.stop());
        if let Some((_, metrics)) = self.metrics {
            metrics.stop(false).await;
        }
        self.streams.stop(true).await;
        if origin.await.is_err() {
            tracing::error!("the origin panicked while it stopped");
        }
    }
}
