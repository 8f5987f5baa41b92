//! A folder that some packager fills.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse};
use super::push::playlist;
use crate::error::ConfigError;
use crate::source::FilePath;

/// A folder with HLS, as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirConfig {
    /// The folder. It may come and go; nothing in it is changed, and no link in it is followed.
    pub folder: PathBuf,
    /// The main playlist in it: the one that lists the qualities, or the segments when there is one
    /// quality. Which segments are played is by it.
    pub playlist: String,
}

impl Default for DirConfig {
    fn default() -> Self {
        DirConfig { folder: PathBuf::new(), playlist: "index.m3u8".to_owned() }
    }
}

/// A valid folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dir {
    pub(crate) folder: PathBuf,
    pub(crate) playlist: FilePath,
}

impl DirConfig {
    pub(super) fn validate(self, key: &str) -> Result<Dir, ConfigError> {
        if self.folder.as_os_str().is_empty() {
            return refuse(format!("{key}.folder"), quoted(self.folder.display()), "a path");
        }
        Ok(Dir { folder: self.folder, playlist: playlist(key, &self.playlist)? })
    }
}
