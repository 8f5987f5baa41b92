//! What an encoder sends over HTTP, by PUT, POST and DELETE of playlists and segments. Nothing of it
//! is passed through: what has come is held, and the encoder's playlists say what is delivered.

mod desk;
mod intake;
mod refusal;
mod room;
mod seat;
mod upload;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

pub(crate) use intake::{Intake, Intakes};
pub(crate) use refusal::Refusal;
pub(crate) use upload::Upload;

use super::packaged::{goes_on, patience};
use super::running::Running;
use super::{Patience, Playing, Sink, Source};
use crate::limits::PACKAGER_WATCH;

/// Plays what comes in.
pub(crate) struct PushSource {
    intake: Arc<Intake>,
    /// The longest segment that is to be expected, once that is known.
    target: Rc<Cell<Duration>>,
}

impl PushSource {
    pub(crate) fn new(intake: Arc<Intake>) -> Self {
        PushSource { intake, target: Rc::default() }
    }
}

impl Source for PushSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        let (intake, target) = (self.intake.clone(), self.target.clone());
        Running::start(|stopped| run(intake, target, sink, stopped))
    }

    /// An encoder may come whenever it wants, and then has to go on.
    fn patience(&self) -> Patience {
        Patience { first: None, next: Some(patience(self.target.get())) }
    }
}

/// One run, until it is stopped or the encoder says that it ends. Returns what was wrong.
async fn run(
    intake: Arc<Intake>,
    target: Rc<Cell<Duration>>,
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
        if let Some(longest) = desk.packager.target() {
            target.set(longest);
        }
        if !goes_on(round, &sink, "the encoder has ended its playlist").await {
            return desk.packager.last_words();
        }
    }
}
