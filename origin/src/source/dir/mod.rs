//! A folder that some packager fills with HLS. It is looked at ten times a second, which costs a few
//! small reads, and finds a change on any file system, over a network, too.

mod desk;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::packaged::{goes_on, patience};
use super::running::Running;
use super::{Patience, Playing, Sink, Source};
use crate::config::Dir;
use crate::limits::FOLDER_POLL;
use desk::Desk;

/// Plays a folder.
pub(crate) struct DirSource {
    /// Taken by each run in turn, so that the next one goes on where the last has ended.
    desk: Rc<Mutex<Desk>>,
    /// The longest segment that is to be expected, once that is known.
    target: Rc<Cell<Duration>>,
}

impl DirSource {
    pub(crate) fn new(stream: &str, dir: &Dir, first_segments: usize) -> Self {
        let desk = Rc::new(Mutex::new(Desk::new(stream, dir, first_segments)));
        DirSource { desk, target: Rc::default() }
    }
}

impl Source for DirSource {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        let (desk, target) = (self.desk.clone(), self.target.clone());
        Running::start(|stopped| run(desk, target, sink, stopped))
    }

    fn patience(&self) -> Patience {
        let stall = Some(patience(self.target.get()));
        Patience { first: stall, next: stall }
    }
}

/// One run, until it is stopped or the packager says that it ends. Returns what was wrong.
async fn run(
    desk: Rc<Mutex<Desk>>,
    target: Rc<Cell<Duration>>,
    sink: Sink,
    mut stopped: oneshot::Receiver<()>,
) -> Option<String> {
    let mut desk = desk.lock().await;
    desk.packager.follower.begin_again();
    let mut poll = interval(FOLDER_POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut stopped => return desk.packager.last_words(),
            _ = poll.tick() => {}
        }
        let round = desk.look(&sink).await;
        target.set(desk.packager.target().unwrap_or_default());
        if !goes_on(round, &sink, "the packager has ended its playlist").await {
            return desk.packager.last_words();
        }
    }
}
