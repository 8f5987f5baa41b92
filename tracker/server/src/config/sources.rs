//! From text to what holds: a file, then environment variables over it, then flags. They are put
//! into one tree of values, which is read once, so that every way has the same keys, the same
//! bounds and the same errors, and an error says who wrote the value.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use origin::ConfigError;
use serde_json::{Value, json};
use thiserror::Error;

use super::file;
use super::kinds::Section;
use super::path::{Path, VARIABLE_PREFIX};
use super::print;
use super::raw::RawConfig;
use super::valid::Config;

/// Where a configuration is taken from. What comes later wins.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file; without it everything runs on port 8000, for a first look.
    pub file: Option<PathBuf>,
    /// Environment variables, as name and value, in any order; those of others may be among them.
    pub variables: Vec<(String, String)>,
    /// What the command line says, in its order.
    pub flags: Vec<Flag>,
}

/// A value on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// How it was written, for errors: `--port 80`.
    pub written: String,
    /// The key, such as `servers[0].server.port`.
    pub key: String,
    /// The value: JSON, or else a text.
    pub value: String,
}

/// A configuration, and what of its sources nobody here knows.
#[derive(Debug)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// Keys such as `servers[0].websockets.maxLifetime`: worth a warning, since wt-tracker ignores
    /// unknown keys too.
    pub unknown_keys: Vec<String>,
    /// Environment variables that begin like ours.
    pub unknown_variables: Vec<String>,
}

/// Why there is no configuration. `from` says who wrote it: a file, a variable, a flag.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file can't be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is neither JSON nor TOML, or a value is of the wrong kind.
    #[error("{from}: {}{problem}", place(key))]
    Malformed {
        /// Who wrote it.
        from: String,
        /// Where, such as `servers[0].server.port`; `.` is the file as a whole.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A value is out of its bounds.
    #[error("{from}: {source}")]
    Invalid {
        /// Who wrote it.
        from: String,
        /// Key, value and bound.
        source: ConfigError,
    },
}

impl Sources {
    /// A file, and nothing over it.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { file: Some(path.into()), ..Self::default() }
    }

    /// Reads everything, the file included, and checks it. Nothing is kept between two calls, so
    /// this is also how a running tracker is told of changes.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or anything says something that can't be done.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        let mut tree = match &self.file {
            Some(path) => file::read(path)?,
            None => first_look(),
        };
        let (settings, unknown_variables) = self.settings()?;
        for setting in &settings {
            let set = setting.path.set(&mut tree, setting.value.clone());
            set.map_err(|problem| setting.malformed(problem))?;
        }
        let mut unknown_keys = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(&tree, &mut track);
        let note = |key: serde_ignored::Path<'_>| unknown_keys.push(spelled(&key));
        let raw: Result<Section<RawConfig>, _> = serde_ignored::deserialize(tracked, note);
        let Section(raw) = raw.map_err(|error| {
            let key = track.path().to_string();
            LoadError::Malformed {
                from: self.author(&key, &settings),
                key,
                problem: error.to_string(),
            }
        })?;
        let config = raw.validate().map_err(|source| LoadError::Invalid {
            from: self.author(&source.key, &settings),
            source,
        })?;
        Ok(Loaded { config, unknown_keys, unknown_variables })
    }

    /// What is put over the file, in order; and the variables that name nothing.
    fn settings(&self) -> Result<(Vec<Setting>, Vec<String>), LoadError> {
        let (mut settings, mut unknown) = (Vec::new(), Vec::new());
        for (name, value) in &self.variables {
            match Path::of_variable(name) {
                Some(path) => settings.push(Setting::new(name.clone(), path, value)),
                None if name.starts_with(VARIABLE_PREFIX) => unknown.push(name.clone()),
                None => {}
            }
        }
        // Variables have no order of their own, and a section would undo what was set in it.
        settings.sort_by(|one, other| one.path.cmp(&other.path));
        for Flag { written, key, value } in &self.flags {
            let path = Path::parse(key).ok_or_else(|| LoadError::Malformed {
                from: written.clone(),
                key: key.clone(),
                problem: "nobody here knows this key".to_owned(),
            })?;
            settings.push(Setting::new(written.clone(), path, value));
        }
        Ok((settings, unknown))
    }

    /// Who wrote what is at `key`: the last that set it or a section around it, or else the file
    /// and whoever set something in it.
    fn author(&self, key: &str, settings: &[Setting]) -> String {
        if let Some(setting) = settings.iter().rev().find(|setting| setting.is_around(key)) {
            return setting.from.clone();
        }
        let file = self.file.as_ref().map(|path| path.display().to_string());
        let mut authors = file.unwrap_or_else(|| "the defaults".to_owned());
        for setting in settings.iter().filter(|setting| is_within(&setting.path.to_string(), key)) {
            // Writing to a String cannot fail.
            let _ = write!(authors, ", {}", setting.from);
        }
        authors
    }
}

impl Loaded {
    /// The configuration as a file would have it: in TOML, with a comment for each key.
    #[must_use]
    pub fn to_toml(&self) -> String {
        print::toml(&self.config.written().0)
    }

    /// The same in JSON, which has no comments.
    #[must_use]
    pub fn to_json(&self) -> String {
        print::json(&self.config.written().0)
    }
}

/// A value for one key, and who gave it.
struct Setting {
    from: String,
    path: Path,
    value: Value,
}

impl Setting {
    fn new(from: String, path: Path, value: &str) -> Self {
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        Self { from, path, value }
    }

    fn is_around(&self, key: &str) -> bool {
        is_within(key, &self.path.to_string())
    }

    fn malformed(&self, problem: String) -> LoadError {
        LoadError::Malformed { from: self.from.clone(), key: self.path.to_string(), problem }
    }
}

/// A key as an error begins with it; the file as a whole needs no name but its own.
fn place(key: &str) -> String {
    if key == "." { String::new() } else { format!("{key}: ") }
}

/// Whether `key` is `section`, or in it.
fn is_within(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

/// Everything, on all addresses of the machine, for a first look.
fn first_look() -> Value {
    let has_ipv6 = std::net::UdpSocket::bind("[::]:0").is_ok();
    let host = if has_ipv6 { "::" } else { "0.0.0.0" };
    json!({
        "servers": [{"server": {"host": host}}],
        "web": {},
        "dashboard": {},
        // The port may be another program's, and nobody asked for STUN.
        "stun": {"optional": true},
        "origin": {},
    })
}

/// What runs when nothing says otherwise: all of it, on port 8000, for a first look.
impl Default for Config {
    fn default() -> Self {
        match Sources::default().load() {
            Ok(loaded) => loaded.config,
            Err(error) => unreachable!("a default is out of bounds: {error}"),
        }
    }
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
