//! An encoder that sends its playlists and segments over HTTP.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse};
use super::secret::Secret;
use crate::error::ConfigError;
use crate::limits::{PUSH_HELD_BYTES, PUSH_TOKEN_CHARS};
use crate::source::FilePath;

/// What an encoder sends, as it is written: `PUT /push/<stream>/<path>` with the token.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PushConfig {
    /// What the encoder shows: as `Authorization: Bearer <token>`, as the password of HTTP Basic, or
    /// as `?token=<token>`. 16 to 256 of letters, digits, `-`, `.`, `_` and `~`.
    pub token: Secret,
    /// The encoder's main playlist below `/push/<stream>/`: the one that lists the qualities, or the
    /// segments when there is one quality. Which segments are played is by it.
    pub playlist: String,
    /// Bytes of files that have come and that no playlist has named yet, with those that are coming.
    pub held_bytes: i64,
    /// A folder on a disk that holds them instead of memory. It is made when missing; the files in
    /// it have no names, and are gone when the origin ends.
    pub folder: Option<PathBuf>,
}

impl Default for PushConfig {
    fn default() -> Self {
        PushConfig {
            token: Secret::default(),
            playlist: "index.m3u8".to_owned(),
            held_bytes: 64 << 20,
            folder: None,
        }
    }
}

/// A valid push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Push {
    pub(crate) token: Secret,
    pub(crate) playlist: FilePath,
    pub(crate) held_bytes: usize,
    pub(crate) folder: Option<PathBuf>,
}

impl PushConfig {
    pub(super) fn validate(self, key: &str) -> Result<Push, ConfigError> {
        let token = self.token.reveal();
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !PUSH_TOKEN_CHARS.contains(&token.len()) || !token.bytes().all(unreserved) {
            let bound = format!(
                "{} to {} of letters, digits, -, ., _ and ~",
                PUSH_TOKEN_CHARS.start(),
                PUSH_TOKEN_CHARS.end()
            );
            let value = format!("a text of {} bytes", token.len());
            return refuse(format!("{key}.token"), value, bound);
        }
        let playlist = playlist(key, &self.playlist)?;
        let held_bytes = match usize::try_from(self.held_bytes) {
            Ok(bytes) if PUSH_HELD_BYTES.contains(&self.held_bytes) => bytes,
            _ => {
                let bound = format!("{} to {}", PUSH_HELD_BYTES.start(), PUSH_HELD_BYTES.end());
                return refuse(format!("{key}.heldBytes"), self.held_bytes, bound);
            }
        };
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.as_os_str().is_empty()) {
            let bound = "a path, or left out";
            return refuse(format!("{key}.folder"), quoted(folder.display()), bound);
        }
        Ok(Push { token: self.token, playlist, held_bytes, folder: self.folder })
    }
}

/// The path of a packager's main playlist.
pub(super) fn playlist(key: &str, text: &str) -> Result<FilePath, ConfigError> {
    match FilePath::parse(text) {
        Ok(path) if path.is_playlist() => Ok(path),
        _ => {
            let bound = "a relative path of plain names that ends in .m3u8";
            refuse(format!("{key}.playlist"), quoted(text), bound)
        }
    }
}
