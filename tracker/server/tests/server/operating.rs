//! What operators are given beside the program says what the program does: the page on operating,
//! the dashboard, and the alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tracker::config::{Default, KEYS, Key};

use crate::support::tls::{Files, Identity};
use crate::support::{Server, load};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn shipped(path: &str) -> String {
    let path = docs().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The expressions of the dashboard's panels and variables.
fn dashboard() -> String {
    let dashboard: Value =
        serde_json::from_str(&shipped("operating/grafana-dashboard.json")).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let targets = list(&dashboard["panels"]).into_iter().flat_map(|panel| list(&panel["targets"]));
    let expressions: Vec<_> = targets.map(|target| target["expr"].clone()).collect();
    assert!(expressions.len() > 10);
    let variables = list(&dashboard["templating"]["list"]);
    let queries = variables.into_iter().map(|variable| variable["definition"].clone());
    let all = expressions.into_iter().chain(queries);
    all.filter_map(|text| Some(text.as_str()?.to_owned() + "\n")).collect()
}

/// The samples that are exposed, such as `tracker_closes_total{reason="lost"}`.
fn exposed() -> BTreeSet<String> {
    let files = Files::of(&Identity::new());
    let plain = json!({"server": {"port": 0, "host": "127.0.0.1"}});
    let sections = json!({"metrics": {"port": 0}, "servers": [plain, files.server("127.0.0.1")],
        "origin": {"streams": [{"loop": {}}, {"name": "tv", "push": {"token": "0123456789abcdef"}}]},
        // Nobody has to be there.
        "cluster": {"servers": "nats://127.0.0.1:1"}});
    let server = Server::with(&sections);
    // Each metric shows once there is something to tell.
    let asked = "origin_requests_total{stream=\"\",kind=\"playlist\",status=\"404\"}";
    server.get("/live/nowhere/index.m3u8");
    let is_told = |seen: &BTreeMap<String, f64>| {
        seen.contains_key(asked)
            && seen.keys().any(|name| name.starts_with("origin_segment_age_seconds"))
    };
    server.metrics_until("all metrics", is_told).into_keys().collect()
}

fn names(samples: &BTreeSet<String>) -> BTreeSet<&str> {
    samples.iter().filter_map(|sample| sample.split('{').next()).collect()
}

/// The metrics of `names`, a histogram by its own name.
fn metrics(names: BTreeSet<&str>) -> BTreeSet<&str> {
    let histograms: Vec<_> = names.iter().filter_map(|name| name.strip_suffix("_bucket")).collect();
    let whole = |name| {
        let part = |of: &&&str| {
            name == format!("{of}_bucket")
                || name == format!("{of}_sum")
                || name == format!("{of}_count")
        };
        histograms.iter().find(part).copied().unwrap_or(name)
    };
    names.iter().map(|name| whole(*name)).collect()
}

/// The words of `text` that are names of metrics by their beginning.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| {
            ["tracker_", "process_", "origin_"].iter().any(|start| word.starts_with(start))
        })
        .collect()
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_that_there_are() {
    let samples = exposed();
    for (what, text) in [("dashboard", dashboard()), ("alerts", shipped("operating/alerts.yml"))] {
        let asked = metrics_in(&text);
        assert!(asked.len() >= 8, "{what}: {asked:?}");
        for name in asked {
            assert!(names(&samples).contains(name), "{what}: nothing exposes {name}");
        }
    }
    let shown = dashboard();
    for name in metrics(names(&samples)) {
        let shows = metrics(metrics_in(&shown)).contains(name);
        assert!(shows, "the dashboard doesn't show {name}");
    }
}

#[test]
fn the_dashboard_and_the_alerts_select_by_labels_that_there_are() {
    let samples = exposed();
    let text = dashboard() + &shipped("operating/alerts.yml");
    let mut selected = 0;
    for label in ["reason", "kind"] {
        let start = format!("{label}=\"");
        for value in text.split(&start).skip(1).filter_map(|rest| rest.split('"').next()) {
            let there = format!("{{{label}=\"{value}\"}}");
            assert!(samples.iter().any(|sample| sample.ends_with(&there)), "no {label} {value}");
            selected += 1;
        }
    }
    assert!(selected >= 2);
    for labels in text.split(" by (").skip(1).filter_map(|rest| rest.split(')').next()) {
        for label in labels.split(", ").filter(|label| !["job", "instance"].contains(label)) {
            let there = ['{', ','].map(|before| format!("{before}{label}=\""));
            let has = |sample: &String| there.iter().any(|there| sample.contains(there));
            assert!(samples.iter().any(has), "no label {label}");
        }
    }
}

#[test]
fn the_page_on_operating_has_a_row_for_each_metric_and_no_other() {
    let page = shipped("OPERATING.md");
    let rows: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| metrics_in(name).contains(name))
        .collect();
    assert_eq!(rows, metrics(names(&exposed())));
}

/// What the page has to have of the keys of a configuration.
fn table_of_keys() -> String {
    let mut table =
        "| Key | Unit | Bounds | Default | What it is |\n|---|---|---|---|---|\n".to_owned();
    for Key { path, unit, bounds, default, about } in KEYS {
        let default = match default {
            Default::Is(text) => format!("`{text}`"),
            Default::Needed(_) => "has to be there".to_owned(),
            other => other.to_string(),
        };
        table += &format!("| `{path}` | {unit} | {bounds} | {default} | {about} |\n");
    }
    table
}

/// Holds a shipped file against what the program says. `WRITE_DOCS=1` writes it instead.
fn assert_shipped(path: &str, should_be: &str) {
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(docs().join(path), should_be).expect("written");
    }
    for (is, should_be) in shipped(path).lines().zip(should_be.lines()) {
        assert_eq!(is, should_be, "docs/{path} is out of date, see assert_shipped");
    }
    assert_eq!(shipped(path).len(), should_be.len(), "docs/{path} is out of date");
}

#[test]
fn the_page_on_operating_has_a_row_for_each_key() {
    let page = shipped("OPERATING.md");
    let (before, rest) = page.split_once("| Key |").expect("a table of keys");
    let (_, after) = rest.split_once("\n\n").expect("text behind the table");
    assert_shipped("OPERATING.md", &format!("{before}{}\n{after}", table_of_keys()));
}

#[test]
fn the_shipped_configuration_has_every_key_and_says_the_defaults() {
    let empty = load(&json!({})).expect("a configuration");
    assert_shipped("operating/tracker.toml", &empty.to_toml());
    for key in KEYS {
        let section = format!("{}]", key.path.replace("[]", ""));
        let start = if key.is_section() { section } else { format!("{} = ", key.name()) };
        let is_its = |line: &str| line.trim_start_matches(['#', '[']).starts_with(&start);
        assert!(shipped("operating/tracker.toml").lines().any(is_its), "no {}", key.path);
    }
}
