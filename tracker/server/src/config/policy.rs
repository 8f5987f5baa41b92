//! The part of the configuration that may change while the tracker runs, and what is left of a
//! changed one that may not.

use std::time::Duration;

use tracker_core::Settings;

use super::limits::Limits;
use super::valid::{Config, Written};
use crate::access::{OriginAccess, TrustedProxies};

/// The keys that a [`Policy`] is made of. All others take a restart.
const KEYS: [&str; 5] = ["tracker", "limits", "trustedProxies", "websocketsAccess", "drainSeconds"];

/// What a reload changes, for all sockets, open ones too.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The rules' settings.
    pub settings: Settings,
    /// Whether a scrape without info hashes is answered with the largest swarms.
    pub scrape_all: bool,
    /// What one client, and all of them, may take up.
    pub limits: Limits,
    /// Who says truly for whom a connection is.
    pub trusted_proxies: TrustedProxies,
    /// Whose pages may open sockets.
    pub origins: OriginAccess,
    /// The time over which a stop closes the sockets. A second spares whoever takes them the worst,
    /// and lets a stop end within 5 s.
    pub drain: Duration,
}

impl Config {
    /// All of it as it could be written, with defaults.
    pub(crate) fn written(&self) -> &Written {
        &self.written
    }

    /// The keys at the top whose values differ from those that the tracker was started with, and
    /// that take a restart to change.
    pub(crate) fn needs_restart<'a>(
        &'a self,
        running: &'a Written,
    ) -> impl Iterator<Item = &'a str> {
        let keys = self.written.0.as_object().into_iter().flatten();
        keys.filter(|&(key, value)| running.0.get(key) != Some(value))
            .map(|(key, _)| key.as_str())
            .filter(|key| !KEYS.contains(key))
    }
}
