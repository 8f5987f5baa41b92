//! Certificates of our own, made for each test, and clients that trust them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Client, PATIENCE, Raw, Server, http_on, unpaced, until, with};

/// A TLS connection, as a client has it.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A certificate for `localhost`, and its key.
pub struct Identity {
    pub certificate: CertificateDer<'static>,
    pub certificate_pem: String,
    pub key_pem: String,
}

/// Two PEM files in a folder of their own.
pub struct Files {
    folder: TempDir,
}

/// A tracker with one secure listener, and a client's TLS that trusts it.
pub struct Secure {
    pub server: Server,
    pub files: Files,
    pub identity: Identity,
    pub config: Arc<ClientConfig>,
}

impl Identity {
    pub fn new() -> Self {
        Self::until(2090)
    }

    /// Valid until that year begins.
    pub fn until(year: i32) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

impl Files {
    pub fn of(identity: &Identity) -> Self {
        let files = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        files.write(identity);
        files
    }

    pub fn write(&self, identity: &Identity) {
        replace(&self.certificate(), &identity.certificate_pem);
        replace(&self.key(), &identity.key_pem);
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The listener's section of the configuration.
    pub fn server(&self, host: &str) -> Value {
        json!({"server": {"port": 0, "host": host, "cert_file_name": self.certificate(),
            "key_file_name": self.key()}})
    }
}

impl Secure {
    pub fn start() -> Self {
        Self::with(&json!({}))
    }

    /// The same, where everybody may announce, and be offered to, as often as they like.
    pub fn without_pace() -> Self {
        Self::with(&unpaced(&json!({})))
    }

    /// The same, with these sections of the configuration.
    pub fn with(sections: &Value) -> Self {
        let identity = Identity::new();
        let files = Files::of(&identity);
        let all = with(json!({"servers": [files.server("127.0.0.1")]}), sections);
        let config = trusting(&[&identity]);
        Self { server: Server::with(&all), files, identity, config }
    }

    pub fn connect(&self) -> Tls {
        connect(self.server.address(), &self.config).expect("a TLS connection")
    }

    pub fn client(&self) -> Client<Tls> {
        client(self.server.address(), &self.config)
    }

    /// `/stats.json`, over TLS as everything on this listener.
    pub fn stats(&self) -> Value {
        let (status, body) = http_on(self.connect(), &request("/stats.json"));
        assert_eq!(status, "HTTP/1.1 200 OK");
        serde_json::from_str(&body).expect("JSON")
    }

    pub fn stats_until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.stats(), wanted)
    }

    /// Waits until new handshakes are shown this certificate.
    pub fn until_shown(&self, identity: &Identity) {
        let config = trusting(&[identity]);
        let shown = || connect(self.server.address(), &config);
        let _ = until("read again", || shown().map(drop), Result::is_ok);
    }
}

/// A request without an upgrade.
pub fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// The way that an operator is told to: a new file, renamed over the old one.
pub fn replace(path: &Path, content: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, content).expect("a file");
    std::fs::rename(new, path).expect("a rename");
}

/// A client's TLS that trusts these certificates. It keeps the tickets that it gets.
pub fn trusting(identities: &[&Identity]) -> Arc<ClientConfig> {
    speaking(rustls::ALL_VERSIONS, identities)
}

/// The same, in these versions of TLS only.
pub fn speaking(
    versions: &[&'static SupportedProtocolVersion],
    identities: &[&Identity],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for identity in identities {
        roots.add(identity.certificate.clone()).expect("a certificate");
    }
    let config = ClientConfig::builder_with_protocol_versions(versions);
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Connects and waits for the end of the handshake.
pub fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> std::io::Result<Tls> {
    let name = ServerName::try_from("localhost").expect("a name");
    let mut session = ClientConnection::new(config.clone(), name).expect("a session");
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    while session.is_handshaking() {
        session.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(session, socket))
}

/// A client whose socket is secure.
pub fn client(address: SocketAddr, config: &Arc<ClientConfig>) -> Client<Tls> {
    Client::on(connect(address, config).expect("a TLS connection"), "/")
}

/// A client that makes its own frames, on a secure socket.
pub fn raw(address: SocketAddr, config: &Arc<ClientConfig>) -> Raw<Tls> {
    Raw::on(connect(address, config).expect("a TLS connection"))
}

/// The certificate that the server has shown.
pub fn shown(stream: &Tls) -> CertificateDer<'static> {
    let shown = stream.conn.peer_certificates().expect("certificates");
    shown[0].clone().into_owned()
}

/// Whether the connection ends as TLS wants it, past whatever comes before.
pub fn ends_cleanly(stream: &mut (impl Read + Write)) -> bool {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).is_ok()
}
