//! What an operator reads about each key: a row here is its comment in `--print-config`, and its
//! row in docs/OPERATING.md. A new key is a field in `raw` and a row in `table`; tests hold the
//! rows against the fields, their defaults and their bounds, and the page against the rows.

use std::fmt;
use std::ops::RangeInclusive;

pub use super::table::KEYS;

/// A key, or a section of keys.
#[derive(Debug)]
pub struct Key {
    /// Its path, such as `servers[].server.port`; `[]` is any index.
    pub path: &'static str,
    /// What a number counts, or what a text names. [`SECTION`](Self::SECTION) for a section.
    pub unit: &'static str,
    /// What may be written there.
    pub bounds: Bounds,
    /// What holds where nothing is written.
    pub default: Default,
    /// What it is, in a sentence or two.
    pub about: &'static str,
}

/// What may be written at a key.
#[derive(Debug)]
pub enum Bounds {
    /// Whatever is of the right kind.
    Any,
    /// A whole number.
    Whole(RangeInclusive<u64>),
    /// What these words say.
    Words(&'static str),
}

/// What holds where a key is left out.
#[derive(Debug)]
pub enum Default {
    /// This value, in TOML and in JSON, which agree on numbers, plain texts and lists.
    Is(&'static str),
    /// What no value says: what that comes to, and an example of a value.
    Unset(&'static str, &'static str),
    /// Nothing: it has to be there, as in this example.
    Needed(&'static str),
    /// The section, with its keys' defaults.
    On,
    /// Without the section its keys do nothing.
    Off,
}

impl Key {
    /// The `unit` of a section.
    pub const SECTION: &'static str = "section";

    /// Whether it has keys below it.
    #[must_use]
    pub fn is_section(&self) -> bool {
        self.unit == Self::SECTION
    }

    /// The path of the section that it is in; `""` is the configuration as a whole.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Its name within its section, such as `port`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or_default().trim_end_matches("[]")
    }

    /// Whether there is a list of such sections.
    pub(super) fn is_list(&self) -> bool {
        self.path.ends_with("[]")
    }

    /// Unit, bounds and default in one line, such as `Seconds, 1 to 86400; default 120.`
    pub(super) fn fine_print(&self) -> String {
        let mut line = self.unit.to_owned();
        if let Some(first) = line.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        match &self.bounds {
            Bounds::Any => {}
            bounds => line = format!("{line}, {bounds}"),
        }
        match self.default {
            Default::Needed(_) => format!("{line}; has to be there."),
            _ => format!("{line}; default {}.", self.default),
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::Whole(range) => write!(f, "{} to {}", range.start(), range.end()),
            Self::Words(words) => f.write_str(words),
        }
    }
}

impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(text) | Self::Unset(text, _) => f.write_str(text),
            Self::On | Self::Needed(_) => Ok(()),
            Self::Off => f.write_str("off"),
        }
    }
}

pub(super) const fn number(
    path: &'static str,
    unit: &'static str,
    bounds: RangeInclusive<u64>,
    default: Default,
    about: &'static str,
) -> Key {
    Key { path, unit, bounds: Bounds::Whole(bounds), default, about }
}

pub(super) const fn text(
    path: &'static str,
    unit: &'static str,
    bounds: &'static str,
    default: Default,
    about: &'static str,
) -> Key {
    let bounds = if bounds.is_empty() { Bounds::Any } else { Bounds::Words(bounds) };
    Key { path, unit, bounds, default, about }
}

pub(super) const fn switch(path: &'static str, default: Default, about: &'static str) -> Key {
    Key { path, unit: "true or false", bounds: Bounds::Any, default, about }
}

pub(super) const fn section(path: &'static str, default: Default, about: &'static str) -> Key {
    Key { path, unit: Key::SECTION, bounds: Bounds::Any, default, about }
}
