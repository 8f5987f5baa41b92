//! Runs ffmpeg for a source, in a folder of its own, delivers what it finishes, and kills it when
//! the run ends. When a run that ended is to begin again is not decided here, but for an encoder
//! that has left: the next one finds somebody who listens.

use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::cuttings::Cuttings;
use super::running::Running;
use super::silence::Silence;
use super::{Closed, Playing, Sink, Supply};
use crate::ffmpeg::{FfmpegProcess, Heard, Job, clean};
use crate::limits::{FOLDER_POLL, REPLANS_MAX};

/// What a source has ffmpeg do.
pub(super) trait Recipe {
    /// The next call.
    fn job(&self) -> Job;

    /// Looks at what ffmpeg has said of its input, and has perhaps ended after.
    fn judge(&self, heard: &Heard, has_ended: bool) -> Verdict;
}

/// What becomes of a call of ffmpeg.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    /// [`Recipe::job`] is another one now.
    Again,
    /// The input cannot be played, and why.
    Refused(String),
}

/// Starts ffmpeg, and the task that delivers what it makes. It watches its ffmpeg itself, as it
/// knows what that says and cuts.
pub(super) fn transcode(recipe: Rc<dyn Recipe>, sink: Sink) -> Box<dyn Playing> {
    Running::start(|stopped| Run { recipe, sink, stopped, replans: 0 }.run())
}

/// How one ffmpeg ended.
enum End {
    /// The run was told to end; with ffmpeg's last words.
    Stopped(Option<String>),
    /// It was called in a way that does not suit its input.
    Replanned,
    /// Whoever sent has gone, or fallen silent.
    SenderLeft(String),
    Failed(String),
}

struct Run {
    recipe: Rc<dyn Recipe>,
    sink: Sink,
    stopped: oneshot::Receiver<()>,
    /// How often ffmpeg was called anew without a segment in between.
    replans: u32,
}

impl Run {
    /// Runs one ffmpeg after the other until the run ends. Returns the last words of one that was
    /// told to stop.
    async fn run(mut self) -> Option<String> {
        let reason = loop {
            let job = self.recipe.job();
            let stream = job.stream.clone();
            match self.one(job).await {
                End::Stopped(last_words) => return last_words,
                End::Replanned => {
                    self.replans += 1;
                    tracing::info!(stream, "ffmpeg starts again, as its input asks for");
                }
                End::SenderLeft(reason) => {
                    tracing::info!(stream, "waiting for an encoder again: {reason}");
                }
                End::Failed(reason) => break reason,
            }
        };
        // Where nobody listens any more, nobody wants another run.
        let _ = self.sink.deliver(Supply::Ended(reason)).await;
        None
    }

    async fn one(&mut self, job: Job) -> End {
        let ffmpeg = match start(&job).await {
            Ok(ffmpeg) => ffmpeg,
            Err(reason) => return End::Failed(reason),
        };
        let mut one = One {
            recipe: self.recipe.clone(),
            sink: self.sink.clone(),
            cuttings: Cuttings::new(&job),
            ffmpeg,
            began: Instant::now(),
            last_segment: None,
            job,
        };
        let end = one.until(&mut self.stopped).await;
        if one.last_segment.is_some() {
            self.replans = 0;
        }
        match end {
            End::Replanned if self.replans == REPLANS_MAX => {
                End::Failed("the input is another one each time".to_owned())
            }
            end => end,
        }
    }
}

/// One ffmpeg from its start to its end.
struct One {
    recipe: Rc<dyn Recipe>,
    sink: Sink,
    job: Job,
    ffmpeg: FfmpegProcess,
    cuttings: Cuttings,
    began: Instant,
    last_segment: Option<Instant>,
}

async fn start(job: &Job) -> Result<FfmpegProcess, String> {
    let (folder, stream) = (job.folder.clone(), job.stream.clone());
    match spawn_blocking(move || clean(&folder, &stream)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error.to_string()),
        Err(error) => return Err(error.to_string()),
    }
    let ffmpeg = FfmpegProcess::start(job);
    let ffmpeg = ffmpeg.map_err(|error| format!("ffmpeg cannot be started: {error}"))?;
    tracing::info!(stream = job.stream, pid = ffmpeg.id(), "ffmpeg started");
    Ok(ffmpeg)
}

impl One {
    /// Delivers until ffmpeg ends or fails, or `stopped` resolves.
    async fn until(&mut self, stopped: &mut oneshot::Receiver<()>) -> End {
        let mut poll = interval(FOLDER_POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            tokio::select! {
                _ = &mut *stopped => {
                    self.kill().await;
                    return End::Stopped(self.ffmpeg.heard().last_words());
                }
                ended = self.ffmpeg.wait() => break self.ended(ended).await,
                _ = poll.tick() => if let Err(end) = self.look().await {
                    break end;
                },
            }
        };
        self.kill().await;
        let last_words = self.ffmpeg.heard().last_words();
        match (end, last_words) {
            (End::Failed(reason), Some(words)) => {
                End::Failed(format!("{reason}; its last words: {words}"))
            }
            (end, _) => end,
        }
    }

    /// Looks after an ffmpeg that runs.
    async fn look(&mut self) -> Result<(), End> {
        self.judge(false)?;
        self.deliver().await.map_err(End::Failed)?;
        match self.silent_for() {
            Some(patience) if self.job.waits() && self.last_segment.is_some() => {
                Err(End::SenderLeft(format!("silent for {patience:?}")))
            }
            Some(patience) => Err(End::Failed(format!("no new segment for {patience:?}"))),
            None => Ok(()),
        }
    }

    /// How long it has been silent, if that is too long.
    fn silent_for(&self) -> Option<Duration> {
        let silence = Silence {
            began: self.began,
            first_within: self.job.first_within,
            opened: self.ffmpeg.heard().opened,
            last_segment: self.last_segment,
            target: self.cuttings.target(),
        };
        silence.is_too_long(Instant::now())
    }

    /// Judges an ffmpeg that has ended, after what it finished last.
    async fn ended(&mut self, status: std::io::Result<std::process::ExitStatus>) -> End {
        // Hears the rest of what it said.
        self.kill().await;
        if let Err(end) = self.judge(true) {
            return end;
        }
        if let Err(reason) = self.deliver().await {
            return End::Failed(reason);
        }
        match status {
            Ok(_) if self.job.waits() && self.last_segment.is_some() => {
                End::SenderLeft("the encoder has left".to_owned())
            }
            Ok(status) => End::Failed(format!("ffmpeg ended with {status}")),
            Err(error) => End::Failed(error.to_string()),
        }
    }

    fn judge(&self, has_ended: bool) -> Result<(), End> {
        let heard = self.ffmpeg.heard();
        if heard.wrong_key {
            return Err(End::Failed("somebody sent who doesn't know the stream's key".to_owned()));
        }
        match self.recipe.judge(&heard, has_ended) {
            Verdict::Right => Ok(()),
            Verdict::Again => Err(End::Replanned),
            Verdict::Refused(reason) => Err(End::Failed(reason)),
        }
    }

    /// Delivers what ffmpeg has finished since the last call.
    async fn deliver(&mut self) -> Result<(), String> {
        let supplies = self.cuttings.take(SystemTime::now()).await?;
        for supply in supplies {
            self.last_segment = Some(Instant::now());
            let taken = self.sink.deliver(supply).await;
            taken.map_err(|Closed| "nobody takes segments any more".to_owned())?;
        }
        Ok(())
    }

    async fn kill(&mut self) {
        if let Err(error) = self.ffmpeg.kill().await {
            tracing::warn!(stream = self.job.stream, %error, "ffmpeg cannot be killed");
        }
    }
}
