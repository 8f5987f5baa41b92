//! The section `cluster`: the NATS servers by which this node hears of others, who it is to them,
//! and what may wait. Without the section a node is alone. What is secret in it is not shown: not in
//! logs, not in refusals, not by `Debug`.

use std::path::PathBuf;

use async_nats::ServerAddr;
use origin::watched::{Flaw, Source, Watched};
use origin::{ConfigError, Secret};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

use super::checks::{quoted, refused, within};
use super::kinds::{optional_section, whole};
use crate::limits::{BUS_FILE_BYTES_MAX, BUS_NAME_BYTES_MAX, BUS_SUBJECT_BYTES_MAX};

/// The section as it is written.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RawCluster {
    /// One or several, as in `nats://a:4222,b:4222`.
    servers: String,
    /// What this node is called; random without it.
    node: Option<String>,
    /// What the subjects begin with.
    subject: String,
    #[serde(deserialize_with = "whole")]
    queue_bytes: u64,
    user: Option<String>,
    password: Option<Secret>,
    token: Option<Secret>,
    /// A file with the seed of an nkey.
    nkey_file: Option<PathBuf>,
    /// A file with a JWT and a seed, as `nsc` writes them.
    credentials_file: Option<PathBuf>,
    #[serde(deserialize_with = "optional_section")]
    tls: Option<RawClusterTls>,
}

/// How the servers are spoken to with TLS.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RawClusterTls {
    /// Who signs the servers' certificates; whom the system trusts without it.
    ca_file: Option<PathBuf>,
    /// This node's own certificate and key, where the servers ask for one.
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

/// How this node hears of others.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// NATS, at least one; any that can be reached will do.
    pub(crate) servers: Vec<ServerAddr>,
    /// What this node is called.
    pub(crate) node: String,
    /// What the subjects begin with.
    pub(crate) subject: String,
    /// Bytes that may wait for NATS.
    pub(crate) queue_bytes: usize,
    /// Who it is to NATS.
    pub(crate) credentials: Credentials,
    /// TLS, which a server may ask for without it too.
    pub(crate) tls: Option<ClusterTls>,
}

/// Who a node is to NATS.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    Nobody,
    User {
        user: String,
        password: Secret,
    },
    Token(Secret),
    /// A seed.
    Nkey(Secret),
    /// A JWT and a seed.
    Jwt(Secret),
}

/// Files for TLS with NATS, in PEM.
#[derive(Clone, Debug)]
pub(crate) struct ClusterTls {
    pub(crate) ca: Option<PathBuf>,
    /// Certificate and key.
    pub(crate) own: Option<(PathBuf, PathBuf)>,
}

impl Default for RawCluster {
    fn default() -> Self {
        Self {
            servers: "nats://127.0.0.1:4222".to_owned(),
            node: None,
            subject: "tracker".to_owned(),
            queue_bytes: 16 << 20,
            user: None,
            password: None,
            token: None,
            nkey_file: None,
            credentials_file: None,
            tls: None,
        }
    }
}

impl RawCluster {
    pub(super) fn validate(self) -> Result<ClusterConfig, ConfigError> {
        let servers: Vec<_> = self.servers.split(',').map(server).collect::<Result<_, _>>()?;
        let node = self.node.unwrap_or_else(|| format!("node-{:08x}", rand::random::<u32>()));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(1..=BUS_NAME_BYTES_MAX).contains(&node.len()) || !node.bytes().all(plain) {
            let bound = format!("1 to {BUS_NAME_BYTES_MAX} letters, digits, '-' or '_'");
            return Err(refused("cluster.node", quoted(&node), &bound));
        }
        let is_token = |token: &str| !token.is_empty() && token.bytes().all(plain);
        if self.subject.len() > BUS_SUBJECT_BYTES_MAX || !self.subject.split('.').all(is_token) {
            let bound = format!(
                "up to {BUS_SUBJECT_BYTES_MAX} letters, digits, '-' or '_', in parts between dots"
            );
            return Err(refused("cluster.subject", quoted(&self.subject), &bound));
        }
        let queue_bytes = within("cluster.queueBytes", self.queue_bytes, 1 << 16..=1 << 30)?;
        let credentials = credentials(
            (self.user, self.password),
            self.token,
            self.nkey_file,
            self.credentials_file,
        )?;
        Ok(ClusterConfig {
            servers,
            node,
            subject: self.subject,
            queue_bytes: queue_bytes as usize,
            credentials,
            tls: self.tls.map(RawClusterTls::validate).transpose()?,
        })
    }
}

impl RawClusterTls {
    fn validate(self) -> Result<ClusterTls, ConfigError> {
        let alone = |name: &str, file: PathBuf, other: &str| {
            let (key, bound) = (format!("cluster.tls.{name}"), format!("together with {other}"));
            Err(refused(&key, file.display(), &bound))
        };
        let own = match (self.cert_file, self.key_file) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(file), None) => return alone("certFile", file, "keyFile"),
            (None, Some(file)) => return alone("keyFile", file, "certFile"),
            (None, None) => None,
        };
        // They are read again with each connection; here only so that a mistake shows at the start.
        if let Some(ca) = &self.ca_file {
            read("cluster.tls.caFile", ca.clone(), certificates)?;
        }
        if let Some((certificate, key)) = &own {
            read("cluster.tls.certFile", certificate.clone(), certificates)?;
            read("cluster.tls.keyFile", key.clone(), private_key)?;
        }
        Ok(ClusterTls { ca: self.ca_file, own })
    }
}

fn certificates([file]: [&[u8]; 1]) -> Result<(), Flaw> {
    let mut certificates = CertificateDer::pem_slice_iter(file).peekable();
    let are_good = certificates.peek().is_some() && certificates.all(|each| each.is_ok());
    are_good.then_some(()).ok_or_else(|| flaw("certificates in PEM"))
}

fn private_key([file]: [&[u8]; 1]) -> Result<(), Flaw> {
    let key = PrivateKeyDer::from_pem_slice(file);
    key.map(drop).map_err(|_| flaw("a private key in PEM, without a passphrase"))
}

fn server(text: &str) -> Result<ServerAddr, ConfigError> {
    let bound = "NATS servers as in \"nats://a:4222,b:4222\", with \"tls://\" where they want TLS";
    let text = text.trim();
    match text.parse::<ServerAddr>() {
        Ok(server) if server.has_user_pass() || server.password().is_some() => {
            let (value, bound) =
                ("one with a name in it", "without: `user` and `password` have it");
            Err(refused("cluster.servers", value, bound))
        }
        Ok(server) if ["nats", "tls"].contains(&server.scheme()) && !server.host().is_empty() => {
            Ok(server)
        }
        _ if text.contains('@') => {
            Err(refused("cluster.servers", "a text that is not shown", bound))
        }
        _ => Err(refused("cluster.servers", quoted(text), bound)),
    }
}

/// There is one way to say who one is.
fn credentials(
    (user, password): (Option<String>, Option<Secret>),
    token: Option<Secret>,
    nkey: Option<PathBuf>,
    jwt: Option<PathBuf>,
) -> Result<Credentials, ConfigError> {
    let hidden = "a text that is not shown";
    let named = [
        ("cluster.credentialsFile", jwt.is_some()),
        ("cluster.nkeyFile", nkey.is_some()),
        ("cluster.token", token.is_some()),
        ("cluster.user", user.is_some()),
    ];
    let mut named = named.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key);
    if let (Some(first), Some(second)) = (named.next(), named.next()) {
        return Err(refused(second, hidden, &format!("left out where {first} is there")));
    }
    Ok(match (user, password, token, nkey, jwt) {
        (Some(user), Some(password), ..) => Credentials::User { user, password },
        (Some(user), None, ..) => {
            return Err(refused("cluster.user", quoted(&user), "together with password"));
        }
        (None, Some(_), ..) => {
            return Err(refused("cluster.password", hidden, "together with user"));
        }
        (_, _, Some(token), ..) => Credentials::Token(token),
        (_, _, _, Some(file), _) => Credentials::Nkey(read("cluster.nkeyFile", file, seed)?),
        (.., Some(file)) => Credentials::Jwt(read("cluster.credentialsFile", file, jwt_and_seed)?),
        _ => Credentials::Nobody,
    })
}

fn read<T>(
    key: &str,
    path: PathBuf,
    parse: fn([&[u8]; 1]) -> Result<T, Flaw>,
) -> Result<T, ConfigError> {
    let files = [(key.to_owned(), path)];
    Watched::once(&Source { files, bytes_max: BUS_FILE_BYTES_MAX, parse })
}

/// A seed of a user: base32, 58 characters (<https://docs.nats.io>, "NKeys").
fn seed([file]: [&[u8]; 1]) -> Result<Secret, Flaw> {
    let in_base32 = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
    let is_seed =
        |line: &&str| line.starts_with("SU") && line.len() == 58 && line.bytes().all(in_base32);
    let text = String::from_utf8_lossy(file);
    let seed = text.lines().map(str::trim).find(is_seed).map(|seed| Secret::from(seed.to_owned()));
    seed.ok_or_else(|| flaw("the seed of a user's nkey, 58 characters that begin with SU"))
}

fn jwt_and_seed([file]: [&[u8]; 1]) -> Result<Secret, Flaw> {
    let text = String::from_utf8_lossy(file).into_owned();
    let is_good = async_nats::ConnectOptions::new().credentials(&text).is_ok();
    is_good
        .then_some(Secret::from(text))
        .ok_or_else(|| flaw("a JWT and a seed, as nsc writes them"))
}

fn flaw(bound: &'static str) -> Flaw {
    Flaw { file: 0, line: None, value: "a text that is not shown".to_owned(), bound }
}
