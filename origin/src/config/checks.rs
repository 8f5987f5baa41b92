//! How a value is refused, and the checks that several sections share.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::error::ConfigError;

/// The value when it lies in its range, whose upper ends all fit 32 bits.
pub(super) fn within(
    key: &str,
    name: &str,
    value: i64,
    range: RangeInclusive<i64>,
) -> Result<u32, ConfigError> {
    match u32::try_from(value) {
        Ok(small) if range.contains(&value) => Ok(small),
        _ => {
            let bound = format!("{} to {}", range.start(), range.end());
            refuse(format!("{key}.{name}"), value, bound)
        }
    }
}

pub(super) fn quoted(text: impl Display) -> String {
    format!("\"{text}\"")
}

pub(super) fn refuse<T>(
    key: impl Into<String>,
    value: impl Display,
    bound: impl Into<String>,
) -> Result<T, ConfigError> {
    Err(ConfigError { key: key.into(), value: value.to_string(), bound: bound.into() })
}
