//! With which key the digests of segments are signed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse};
use crate::error::ConfigError;

/// The signing of digests, as it is written.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IntegrityConfig {
    /// An Ed25519 key in PKCS#8 PEM, the same on each origin behind one CDN: pages may then pin it.
    /// Default: a fresh key with each start, which no page can know beforehand.
    pub key_file: Option<PathBuf>,
}

impl IntegrityConfig {
    pub(super) fn validate(self) -> Result<Option<PathBuf>, ConfigError> {
        match self.key_file {
            Some(file) if file.as_os_str().is_empty() => {
                let key = "origin.integrity.keyFile";
                refuse(key, quoted(file.display()), "a path, or left out")
            }
            file => Ok(file),
        }
    }
}
