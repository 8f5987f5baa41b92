//! The configuration as the rest of the program sees it: everything in here can be done. Each
//! check names key, value and bound when it fails.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use origin::{ConfigError, OriginConfig, ValidOrigin};
use serde_json::Value;
use tracker_core::Settings;
use tracker_core::limits::OFFERS_RELAYED_MAX;

use super::checks::{host, port, refused, within};
use super::cluster::{ClusterConfig, RawCluster};
use super::listener::ServerConfig;
use super::log::LogConfig;
use super::player::{RawWeb, WebConfig};
use super::policy::Policy;
use super::raw::{RawConfig, RawDashboard, RawMetrics, RawStun, RawTracker};
use crate::access::{Access, DashboardAccess, TrustedProxies};
use crate::limits::BUS_INTERVAL_MAX;
use crate::web_root::WebRoot;

/// What runs.
#[derive(Debug)]
pub struct Config {
    /// Where to listen; at least one.
    pub servers: Vec<ServerConfig>,
    /// What may change while it runs.
    pub policy: Policy,
    /// Who may join which swarms.
    pub access: Access,
    /// How it hears of other nodes.
    pub cluster: Option<ClusterConfig>,
    /// The streams.
    pub origin: Option<ValidOrigin>,
    /// The player.
    pub web: Option<WebConfig>,
    /// Who may see the dashboard.
    pub dashboard: Option<DashboardAccess>,
    /// The STUN server.
    pub stun: Option<StunConfig>,
    /// Where Prometheus reads the counts.
    pub metrics: Option<SocketAddr>,
    /// Threads that serve, 1 or more.
    pub workers: u16,
    /// Files to serve at every path that nothing else has.
    pub web_root: Option<WebRoot>,
    /// What is told on stderr.
    pub log: LogConfig,
    /// All of it as it could be written, with defaults.
    pub(super) written: Written,
}

/// A configuration as it could be written, secrets included, of which `Debug` shows nothing.
#[derive(Clone)]
pub(crate) struct Written(pub(super) Value);

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was written")
    }
}

/// Where STUN listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StunConfig {
    /// An address of the machine; `None` is all, IPv4 and IPv6.
    pub host: Option<IpAddr>,
    /// UDP; 0 lets the system choose.
    pub port: u16,
    /// Whether the tracker goes on when the port can't be had.
    pub optional: bool,
}

impl Config {
    /// Sockets at which no listener takes another one. `None` is no limit.
    #[must_use]
    pub fn connections_max(&self) -> Option<usize> {
        let bounds = self.servers.iter().map(|server| match server.connections_max {
            0 => usize::MAX,
            bound => bound,
        });
        bounds.max().filter(|bound| *bound != usize::MAX)
    }

    /// Whether it names files that are read again while it runs.
    #[must_use]
    pub fn has_files(&self) -> bool {
        let has_certificate = |server: &ServerConfig| server.certificate.is_some();
        self.access.has_files()
            || self.dashboard.as_ref().is_some_and(DashboardAccess::has_files)
            || self.servers.iter().any(has_certificate)
            || self.origin.as_ref().is_some_and(ValidOrigin::has_files)
    }
}

impl RawConfig {
    pub(super) fn validate(self) -> Result<Config, ConfigError> {
        if self.servers.is_empty() {
            return Err(refused("servers", "[]", "a list of at least one"));
        }
        let written = Written(self.written());
        let (of_the_rules, limits) = self.limits.validate()?;
        let servers = self
            .servers
            .into_iter()
            .enumerate()
            .map(|(index, server)| server.validate(index))
            .collect::<Result<_, _>>()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        Ok(Config {
            servers,
            policy: Policy {
                scrape_all: self.tracker.scrape_all,
                settings: self.tracker.validate(of_the_rules)?,
                limits,
                trusted_proxies: TrustedProxies::named("trustedProxies", &self.trusted_proxies)?,
                origins: self.websockets_access.validate()?,
                drain: Duration::from_secs(within("drainSeconds", self.drain_seconds, 0..=600)?),
            },
            access: self.access.unwrap_or_default().validate()?,
            cluster: self.cluster.map(RawCluster::validate).transpose()?,
            origin: self.origin.map(OriginConfig::validate).transpose()?.map(ValidOrigin::as_guest),
            web: self.web.map(RawWeb::validate).transpose()?,
            dashboard: self.dashboard.map(RawDashboard::validate).transpose()?,
            stun: self.stun.map(RawStun::validate).transpose()?,
            metrics: self.metrics.map(RawMetrics::validate).transpose()?,
            workers: within("workers", self.workers.unwrap_or(cores.min(256)), 1..=256)? as u16,
            web_root: self.web_root.map(WebRoot::new).transpose()?,
            log: self.log.validate()?,
            written,
        })
    }
}

impl RawTracker {
    fn validate(self, limits: tracker_core::Limits) -> Result<Settings, ConfigError> {
        let offers = 0..=OFFERS_RELAYED_MAX as u64;
        let interval = within("tracker.announceInterval", self.announce_interval, 1..=86_400)?;
        let min = self.min_announce_interval.unwrap_or(interval / 4);
        if min > interval {
            let bound = format!("0 to {interval}, which is announceInterval");
            return Err(refused("tracker.minAnnounceInterval", min, &bound));
        }
        Ok(Settings {
            max_offers: within("tracker.maxOffers", self.max_offers, offers)? as usize,
            announce_interval: Duration::from_secs(interval),
            adapted_interval: None,
            min_announce_interval: Duration::from_secs(min),
            cross_share_percent: within("tracker.crossShare", self.cross_share, 0..=100)? as u32,
            digest_interval: Duration::from_secs(within(
                "tracker.digestInterval",
                self.digest_interval,
                1..=BUS_INTERVAL_MAX.as_secs(),
            )?),
            limits,
        })
    }
}

impl RawDashboard {
    fn validate(self) -> Result<DashboardAccess, ConfigError> {
        self.token_file.map_or_else(|| Ok(DashboardAccess::this_machine()), DashboardAccess::token)
    }
}

impl RawStun {
    fn validate(self) -> Result<StunConfig, ConfigError> {
        let address = self.host.as_deref().map(|text| host("stun.host", text)).transpose()?;
        Ok(StunConfig {
            host: address,
            port: port("stun.port", self.port)?,
            optional: self.optional,
        })
    }
}

impl RawMetrics {
    fn validate(self) -> Result<SocketAddr, ConfigError> {
        let host = host("metrics.host", &self.host)?;
        Ok(SocketAddr::new(host, port("metrics.port", self.port)?))
    }
}
