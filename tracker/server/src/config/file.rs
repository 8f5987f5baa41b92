//! A configuration file: JSON, or TOML where its name ends so. It is looked at by itself before
//! anything is put over it, because only here an error still has a line.

use std::path::Path;

use origin::config_file;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::Value;

use super::LoadError;
use super::kinds::Section;
use super::raw::RawConfig;

/// Reads the file.
///
/// # Errors
///
/// When it can't be read, isn't what its name says, or has a value of the wrong kind.
pub(super) fn read(path: &Path) -> Result<Value, LoadError> {
    let text = config_file::bytes(path)
        .map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })?;
    let read = if config_file::is_toml(path) { toml(&text) } else { json(&text) };
    read.map_err(|(key, problem)| LoadError::Malformed {
        from: path.display().to_string(),
        key,
        problem,
    })
}

/// Where, such as `servers[0].server.port` or `.` for the file as a whole; and what is wrong.
type Flaw = (String, String);

fn json(text: &[u8]) -> Result<Value, Flaw> {
    let mut json = serde_json::Deserializer::from_slice(text);
    check(&mut json, ToString::to_string)?;
    json.end()
        .and_then(|()| serde_json::from_slice(text))
        .map_err(|error| (".".to_owned(), error.to_string()))
}

fn toml(text: &[u8]) -> Result<Value, Flaw> {
    let whole = |problem| (".".to_owned(), problem);
    let text = str::from_utf8(text).map_err(|error| whole(error.to_string()))?;
    let in_a_line = |error: &toml::de::Error| config_file::toml_problem(text, error);
    let parsed = toml::Deserializer::parse(text).map_err(|error| whole(in_a_line(&error)))?;
    check(parsed, in_a_line)?;
    config_file::toml_tree(text).map_err(whole)
}

/// Whether every value is of the right kind.
fn check<'de, D: Deserializer<'de>>(
    deserializer: D,
    told: impl Fn(&D::Error) -> String,
) -> Result<(), Flaw> {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(deserializer, &mut track);
    match Section::<RawConfig>::deserialize(tracked) {
        Ok(_) => Ok(()),
        Err(error) => Err((track.path().to_string(), told(&error))),
    }
}
