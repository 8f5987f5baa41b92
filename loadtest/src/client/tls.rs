//! TLS on a peer's socket through rustls's unbuffered API: records are opened in the buffers that
//! the worker's sockets share, so that 15,000 idle `wss` peers are cheap on this side too.

use std::fmt;
use std::io::{self, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::outbox::{Outbox, write_some};
use crate::limits::REACH_TIME_MAX;

/// Whose certificates are believed.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// What this machine trusts.
    System,
    /// Only what this PEM file holds.
    File(PathBuf),
    /// Anybody's.
    Anybody,
}

/// What all connections of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// Why no TLS can be spoken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("--ca {}: {why}", .path.display())]
    File { path: PathBuf, why: String },
    #[error("--url: {0} is no name that a certificate could have")]
    Name(String),
    #[error(
        "this system has no certificates to trust; --ca names a file of them, and --insecure \
         accepts any"
    )]
    NoRoots,
    #[error("TLS: {0}")]
    Protocol(#[from] rustls::Error),
    #[error("TLS: {0}")]
    Encode(#[from] EncodeError),
    #[error("TLS: {0}")]
    Encrypt(#[from] EncryptError),
}

impl Tls {
    /// For connections to `host`. Without `resumes` each is a full handshake, as a new viewer's is.
    ///
    /// # Errors
    /// When there is nobody to trust, or `host` cannot be certified.
    pub(crate) fn new(host: &str, trust: &Trust, resumes: bool) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let mut config = match trust {
            Trust::System => config.with_root_certificates(system_roots()?),
            Trust::File(path) => config.with_root_certificates(roots_in(path.clone())?),
            Trust::Anybody => {
                config.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
            }
        }
        .with_no_client_auth();
        if !resumes {
            config.resumption = Resumption::disabled();
        }
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        Ok(Self { config: Arc::new(config), name })
    }

    /// Shakes hands once on `stream`, which waits: tells a wrong certificate before thousands of
    /// sockets do.
    ///
    /// # Errors
    /// What the tracker got wrong, or the system said.
    pub(crate) fn try_handshake(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(REACH_TIME_MAX))?;
        self.shake_hands(&mut stream).map(drop)
    }

    /// One connection with buffers of its own, for the few sockets that are no peers. Shakes hands on
    /// `socket`, and waits for that.
    ///
    /// # Errors
    /// What the tracker got wrong, or the system said.
    pub(crate) fn shake_hands(
        &self,
        socket: &mut (impl io::Read + io::Write),
    ) -> io::Result<ClientConnection> {
        let connection = ClientConnection::new(self.config.clone(), self.name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(socket)?;
        }
        Ok(connection)
    }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // Some of what systems hold is no certificate any more; it is passed over, as browsers do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

fn roots_in(path: PathBuf) -> Result<RootCertStore, TlsError> {
    let refused = |why: String| TlsError::File { path: path.clone(), why };
    let file = std::fs::File::open(&path).map_err(|why| refused(why.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(file)) {
        let certificate = certificate.map_err(|why| refused(why.to_string()))?;
        roots.add(certificate).map_err(|why| refused(why.to_string()))?;
    }
    if roots.is_empty() { Err(refused("no certificate in it".to_owned())) } else { Ok(roots) }
}

/// One peer's session.
pub(crate) struct Session {
    connection: UnbufferedClientConnection,
    /// The start of a record whose end has not arrived.
    unopened: Vec<u8>,
    /// Records that wait for the kernel; lent while there are any.
    sealed: Vec<u8>,
    written: usize,
}

impl Session {
    pub(super) fn new(tls: &Tls) -> io::Result<Self> {
        let connection = UnbufferedClientConnection::new(tls.config.clone(), tls.name.clone())
            .map_err(io::Error::other)?;
        Ok(Self { connection, unopened: Vec::new(), sealed: Vec::new(), written: 0 })
    }

    /// Takes what has been read, and appends what was said in it to `plain`. What TLS itself has to
    /// say goes with the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// What the tracker got wrong.
    pub(super) fn open(&mut self, fresh: &mut [u8], plain: &mut Vec<u8>) -> io::Result<()> {
        if self.unopened.is_empty() {
            let used = self.process(fresh, plain, &[])?.opened;
            self.unopened.extend_from_slice(&fresh[used..]);
        } else {
            let mut records = std::mem::take(&mut self.unopened);
            records.extend_from_slice(fresh);
            let used = self.process(&mut records, plain, &[])?.opened;
            records.drain(..used);
            self.unopened = records;
        }
        if self.unopened.is_empty() {
            self.unopened = Vec::new();
        }
        Ok(())
    }

    /// Seals what waits in `outbox` once the handshake is over, and writes as much as the kernel
    /// takes.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn flush(
        &mut self,
        to: &mut impl io::Write,
        outbox: &mut Outbox,
        lend: impl FnOnce() -> Vec<u8>,
    ) -> io::Result<()> {
        if self.sealed.capacity() == 0 {
            self.sealed = lend();
        }
        while write_some(to, &self.sealed, &mut self.written)? {
            self.sealed.clear();
            self.written = 0;
            let mut unopened = std::mem::take(&mut self.unopened);
            // Everything whole in there has been opened, so nothing more is said in it.
            let done = self.process(&mut unopened, &mut Vec::new(), outbox.waiting())?;
            unopened.drain(..done.opened);
            self.unopened = unopened;
            outbox.advance(done.sealed);
            if self.sealed.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Whether sealed records wait for the kernel.
    pub(super) fn has_output(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// The buffer for sealed records, once all are written.
    pub(super) fn give_back(&mut self) -> Vec<u8> {
        if self.sealed.is_empty() { std::mem::take(&mut self.sealed) } else { Vec::new() }
    }

    /// Lets the session have all of `records`, and of `text` when it may be sent.
    fn process(
        &mut self,
        records: &mut [u8],
        plain: &mut Vec<u8>,
        text: &[u8],
    ) -> io::Result<Processed> {
        let mut opened = 0;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.connection.process_tls_records(&mut records[opened..]);
            let blocked = match state.map_err(|why| io::Error::other(TlsError::from(why)))? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(|why| io::Error::other(TlsError::from(why)))?;
                        discard += record.discard;
                        plain.extend_from_slice(record.payload);
                    }
                    None
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    append(&mut self.sealed, 0, |room| match data.encode(room) {
                        Err(EncodeError::InsufficientSize(short)) => Err(Ok(short.required_size)),
                        other => other.map_err(|why| Err(why.into())),
                    })?;
                    None
                }
                ConnectionState::TransmitTlsData(data) => {
                    // It is on its way in front of everything else.
                    data.done();
                    None
                }
                ConnectionState::WriteTraffic(mut traffic) if !text.is_empty() => {
                    let room = text.len() + (text.len() / RECORD_BYTES + 1) * RECORD_EXTRA_BYTES;
                    append(&mut self.sealed, room, |room| match traffic.encrypt(text, room) {
                        Err(EncryptError::InsufficientSize(short)) => Err(Ok(short.required_size)),
                        other => other.map_err(|why| Err(why.into())),
                    })?;
                    Some(text.len())
                }
                // The end of TLS is followed by the end of the connection.
                ConnectionState::PeerClosed => None,
                _ => Some(0),
            };
            opened += discard;
            if let Some(sealed) = blocked {
                return Ok(Processed { opened, sealed });
            }
        }
    }
}

impl fmt::Debug for Session {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unopened, sealed, .. } = self;
        write!(f, "Session({} unopened, {} sealed)", unopened.len(), sealed.len())
    }
}

/// How many bytes of each kind are done with.
struct Processed {
    opened: usize,
    sealed: usize,
}

/// Plaintext of one record at most (RFC 8446, section 5.1), and what a record adds to it: a header,
/// a type and a tag, or in TLS 1.2 an explicit nonce.
const RECORD_BYTES: usize = 16_384;
const RECORD_EXTRA_BYTES: usize = 64;

/// Appends what `write` makes, with as much room as it asks for: an error of `Ok` is how many bytes
/// it needs.
fn append(
    out: &mut Vec<u8>,
    room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Result<usize, TlsError>>,
) -> io::Result<()> {
    let start = out.len();
    out.resize(start + room, 0);
    loop {
        match write(&mut out[start..]) {
            Ok(bytes) => {
                out.truncate(start + bytes);
                return Ok(());
            }
            Err(Ok(required)) => out.resize(start + required, 0),
            Err(Err(why)) => return Err(io::Error::other(why)),
        }
    }
}

/// Believes every certificate, and still wants its key to have signed the handshake.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
