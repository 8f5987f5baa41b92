//! Builds the page with npm, so that `cargo` alone builds the whole product. What npm writes goes
//! to cargo's `OUT_DIR`; `node_modules` stays beside `package.json`, where editors look for it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// All that the page is made from; a change of anything else (tests, this crate's code) rebuilds
/// nothing.
const SOURCES: [&str; 11] = [
    "build",
    "index.html",
    "dashboard.html",
    "src/dashboard",
    "src/player",
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.build.json",
    "tsconfig.json",
    "vite.config.ts",
];

fn main() -> ExitCode {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let out_dir = env::var_os("OUT_DIR").ok_or("cargo did not set OUT_DIR")?;
    let page = PathBuf::from(out_dir).join("page");
    install()?;
    npm(&["run", "build", "--", "--emptyOutDir", "--outDir"], Some(&page))
}

/// Installs the packages of the lock file, unless these very ones are installed already.
fn install() -> Result<(), String> {
    let lock =
        fs::read("package-lock.json").map_err(|error| format!("package-lock.json: {error}"))?;
    let installed = Path::new("node_modules/.installed-package-lock.json");
    if fs::read(installed).is_ok_and(|previous| previous == lock) {
        return Ok(());
    }
    npm(&["ci", "--ignore-scripts"], None)?;
    fs::write(installed, lock).map_err(|error| format!("{}: {error}", installed.display()))
}

fn npm(arguments: &[&str], path: Option<&Path>) -> Result<(), String> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let written = format!("npm {}", arguments.join(" "));
    let output = Command::new(program).args(arguments).args(path).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "`{written}` in {} failed ({}). \
             The player needs Node.js 20.19 or newer (`node --version`).\n{}\n{}",
            env::current_dir().unwrap_or_default().display(),
            output.status,
            String::from_utf8_lossy(&output.stdout).trim(),
            String::from_utf8_lossy(&output.stderr).trim(),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "`{program}` was not found: the player's page is built with Node.js 20.19 or newer.\n\
             Install it with `apt-get install nodejs npm` (where that is new enough), \
             `brew install node`, or from nodejs.org, and build again."
        )),
        Err(error) => Err(format!("`{written}` can't be started: {error}")),
    }
}
