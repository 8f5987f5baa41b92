//! A listener, one of the list `servers`: where it is, what it speaks, and what its sockets may do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use origin::{Certificate, ConfigError, Offers};

use super::checks::{host, port, quoted, refused, within};
use super::raw::{RawListener, RawServer};

/// The most that `maxPayloadLength` may be.
const FRAME_BYTES_MAX: u64 = 16 << 20;

/// One listener.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Its place in the configuration.
    pub index: usize,
    /// Where it listens. `[::]` is for IPv4 as well.
    pub address: SocketAddr,
    /// With one it speaks TLS, and nothing else.
    pub certificate: Option<Arc<Certificate>>,
    /// Where the sockets are.
    pub path: PathPattern,
    /// Bytes of a message from a client.
    pub frame_bytes_max: usize,
    /// Bytes of a message from which on it is sent compressed, to clients that agreed on it; `None`
    /// agrees with nobody.
    pub deflate_from_bytes: Option<u32>,
    /// How long a socket may be silent.
    pub idle_timeout: Option<Duration>,
    /// Open sockets of the whole process; 0 is no limit.
    pub connections_max: usize,
    /// Sends each message back instead of reading it, so that a conformance suite can judge the
    /// sockets that serve. No file can ask for it.
    #[doc(hidden)]
    pub echo: bool,
}

/// A path, or everything that starts with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    start: String,
    exact: bool,
}

impl PathPattern {
    /// Whether a request's path is meant.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        if self.exact { path == self.start } else { path.starts_with(&self.start) }
    }

    /// A path that matches, for showing.
    #[must_use]
    pub fn example(&self) -> &str {
        &self.start
    }
}

impl RawListener {
    pub(super) fn validate(self, index: usize) -> Result<ServerConfig, ConfigError> {
        let key = format!("servers[{index}]");
        let (server, websockets) = (self.server, self.websockets);
        let address = server.address(&format!("{key}.server"))?;
        let certificate = server.certificate(&format!("{key}.server"))?;
        let key = |name: &str| format!("{key}.websockets.{name}");
        let idle = within(&key("idleTimeout"), websockets.idle_timeout, 0..=86_400)?;
        let compression = within(&key("compression"), websockets.compression, 0..=0xffff)?;
        // No message is as long as the most, so that it means never: an offer is shorter than the
        // announce that it came in.
        let threshold = within(
            &key("compressionThreshold"),
            websockets.compression_threshold,
            0..=FRAME_BYTES_MAX,
        )?;
        Ok(ServerConfig {
            index,
            address,
            certificate,
            path: path_pattern(&key("path"), &websockets.path)?,
            frame_bytes_max: within(
                &key("maxPayloadLength"),
                websockets.max_payload_length,
                1024..=FRAME_BYTES_MAX,
            )? as usize,
            deflate_from_bytes: (compression != 0).then_some(threshold as u32),
            idle_timeout: (idle != 0).then_some(Duration::from_secs(idle)),
            connections_max: within(
                &key("maxConnections"),
                websockets.max_connections,
                0..=1 << 24,
            )? as usize,
            echo: false,
        })
    }
}

impl RawServer {
    fn address(&self, key: &str) -> Result<SocketAddr, ConfigError> {
        let port = port(&format!("{key}.port"), self.port)?;
        Ok(SocketAddr::new(host(&format!("{key}.host"), &self.host)?, port))
    }

    /// An empty name is none.
    fn certificate(self, key: &str) -> Result<Option<Arc<Certificate>>, ConfigError> {
        let named = |file: Option<String>| file.filter(|file| !file.is_empty()).map(PathBuf::from);
        let alone = |name: &str, file: PathBuf, other: &str| {
            let (key, bound) = (format!("{key}.{name}"), format!("together with {other}"));
            Err(refused(&key, quoted(&file.display().to_string()), &bound))
        };
        match (named(self.cert_file_name), named(self.key_file_name)) {
            (Some(certificate), Some(private_key)) => {
                let files = [
                    (format!("{key}.cert_file_name"), certificate),
                    (format!("{key}.key_file_name"), private_key),
                ];
                // WebSockets over HTTP/2 aren't spoken here.
                Certificate::load(files, Offers::Http1).map(|pair| Some(Arc::new(pair)))
            }
            (Some(file), None) => alone("cert_file_name", file, "key_file_name"),
            (None, Some(file)) => alone("key_file_name", file, "cert_file_name"),
            (None, None) => Ok(None),
        }
    }
}

fn path_pattern(key: &str, text: &str) -> Result<PathPattern, ConfigError> {
    let (start, exact) = match text.strip_suffix('*') {
        Some(start) => (start, false),
        None => (text, true),
    };
    if !start.starts_with('/') || start.contains('*') {
        let bound = "a path such as \"/announce\", or the start of one and \"*\"";
        return Err(refused(key, quoted(text), bound));
    }
    Ok(PathPattern { start: start.to_owned(), exact })
}
