//! Scenarios as data: who comes, when they announce, and what goes wrong. A file names the keys in
//! which it differs from the defaults, flags go over it key by key, and what holds is in the report.

use std::io::{self, Write};
use std::path::Path;

mod keys;
mod time;
pub(crate) use keys::{Keys, OutOfBound, Pace, Scenario};
pub(crate) use time::Time;

/// A scenario that comes with the program: its name, and its file.
type Shipped = (&'static str, &'static str);

/// In the order in which they are listed.
const SHIPPED: [Shipped; 10] = [
    ("saturation", include_str!("../../scenarios/saturation.toml")),
    ("steady", include_str!("../../scenarios/steady.toml")),
    ("paced", include_str!("../../scenarios/paced.toml")),
    ("ramp", include_str!("../../scenarios/ramp.toml")),
    ("churn", include_str!("../../scenarios/churn.toml")),
    ("storm", include_str!("../../scenarios/storm.toml")),
    ("hot", include_str!("../../scenarios/hot.toml")),
    ("zipf", include_str!("../../scenarios/zipf.toml")),
    ("slow-readers", include_str!("../../scenarios/slow-readers.toml")),
    ("misbehaving", include_str!("../../scenarios/misbehaving.toml")),
];

/// What runs when nothing is named.
pub(crate) const DEFAULT: &str = "saturation";

/// Why a scenario cannot be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    #[error(
        "--scenario {0}: no such file, and none that comes with this program (--list-scenarios)"
    )]
    Unknown(String),
    #[error("--scenario {0}: {1}")]
    Unreadable(String, io::Error),
    #[error("--scenario {0}: {1}")]
    Malformed(String, Box<toml::de::Error>),
    #[error("--scenario {0}: {key} = {value}: must be {bound}",
        key = .1.key, value = .1.value, bound = .1.bound)]
    InFile(String, OutOfBound),
    #[error("--{key} {value}: must be {bound}",
        key = .0.key.replace('_', "-"), value = .0.value, bound = .0.bound)]
    Flag(OutOfBound),
}

/// What holds when `flags` go over the scenario `named`: one that comes with the program, or a file.
///
/// # Errors
/// The first thing that is wrong, with where it stands.
pub(crate) fn load(named: &str, flags: Keys) -> Result<Scenario, ScenarioError> {
    flags.check().map_err(ScenarioError::Flag)?;
    let shipped = SHIPPED.iter().find(|(name, _)| *name == named);
    let text = match shipped {
        Some((_, text)) => (*text).to_owned(),
        None if !Path::new(named).exists() => return Err(ScenarioError::Unknown(named.into())),
        None => std::fs::read_to_string(named)
            .map_err(|error| ScenarioError::Unreadable(named.into(), error))?,
    };
    let keys: Keys = toml::from_str(&text)
        .map_err(|error| ScenarioError::Malformed(named.into(), Box::new(error)))?;
    keys.check().map_err(|bound| ScenarioError::InFile(named.into(), bound))?;
    Ok(flags.over(keys).complete())
}

/// Writes the scenarios that come with the program, each with the first line of its file.
///
/// # Errors
/// Those of standard output.
pub(crate) fn list() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (name, text) in SHIPPED {
        writeln!(out, "{name:<14} {}", about(text))?;
    }
    Ok(())
}

fn about(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches("# ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_says_what_it_is_and_loads() {
        for (name, text) in SHIPPED {
            assert!(text.starts_with("# ") && about(text).ends_with('.'), "{name}");
            let loaded = load(name, Keys::default());
            assert!(loaded.is_ok(), "{name}: {loaded:?}");
        }
    }

    #[test]
    fn flags_go_over_the_file_key_by_key() {
        let flags = Keys { peers: Some(50), pace: Some(Pace::Interval), ..Keys::default() };
        let scenario = load("storm", flags).expect("it is valid");
        assert_eq!((scenario.peers, scenario.pace), (50, Pace::Interval));
        assert!(scenario.storm_share > 0.0);
    }

    #[test]
    fn a_file_is_refused_with_key_value_and_bound() {
        let file = std::env::temp_dir().join(format!("scenario-{}.toml", std::process::id()));
        for (text, named) in [
            ("peers = 1", ["peers", "1", "2 to 1000000"]),
            ("storm_share = 1.5", ["storm_share", "1.5", "0 to 1"]),
            ("duration = \"10ms\"", ["duration", "10ms", "1s to 1day"]),
            ("duration = \"soon\"", ["duration", "soon", "30s"]),
            ("warmup = 3", ["warmup", "integer", "string"]),
            ("peer = 3", ["unknown field", "peer", "peers"]),
            ("pace = \"fast\"", ["pace", "fast", "interval"]),
        ] {
            std::fs::write(&file, text).expect("a file");
            let refused = load(&file.to_string_lossy(), Keys::default()).expect_err(text);
            let refused = refused.to_string();
            for part in named {
                assert!(refused.contains(part), "{text}: {refused}");
            }
        }
        std::fs::remove_file(&file).expect("the file is ours");
    }

    #[test]
    fn the_page_about_the_load_test_has_every_key_and_every_scenario() {
        let page = include_str!("../../../docs/operating/LOADTEST.md");
        let rows: Vec<Vec<&str>> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        let row = |name: &str| rows.iter().find(|row| row[1] == format!("`{name}`"));
        for (name, _) in SHIPPED {
            assert!(row(name).is_some(), "{name}");
        }
        for keys::Row { key, default, bound } in keys::rows() {
            let row = row(key).unwrap_or_else(|| panic!("{key}: {default}, {bound}"));
            assert_eq!(row[3], format!("`{default}`"), "{key}");
            assert_eq!(row[4].replace(',', ""), bound.replace(',', ""), "{key}");
        }
        assert_eq!(rows.len(), SHIPPED.len() + keys::rows().len());
    }
}
