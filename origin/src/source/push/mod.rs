//! What an encoder sends over HTTP, by PUT, POST and DELETE of playlists and segments. Nothing of it
//! is passed through: what has come is held, and the encoder's playlists say what is delivered.

mod desk;
mod intake;
mod refusal;
mod room;
mod seat;
mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

pub(crate) use intake::{Intake, Intakes};
pub(crate) use refusal::Refusal;
pub(crate) use upload::Upload;

use super::packaged::Running;
use super::{Closed, Patience, Playing, Round, Sink, Source, Supply};
use crate::limits::{PACKAGER_STALL_TARGETS, PACKAGER_WATCH, STALL_MIN};

/// Plays what comes in.
pub(crate) struct PushSource {
    intake: Arc<Intake>,
    /// Seconds that the encoder's segments have at the most, once that is known.
    target_seconds: Arc<AtomicU64>,
}

impl PushSource {
    pub(crate) fn new(intake: Arc<Intake>) -> Self {
        PushSource { intake, target_seconds: Arc::default() }
    }
}

impl Source for PushSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        let (intake, target_seconds) = (self.intake.clone(), self.target_seconds.clone());
        Running::start(|stopped| run(intake, target_seconds, sink, stopped))
    }

    /// An encoder may come whenever it wants, and then has to go on.
    fn patience(&self) -> Patience {
        let target = Duration::from_secs(self.target_seconds.load(Ordering::Relaxed));
        let next = STALL_MIN.max(target * PACKAGER_STALL_TARGETS);
        Patience { first: None, next: Some(next) }
    }
}

/// One run, until it is stopped or the encoder says that it ends. Returns what was wrong.
async fn run(
    intake: Arc<Intake>,
    target_seconds: Arc<AtomicU64>,
    sink: Sink,
    mut stopped: oneshot::Receiver<()>,
) -> Option<String> {
    // The run before may still be at its last delivery.
    let mut desk = intake.desk.lock().await;
    desk.packager.follower.begin_again();
    let mut watch = interval(PACKAGER_WATCH);
    watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut stopped => return desk.packager.last_words(),
            _ = watch.tick() => desk.tidy(),
            Some(arrival) = desk.arriving.recv() => {
                desk.take(arrival);
                while let Ok(arrival) = desk.arriving.try_recv() {
                    desk.take(arrival);
                }
            }
        }
        let round = desk.deliver(&sink).await;
        if let Some(target) = desk.packager.target() {
            target_seconds.store(target.as_secs(), Ordering::Relaxed);
        }
        match round {
            Ok(Round::GoesOn) => {}
            Ok(Round::Over) => {
                let reason = "the encoder has ended its playlist".to_owned();
                let _ = sink.deliver(Supply::Ended(reason)).await;
                return desk.packager.last_words();
            }
            Err(Closed) => return desk.packager.last_words(),
        }
    }
}
