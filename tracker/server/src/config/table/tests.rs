//! The rows are held against the keys that are read: each has one, with its default.

#![allow(clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::config::kinds::Section;
use crate::config::path::Path;
use crate::config::print;
use crate::config::raw::RawConfig;

/// What a row says of the value: its default, or else its example.
fn value(key: &Key) -> Value {
    match key.default {
        Is(text) | Unset(_, text) | Needed(text) => serde_json::from_str(text).expect(text),
        On | Off => json!({}),
    }
}

/// A configuration with the rows that are `meant`, as it is read and would be written.
fn written(meant: impl Fn(&Key) -> bool) -> Value {
    let mut tree = json!({});
    for key in KEYS.iter().filter(|key| meant(key)) {
        let path = Path::parse(&key.path.replace("[]", "[0]")).expect(key.path);
        path.set(&mut tree, value(key)).expect(key.path);
    }
    let mut unknown = Vec::new();
    let note = |key: serde_ignored::Path<'_>| unknown.push(key.to_string());
    let read = serde_ignored::deserialize::<_, _, Section<RawConfig>>(&tree, note);
    let Section(raw) = read.expect("values of the right kind");
    assert_eq!(unknown, [] as [String; 0], "rows without a key");
    raw.written()
}

/// The keys and sections of a configuration by their path.
fn flat(tree: &Value) -> BTreeMap<String, Value> {
    fn add(path: &str, value: &Value, all: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(section) => {
                all.insert(path.to_owned(), json!({}));
                for (name, value) in section {
                    let dot = if path.is_empty() { "" } else { "." };
                    add(&format!("{path}{dot}{name}"), value, all);
                }
            }
            Value::Array(list) if list.iter().any(Value::is_object) => {
                for value in list {
                    add(&format!("{path}[]"), value, all);
                }
            }
            value => drop(all.insert(path.to_owned(), value.clone())),
        }
    }
    let mut all = BTreeMap::new();
    add("", tree, &mut all);
    all.remove("");
    all
}

#[test]
fn each_key_has_one_row_and_each_row_a_key() {
    let keys = flat(&written(|_| true));
    let rows: HashSet<_> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(rows.len(), KEYS.len(), "a row is there twice");
    for key in keys.keys() {
        assert!(rows.contains(key.as_str()), "no row of {key}");
    }
    assert_eq!(keys.len(), rows.len());
}

#[test]
fn each_row_says_the_default() {
    let without_anything = flat(&RawConfig::default().written());
    let is_on = |key: &Key| without_anything.get(key.path).is_some_and(Value::is_object);
    let defaults = flat(&written(|key| key.is_section() || matches!(key.default, Needed(_))));
    for key in KEYS {
        let default = &defaults[key.path];
        match key.default {
            Off => assert!(!is_on(key), "{}", key.path),
            On => assert!(is_on(key) || key.path.starts_with("origin."), "{}", key.path),
            Unset(..) => assert!(default.is_null(), "{}", key.path),
            Is(_) | Needed(_) => assert_eq!(default, &value(key), "{}", key.path),
        }
    }
}

#[test]
fn each_row_says_what_its_key_is_and_comes_where_toml_wants_it() {
    let mut sections = HashSet::from([""]);
    for key in KEYS {
        assert!(key.about.len() > 8 && key.about.ends_with('.'), "{}", key.path);
        assert!(!key.unit.is_empty(), "{}", key.path);
        assert!(sections.contains(key.section()), "{} before its section", key.path);
        if key.is_section() {
            sections.insert(key.path);
        }
    }
}

#[test]
fn what_is_commented_out_can_be_uncommented() {
    let page = print::toml(&RawConfig::default().written());
    let is_key = |line: &str| line.strip_prefix('#').is_some_and(|rest| !rest.starts_with(' '));
    let lines = page.lines().map(|line| if is_key(line) { &line[1..] } else { line });
    let page: String = lines.flat_map(|line| [line, "\n"]).collect();
    let raw = RawConfig::deserialize(toml::Deserializer::parse(&page).expect(&page));
    assert_eq!(flat(&raw.expect(&page).written()), flat(&written(|_| true)));
}
