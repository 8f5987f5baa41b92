//! The program itself, as an operator runs it: its flags and its file go in; its output, its log and
//! its exit code come back.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::PATIENCE;

/// A running `tracker`. It is killed when it is dropped.
pub struct Program {
    child: Child,
    /// What it has printed: `(word, url)` by line.
    pub lines: Vec<(String, String)>,
    _folder: TempDir,
}

impl Program {
    /// Starts it, and waits for the last of its lines.
    pub fn start(config: &Value) -> Self {
        let (folder, path) = written(&config.to_string());
        Self::of(&mut command(&path), folder)
    }

    /// Runs `command`, whose files are in `folder`.
    pub fn of(command: &mut Command, folder: TempDir) -> Self {
        let mut child = command.spawn().expect("the binary");
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            let line = line.expect("text");
            let (word, url) = line.split_once(' ').expect("`word  url`");
            lines.push((word.to_owned(), url.trim().to_owned()));
            if word == "stats" {
                break;
            }
        }
        Self { child, lines, _folder: folder }
    }

    pub fn url(&self, word: &str) -> &str {
        let line = self.lines.iter().find(|(name, _)| name == word);
        &line.unwrap_or_else(|| panic!("no {word} in {:?}", self.lines)).1
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn address(&self) -> SocketAddr {
        let url = self.url("tracker").strip_prefix("ws://").expect("ws://");
        url.split('/').next().and_then(|host| host.parse().ok()).expect("an address")
    }

    /// Its log from here on, line by line, as it comes. It can be taken once.
    pub fn log(&mut self) -> impl Iterator<Item = String> + use<> {
        let stderr = self.child.stderr.take().expect("its log");
        BufReader::new(stderr).lines().map(|line| line.expect("text"))
    }

    /// Sends a signal, and returns the exit code and how long it took.
    pub fn signal(&mut self, name: &str) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.send(name);
        (exit_code(&mut self.child), began.elapsed())
    }

    pub fn send(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(sent.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exit_code(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        assert!(began.elapsed() < PATIENCE, "it goes on");
        std::thread::yield_now();
    }
}

/// A file `config.json` of this content, in a folder of its own.
pub fn written(config: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.json");
    std::fs::write(&path, config).expect("a file");
    (folder, path)
}

/// A run of the program with this file, whose output and log are ours to read.
pub fn command(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracker"));
    command.arg(config).env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The exit code of a run that should fail, and the one line that says why.
pub fn failure(config: &Path) -> (Option<i32>, String) {
    let output = command(config).output().expect("the binary");
    let stderr = String::from_utf8(output.stderr).expect("text");
    let errors: Vec<&str> = stderr.lines().filter(|line| line.contains("ERROR")).collect();
    let [line] = errors[..] else {
        panic!("one line should say why: {stderr}");
    };
    assert!(output.stdout.is_empty());
    (output.status.code(), line.to_owned())
}

/// What a run printed and told, and its exit code.
pub fn ran(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("the binary");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The ids of running ffmpegs whose working folder is in `folder`.
pub fn ffmpegs_of(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.canonicalize().expect("a folder");
    let processes = std::fs::read_dir("/proc").expect("processes");
    processes
        .filter_map(|process| Some(process.ok()?.path()))
        .filter(|process| {
            let named = |name: String| name.trim() == "ffmpeg";
            std::fs::read_to_string(process.join("comm")).is_ok_and(named)
                && process.join("cwd").read_link().is_ok_and(|cwd| cwd.starts_with(&folder))
        })
        .collect()
}
