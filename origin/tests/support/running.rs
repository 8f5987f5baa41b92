//! The binary `origin` as a child process, with its log.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::encoder::Process;
use super::send_signal;

/// A running `origin`.
pub struct Running {
    process: Process,
    pub address: SocketAddr,
    pub lines: Vec<String>,
    log: thread::JoinHandle<String>,
    /// Holds the config, and what the origin puts into the system's temporary folder.
    pub folder: Rc<TempDir>,
}

pub fn command(config: &str, path: Option<&str>) -> (Command, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.json");
    fs::write(&file, config).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_origin"));
    command.arg(file).env_remove("RUST_LOG").env("TMPDIR", folder.path());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    (command, folder)
}

impl Running {
    /// Starts it and waits until it has printed an address for each of `streams` streams.
    pub fn start(config: &str, streams: usize, path: Option<&str>) -> Running {
        let (command, folder) = command(config, path);
        Self::from(command, folder, streams)
    }

    /// The same with a command that was changed, in the folder that it came with.
    pub fn from(mut command: Command, folder: TempDir, streams: usize) -> Running {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut stderr = child.stderr.take().expect("a pipe");
        let log = thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).expect("a log");
            log
        });
        let lines: Vec<_> = stdout.lines().take(streams).map(|line| line.expect("text")).collect();
        let url = lines.first().and_then(|line| line.split("http://").nth(1)).expect("an address");
        let address = url.split('/').next().expect("an address").parse().expect("an address");
        Running { process: Process(child), address, lines, log, folder: Rc::new(folder) }
    }

    pub fn pid(&self) -> i32 {
        self.process.0.id().try_into().expect("a process id")
    }

    /// Sends a signal, and returns how it ended, how soon, and what it had logged.
    pub fn end(mut self, signal: Signal) -> (ExitStatus, Duration, String) {
        let began = Instant::now();
        send_signal(self.pid(), signal);
        let status = self.process.0.wait().expect("an end");
        (status, began.elapsed(), self.log.join().expect("a log"))
    }
}
