//! Secrets from files, and the one that a CDN shows. Two may be valid at a time: the new one is
//! added, whoever uses it is told, and then the old one goes.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName};
use arc_swap::Guard;
use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::signature::SigningKey;
use crate::error::ConfigError;
use crate::limits::{SECRET_BYTES, SECRET_FILE_BYTES_MAX};
use crate::watched::{Flaw, Refresh, Source, Watched};

/// Each from a file of its own.
#[derive(Debug)]
pub(crate) struct Secrets(Vec<Watched<SigningKey>>);

/// What a CDN adds to its requests.
#[derive(Debug)]
pub(crate) struct CdnSecret {
    pub(crate) header: HeaderName,
    pub(crate) secrets: Secrets,
}

impl Secrets {
    /// Reads the files, which the list at `key` names.
    pub(crate) fn load(key: &str, files: &[PathBuf]) -> Result<Self, ConfigError> {
        let load = |(index, file): (usize, &PathBuf)| {
            Watched::load(source(format!("{key}[{index}]"), file.clone()))
        };
        files.iter().enumerate().map(load).collect::<Result<_, _>>().map(Secrets)
    }

    pub(crate) fn current(&self) -> Vec<Guard<Arc<SigningKey>>> {
        self.0.iter().map(Watched::current).collect()
    }

    pub(super) fn refresh(&self, which: Refresh) {
        self.0.iter().for_each(|secret| secret.refresh(which));
    }
}

impl CdnSecret {
    /// Whether a request has come through the CDN.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let Some(shown) = headers.get(&self.header) else {
            return false;
        };
        let is =
            |secret: &SigningKey| verify_slices_are_equal(secret.bytes(), shown.as_bytes()).is_ok();
        self.secrets.0.iter().any(|secret| is(&secret.current()))
    }
}

/// Reads a secret from its file, which `key` names.
pub(super) fn read(key: String, file: PathBuf) -> Result<SigningKey, ConfigError> {
    Watched::once(&source(key, file))
}

fn source(key: String, file: PathBuf) -> Source<SigningKey> {
    Source { files: [(key, file)], bytes_max: SECRET_FILE_BYTES_MAX, parse }
}

/// A line of text; what editors put behind it is no part of it.
fn parse([content]: [&[u8]; 1]) -> Result<SigningKey, Flaw> {
    let secret = content.trim_ascii();
    let is_text = secret.iter().all(|byte| byte.is_ascii_graphic());
    if !SECRET_BYTES.contains(&secret.len()) || !is_text {
        // What is there is not repeated: it might be the secret with a slip of the hand.
        let value = format!("{} bytes", secret.len());
        let bound = "a line of 32 to 256 letters, digits and signs";
        return Err(Flaw { file: 0, line: None, value, bound });
    }
    Ok(SigningKey::new(secret))
}
