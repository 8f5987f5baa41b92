//! What may be asked of the sockets: whom TLS believes, and whether messages are compressed.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::Refused;
use crate::client::tls::{Tls, Trust};
use crate::client::wire::Wire;

/// TLS and compression.
#[derive(Clone, Debug, Args)]
pub(crate) struct WireArgs {
    /// For wss: a PEM file with the only certificates to trust, instead of what this system trusts
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// For wss: accept any certificate; the report says so
    #[arg(long)]
    insecure: bool,
    /// For wss: let the tracker resume TLS sessions. Without it each connect costs a full
    /// handshake, as a new viewer's does
    #[arg(long)]
    resume_tls: bool,
    /// Offer permessage-deflate without context takeover, and compress messages above 1 kB where
    /// the tracker agrees
    #[arg(long)]
    deflate: bool,
}

impl WireArgs {
    /// What holds for sockets to `url`.
    ///
    /// # Errors
    /// A flag for TLS where there is none, or nobody to trust.
    pub(super) fn check(&self, url: &Url) -> Result<Wire, Refused> {
        let tls = match url.scheme() {
            "ws" => match self.flag_of_tls() {
                None => None,
                Some(flag) => return Err(Refused::NoTls { flag, url: url.clone() }),
            },
            "wss" => Some(self.tls(url)?),
            _ => return Err(Refused::Scheme(url.clone())),
        };
        Ok(Wire {
            tls,
            trusts_anybody: self.insecure,
            resumes_tls: self.resume_tls,
            offers_deflate: self.deflate,
        })
    }

    fn flag_of_tls(&self) -> Option<&'static str> {
        match self {
            Self { ca: Some(_), .. } => Some("--ca"),
            Self { insecure: true, .. } => Some("--insecure"),
            Self { resume_tls: true, .. } => Some("--resume-tls"),
            _ => None,
        }
    }

    fn tls(&self, url: &Url) -> Result<Tls, Refused> {
        let trust = match &self.ca {
            _ if self.insecure => Trust::Anybody,
            Some(file) => Trust::File(file.clone()),
            None => Trust::System,
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        Ok(Tls::new(host, &trust, self.resume_tls)?)
    }
}
