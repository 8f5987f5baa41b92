//! Where a value is in a configuration: `servers[0].server.port`, as errors spell it, and as flags
//! and environment variables name it.

use std::fmt;

use serde_json::{Map, Value};

use super::keys::KEYS;

/// What the names of our environment variables begin with.
pub(super) const VARIABLE_PREFIX: &str = "TRACKER_";

/// The path of a key, a section, or one section of a list. A section comes before what is in it, and
/// a section of a list before the next.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Path(Vec<Step>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Step {
    Name(String),
    Index(usize),
}

impl Path {
    /// Reads `servers[0].server.port`, or the same with `.0`. `None` if nobody here knows it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.replace('[', ".").replace(']', "");
        let steps = text.split('.').map(|step| match step.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Name(step.to_owned()),
        });
        Some(Self(steps.collect())).filter(Self::is_known)
    }

    /// Reads the name of an environment variable: `TRACKER_SERVERS__0__SERVER__PORT`. `None` if
    /// nobody here knows it.
    pub(super) fn of_variable(name: &str) -> Option<Self> {
        let mut path = Self(Vec::new());
        for shouted in name.strip_prefix(VARIABLE_PREFIX)?.split("__") {
            let step = match shouted.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => {
                    Step::Name(path.names_below().find(|name| shout(name) == shouted)?.into())
                }
            };
            path.0.push(step);
        }
        Some(path).filter(Self::is_known)
    }

    /// Puts `value` there, and makes the sections on the way that are not there yet.
    ///
    /// # Errors
    ///
    /// Why it can't be there, in words, when something on the way is neither section nor list, or
    /// a list is too short.
    pub(super) fn set(&self, tree: &mut Value, value: Value) -> Result<(), String> {
        let mut place = tree;
        for (depth, step) in self.0.iter().enumerate() {
            let so_far = || Self(self.0[..depth].to_vec());
            place = match step {
                Step::Name(name) => match or_else(place, || Value::Object(Map::new())) {
                    Value::Object(section) => section.entry(name).or_insert(Value::Null),
                    other => return Err(format!("{} is {other}, and no section", so_far())),
                },
                Step::Index(index) => match or_else(place, || Value::Array(Vec::new())) {
                    Value::Array(list) => {
                        if *index > list.len() {
                            let (list, next) = (so_far(), list.len());
                            return Err(format!("the next of {list} is {list}[{next}]"));
                        }
                        if *index == list.len() {
                            list.push(Value::Null);
                        }
                        &mut list[*index]
                    }
                    other => return Err(format!("{} is {other}, and no list", so_far())),
                },
            };
        }
        *place = value;
        Ok(())
    }

    /// Whether it is a key or a section that there is.
    fn is_known(&self) -> bool {
        let pattern = self.pattern();
        let goes_on = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
        KEYS.iter().any(|key| key.path.strip_prefix(&pattern).is_some_and(goes_on))
    }

    /// The names that may come next.
    fn names_below(&self) -> impl Iterator<Item = &'static str> {
        let mut start = self.pattern();
        if !start.is_empty() {
            start.push('.');
        }
        KEYS.iter().filter_map(move |key| key.path.strip_prefix(&start)?.split(['.', '[']).next())
    }

    /// The path with `[]` for each index, as [`KEYS`] have it.
    fn pattern(&self) -> String {
        let mut pattern = String::new();
        for step in &self.0 {
            match step {
                Step::Index(_) => pattern.push_str("[]"),
                Step::Name(name) if pattern.is_empty() => pattern.push_str(name),
                Step::Name(name) => pattern.extend([".", name]),
            }
        }
        pattern
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) if depth == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// `place`, with something in it.
fn or_else(place: &mut Value, make: impl FnOnce() -> Value) -> &mut Value {
    if place.is_null() {
        *place = make();
    }
    place
}

/// `maxOffers` as variables have it, `MAX_OFFERS`.
fn shout(name: &str) -> String {
    let mut shouted = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            shouted.push('_');
        }
        shouted.push(letter.to_ascii_uppercase());
    }
    shouted
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn each_key_has_one_name_as_a_variable() {
        for key in KEYS {
            let path = key.path.replace("[]", "[0]");
            let name = path.replace('[', ".").replace(']', "");
            let name: Vec<_> = name.split('.').map(shout).collect();
            let name = format!("{VARIABLE_PREFIX}{}", name.join("__"));
            let found = Path::of_variable(&name).map(|path| path.to_string());
            assert_eq!(found.as_deref(), Some(path.as_str()), "{name}");
            assert_eq!(Path::parse(&path).map(|path| path.to_string()), Some(path));
        }
        for (variable, path) in [
            ("TRACKER_TRACKER__MAX_OFFERS", "tracker.maxOffers"),
            ("TRACKER_SERVERS__1__SERVER__KEY_FILE_NAME", "servers[1].server.key_file_name"),
            ("TRACKER_ACCESS__TOKENS__HS256_SECRET_FILE", "access.tokens.hs256SecretFile"),
            ("TRACKER_STUN", "stun"),
        ] {
            assert_eq!(Path::of_variable(variable).map(|path| path.to_string()), Some(path.into()));
        }
    }

    #[test]
    fn what_is_no_key_has_no_path() {
        for text in ["", ".", "port", "servers[].server", "servers.server", "tracker[0]", "track"] {
            assert_eq!(Path::parse(text), None, "{text}");
        }
        for name in
            ["PATH", "TRACKER_", "TRACKER_PORT", "TRACKER_TRACKER__MAXOFFERS", "TRACKER_SERVERS__X"]
        {
            assert_eq!(Path::of_variable(name), None, "{name}");
        }
    }

    #[test]
    fn a_value_is_set_in_sections_that_are_there_and_in_ones_that_are_not() {
        let set = |mut tree: Value, path: &str| {
            let path = Path::parse(path).expect(path);
            path.set(&mut tree, json!(7)).map(|()| tree)
        };
        let port = |tree| set(tree, "servers[0].server.port");
        let fresh = json!({"servers": [{"server": {"port": 7}}]});
        for empty in [json!(null), json!({}), json!({"servers": null}), json!({"servers": []})] {
            assert_eq!(port(empty), Ok(fresh.clone()));
        }
        let there = json!({"servers": [{"server": {"host": "::", "port": 1}}, {}], "workers": 1});
        let host = json!({"host": "::", "port": 7});
        assert_eq!(port(there), Ok(json!({"servers": [{"server": host}, {}], "workers": 1})));

        let short = set(json!({}), "servers[1].server.port").expect_err("a gap");
        assert_eq!(short, "the next of servers is servers[0]");
        let wrong = set(json!({"stun": 5}), "stun.port").expect_err("no section");
        assert_eq!(wrong, "stun is 5, and no section");
    }
}
