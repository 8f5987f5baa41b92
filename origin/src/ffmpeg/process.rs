//! One ffmpeg as a child process that never outlives the origin: it is killed and reaped when told,
//! killed when its owner is dropped, and on Linux killed by the kernel when the origin is killed.

use std::cell::{Ref, RefCell};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use std::time::SystemTime;

use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::encode::output;
use super::heard::{self, Heard};
use super::probe::SETPRIV;
use super::{Job, PROGRAM};
use crate::limits::LAST_WORDS_TIMEOUT;

/// A running ffmpeg.
#[derive(Debug)]
pub(crate) struct FfmpegProcess {
    child: Child,
    heard: Rc<RefCell<Heard>>,
    listening: Option<JoinHandle<()>>,
}

impl FfmpegProcess {
    /// Starts it.
    ///
    /// # Errors
    /// The system's, when there is no such program or no such folder.
    pub(crate) fn start(job: &Job) -> io::Result<Self> {
        let mut command = command(job.ability.dies_with_us);
        command.args(&job.args.0).args(output(&job.stream, SystemTime::now()));
        // The folder's own name may hold a `%` or a `$`, which ffmpeg would take for a pattern.
        command.current_dir(&job.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        // Its own group: a terminal's Ctrl-C shall reach it through the origin alone.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let heard = Rc::new(RefCell::new(Heard::default()));
        let listening = child.stderr.take().map(|stderr| {
            let (stream, secrets) = (job.stream.clone(), job.secrets.clone());
            actix::spawn(heard::listen(stream, secrets, stderr, heard.clone()))
        });
        Ok(FfmpegProcess { child, heard, listening })
    }

    /// Its process id, as long as it has one.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has said so far. Not to be held while something is awaited.
    pub(crate) fn heard(&self) -> Ref<'_, Heard> {
        self.heard.borrow()
    }

    /// Waits until it ends by itself. May be dropped and called again.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills it at once and reaps it, if it still runs, and hears what it had said. What it has not
    /// finished is of no use.
    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        let killed = match self.child.id() {
            Some(_) => self.child.kill().await,
            None => Ok(()),
        };
        if let Some(listening) = self.listening.take() {
            // The task doesn't panic; a child of ffmpeg's may hold its stderr open.
            let _ = timeout(LAST_WORDS_TIMEOUT, listening).await;
        }
        killed
    }
}

fn command(dies_with_us: bool) -> Command {
    if !dies_with_us {
        return Command::new(PROGRAM);
    }
    let [setpriv, options @ ..] = SETPRIV;
    let mut command = Command::new(setpriv);
    command.args(options).arg(PROGRAM);
    command
}
