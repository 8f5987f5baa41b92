//! The configuration, in two steps: what was written (`raw`), then what holds (`valid`).
//! wt-tracker's file works unchanged; the sections `access`, `origin`, `web`, `stun` and `metrics`
//! add what wt-tracker doesn't have, each off unless it is there; `workers` says how many threads
//! serve, and `drainSeconds` how long a stop takes to tell everybody.

mod kinds;
mod raw;
mod valid;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use origin::ConfigError;
use origin::limits::CONFIG_BYTES_MAX;
use thiserror::Error;

pub use crate::access::{Access, InfoHashAccess, OriginAccess, TokenAccess};
pub use crate::transport::certificate::Certificate;
use kinds::Section;
use raw::RawConfig;
pub use valid::{Config, PathPattern, ServerConfig, StunConfig, WebConfig};

/// Why a file is no configuration.
#[derive(Debug, Error)]
pub enum ConfigFileError {
    /// The file can't be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file isn't JSON, or a value is of the wrong kind.
    #[error("{}: {key}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, such as `servers[0].server.port`; `.` is the file as a whole.
        key: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A value is out of its bounds.
    #[error("{}: {source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Key, value and bound.
        source: ConfigError,
    },
}

/// A configuration, and the keys of its file that nobody here knows.
#[derive(Debug)]
pub struct Loaded {
    /// What the file says.
    pub config: Config,
    /// Such as `servers[0].websockets.maxLifetime`: worth a warning, since wt-tracker ignores
    /// unknown keys too.
    pub unknown_keys: Vec<String>,
}

/// Reads a configuration file.
///
/// # Errors
///
/// When the file can't be read, isn't JSON, or says something that can't be done.
pub fn load(path: &Path) -> Result<Loaded, ConfigFileError> {
    let text = read(path)
        .map_err(|source| ConfigFileError::Unreadable { path: path.to_owned(), source })?;
    let mut unknown_keys = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(&text);
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let note = |key: serde_ignored::Path<'_>| unknown_keys.push(spelled(&key));
    let raw: Result<Section<RawConfig>, _> = serde_ignored::deserialize(deserializer, note);
    let Section(raw) = raw.and_then(|raw| json.end().map(|()| raw)).map_err(|source| {
        ConfigFileError::Malformed { path: path.to_owned(), key: track.path().to_string(), source }
    })?;
    let config = raw
        .validate()
        .map_err(|source| ConfigFileError::Invalid { path: path.to_owned(), source })?;
    Ok(Loaded { config, unknown_keys })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {CONFIG_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// A key the way errors spell it: `servers[0].server.port`.
fn spelled(key: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path::{Map, NewtypeStruct, NewtypeVariant, Root, Seq, Some};
    match key {
        Root => String::new(),
        Seq { parent, index } => format!("{}[{index}]", spelled(parent)),
        Map { parent, key } => match spelled(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Some { parent } | NewtypeStruct { parent } | NewtypeVariant { parent } => spelled(parent),
    }
}
