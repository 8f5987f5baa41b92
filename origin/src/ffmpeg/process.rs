//! One ffmpeg as a child process that never outlives the origin: it is killed and reaped when told,
//! killed when its owner is dropped, and on Linux killed by the kernel when the origin is killed.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::probe::SETPRIV;
use super::{Job, PROGRAM, args, log};
use crate::limits::LAST_WORDS_TIMEOUT;

/// A running ffmpeg.
#[derive(Debug)]
pub(crate) struct FfmpegProcess {
    child: Child,
    log: Option<JoinHandle<Option<String>>>,
}

impl FfmpegProcess {
    /// Starts it.
    ///
    /// # Errors
    /// The system's, when there is no such program or no such folder.
    pub(crate) fn start(job: &Job) -> io::Result<Self> {
        let mut command = command(job.ability.dies_with_us);
        let draws_text = job.ability.draws_text;
        command.args(args::testcard(&job.stream, &job.card, draws_text));
        // The folder's own name may hold a `%`, which ffmpeg would take for a pattern.
        command.current_dir(&job.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        // Its own group: a terminal's Ctrl-C shall reach it through the origin alone.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let stderr = child.stderr.take();
        let log = stderr.map(|stderr| actix::spawn(log::copy(job.stream.clone(), stderr)));
        Ok(FfmpegProcess { child, log })
    }

    /// Its process id, as long as it has one.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it ends by itself. May be dropped and called again.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills it at once and reaps it, if it still runs. What it has not finished is of no use.
    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        match self.child.id() {
            Some(_) => self.child.kill().await,
            None => Ok(()),
        }
    }

    /// The last line that it wrote to stderr; called when it has ended.
    pub(crate) async fn last_words(mut self) -> Option<String> {
        timeout(LAST_WORDS_TIMEOUT, self.log.take()?).await.ok()?.ok()?
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
