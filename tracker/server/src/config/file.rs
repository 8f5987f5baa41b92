//! A configuration file: JSON, or TOML where its name ends so. It is looked at by itself before
//! anything is put over it, because only here an error still has a line.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use origin::limits::CONFIG_BYTES_MAX;
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
    let text =
        bytes(path).map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })?;
    let is_toml = path.extension().is_some_and(|end| end.eq_ignore_ascii_case(OsStr::new("toml")));
    let read = if is_toml { toml(&text) } else { json(&text) };
    read.map_err(|(key, problem)| LoadError::Malformed {
        from: path.display().to_string(),
        key,
        problem,
    })
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would never end, and some don't even open.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {CONFIG_BYTES_MAX} bytes")));
    }
    Ok(text)
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
    // TOML's errors have a picture of the place, which is no line of a log.
    let in_a_line = |error: &toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let place = before.map(|before| {
            let (line, column) = match before.rsplit_once('\n') {
                Some((above, beside)) => (above.matches('\n').count() + 2, beside),
                None => (1, before),
            };
            format!(" at line {line} column {}", column.chars().count() + 1)
        });
        format!("{}{}", error.message(), place.unwrap_or_default()).replace('\n', ", ")
    };
    let parsed = toml::Deserializer::parse(text).map_err(|error| whole(in_a_line(&error)))?;
    check(parsed, in_a_line)?;
    let table: toml::Table = toml::from_str(text).map_err(|error| whole(in_a_line(&error)))?;
    Ok(plain(toml::Value::Table(table)))
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

/// TOML's values in JSON. Times are texts; no key of ours is one.
fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(plain).collect(),
        toml::Value::Table(table) => {
            table.into_iter().map(|(key, value)| (key, plain(value))).collect()
        }
    }
}
