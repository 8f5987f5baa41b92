//! Every number of the file has bounds, and a refusal names key, value and bound.

use serde_json::{Value, json};
use tracker::config::{Bounds, Default, KEYS};

use crate::support::load;

/// Each number of the file by its key, with the least and the most that it may be.
fn numbers() -> impl Iterator<Item = (String, i64, i64)> {
    KEYS.iter().filter_map(|key| match &key.bounds {
        Bounds::Whole(bounds) => {
            let end = |bound: u64| i64::try_from(bound).expect("a bound that TOML can write");
            Some((key.path.replace("[]", "[0]"), end(*bounds.start()), end(*bounds.end())))
        }
        _ => None,
    })
}

/// A file with `value` at `key`, such as `servers[0].server.port`, and with what its sections need.
fn file(key: &str, value: &Value) -> Value {
    let mut value = value.clone();
    let mut path = key;
    while let Some((section, name)) = path.rsplit_once('.') {
        value = with_needs(section, held(name, value));
        path = section;
    }
    held(path, value)
}

/// A section with one key.
fn held(name: &str, value: Value) -> Value {
    match name.strip_suffix("[0]") {
        Some(name) => json!({name: [value]}),
        None => json!({name: value}),
    }
}

/// The section with the examples of keys that have to be there.
fn with_needs(path: &str, mut section: Value) -> Value {
    for key in KEYS.iter().filter(|key| key.section().replace("[]", "[0]") == path) {
        if let Default::Needed(example) = key.default {
            section[key.name()] = serde_json::from_str(example).expect("an example in JSON");
        }
    }
    section
}

#[test]
fn each_number_is_taken_at_its_bounds_and_refused_beyond_them() {
    assert!(numbers().count() > 10);
    for (key, least, most) in numbers() {
        let key = key.as_str();
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

/// Its bound is another number of the file.
#[test]
fn min_announce_interval_is_a_quarter_of_the_interval_and_never_more_than_it() {
    let min_of = |tracker: Value| {
        let loaded = load(&json!({"tracker": tracker}));
        loaded.map(|loaded| loaded.config.policy.settings.min_announce_interval.as_secs())
    };
    for (interval, quarter) in [(120, 30), (86_400, 21_600), (7, 1), (3, 0), (1, 0)] {
        assert_eq!(min_of(json!({"announceInterval": interval})).expect("valid"), quarter);
        for min in [0, interval] {
            let both = json!({"announceInterval": interval, "minAnnounceInterval": min});
            assert_eq!(min_of(both).expect("valid"), min);
        }
        let both = json!({"announceInterval": interval, "minAnnounceInterval": interval + 1});
        let error = min_of(both).expect_err("longer than the interval").to_string();
        assert!(error.contains("tracker.minAnnounceInterval"), "no key: {error}");
        assert!(error.contains(&(interval + 1).to_string()), "no value: {error}");
        assert!(
            error.contains(&format!("0 to {interval}, which is announceInterval")),
            "no bound: {error}"
        );
    }
    let error = min_of(json!({"minAnnounceInterval": -1})).expect_err("negative").to_string();
    assert!(error.contains("a whole number, 0 or more"), "{error}");
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
        ("limits", json!({"conections": 1})),
        ("log.format", json!("xml")),
        ("log.level", json!("loud")),
        ("webRoot", json!("/nowhere/public")),
        ("webRoot", json!("/dev/null")),
    ] {
        let error = load(&file(key, &value)).expect_err(key).to_string();
        assert!(error.contains(key), "{error}");
        let value = value.as_str().unwrap_or_default();
        assert!(error.contains(value), "{error}");
    }
    for proxy in ["proxy.example.org", "10.0.0.0/33", "10.0.0", "::/129", ""] {
        let error = load(&json!({"trustedProxies": ["10.0.0.1", proxy]})).expect_err(proxy);
        let error = error.to_string();
        assert!(error.contains("trustedProxies[1]") && error.contains(proxy), "{error}");
        assert!(error.contains("10.0.0.0/8"), "no bound: {error}");
    }
    let many = vec!["10.0.0.1"; 1025];
    let error = load(&json!({"trustedProxies": many})).expect_err("many").to_string();
    assert!(error.contains("1025") && error.contains("1024 at most"), "{error}");
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
    assert!(!examples.is_empty());
    for example in examples {
        let (json, _) = example.split_once("```").expect("an end");
        let loaded = load(&serde_json::from_str(json).expect(json)).expect(json);
        assert_eq!(loaded.unknown_keys, [] as [String; 0], "{json}");
    }
}
