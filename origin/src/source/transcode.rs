//! One run of ffmpeg: it is started in a folder of its own, what it finishes is delivered, and it is
//! killed when the run ends. When to run it again is not decided here.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use super::{Closed, Patience, Playing, Sink, Supply};
use crate::ffmpeg::{FfmpegProcess, Job, clean, take};
use crate::limits::{FOLDER_POLL, STALL_MIN, STALL_SEGMENTS};
use crate::playlist::{Container, Content, Delivery, Track};

/// A running ffmpeg, and the task that delivers what it makes.
pub(super) struct Transcoding {
    /// Dropped to end the run.
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<String>>,
}

impl Transcoding {
    /// Starts ffmpeg.
    pub(super) fn start(job: Job, sink: Sink) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = actix::spawn(async move {
            let mut run = Run { job, sink: sink.clone(), next: 0 };
            match run.until(stopped).await {
                End::Stopped(last_words) => last_words,
                End::ByItself(reason) => {
                    // Where nobody listens any more, nobody wants another run.
                    let _ = sink.deliver(Supply::Ended(reason)).await;
                    None
                }
            }
        });
        Transcoding { stop, task }
    }

    /// How long an ffmpeg may be silent that makes segments of this length.
    pub(super) fn patience(segment: Duration) -> Patience {
        let stall = Some(STALL_MIN.max(segment * STALL_SEGMENTS));
        Patience { first: stall, next: stall }
    }
}

impl Playing for Transcoding {
    fn stop(self: Box<Self>) -> LocalBoxFuture<'static, Option<String>> {
        let Transcoding { stop, task } = *self;
        Box::pin(async move {
            drop(stop);
            // The task neither panics nor is aborted, so there is no error to tell of.
            task.await.ok().flatten()
        })
    }
}

/// How a run ended: when it was told to, with ffmpeg's last words, or why else.
enum End {
    Stopped(Option<String>),
    ByItself(String),
}

struct Run {
    job: Job,
    sink: Sink,
    /// The next segment's number in ffmpeg's playlist.
    next: u64,
}

impl Run {
    /// Runs until ffmpeg ends or fails, or `stop` is dropped.
    async fn until(&mut self, stop: oneshot::Receiver<()>) -> End {
        match self.start().await {
            Ok(ffmpeg) => self.follow(ffmpeg, stop).await,
            Err(reason) => End::ByItself(reason),
        }
    }

    async fn start(&self) -> Result<FfmpegProcess, String> {
        let Job { folder, stream, .. } = self.job.clone();
        match spawn_blocking(move || clean(&folder, &stream)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(error) => return Err(error.to_string()),
        }
        let ffmpeg = FfmpegProcess::start(&self.job);
        let ffmpeg = ffmpeg.map_err(|error| format!("ffmpeg cannot be started: {error}"))?;
        tracing::info!(stream = self.job.stream, pid = ffmpeg.id(), "ffmpeg started");
        Ok(ffmpeg)
    }

    async fn follow(&mut self, mut ffmpeg: FfmpegProcess, mut stop: oneshot::Receiver<()>) -> End {
        let mut poll = interval(FOLDER_POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reason = loop {
            tokio::select! {
                _ = &mut stop => {
                    self.kill(&mut ffmpeg).await;
                    return End::Stopped(ffmpeg.last_words().await);
                }
                ended = ffmpeg.wait() => break match ended {
                    Ok(status) => format!("ffmpeg ended with {status}"),
                    Err(error) => error.to_string(),
                },
                _ = poll.tick() => if let Err(reason) = self.deliver().await {
                    break reason;
                },
            }
        };
        self.kill(&mut ffmpeg).await;
        // What it finished between the last poll and its end. The reason for the end is known.
        let _ = self.deliver().await;
        match ffmpeg.last_words().await {
            Some(line) => End::ByItself(format!("{reason}; its last words: {line}")),
            None => End::ByItself(reason),
        }
    }

    /// Delivers what ffmpeg has finished since the last call.
    async fn deliver(&mut self) -> Result<(), String> {
        let (folder, next) = (self.job.folder.clone(), self.next);
        let taken = spawn_blocking(move || take(&folder, next)).await;
        let taken = taken.map_err(|error| error.to_string())?;
        let gone = |Closed| "nobody takes segments any more".to_owned();
        for (written, bytes) in taken.map_err(|error| error.to_string())? {
            if self.next == 0 {
                self.sink.deliver(self.tracks()).await.map_err(gone)?;
            }
            self.next = written.sequence + 1;
            let delivery = Delivery {
                track: 0,
                sequence: None,
                timeline: 0,
                duration: written.duration,
                recorded_at: written.recorded_at,
                header: None,
                bytes,
            };
            self.sink.deliver(Supply::Segment(delivery)).await.map_err(gone)?;
        }
        Ok(())
    }

    fn tracks(&self) -> Supply {
        let tracks = vec![Track::new(TRACK, Content::Muxed, Container::MpegTs)];
        Supply::Tracks { tracks, target: self.job.card.segment }
    }

    async fn kill(&self, ffmpeg: &mut FfmpegProcess) {
        if let Err(error) = ffmpeg.kill().await {
            tracing::warn!(stream = self.job.stream, %error, "ffmpeg cannot be killed");
        }
    }
}

/// The only track's name.
const TRACK: &str = "main";
