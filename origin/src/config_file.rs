//! A configuration file: JSON, or TOML where its name ends so. The origin's section stands in the
//! file that the tracker reads, so both read it by these rules.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use crate::limits::CONFIG_BYTES_MAX;

/// The content of the file.
///
/// # Errors
/// When it can't be read, is a pipe or the like, or is longer than [`CONFIG_BYTES_MAX`].
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
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

/// Whether the file's name says that it is TOML.
#[must_use]
pub fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case(OsStr::new("toml")))
}

/// What TOML says, as JSON would.
///
/// # Errors
/// What is wrong with it and where, in a line.
pub fn toml_tree(text: &str) -> Result<Value, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| toml_problem(text, &error))?;
    Ok(plain(toml::Value::Table(table)))
}

/// An error of TOML's with its place. Its own words have a picture of that, which is no line of a
/// log.
#[must_use]
pub fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let place = before.map(|before| {
        let (line, column) = match before.rsplit_once('\n') {
            Some((above, beside)) => (above.matches('\n').count() + 2, beside),
            None => (1, before),
        };
        format!(" at line {line} column {}", column.chars().count() + 1)
    });
    format!("{}{}", error.message(), place.unwrap_or_default()).replace('\n', ", ")
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
