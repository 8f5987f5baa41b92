//! A value comes from the file, a variable or a flag, in this order, and an error says from which.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tracker::config::{Config, Flag, LoadError, Loaded, LogFormat, Sources};

/// A file of this name and content, with variables and flags over it.
fn sources(name: &str, content: &str) -> (TempDir, Sources) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, content).expect("a file");
    (folder, Sources::file(path))
}

fn load(
    file: Option<&str>,
    variables: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Loaded, LoadError> {
    let (_folder, mut sources) = sources("config.json", file.unwrap_or_default());
    if file.is_none() {
        sources.file = None;
    }
    sources.variables =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let flag = |(key, value): &(&str, &str)| Flag {
        written: format!("--set {key}={value}"),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    sources.flags = flags.iter().map(flag).collect();
    sources.load()
}

fn config(file: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Config {
    load(Some(file), variables, flags).expect("a configuration").config
}

#[test]
fn a_variable_goes_before_the_file_and_a_flag_before_both() {
    let file = r#"{"tracker": {"announceInterval": 30, "maxOffers": 3}, "workers": 3}"#;
    let variable = ("TRACKER_TRACKER__ANNOUNCE_INTERVAL", "40");
    let flag = ("tracker.announceInterval", "50");
    let interval = |config: Config| config.policy.settings.announce_interval;
    assert_eq!(interval(config(file, &[], &[])), Duration::from_secs(30));
    assert_eq!(interval(config(file, &[variable], &[])), Duration::from_secs(40));
    let config = config(file, &[variable], &[flag]);
    assert_eq!(
        (config.policy.settings.max_offers, config.workers),
        (3, 3),
        "the rest is the file's"
    );
    assert_eq!(interval(config), Duration::from_secs(50));
}

#[test]
fn a_listener_a_list_and_a_whole_section_can_be_set() {
    let file = r#"{"servers": [{"server": {"host": "127.0.0.1"}}, {"server": {"port": 9}}]}"#;
    let variables = [
        ("TRACKER_SERVERS__1__SERVER__HOST", "::1"),
        ("TRACKER_WEBSOCKETS_ACCESS__ALLOW_ORIGINS", r#"["https://a"]"#),
        ("TRACKER_METRICS", r#"{"port": 1}"#),
    ];
    let flags = [("servers[0].server.port", "7"), ("servers.2", "{}"), ("log.format", "json")];
    let config = config(file, &variables, &flags);
    let addresses: Vec<_> =
        config.servers.iter().map(|server| server.address.to_string()).collect();
    assert_eq!(addresses, ["127.0.0.1:7", "[::1]:9", "0.0.0.0:8000"]);
    assert!(config.policy.origins.allow(Some("https://a")));
    assert!(!config.policy.origins.allow(Some("https://b")));
    assert_eq!(config.metrics.map(|address| address.port()), Some(1));
    assert_eq!(config.log.format, LogFormat::Json);
}

/// They come as a shell or an orchestrator happened to put them.
#[test]
fn variables_say_the_same_in_whatever_order_they_come() {
    let mut variables = vec![
        ("TRACKER_STUN".to_owned(), "{}".to_owned()),
        ("TRACKER_STUN__PORT".to_owned(), "1".to_owned()),
    ];
    // More than ten: as texts 10 would come before 2.
    variables
        .extend((0..12).map(|n| (format!("TRACKER_SERVERS__{n}__SERVER__PORT"), n.to_string())));
    let mut backwards = variables.clone();
    backwards.reverse();
    for variables in [variables, backwards] {
        let sources = Sources { variables, ..Sources::default() };
        let config = sources.load().expect("a configuration").config;
        let ports: Vec<_> = config.servers.iter().map(|server| server.address.port()).collect();
        assert_eq!(ports, (0..12).collect::<Vec<_>>());
        assert_eq!(config.stun.map(|stun| stun.port), Some(1));
    }
}

#[test]
fn without_a_file_everything_runs_but_what_is_turned_off() {
    let all = Config::default();
    assert!(all.web.is_some() && all.origin.is_some());
    assert!(all.stun.is_some_and(|stun| stun.optional && stun.port == 3478));
    assert_eq!(all.servers[0].address.port(), 8000);

    let variables = [("TRACKER_SERVERS__0__SERVER__PORT", "1"), ("TRACKER_ORIGIN", "null")];
    let flags = [("servers[0].server.host", "127.0.0.1"), ("stun", "null")];
    let config = load(None, &variables, &flags).expect("a configuration").config;
    assert!(config.web.is_some() && config.origin.is_none() && config.stun.is_none());
    assert_eq!(config.servers[0].address.to_string(), "127.0.0.1:1");
}

#[test]
fn an_error_says_who_wrote_the_value() {
    let file = r#"{"tracker": {"announceInterval": 0}, "workers": 2, "stun": {}}"#;
    let error = |variables: &[(&str, &str)], flags: &[(&str, &str)]| {
        load(Some(file), variables, flags).expect_err("an error").to_string()
    };
    let by_file = error(&[("TRACKER_WORKERS", "3")], &[("stun.port", "1")]);
    assert!(by_file.contains("config.json: tracker.announceInterval is 0"), "{by_file}");

    let bad = "tracker.announceInterval is 86401, but must be 1 to 86400";
    let variable = ("TRACKER_TRACKER__ANNOUNCE_INTERVAL", "86401");
    assert_eq!(error(&[variable], &[]), format!("{}: {bad}", variable.0));
    let flag = ("tracker.announceInterval", "86401");
    let by_flag = error(&[(variable.0, "0")], &[flag]);
    assert_eq!(by_flag, format!("--set tracker.announceInterval=86401: {bad}"));

    let good = ("tracker.announceInterval", "1");
    let kind = error(&[("TRACKER_STUN__PORT", "here")], &[good]);
    let said = "invalid type: string \"here\", expected a whole number, 0 or more";
    assert_eq!(kind, format!("TRACKER_STUN__PORT: stun.port: {said}"));
    let section = error(&[("TRACKER_TRACKER", "[1]")], &[]);
    assert!(section.starts_with("TRACKER_TRACKER: tracker: invalid type: sequence"), "{section}");
    let inside = error(&[], &[good, ("web.streams[0].name", "news")]);
    assert!(inside.contains("config.json, --set web.streams[0].name=news: "), "{inside}");
    assert!(inside.contains("missing field `url`"), "{inside}");
    let gap = error(&[], &[("servers[3].server.port", "1")]);
    assert!(
        gap.contains("--set servers[3].server.port=1")
            && gap.ends_with("the next of servers is servers[0]"),
        "{gap}"
    );
}

#[test]
fn an_unknown_flag_is_an_error_and_an_unknown_variable_is_named() {
    let error = load(None, &[], &[("tracker.anounceInterval", "1")]).expect_err("no key");
    let said = "--set tracker.anounceInterval=1: tracker.anounceInterval: nobody here knows";
    assert!(error.to_string().starts_with(said), "{error}");

    // What Kubernetes sets of itself for a service with the name `tracker` does no harm.
    let variables = [("TRACKER_PORT", "tcp://10.0.0.1:8000"), ("PATH", "/bin"), ("TRACKERS", "1")];
    let loaded = load(Some("{}"), &variables, &[]).expect("a configuration");
    assert_eq!(loaded.unknown_variables, ["TRACKER_PORT"]);
    assert_eq!(loaded.config.servers[0].address.port(), 8000);
}

#[test]
fn toml_and_json_say_the_same() {
    let toml = "workers = 2\n[tracker]\nmaxOffers = 5\n[[servers]]\nserver = { port = 1 }\n\
        [[servers]]\n[servers.websockets]\npath = \"/a\"\ncolour = 1979-05-27\n[stun]\n";
    let (_folder, sources) = sources("config.TOML", toml);
    let of_toml = sources.load().expect("a configuration");
    let json = json!({
        "workers": 2, "tracker": {"maxOffers": 5}, "stun": {},
        "servers": [{"server": {"port": 1}}, {"websockets": {"path": "/a"}}],
    });
    let of_json = load(Some(&json.to_string()), &[], &[]).expect("a configuration");
    assert_eq!(of_toml.to_json(), of_json.to_json());
    assert_eq!(of_toml.unknown_keys, ["servers[1].websockets.colour"]);
}

#[test]
fn an_error_in_a_file_of_toml_is_one_line_with_key_and_place() {
    for (toml, parts) in [
        ("workers = ", &["at line 1 column 11"][..]),
        ("\n[tracker]\nmaxOffers = \"ü\" 5", &["at line 3"]),
        ("workers = 1\nworkers = 2", &["duplicate key", "at line 2 column 1"]),
        ("[tracker]\nmaxOffers = \"5\"", &["tracker.maxOffers", "whole number", "at line 2"]),
        ("[tracker]\nmaxOffers = -5", &["tracker.maxOffers", "-5", "whole number", "at line 2"]),
        ("[tracker]\nmaxOffers = 51", &["tracker.maxOffers", "51", "0 to 50"]),
        ("[stun]\nprot = 1", &["stun", "prot", "at line 2"]),
        ("[[tracker]]\n", &["tracker", "an object"]),
    ] {
        let (_folder, sources) = sources("config.toml", toml);
        let error = sources.load().expect_err(toml).to_string();
        assert!(error.lines().count() == 1 && error.contains("config.toml"), "{error}");
        for part in parts {
            assert!(error.contains(part), "no {part}: {error}");
        }
    }
}

#[test]
fn what_is_printed_loads_again_to_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let many = json!({
        "servers": [
            {"server": {"port": 1, "host": "::"}, "websockets": {"path": "/a \"b\" é*"}},
            {"websockets": {"idleTimeout": 0}},
        ],
        "websocketsAccess": {"denyOrigins": ["https://a", "x'\"\n"], "denyEmptyOrigin": true},
        "web": {"streams": [{"name": "a", "url": "/b"}, {"name": "c", "url": "https://d/"}], "stun": []},
        "origin": {"streams": [{"testcard": {"fps": 25}}, {"name": "clip", "loop": {}}], "folder": "/a b"},
        "metrics": {}, "webRoot": folder.path(), "workers": 1,
    });
    let no_streams = json!({"web": {"streams": []}, "access": {}});
    let file = |value: &Value| load(Some(&value.to_string()), &[], &[]);
    for loaded in [file(&json!({})), file(&many), file(&no_streams), load(None, &[], &[])] {
        let loaded = loaded.expect("a configuration");
        for (name, page) in [("config.toml", loaded.to_toml()), ("config.json", loaded.to_json())] {
            let (_folder, sources) = sources(name, &page);
            let again = sources.load().unwrap_or_else(|error| panic!("{error}\n{page}"));
            assert_eq!(again.unknown_keys, [] as [String; 0]);
            assert_eq!(again.to_json(), loaded.to_json(), "{page}");
            assert_eq!(again.to_toml(), loaded.to_toml(), "{page}");
        }
    }
}
