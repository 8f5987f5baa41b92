//! The Autobahn test suite (RFC 6455, RFC 7692) against the sockets of the tracker, which send
//! each message back instead of reading it. `make autobahn` gets the suite and runs this.
//!
//! The argument is the suite's program `wstest`; further ones name cases, `*` for all, instead of
//! those that take some minutes. Exit code 1 unless every case ends as it is expected here to.

#![allow(clippy::print_stdout, reason = "it prints what it found")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;
use tracker::Tracker;
use tracker::config::Sources;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How the suite names us in its report.
const AGENT: &str = "tracker";

/// All but most of the compressed messages, of which each case has a thousand: those of up to
/// 4 KiB, and of 8 KiB in fragments. The longer ones are 17 GB in all.
const QUICK: [&str; 12] = [
    "1.*",
    "2.*",
    "3.*",
    "4.*",
    "5.*",
    "6.*",
    "7.*",
    "9.*",
    "10.*",
    "12.*.[1-5]$",
    "13.*.[1-5]$",
    "1[23].*.11$",
];

/// As long as anybody would wait for all.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);

/// Messages that the suite sends are as long as this.
const MESSAGE_BYTES_MAX: u64 = 16 << 20;

/// Cases that end otherwise than "OK", by the start of their names, and why. One that ends better
/// than it says fails as well, so that this stays true.
const EXCEPTIONS: [(&str, &str, &str); 1] = [
    // RFC 6455, section 8.1, leaves it to the endpoint when it looks.
    ("6.4.", "NON-STRICT", "a text is checked once it is whole, not a fragment at a time"),
];

/// How a case ended, and how its connection was closed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    behavior: String,
    behavior_close: String,
}

fn main() -> Outcome<ExitCode> {
    let mut args = std::env::args().skip(1);
    let wstest = args.next().ok_or("the path of wstest is missing")?;
    let mut cases: Vec<String> = args.collect();
    if cases.is_empty() {
        cases.extend(QUICK.map(str::to_owned));
    }
    let folder = tempfile::tempdir()?;
    let verdicts = actix_rt::System::new().block_on(async {
        let tracker = start(folder.path())?;
        let url = format!("ws://{}", tracker.addresses().servers[0].address);
        println!("{url}: cases {}", cases.join(", "));
        let suite = suite(wstest, &url, cases, folder.path());
        let verdicts = suite.await;
        tracker.stop().await;
        verdicts
    })?;
    Ok(if judge(&verdicts) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A tracker on a port of the system's choice, whose sockets echo.
fn start(folder: &Path) -> Outcome<Tracker> {
    let file = folder.join("config.json");
    let config = json!({
        "servers": [{
            "server": {"port": 0, "host": "127.0.0.1"},
            // Whatever is text is compressed.
            "websockets": {"maxPayloadLength": MESSAGE_BYTES_MAX, "compressionThreshold": 0},
        }],
        // It sends thousands of frames as fast as it can.
        "limits": {"announcesPerSecondPerSocket": 0},
        "workers": 1,
    });
    std::fs::write(&file, config.to_string())?;
    let mut config = Sources::file(file).load()?.config;
    for server in &mut config.servers {
        server.echo = true;
    }
    Ok(Tracker::start(config)?)
}

/// Runs the cases; what became of each.
async fn suite(
    wstest: String,
    url: &str,
    cases: Vec<String>,
    folder: &Path,
) -> Outcome<BTreeMap<String, Verdict>> {
    let spec = folder.join("spec.json");
    let report = folder.join("report");
    let written = json!({
        "outdir": report,
        "servers": [{"agent": AGENT, "url": url}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    std::fs::write(&spec, written.to_string())?;
    let mut command = Command::new(wstest);
    command.args(["--mode", "fuzzingclient", "--spec"]).arg(spec).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await??;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let index = std::fs::read(report.join("index.json"))?;
    let mut agents: BTreeMap<String, BTreeMap<String, Verdict>> = serde_json::from_slice(&index)?;
    Ok(agents.remove(AGENT).ok_or("the report is about somebody else")?)
}

/// Whether all is as expected. What isn't is printed, and how often each exception was met.
fn judge(verdicts: &BTreeMap<String, Verdict>) -> bool {
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    let mut fine = !verdicts.is_empty();
    for (case, Verdict { behavior, behavior_close }) in verdicts {
        let exception = EXCEPTIONS.iter().find(|(start, ..)| case.starts_with(start));
        let (expected, why) = exception.map_or(("OK", ""), |(_, expected, why)| (expected, why));
        // Informational cases have no right and wrong.
        let as_expected = behavior == expected || behavior == "INFORMATIONAL";
        if as_expected && ["OK", "INFORMATIONAL"].contains(&behavior_close.as_str()) {
            *counts.entry((behavior, why)).or_default() += 1;
        } else {
            println!("case {case}: {behavior}, closing {behavior_close}; expected {expected}");
            fine = false;
        }
    }
    for ((behavior, why), count) in counts {
        let since = if why.is_empty() { "" } else { ": " };
        println!("{count} cases {behavior}{since}{why}");
    }
    fine
}
