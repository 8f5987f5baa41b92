//! The configuration file as it is written: wt-tracker's keys and defaults
//! (<https://github.com/Novage/wt-tracker>), and our own sections.

use std::path::PathBuf;

use origin::OriginConfig;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cluster::RawCluster;
use super::kinds::{optional_section, optional_whole, section, sections, whole};
use super::limits::RawLimits;
use super::player::RawWeb;

/// The whole file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawConfig {
    /// Where to listen; at least one.
    #[serde(deserialize_with = "sections")]
    pub(super) servers: Vec<RawListener>,
    #[serde(deserialize_with = "section")]
    pub(super) tracker: RawTracker,
    /// Whose pages may open sockets.
    #[serde(deserialize_with = "section")]
    pub(super) websockets_access: RawAccess,
    /// What one client, and all of them, may take up.
    #[serde(deserialize_with = "section")]
    pub(super) limits: RawLimits,
    /// The proxies in front whose `X-Forwarded-For` is believed: addresses, and prefixes such as
    /// `10.0.0.0/8`.
    pub(super) trusted_proxies: Vec<String>,
    /// Who may join which swarms; everybody all of them without it.
    #[serde(deserialize_with = "optional_section")]
    pub(super) access: Option<RawJoinAccess>,
    /// The other nodes; none without it.
    #[serde(deserialize_with = "optional_section")]
    pub(super) cluster: Option<RawCluster>,
    /// The streams to serve; no streams without it.
    #[serde(deserialize_with = "optional_section")]
    pub(super) origin: Option<OriginConfig>,
    /// The player at `/`; no page without it.
    #[serde(deserialize_with = "optional_section")]
    pub(super) web: Option<RawWeb>,
    /// The dashboard; none without it.
    #[serde(deserialize_with = "optional_section")]
    pub(super) dashboard: Option<RawDashboard>,
    /// The STUN server; none without it.
    #[serde(deserialize_with = "optional_section")]
    pub(super) stun: Option<RawStun>,
    /// Where Prometheus reads the counts; nowhere without it.
    #[serde(deserialize_with = "optional_section")]
    pub(super) metrics: Option<RawMetrics>,
    /// Seconds over which a stop closes the sockets.
    #[serde(deserialize_with = "whole")]
    pub(super) drain_seconds: u64,
    /// Threads that serve; one per core without it.
    #[serde(deserialize_with = "optional_whole")]
    pub(super) workers: Option<u64>,
    /// A folder of files to serve beside the sockets; none without it.
    pub(super) web_root: Option<PathBuf>,
    #[serde(deserialize_with = "section")]
    pub(super) log: RawLog,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawListener {
    #[serde(deserialize_with = "section")]
    pub(super) server: RawServer,
    #[serde(deserialize_with = "section")]
    pub(super) websockets: RawWebSockets,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawServer {
    #[serde(deserialize_with = "whole")]
    pub(super) port: u64,
    pub(super) host: String,
    /// PEM files with a private key and with its certificate, followed by those that lead to a
    /// root: with both the listener speaks TLS, with neither it doesn't. Both are read again as
    /// the files of [`RawJoinAccess`] are.
    pub(super) key_file_name: Option<String>,
    pub(super) cert_file_name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawWebSockets {
    /// A path, or the start of one and `*`.
    pub(super) path: String,
    /// Bytes of a message from a client.
    #[serde(deserialize_with = "whole")]
    pub(super) max_payload_length: u64,
    /// Seconds of silence; 0 is for ever.
    #[serde(deserialize_with = "whole")]
    pub(super) idle_timeout: u64,
    /// 0 is off. Each other of wt-tracker's modes agrees on compression with whoever offers it;
    /// what they say about memory means nothing here, since none is kept for a socket.
    #[serde(deserialize_with = "whole")]
    pub(super) compression: u64,
    /// Bytes of a message from which on it is sent compressed, to those who understand it.
    #[serde(deserialize_with = "whole")]
    pub(super) compression_threshold: u64,
    /// 0 is no limit.
    #[serde(deserialize_with = "whole")]
    pub(super) max_connections: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawTracker {
    #[serde(deserialize_with = "whole")]
    pub(super) max_offers: u64,
    /// Seconds.
    #[serde(deserialize_with = "whole")]
    pub(super) announce_interval: u64,
    /// Seconds; a quarter of `announceInterval` without it, and 0 turns the rule off.
    #[serde(deserialize_with = "optional_whole")]
    pub(super) min_announce_interval: Option<u64>,
    /// Percent of the offers of a swarm on several workers or nodes.
    #[serde(deserialize_with = "whole")]
    pub(super) cross_share: u64,
    /// Seconds.
    #[serde(deserialize_with = "whole")]
    pub(super) digest_interval: u64,
    /// Whether a scrape without info hashes is answered with the largest swarms.
    pub(super) scrape_all: bool,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawAccess {
    pub(super) allow_origins: Option<Vec<String>>,
    pub(super) deny_origins: Option<Vec<String>>,
    pub(super) deny_empty_origin: bool,
}

/// Files are read at the start, again when they change (by time and size, every 2 s) and on
/// SIGHUP. Replace one by renaming a new one over it, so that it is never read half written.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RawJoinAccess {
    /// A file of info hashes, one a line in 40 hexadecimal digits, with comments after `#`: only
    /// these swarms are served. It excludes `denyInfoHashes`.
    pub(super) allow_info_hashes: Option<PathBuf>,
    /// The same: these swarms are not served. Who is in one already is refused at its next
    /// announce.
    pub(super) deny_info_hashes: Option<PathBuf>,
    /// Sockets are opened only with a token; by everybody without it.
    #[serde(deserialize_with = "optional_section")]
    pub(super) tokens: Option<RawTokens>,
}

/// A token is a JWT (RFC 7519) in the query of the WebSocket's URL, signed with the one key that
/// is named here. `exp` must be there; `nbf` is heeded, and a token with an `aud` is somebody
/// else's. Two claims of ours: `origin`, which must equal the `Origin` header, and `swarms`, a
/// list of the info hashes that may be joined. After `exp` no more swarms can be joined; the
/// socket stays.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RawTokens {
    /// A file with a secret of 32 bytes or more: tokens are signed with HS256.
    pub(super) hs256_secret_file: Option<PathBuf>,
    /// A file with a public key in PEM: tokens are signed with EdDSA, on Ed25519.
    pub(super) ed25519_public_key_file: Option<PathBuf>,
    /// The query's parameter with the token.
    pub(super) parameter: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RawDashboard {
    /// A file with the token that whoever looks at it has to have; without it only this machine may.
    /// It is read again as the files of [`RawJoinAccess`] are.
    pub(super) token_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawStun {
    #[serde(deserialize_with = "whole")]
    pub(super) port: u64,
    /// All addresses of the machine, IPv4 and IPv6, without it.
    pub(super) host: Option<String>,
    /// Whether the start goes on without the port.
    pub(super) optional: bool,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMetrics {
    #[serde(deserialize_with = "whole")]
    pub(super) port: u64,
    /// Nobody else's business, so only this machine unless it says otherwise.
    pub(super) host: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLog {
    /// `text` or `json`.
    pub(super) format: String,
    /// From `error` to `trace`.
    pub(super) level: String,
}

impl RawConfig {
    /// All of it as a tree, with what is not set as null.
    pub(super) fn written(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            servers: vec![RawListener::default()],
            tracker: RawTracker::default(),
            websockets_access: RawAccess::default(),
            limits: RawLimits::default(),
            trusted_proxies: Vec::new(),
            access: None,
            cluster: None,
            origin: None,
            web: None,
            dashboard: None,
            stun: None,
            metrics: None,
            drain_seconds: 1,
            workers: None,
            web_root: None,
            log: RawLog::default(),
        }
    }
}

impl Default for RawServer {
    fn default() -> Self {
        let (key_file_name, cert_file_name) = (None, None);
        Self { port: 8000, host: "0.0.0.0".to_owned(), key_file_name, cert_file_name }
    }
}

impl Default for RawWebSockets {
    fn default() -> Self {
        Self {
            path: "/*".to_owned(),
            max_payload_length: 64 * 1024,
            idle_timeout: 240,
            compression: 1,
            compression_threshold: 1024,
            max_connections: 0,
        }
    }
}

impl Default for RawTracker {
    fn default() -> Self {
        Self {
            max_offers: 20,
            announce_interval: 120,
            min_announce_interval: None,
            cross_share: 12,
            digest_interval: 5,
            scrape_all: false,
        }
    }
}

impl Default for RawTokens {
    fn default() -> Self {
        let (hs256_secret_file, ed25519_public_key_file) = (None, None);
        Self { hs256_secret_file, ed25519_public_key_file, parameter: "token".to_owned() }
    }
}

impl Default for RawStun {
    fn default() -> Self {
        Self { port: 3478, host: None, optional: false }
    }
}

impl Default for RawMetrics {
    fn default() -> Self {
        Self { port: 9100, host: "127.0.0.1".to_owned() }
    }
}

impl Default for RawLog {
    fn default() -> Self {
        Self { format: "text".to_owned(), level: "info".to_owned() }
    }
}
