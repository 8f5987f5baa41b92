//! Supervises one ffmpeg: starts it, delivers what it finishes, kills it when it hangs, and starts
//! it again after growing pauses. Numbers go on across restarts, so viewers see a discontinuity
//! instead of an end.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix::prelude::*;
use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use super::SegmentReady;
use crate::ffmpeg::{FfmpegProcess, Job, clean, take};
use crate::limits::{
    FOLDER_POLL, RESTART_DELAY_MAX, RESTART_DELAY_MIN, RESTART_DELAY_RESETS_AFTER, STALL_MIN,
    STALL_SEGMENTS,
};
use crate::playlist::{Segment, first_timeline};

/// Owns the ffmpeg of one stream.
pub(crate) struct TranscoderActor {
    job: Job,
    stream: Recipient<SegmentReady>,
    /// The next segment's number. It starts with the epoch's seconds, as no segment is shorter
    /// than one: numbers given before a restart of the origin are all smaller.
    next_sequence: u64,
    /// The next run's number of discontinuities, which starts likewise.
    next_timeline: u64,
    pauses: Pauses,
    running: Option<Running>,
}

struct Running {
    /// Dropped to end the run.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Sent by a run when its ffmpeg is gone and everything that it finished has been delivered.
#[derive(Message)]
#[rtype(result = "()")]
struct FfmpegExited {
    next_sequence: u64,
    ran: Duration,
    reason: String,
}

/// Sent by the source when its stream stops; answered when ffmpeg is dead and reaped.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StopTranscoder;

impl TranscoderActor {
    pub(crate) fn new(job: Job, stream: Recipient<SegmentReady>) -> Self {
        let now = SystemTime::now();
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        TranscoderActor {
            job,
            stream,
            next_sequence: since_epoch.as_secs(),
            next_timeline: first_timeline(now),
            pauses: Pauses::default(),
            running: None,
        }
    }

    fn start_ffmpeg(&mut self, ctx: &mut Context<Self>) {
        let (stop, stopped) = oneshot::channel();
        let run = Run {
            job: self.job.clone(),
            stream: self.stream.clone(),
            next_sequence: self.next_sequence,
            timeline: self.next_timeline,
        };
        let supervisor = ctx.address();
        let task = actix::spawn(async move {
            if let Some(exited) = run.until(stopped).await {
                supervisor.do_send(exited);
            }
        });
        self.running = Some(Running { stop, task });
    }
}

impl Actor for TranscoderActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.start_ffmpeg(ctx);
    }
}

impl Handler<FfmpegExited> for TranscoderActor {
    type Result = ();

    fn handle(&mut self, exited: FfmpegExited, ctx: &mut Self::Context) {
        self.running = None;
        // A run that made nothing leaves no discontinuity behind.
        if exited.next_sequence != self.next_sequence {
            self.next_timeline += 1;
        }
        self.next_sequence = exited.next_sequence;
        let pause = self.pauses.after(exited.ran);
        let (stream, reason) = (&self.job.stream, exited.reason);
        tracing::warn!(stream, ?pause, ran = ?exited.ran, "ffmpeg ended, starts again: {reason}");
        ctx.run_later(pause, Self::start_ffmpeg);
    }
}

impl Handler<StopTranscoder> for TranscoderActor {
    type Result = LocalBoxFuture<'static, ()>;

    fn handle(&mut self, _: StopTranscoder, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        let running = self.running.take();
        Box::pin(async move {
            if let Some(Running { stop, task }) = running {
                drop(stop);
                // The task neither panics nor is aborted, so there is no error to tell of.
                let _ = task.await;
            }
        })
    }
}

/// One ffmpeg from start to end.
struct Run {
    job: Job,
    stream: Recipient<SegmentReady>,
    next_sequence: u64,
    timeline: u64,
}

impl Run {
    /// Runs until ffmpeg ends, hangs or fails, and says so; or until `stop` is dropped, and then
    /// says nothing.
    async fn until(mut self, stop: oneshot::Receiver<()>) -> Option<FfmpegExited> {
        let began = Instant::now();
        let reason = match self.start().await {
            Ok(ffmpeg) => self.follow(ffmpeg, stop).await?,
            Err(reason) => reason,
        };
        Some(FfmpegExited { next_sequence: self.next_sequence, ran: began.elapsed(), reason })
    }

    async fn start(&self) -> Result<FfmpegProcess, String> {
        let Job { folder, stream, .. } = self.job.clone();
        match spawn_blocking(move || clean(&folder, &stream)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(error) => return Err(error.to_string()),
        }
        let ffmpeg = FfmpegProcess::start(&self.job, self.next_sequence);
        let ffmpeg = ffmpeg.map_err(|error| format!("it cannot be started: {error}"))?;
        tracing::info!(stream = self.job.stream, pid = ffmpeg.id(), "ffmpeg started");
        Ok(ffmpeg)
    }

    async fn follow(
        &mut self,
        mut ffmpeg: FfmpegProcess,
        mut stop: oneshot::Receiver<()>,
    ) -> Option<String> {
        let mut poll = interval(FOLDER_POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stall = STALL_MIN.max(self.job.card.segment * STALL_SEGMENTS);
        let mut last_segment = Instant::now();
        let reason = loop {
            tokio::select! {
                _ = &mut stop => {
                    self.kill(&mut ffmpeg).await;
                    return None;
                }
                ended = ffmpeg.wait() => break match ended {
                    Ok(status) => status.to_string(),
                    Err(error) => error.to_string(),
                },
                _ = poll.tick() => match self.deliver().await {
                    Ok(0) if last_segment.elapsed() > stall => {
                        break format!("no new segment for {stall:?}");
                    }
                    Ok(0) => {}
                    Ok(_) => last_segment = Instant::now(),
                    Err(reason) => break reason,
                },
            }
        };
        self.kill(&mut ffmpeg).await;
        // What it finished between the last poll and its end. The reason for the end is known.
        let _ = self.deliver().await;
        match ffmpeg.last_words().await {
            Some(line) => Some(format!("{reason}; its last words: {line}")),
            None => Some(reason),
        }
    }

    /// Delivers what ffmpeg has finished since the last call, and returns how many that were.
    async fn deliver(&mut self) -> Result<usize, String> {
        let (folder, next_sequence) = (self.job.folder.clone(), self.next_sequence);
        let taken = spawn_blocking(move || take(&folder, next_sequence)).await;
        let taken = taken.map_err(|error| error.to_string())?;
        let taken = taken.map_err(|error| error.to_string())?;
        let count = taken.len();
        for (written, bytes) in taken {
            self.next_sequence = written.sequence + 1;
            self.stream.do_send(SegmentReady(Segment {
                name: written.file.into(),
                sequence: written.sequence,
                timeline: self.timeline,
                duration: written.duration,
                recorded_at: written.recorded_at,
                bytes,
            }));
        }
        Ok(count)
    }

    async fn kill(&self, ffmpeg: &mut FfmpegProcess) {
        if let Err(error) = ffmpeg.kill().await {
            tracing::warn!(stream = self.job.stream, %error, "ffmpeg cannot be killed");
        }
    }
}

/// How long to wait before ffmpeg is started again.
#[derive(Debug, Default)]
struct Pauses {
    last: Option<Duration>,
}

impl Pauses {
    /// The pause after a run of this length.
    fn after(&mut self, ran: Duration) -> Duration {
        let pause = match self.last {
            Some(last) if ran < RESTART_DELAY_RESETS_AFTER => (last * 2).min(RESTART_DELAY_MAX),
            _ => RESTART_DELAY_MIN,
        };
        self.last = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_bound_and_start_again_after_a_good_run() {
        let mut pauses = Pauses::default();
        let short = Duration::from_secs(5);
        let seconds: Vec<u64> = (0..7).map(|_| pauses.after(short).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pauses.after(RESTART_DELAY_RESETS_AFTER), RESTART_DELAY_MIN);
        assert_eq!(pauses.after(short).as_secs(), 2);
    }
}
