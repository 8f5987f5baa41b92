//! The `origin` section of the config file, in two steps: what was written, then what is valid.
//! A refusal names the key, the value and the bound.
//!
//! ```json
//! { "origin": {
//!     "listen": { "host": "0.0.0.0", "port": 8080,
//!                 "tls": { "certFile": "fullchain.pem", "keyFile": "privkey.pem" } },
//!     "metrics": { "host": "127.0.0.1", "port": 9101 },
//!     "access": { "cdnSecret": { "header": "X-Origin-Secret", "files": ["cdn.secret"] },
//!                 "signingKeyFiles": ["signing.key"] },
//!     "folder": "/run/origin",
//!     "integrity": { "keyFile": "/etc/origin/key.pem" },
//!     "streams": [
//!       { "name": "testcard", "start": "always", "idleSeconds": 60, "playlistSegments": 12,
//!         "testcard": { "fps": 30, "segmentSeconds": 2,
//!                       "qualities": [ { "height": 720, "videoKbps": 2500 } ] } },
//!       { "name": "clip", "loop": {} } ] } }
//! ```
//!
//! Every key may be left out; these are the defaults, except for the second stream, and for
//! `folder`, `integrity`, `tls`, `metrics` and `access`, which are not there.

mod access;
mod checks;
mod dir;
mod fallback;
mod ingest;
mod integrity;
mod listen;
mod push;
mod quality;
mod secret;
mod source;
mod stream;
mod testcard;
mod upstream;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::error::ConfigError;
use crate::integrity::Signer;
use crate::limits;
use checks::{quoted, refuse};

pub use access::{AccessConfig, CdnSecretConfig};
pub use dir::DirConfig;
pub use fallback::FallbackConfig;
pub use ingest::IngestConfig;
pub use integrity::IntegrityConfig;
pub use listen::{ListenConfig, MetricsConfig, TlsConfig};
pub use push::PushConfig;
pub use quality::QualityConfig;
pub use secret::Secret;
pub use source::LoopConfig;
pub use stream::StreamConfig;
pub use testcard::TestcardConfig;
pub use upstream::UpstreamConfig;

pub(crate) use dir::Dir;
pub(crate) use ingest::{Ingest, Input, Protocol, VideoPolicy, shown};
pub(crate) use listen::Listen;
pub(crate) use push::Push;
pub(crate) use quality::Quality;
pub(crate) use source::SourceKind;
pub(crate) use stream::{Start, Stream};
pub(crate) use testcard::Card;
pub(crate) use upstream::Upstream;

/// The `origin` section as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OriginConfig {
    /// The streams; at least one. Default: the test card, named `testcard`.
    pub streams: Vec<StreamConfig>,
    /// Where the streams are served, by threads for that alone. Without it the binary `origin` does
    /// so at the default, and the tracker on its own listeners.
    pub listen: Option<ListenConfig>,
    /// Where the binary `origin` shows its counts. Inside the tracker they are on its page.
    pub metrics: Option<MetricsConfig>,
    /// Who may have the streams. Default: everybody.
    pub access: Option<AccessConfig>,
    /// Where ffmpeg hands its segments over, a subfolder per stream. It is made when missing, and
    /// old segments in it are deleted; nothing else is touched. Memory (`/run`, `/dev/shm`) spares
    /// a disk about 3 Mbit/s per stream; a stream needs its playlist's length and a few segments.
    /// Default: a fresh folder in the system's temporary one, deleted at the end; an origin that is
    /// killed by force leaves it behind.
    pub folder: Option<PathBuf>,
    /// How players know that what a peer sends is what the origin made.
    pub integrity: Option<IntegrityConfig>,
}

impl Default for OriginConfig {
    fn default() -> Self {
        OriginConfig {
            streams: vec![StreamConfig::default()],
            listen: None,
            metrics: None,
            access: None,
            folder: None,
            integrity: None,
        }
    }
}

/// An `origin` section that holds everything the origin relies on.
#[derive(Debug, Clone)]
pub struct ValidOrigin {
    pub(crate) streams: Vec<Stream>,
    pub(crate) folder: Option<PathBuf>,
    /// What signs digests; a key of this start's own without it.
    pub(crate) signer: Option<Arc<Signer>>,
    pub(crate) listen: Listen,
    /// Whether `listen` was written.
    pub(crate) has_listener: bool,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) access: Arc<Access>,
    /// Whether it runs in another program's process, and gives way to that.
    pub(crate) is_guest: bool,
}

impl OriginConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first value that is refused, with its key and bound.
    pub fn validate(self) -> Result<ValidOrigin, ConfigError> {
        let count = self.streams.len();
        if !(1..=limits::STREAMS_MAX).contains(&count) {
            let bound = format!("a list of 1 to {} streams", limits::STREAMS_MAX);
            return refuse("origin.streams", format!("a list of {count}"), bound);
        }
        let mut streams = Vec::with_capacity(count);
        let mut names = HashSet::new();
        for (index, written) in self.streams.into_iter().enumerate() {
            let key = format!("origin.streams[{index}]");
            let stream = written.validate(&key)?;
            if !names.insert(stream.name.clone()) {
                let bound = "a name that no other stream has";
                return refuse(format!("{key}.name"), quoted(&stream.name), bound);
            }
            streams.push(stream);
        }
        fallback::check_members(&streams)?;
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.as_os_str().is_empty()) {
            return refuse("origin.folder", quoted(folder.display()), "a path, or left out");
        }
        // Inside the tracker nothing listens at the default.
        let has_listener = self.listen.is_some();
        let listen = self.listen.unwrap_or_default().validate()?;
        for (index, stream) in streams.iter().enumerate() {
            if let SourceKind::Upstream(upstream) = &stream.source
                && has_listener
                && upstream.place.is_served_at(listen.address)
            {
                let key = format!("origin.streams[{index}].upstream.url");
                return refuse(key, "this origin's own", "another origin's");
            }
        }
        let metrics = self.metrics.map(MetricsConfig::validate).transpose()?;
        let access = Arc::new(self.access.unwrap_or_default().validate()?);
        let signer = self.integrity.unwrap_or_default().validate()?;
        let folder = self.folder;
        let is_guest = false;
        Ok(ValidOrigin { streams, folder, signer, listen, has_listener, metrics, access, is_guest })
    }
}

impl ValidOrigin {
    /// Where it listens, if nobody else serves its streams.
    pub fn listen(&self) -> SocketAddr {
        self.listen.address
    }

    /// The same in the process of another program: it gives way to that, which has a page of its own
    /// for the counts.
    #[must_use]
    pub fn as_guest(self) -> Self {
        ValidOrigin { metrics: None, is_guest: true, ..self }
    }

    /// Whether the config names a listener for the streams.
    #[must_use]
    pub fn has_listener(&self) -> bool {
        self.has_listener
    }

    /// Whether it names files that are read again while it runs.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.listen.certificate.is_some() || self.access.has_files()
    }
}
