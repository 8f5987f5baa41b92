//! Where the binary `origin` listens.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse, within};
use crate::error::ConfigError;

/// Where the binary listens, as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ListenConfig {
    /// An IP address; `0.0.0.0` and `::` are all of the machine's.
    pub host: String,
    /// A TCP port; 0 lets the system choose, and the origin prints what it got.
    pub port: i64,
}

impl Default for ListenConfig {
    fn default() -> Self {
        ListenConfig { host: "0.0.0.0".to_owned(), port: 8080 }
    }
}

impl ListenConfig {
    pub(super) fn validate(self) -> Result<SocketAddr, ConfigError> {
        let port = within("origin.listen", "port", self.port, 0..=i64::from(u16::MAX))?;
        match self.host.parse::<IpAddr>() {
            Ok(host) => Ok(SocketAddr::new(host, port as u16)),
            Err(_) => {
                let bound = "an IP address such as 0.0.0.0 or ::1";
                refuse("origin.listen.host", quoted(&self.host), bound)
            }
        }
    }
}
