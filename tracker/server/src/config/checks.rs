//! What the checks of all sections have in common: a value that is in its bounds, or the refusal
//! that names key, value and bound.

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use origin::ConfigError;

pub(super) fn host(key: &str, text: &str) -> Result<IpAddr, ConfigError> {
    match text {
        "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
        address => {
            let bound = "an IP address of this machine, or \"localhost\"";
            address.parse().map_err(|_| refused(key, quoted(text), bound))
        }
    }
}

pub(super) fn port(key: &str, port: u64) -> Result<u16, ConfigError> {
    within(key, port, 0..=u64::from(u16::MAX)).map(|port| port as u16)
}

pub(super) fn within(
    key: &str,
    value: u64,
    bounds: RangeInclusive<u64>,
) -> Result<u64, ConfigError> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    Err(refused(key, value, &format!("{} to {}", bounds.start(), bounds.end())))
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

pub(super) fn refused(key: &str, value: impl Display, bound: &str) -> ConfigError {
    ConfigError { key: key.to_owned(), value: value.to_string(), bound: bound.to_owned() }
}
