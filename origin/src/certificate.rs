//! The certificate of a listener and its key: two PEM files, which are read again when they
//! change. A new pair is for new handshakes; open sockets go on with what they have.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{Error, ServerConfig};
use x509_cert::der::Decode;

use crate::error::ConfigError;
use crate::limits::PEM_FILE_BYTES_MAX;
use crate::watched::{Flaw, Refresh, Source, Watched};

/// What a listener proves itself with.
#[derive(Debug)]
pub struct Certificate(Watched<Pair, 2>);

/// What a client may choose to speak (ALPN).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offers {
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2, or HTTP/1.1.
    Http2,
}

/// A certificate and a key that belong together.
#[derive(Debug)]
struct Pair {
    config: Arc<ServerConfig>,
    /// Until when the certificate is valid, since the Unix epoch.
    not_after: Duration,
}

/// The places of the two files in their [`Source`].
const CERTIFICATE: usize = 0;
const KEY: usize = 1;

impl Certificate {
    /// Reads the file of the certificate, then that of its key, each named behind the key of the
    /// configuration where it stands.
    ///
    /// # Errors
    ///
    /// Key, value and bound, when a file can't be read or makes no sense, or when the two don't
    /// belong together.
    pub fn load(files: [(String, PathBuf); 2], offers: Offers) -> Result<Self, ConfigError> {
        let parse: fn([&[u8]; 2]) -> _ = match offers {
            Offers::Http1 => |files| Pair::parse(files, &[b"http/1.1"]),
            Offers::Http2 => |files| Pair::parse(files, &[b"h2", b"http/1.1"]),
        };
        Watched::load(Source { files, bytes_max: PEM_FILE_BYTES_MAX, parse }).map(Self)
    }

    /// What a new handshake goes by.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.0.current().config.clone()
    }

    /// Until when the certificate is valid, since the Unix epoch.
    #[must_use]
    pub fn not_after(&self) -> Duration {
        self.0.current().not_after
    }

    /// Reads the files again.
    pub fn refresh(&self, which: Refresh) {
        self.0.refresh(which);
    }
}

impl Pair {
    fn parse([certificate, key]: [&[u8]; 2], protocols: &[&[u8]]) -> Result<Self, Flaw> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(certificate)
                .collect::<Result<_, _>>()
                .map_err(|error| flaw(CERTIFICATE, format!("no PEM ({error})"), CHAIN))?;
        let Some(leaf) = chain.first() else {
            return Err(flaw(CERTIFICATE, "a file without a certificate", CHAIN));
        };
        let not_after = x509_cert::Certificate::from_der(leaf)
            .map_err(|error| flaw(CERTIFICATE, format!("no X.509 ({error})"), CHAIN))?
            .tbs_certificate()
            .validity()
            .not_after
            .to_unix_duration();
        // What is wrong with a key is not repeated: it might show some of it.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| flaw(KEY, "a file without a private key", PRIVATE_KEY))?;
        Ok(Self { config: Arc::new(config(chain, key, protocols)?), not_after })
    }
}

const CHAIN: &str = "certificates in PEM, the listener's own first";
const PRIVATE_KEY: &str = "an RSA, ECDSA or Ed25519 key in PEM, without a passphrase";

/// TLS 1.2 and 1.3 with this certificate, for the `protocols` above it.
///
/// Sessions are resumed by tickets, which need no memory here, and whose keys change every 6 h. A
/// new pair begins new ones: a session that is resumed goes by the certificate that it began with.
fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    protocols: &[&[u8]],
) -> Result<ServerConfig, Flaw> {
    let refused = |error: Error| match error {
        Error::InconsistentKeys(_) => {
            flaw(KEY, "another certificate's", "the key of that certificate")
        }
        Error::InvalidCertificate(_) => flaw(CERTIFICATE, error.to_string(), CHAIN),
        _ => flaw(KEY, error.to_string(), PRIVATE_KEY),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(refused)?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config.ticketer = Ticketer::new().map_err(refused)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

fn flaw(file: usize, value: impl Into<String>, bound: &'static str) -> Flaw {
    Flaw { file, line: None, value: value.into(), bound }
}
