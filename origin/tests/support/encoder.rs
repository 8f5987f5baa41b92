//! Processes that a failing test doesn't leave behind, and among them ffmpeg as an encoder: it draws
//! a small picture and plays a tone, and what it says is kept.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::NamedTempFile;

/// A process that ends when it is dropped.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // An error here is that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// H.264 and AAC, as fast as can be.
pub const FAST: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];

const REAL_TIME: &[&str] = &["-re"];
const PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10"];
/// And a key frame each second, in colours that every player takes.
const TONE: &[&str] = &[
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=440:sample_rate=48000",
    "-g",
    "10",
    "-pix_fmt",
    "yuv420p",
];

/// A running ffmpeg.
pub struct Encoder {
    process: Process,
    said: NamedTempFile,
}

impl Encoder {
    /// Encodes in real time, with a key frame each second, to `output`.
    pub fn start(codecs: &[&str], output: &[&str]) -> Encoder {
        Encoder::run(&[REAL_TIME, PICTURE, REAL_TIME, TONE, codecs, output].concat())
    }

    /// Makes a file of `seconds` by the same, as soon as it can.
    pub fn make(codecs: &[&str], seconds: &str, path: &str) {
        let output = ["-t", seconds, "-y", path];
        let (ended, said) = Encoder::run(&[PICTURE, TONE, codecs, &output].concat()).ended();
        assert!(ended.success(), "{path} cannot be made: {said}");
    }

    /// Does as it is told.
    pub fn run(arguments: &[&str]) -> Encoder {
        let said = NamedTempFile::new().expect("a file");
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-loglevel", "warning"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(said.reopen().expect("a file"));
        Encoder { process: Process(command.spawn().expect("ffmpeg")), said }
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.0.try_wait().expect("a child").is_some()
    }

    /// Kills it as a power cut would, and returns what it had said.
    pub fn kill(mut self) -> String {
        self.process.0.kill().expect("a running ffmpeg");
        self.ended().1
    }

    /// Waits for its end, and returns what it had said.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let ended = self.process.0.wait().expect("its end");
        (ended, fs::read_to_string(self.said.path()).expect("text"))
    }
}
