//! Who may have the streams: by a secret of the CDN in front, and by signed addresses.

use std::path::PathBuf;

use actix_web::http::header::HeaderName;
use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse};
use crate::access::{Access, CdnSecret, Secrets};
use crate::error::ConfigError;
use crate::limits::SECRET_FILES_MAX;

/// Access as it is written. Without it everybody may have everything.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccessConfig {
    /// What the CDN adds to each of its requests; others are refused.
    pub cdn_secret: Option<CdnSecretConfig>,
    /// Files with a secret each, by which addresses are signed; unsigned ones are refused. Two of
    /// them may be named, so that a key can be changed without a break.
    pub signing_key_files: Vec<PathBuf>,
}

/// A header and the secrets that may stand in it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CdnSecretConfig {
    /// The header's name.
    pub header: String,
    /// Files with a secret each, one or two.
    pub files: Vec<PathBuf>,
}

impl Default for CdnSecretConfig {
    fn default() -> Self {
        CdnSecretConfig { header: "X-Origin-Secret".to_owned(), files: Vec::new() }
    }
}

impl AccessConfig {
    pub(super) fn validate(self) -> Result<Access, ConfigError> {
        let signing = match self.signing_key_files.as_slice() {
            [] => None,
            files => Some(secrets("origin.access.signingKeyFiles", files)?),
        };
        let cdn = self.cdn_secret.map(CdnSecretConfig::validate).transpose()?;
        Ok(Access { cdn, signing })
    }
}

impl CdnSecretConfig {
    fn validate(self) -> Result<CdnSecret, ConfigError> {
        let Ok(header) = self.header.parse::<HeaderName>() else {
            let bound = "a header's name, such as \"X-Origin-Secret\"";
            return refuse("origin.access.cdnSecret.header", quoted(&self.header), bound);
        };
        let secrets = secrets("origin.access.cdnSecret.files", &self.files)?;
        Ok(CdnSecret { header, secrets })
    }
}

fn secrets(key: &str, files: &[PathBuf]) -> Result<Secrets, ConfigError> {
    if !(1..=SECRET_FILES_MAX).contains(&files.len()) {
        let bound = format!("a list of 1 to {SECRET_FILES_MAX} files");
        return refuse(key, format!("a list of {}", files.len()), bound);
    }
    Secrets::load(key, files)
}
