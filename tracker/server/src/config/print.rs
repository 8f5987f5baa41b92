//! A configuration as a file would have it. Each key has its comment from [`KEYS`]; what is off or
//! unset is there too, commented out, so that the page is also the list of what could be written.

use serde_json::Value;

use super::keys::Default::{Is, Needed, Unset};
use super::keys::{KEYS, Key};

const HEAD: &str = "\
# All keys, each with what it is. Text is behind \"# \"; what is behind a bare \"#\" is a key that is
# not set, with its default or an example: take the \"#\" away, and its section's, to set it.
";

/// Columns of a comment.
const COLUMNS: usize = 100;

/// In JSON, without what is not set.
pub(super) fn json(written: &Value) -> String {
    format!("{:#}\n", without_nulls(written))
}

/// In TOML, with comments.
pub(super) fn toml(written: &Value) -> String {
    let mut page = Page(HEAD.to_owned());
    page.content("", Some(written));
    page.0
}

struct Page(String);

impl Page {
    /// The keys of a section, then the sections in it, as TOML wants it. `None` is a section that
    /// is not there, and nothing in it.
    fn content(&mut self, path: &str, section: Option<&Value>) {
        let here = || KEYS.iter().filter(|key| key.section() == path);
        let value = |key: &Key| section?.get(key.name()).filter(|value| !value.is_null());
        for key in here() {
            match (value(key), &key.default) {
                (Some(value), _) if !key.is_section() || is_empty_list(value) => {
                    self.key(key, &format!("{} = {}", key.name(), in_toml(value)));
                }
                (None, Is(text) | Unset(_, text) | Needed(text)) => {
                    self.key(key, &format!("#{} = {text}", key.name()));
                }
                _ => {}
            }
        }
        for key in here().filter(|key| key.is_section()) {
            match value(key) {
                Some(Value::Array(list)) => {
                    for section in list {
                        self.section(key, Some(section));
                    }
                }
                section => self.section(key, section),
            }
        }
    }

    fn key(&mut self, key: &Key, line: &str) {
        self.line("");
        self.comment(key.about);
        self.comment(&key.fine_print());
        self.line(line);
    }

    fn section(&mut self, key: &Key, section: Option<&Value>) {
        self.line("");
        self.comment(key.about);
        let off = if section.is_none() { "#" } else { "" };
        let name = key.path.replace("[]", "");
        self.line(&if key.is_list() {
            format!("{off}[[{name}]]")
        } else {
            format!("{off}[{name}]")
        });
        self.content(key.path, section);
    }

    /// Breaks the text into lines.
    fn comment(&mut self, text: &str) {
        let mut line = "#".to_owned();
        for word in text.split(' ') {
            if line.chars().count() + 1 + word.chars().count() > COLUMNS {
                self.line(&line);
                line = "#".to_owned();
            }
            line.extend([" ", word]);
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.0.extend([line, "\n"]);
    }
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// A number, a text, or a list of those, which are never without a form in TOML.
fn in_toml(value: &Value) -> String {
    toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default()
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(section) => section
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
