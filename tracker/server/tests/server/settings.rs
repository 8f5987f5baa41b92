//! Every number of the file has bounds, and a refusal names key, value and bound.

use serde_json::{Value, json};

use crate::support::load;

/// Each number of the file by its key, with the least and the most that it may be.
pub(crate) const NUMBERS: [(&str, i64, i64); 12] = [
    ("servers[0].server.port", 0, 65_535),
    ("servers[0].websockets.maxPayloadLength", 1024, 16 << 20),
    ("servers[0].websockets.idleTimeout", 0, 86_400),
    ("servers[0].websockets.compression", 0, 65_535),
    ("servers[0].websockets.compressionThreshold", 0, 16 << 20),
    ("servers[0].websockets.maxConnections", 0, 1 << 24),
    ("tracker.maxOffers", 0, 50),
    ("tracker.announceInterval", 1, 86_400),
    ("stun.port", 0, 65_535),
    ("metrics.port", 0, 65_535),
    ("drainSeconds", 0, 600),
    ("workers", 1, 256),
];

/// A file with `value` at `key`, such as `servers[0].server.port`.
fn file(key: &str, value: &Value) -> Value {
    let mut file = json!({"servers": [{}]});
    let pointer = format!("/{}", key.replace("[0]", ".0").replace('.', "/"));
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer");
    if file.pointer(parent).is_none() {
        let (above, section) = parent.rsplit_once('/').expect("a pointer");
        file.pointer_mut(above).expect("a section")[section] = json!({});
    }
    file.pointer_mut(parent).expect("a section")[last] = value.clone();
    file
}

#[test]
fn each_number_is_taken_at_its_bounds_and_refused_beyond_them() {
    for (key, least, most) in NUMBERS {
        for value in [least, most] {
            let loaded = load(&file(key, &json!(value)));
            let loaded = loaded.unwrap_or_else(|error| panic!("{key} of {value}: {error}"));
            assert_eq!(loaded.unknown_keys, [] as [String; 0], "{key}");
        }
        for value in [least - 1, most + 1] {
            let error = load(&file(key, &json!(value))).expect_err(key).to_string();
            assert!(error.contains(key), "no key: {error}");
            assert!(error.contains(&value.to_string()), "no value: {error}");
            let bound = format!("{least} to {most}");
            let names_bound = error.contains(&bound) || error.contains("a whole number, 0 or more");
            assert!(names_bound, "no bound: {error}");
        }
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_its_key() {
    let both = json!({"allowOrigins": ["https://a"], "denyOrigins": ["https://b"]});
    for (key, value) in [
        ("servers[0].server.host", json!("example.com")),
        ("servers[0].server.key_file_name", json!("key.pem")),
        ("servers[0].server.cert_file_name", json!("cert.pem")),
        ("servers[0].websockets.path", json!("announce")),
        ("servers[0].websockets.path", json!("/a*b*")),
        ("stun.host", json!("here")),
        ("metrics.host", json!("everywhere")),
        ("websocketsAccess.allowOrigins", json!("https://a")),
    ] {
        let error = load(&file(key, &value)).expect_err(key).to_string();
        assert!(error.contains(key), "{error}");
        let value = value.as_str().unwrap_or_default();
        assert!(error.contains(value), "{error}");
    }
    let error = load(&json!({"websocketsAccess": both})).expect_err("both").to_string();
    assert!(error.contains("websocketsAccess.denyOrigins"), "{error}");
}

#[test]
fn keys_that_nobody_knows_are_named_as_errors_name_them() {
    let file = json!({"servers": [{"websockets": {"maxLifetime": 1}}], "tracker": {"x": {"y": 1}}});
    let unknown = load(&file).expect("a configuration").unknown_keys;
    assert_eq!(unknown, ["servers[0].websockets.maxLifetime", "tracker.x"]);
}

#[test]
fn the_examples_of_the_readme_are_configurations() {
    let readme = include_str!("../../../../README.md");
    let examples: Vec<&str> = readme.split("```json").skip(1).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let (json, _) = example.split_once("```").expect("an end");
        let loaded = load(&serde_json::from_str(json).expect(json)).expect(json);
        assert_eq!(loaded.unknown_keys, [] as [String; 0], "{json}");
    }
}
