//! Where the origin listens, for players and for whoever watches over it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse, within};
use crate::certificate::{Certificate, Offers};
use crate::error::ConfigError;

/// Where the origin listens, as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ListenConfig {
    /// An IP address; `0.0.0.0` and `::` are all of the machine's.
    pub host: String,
    /// A TCP port; 0 lets the system choose, and the origin prints what it got.
    pub port: i64,
    /// With it HTTP/2 and HTTP/1.1 over TLS are spoken there, and nothing else.
    pub tls: Option<TlsConfig>,
}

/// A certificate and its key, both in PEM. They are read again when they change.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsConfig {
    /// The chain, the listener's own certificate first.
    pub cert_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

/// Where the binary's counts are, at `/metrics`, for whoever reaches it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// An IP address.
    pub host: String,
    /// A TCP port; 0 lets the system choose, and the origin prints what it got.
    pub port: i64,
}

/// A valid listener.
#[derive(Debug, Clone)]
pub(crate) struct Listen {
    pub(crate) address: SocketAddr,
    /// With one it speaks TLS.
    pub(crate) certificate: Option<Arc<Certificate>>,
}

impl Default for ListenConfig {
    fn default() -> Self {
        ListenConfig { host: "0.0.0.0".to_owned(), port: 8080, tls: None }
    }
}

impl Default for MetricsConfig {
    fn default() -> Self {
        MetricsConfig { host: "127.0.0.1".to_owned(), port: 9101 }
    }
}

impl ListenConfig {
    pub(super) fn validate(self) -> Result<Listen, ConfigError> {
        let address = address("origin.listen", &self.host, self.port)?;
        let certificate = self.tls.map(TlsConfig::load).transpose()?.map(Arc::new);
        Ok(Listen { address, certificate })
    }
}

impl TlsConfig {
    fn load(self) -> Result<Certificate, ConfigError> {
        let key = |name: &str| format!("origin.listen.tls.{name}");
        let files = [(key("certFile"), self.cert_file), (key("keyFile"), self.key_file)];
        Certificate::load(files, Offers::Http2)
    }
}

impl MetricsConfig {
    pub(super) fn validate(self) -> Result<SocketAddr, ConfigError> {
        address("origin.metrics", &self.host, self.port)
    }
}

fn address(key: &str, host: &str, port: i64) -> Result<SocketAddr, ConfigError> {
    let port = within(key, "port", port, 0..=i64::from(u16::MAX))?;
    match host.parse::<IpAddr>() {
        Ok(host) => Ok(SocketAddr::new(host, port as u16)),
        Err(_) => {
            let bound = "an IP address such as 0.0.0.0 or ::1";
            refuse(format!("{key}.host"), quoted(host), bound)
        }
    }
}
