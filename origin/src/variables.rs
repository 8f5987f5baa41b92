//! What the environment says over the file, so that secrets need not stand in one. The names are
//! those by which the tracker knows the same keys, so that one environment serves both programs:
//! `TRACKER_ORIGIN__STREAMS__0__PUSH__TOKEN` is `origin.streams[0].push.token`.

use anyhow::bail;
use serde_json::{Map, Value};

/// What the names begin with: the tracker's variables, of its section `origin`.
const PREFIX: &str = "TRACKER_ORIGIN";

/// Keys whose values are texts whatever they look like: a secret of digits is no number, which an
/// error would show.
const TEXTS: [&str; 2] = ["token", "url"];

/// A step on the way to a value. A section of a list comes before the next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Name(String),
    Index(usize),
}

/// Puts what the variables among these say into the section `origin`. A key that there is not is
/// refused by whoever reads that.
///
/// # Errors
/// The name of a variable that can't be where it says.
pub(crate) fn put(
    origin: &mut Value,
    variables: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<()> {
    let mut settings: Vec<_> =
        variables.filter_map(|(name, value)| Some((steps(&name)?, name, value))).collect();
    // Variables have no order of their own, and a section would undo what was set in it.
    settings.sort();
    for (steps, name, value) in settings {
        let is_text =
            |step: &Step| TEXTS.iter().any(|text| *step == Step::Name((*text).to_owned()));
        let value = match steps.last().is_some_and(is_text) {
            true => Value::String(value),
            false => serde_json::from_str(&value).unwrap_or(Value::String(value)),
        };
        let Some(place) = place(origin, &steps) else {
            bail!("{name}: what is around it in the file is no section, or a shorter list");
        };
        *place = value;
    }
    Ok(())
}

/// Where a variable's value belongs; `None` for what is not of the section.
fn steps(name: &str) -> Option<Vec<Step>> {
    let rest = name.strip_prefix(PREFIX)?;
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let step = |shouted: &str| match shouted.parse() {
        Ok(index) => Step::Index(index),
        Err(_) => Step::Name(camel_case(shouted)),
    };
    Some(rest.strip_prefix("__")?.split("__").map(step).collect())
}

/// `HELD_BYTES` as files have it, `heldBytes`.
fn camel_case(shouted: &str) -> String {
    let mut name = String::with_capacity(shouted.len());
    let mut is_capital = false;
    for letter in shouted.chars() {
        match letter {
            '_' => is_capital = true,
            letter if std::mem::take(&mut is_capital) => name.push(letter.to_ascii_uppercase()),
            letter => name.push(letter.to_ascii_lowercase()),
        }
    }
    name
}

/// The place in `tree`, with the sections on the way to it.
fn place<'a>(tree: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    steps.iter().try_fold(tree, |place, step| match step {
        Step::Name(name) => {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            Some(place.as_object_mut()?.entry(name).or_insert(Value::Null))
        }
        Step::Index(index) => {
            if place.is_null() {
                *place = Value::Array(Vec::new());
            }
            let list = place.as_array_mut()?;
            if *index == list.len() {
                list.push(Value::Null);
            }
            list.get_mut(*index)
        }
    })
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(mut origin: Value, variables: &[(&str, &str)]) -> anyhow::Result<Value> {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        put(&mut origin, variables).map(|()| origin)
    }

    #[test]
    fn a_variable_goes_over_the_file_and_others_are_nobodys_business() {
        let file = json!({ "streams": [{ "name": "tv", "push": { "heldBytes": 1 } }] });
        let variables = [
            ("TRACKER_ORIGIN__STREAMS__0__PUSH__TOKEN", "1234567890123456"),
            ("TRACKER_ORIGIN__STREAMS__0__PUSH__HELD_BYTES", "2000000"),
            ("TRACKER_ORIGIN__STREAMS__1", r#"{ "name": "card" }"#),
            ("TRACKER_ORIGIN__STREAMS__1__TESTCARD__SEGMENT_SECONDS", "4"),
            ("TRACKER_ORIGINAL", "1"),
            ("TRACKER_METRICS__PORT", "1"),
            ("PATH", "/bin"),
        ];
        let push = json!({ "heldBytes": 2_000_000, "token": "1234567890123456" });
        let card = json!({ "name": "card", "testcard": { "segmentSeconds": 4 } });
        let both = json!({ "streams": [{ "name": "tv", "push": push }, card] });
        let mut backwards = variables;
        backwards.reverse();
        for variables in [variables, backwards] {
            assert_eq!(with(file.clone(), &variables).expect("values"), both);
        }
        let section = [("TRACKER_ORIGIN", "{}"), ("TRACKER_ORIGIN__FOLDER", "/run/x")];
        assert_eq!(with(file, &section).expect("values"), json!({ "folder": "/run/x" }));
    }

    #[test]
    fn a_variable_that_has_no_place_is_named_without_its_value() {
        for (file, name) in [
            (json!({ "streams": [] }), "TRACKER_ORIGIN__STREAMS__1__PUSH__TOKEN"),
            (json!({ "streams": 5 }), "TRACKER_ORIGIN__STREAMS__0__PUSH__TOKEN"),
            (json!({ "folder": "x" }), "TRACKER_ORIGIN__FOLDER__TOKEN"),
        ] {
            let refusal = with(file, &[(name, "s3cr3t")]).expect_err(name).to_string();
            assert!(refusal.starts_with(name) && !refusal.contains("s3cr3t"), "{refusal}");
        }
    }
}
