//! The configuration as the rest of the program sees it: everything in here can be done. Each
//! check names key, value and bound when it fails.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use origin::{ConfigError, OriginConfig, ValidOrigin};
use serde_json::Value;
use tracker_core::Settings;
use tracker_core::limits::OFFERS_RELAYED_MAX;
use web::PlayerStream;

use super::checks::{host, port, quoted, refused, within};
use super::log::LogConfig;
use super::policy::Policy;
use super::raw::{
    RawAccess, RawConfig, RawJoinAccess, RawListener, RawMetrics, RawServer, RawStun, RawTokens,
    RawTracker, RawWeb,
};
use crate::access::{Access, InfoHashAccess, OriginAccess, TokenAccess, TrustedProxies};
use crate::limits::TOKEN_PARAMETER_BYTES_MAX;
use crate::transport::certificate::Certificate;
use crate::web_root::WebRoot;

/// The most that `maxPayloadLength` may be.
const FRAME_BYTES_MAX: u64 = 16 << 20;

/// What runs.
#[derive(Debug)]
pub struct Config {
    /// Where to listen; at least one.
    pub servers: Vec<ServerConfig>,
    /// What may change while it runs.
    pub policy: Policy,
    /// Who may join which swarms.
    pub access: Access,
    /// The streams.
    pub origin: Option<ValidOrigin>,
    /// The player.
    pub web: Option<WebConfig>,
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
    pub(super) written: Value,
}

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

/// What the player starts with; what is `None` is this tracker's own.
#[derive(Debug, Default)]
pub struct WebConfig {
    /// Trackers to announce to.
    pub trackers: Option<Vec<String>>,
    /// STUN servers to ask.
    pub stun: Option<Vec<String>>,
    /// Playlists to play.
    pub streams: Option<Vec<PlayerStream>>,
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
}

impl Config {
    /// Whether it names files that are read again while it runs.
    #[must_use]
    pub fn has_files(&self) -> bool {
        let has_certificate = |server: &ServerConfig| server.certificate.is_some();
        self.access.has_files() || self.servers.iter().any(has_certificate)
    }
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

impl RawConfig {
    pub(super) fn validate(self) -> Result<Config, ConfigError> {
        if self.servers.is_empty() {
            return Err(refused("servers", "[]", "a list of at least one"));
        }
        let written = self.written();
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
            origin: self.origin.map(OriginConfig::validate).transpose()?,
            web: self.web.map(RawWeb::validate),
            stun: self.stun.map(RawStun::validate).transpose()?,
            metrics: self.metrics.map(RawMetrics::validate).transpose()?,
            workers: within("workers", self.workers.unwrap_or(cores.min(256)), 1..=256)? as u16,
            web_root: self.web_root.map(WebRoot::new).transpose()?,
            log: self.log.validate()?,
            written,
        })
    }
}

impl RawListener {
    fn validate(self, index: usize) -> Result<ServerConfig, ConfigError> {
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
                Certificate::load(key, certificate, private_key).map(|pair| Some(Arc::new(pair)))
            }
            (Some(file), None) => alone("cert_file_name", file, "key_file_name"),
            (None, Some(file)) => alone("key_file_name", file, "cert_file_name"),
            (None, None) => Ok(None),
        }
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
            min_announce_interval: Duration::from_secs(min),
            limits,
        })
    }
}

impl RawAccess {
    fn validate(self) -> Result<OriginAccess, ConfigError> {
        if self.allow_origins.is_some() && self.deny_origins.is_some() {
            let key = "websocketsAccess.denyOrigins";
            return Err(refused(key, "a list", "left out where allowOrigins is there"));
        }
        Ok(OriginAccess {
            allow: self.allow_origins,
            deny: self.deny_origins.unwrap_or_default(),
            deny_empty: self.deny_empty_origin,
        })
    }
}

impl RawJoinAccess {
    fn validate(self) -> Result<Access, ConfigError> {
        let info_hashes = match (self.allow_info_hashes, self.deny_info_hashes) {
            (Some(_), Some(denied)) => {
                let bound = "left out where allowInfoHashes is there";
                return Err(refused("access.denyInfoHashes", denied.display(), bound));
            }
            (Some(allowed), None) => Some(InfoHashAccess::only(allowed)?),
            (None, Some(denied)) => Some(InfoHashAccess::all_but(denied)?),
            (None, None) => None,
        };
        let tokens = self.tokens.map(RawTokens::validate).transpose()?;
        Ok(Access { info_hashes, tokens })
    }
}

impl RawTokens {
    fn validate(self) -> Result<TokenAccess, ConfigError> {
        let parameter = self.parameter;
        // What needs no escapes in a query (RFC 3986, section 2.3).
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !(1..=TOKEN_PARAMETER_BYTES_MAX).contains(&parameter.len())
            || !parameter.bytes().all(is_plain)
        {
            let bound = format!("1 to {TOKEN_PARAMETER_BYTES_MAX} letters, digits or '-._~'");
            return Err(refused("access.tokens.parameter", parameter, &bound));
        }
        match (self.hs256_secret_file, self.ed25519_public_key_file) {
            (Some(secret), None) => TokenAccess::hs256(secret, parameter),
            (None, Some(public)) => TokenAccess::ed25519(public, parameter),
            (Some(_), Some(public)) => {
                let bound = "left out where hs256SecretFile is there";
                Err(refused("access.tokens.ed25519PublicKeyFile", public.display(), bound))
            }
            (None, None) => {
                let bound = "a section with hs256SecretFile or ed25519PublicKeyFile";
                Err(refused("access.tokens", "{}", bound))
            }
        }
    }
}

impl RawWeb {
    fn validate(self) -> WebConfig {
        let stream = |raw: super::raw::RawStream| PlayerStream { name: raw.name, url: raw.url };
        WebConfig {
            trackers: self.trackers,
            stun: self.stun,
            streams: self.streams.map(|streams| streams.into_iter().map(stream).collect()),
        }
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
