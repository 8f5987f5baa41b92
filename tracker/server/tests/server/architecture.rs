//! Who may see whom. What the design forbids is looked for in the manifests and the sources, so
//! that it can't creep in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The packages that `package` depends on to build, at any distance.
fn dependencies(package: &str) -> BTreeSet<String> {
    // Not `--offline`: a build doesn't fetch what only other platforms need, and this lists it.
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = list(&metadata["packages"]);
    let nodes = list(&metadata["resolve"]["nodes"]);
    let name = |id: &Value| {
        let package = packages.iter().find(|package| package["id"] == *id);
        package.map(|package| package["name"].clone()).expect("a package")
    };
    let mut open: Vec<Value> =
        nodes.iter().map(|node| node["id"].clone()).filter(|id| name(id) == package).collect();
    assert_eq!(open.len(), 1, "{package} is one package");
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let node = nodes.iter().find(|node| node["id"] == id).expect("a node");
        for dependency in list(&node["deps"]) {
            let to_build = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev");
            let id = dependency["pkg"].clone();
            if to_build && seen.insert(name(&id).as_str().expect("a name").to_owned()) {
                open.push(id);
            }
        }
    }
    seen
}

fn assert_free_of(package: &str, forbidden: &[&str]) {
    let dependencies = dependencies(package);
    for name in &dependencies {
        let found = forbidden.iter().any(|forbidden| match forbidden.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == forbidden,
        });
        assert!(!found, "{package} depends on {name}");
    }
}

#[test]
fn the_core_knows_neither_actors_nor_sockets_nor_a_runtime() {
    assert_free_of("tracker-core", &["actix*", "tokio*", "mio", "socket2", "futures*", "tracing"]);
}

#[test]
fn websocket_is_bytes_and_frames_and_knows_neither_sockets_nor_swarms() {
    let world = ["actix*", "tokio*", "mio", "socket2", "futures*", "tracing", "tracker-core"];
    assert_free_of("tracker-websocket", &world);
}

#[test]
fn the_origin_does_not_know_the_tracker() {
    assert_free_of("origin", &["tracker", "tracker-core", "web", "loadtest"]);
}

#[test]
fn the_load_test_shares_no_code_with_what_it_tests() {
    assert_free_of("loadtest", &["tracker", "tracker-websocket", "origin", "web"]);
    // The rules without sockets are for the simulation, which meets no tracker.
    let mut core = mentions("../../loadtest/src", &["tracker_core"]);
    let all = core.len();
    core.retain(|line| !line.contains("/simulate/"));
    assert!(core.is_empty() && all > 0, "{core:?}");
}

#[test]
fn the_transport_knows_sockets_and_frames_and_never_swarms() {
    let none: [String; 0] = [];
    let swarms = ["tracker_core", "directory", "InfoHash", "ShardActor"];
    assert_eq!(mentions("src/transport", &swarms), none);
}

#[test]
fn only_the_link_and_its_configuration_know_nats() {
    let mut known = mentions("src", &["async_nats::"]);
    known.retain(|line| !line.contains("/bus/nats/") && !line.contains("/config/cluster.rs"));
    assert_eq!(known, [] as [String; 0]);
}

#[test]
fn the_core_reads_no_clock_and_rolls_no_dice_of_its_own() {
    let none: [String; 0] = [];
    let world = ["Instant", "SystemTime", "rand::rng()", "thread_rng", "std::net", "std::thread"];
    assert_eq!(mentions("../core/src", &world), none);
}

/// The lines of code in the files of `folder` and the folders in it with one of `needles` in them,
/// but for files of tests.
fn mentions(folder: &str, needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
        if path.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        found.extend(
            text.lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .filter(|line| needles.iter().any(|needle| line.contains(needle)))
                .map(|line| format!("{}: {line}", path.display())),
        );
    }
    found
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}
