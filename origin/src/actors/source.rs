//! Supervises one source: starts it, passes on what it delivers, ends it when it hangs, and starts
//! it again after growing pauses.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::prelude::*;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};

use crate::limits::{
    REFUSED_PATIENCE, RESTART_DELAY_MAX, RESTART_DELAY_MIN, RESTART_DELAY_RESETS_AFTER,
    SOURCE_WATCH,
};
use crate::source::{Patience, Playing, Sink, Source, Supply};

/// Owns one source, from its start until [`StopSource`].
pub(crate) struct SourceActor {
    /// The stream's name, for the log.
    stream: String,
    source: Box<dyn Source>,
    /// What whoever had it started calls it.
    from: usize,
    to: Recipient<Supplied>,
    /// Counts the runs, so that what an ended one still had to say is known as its.
    run: u64,
    running: Option<Running>,
    /// The end of the run before, while it takes its time.
    ending: Option<Shared<LocalBoxFuture<'static, Option<String>>>>,
    pauses: Pauses,
}

struct Running {
    playing: Box<dyn Playing>,
    began: Instant,
    fate: Arc<Fate>,
    life: Life,
}

/// What became of the segments of one run, as its stream says, which judges them.
#[derive(Debug, Default)]
pub(crate) struct Fate(Mutex<Judged>);

#[derive(Debug, Clone, Default)]
struct Judged {
    taken: u64,
    refused: u64,
    /// Why the last one was refused.
    why: String,
}

/// What shows that a run is alive, looked at now and then: segments that were taken.
#[derive(Debug, Default)]
struct Life {
    last_segment: Option<Instant>,
    taken: u64,
    refused: u64,
    /// Since when nothing was taken and something refused.
    refused_since: Option<Instant>,
}

/// Sent by a run of the source through its [`Sink`]; answered when it has been taken.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct FromSource {
    pub(crate) run: u64,
    pub(crate) supply: Supply,
}

/// What the source says, to whoever had it started: of an end, it is already being mended.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Supplied {
    pub(crate) from: usize,
    pub(crate) supply: Supply,
    /// Where to say what became of a segment.
    pub(crate) fate: Arc<Fate>,
}

/// Ends the source; answered when it has let go of everything.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StopSource;

impl SourceActor {
    pub(crate) fn new(
        stream: String,
        source: Box<dyn Source>,
        from: usize,
        to: Recipient<Supplied>,
    ) -> Self {
        let pauses = Pauses::default();
        SourceActor { stream, source, from, to, run: 0, running: None, ending: None, pauses }
    }

    fn begin_run(&mut self, ctx: &mut Context<Self>) {
        self.ending = None;
        self.run += 1;
        let playing = self.source.play(Sink::new(ctx.address().recipient(), self.run));
        let (began, fate, life) = (Instant::now(), Arc::default(), Life::default());
        self.running = Some(Running { playing, began, fate, life });
    }

    fn watch(&mut self, ctx: &mut Context<Self>) {
        let Some(running) = &mut self.running else {
            return;
        };
        if let Err(reason) = running.life.look(&running.fate, Instant::now()) {
            return self.end_run(reason, ctx);
        }
        let Patience { first, next } = self.source.patience();
        let (since, patience) = match running.life.last_segment {
            Some(last) => (last, next),
            None => (running.began, first),
        };
        if let Some(patience) = patience.filter(|patience| since.elapsed() > *patience) {
            self.end_run(format!("no new segment for {patience:?}"), ctx);
        }
    }

    fn end_run(&mut self, reason: String, ctx: &mut Context<Self>) {
        let Some(Running { playing, began, .. }) = self.running.take() else {
            return;
        };
        let (ran, ending) = (began.elapsed(), playing.stop().shared());
        self.ending = Some(ending.clone());
        let ended = ending.into_actor(self);
        ctx.spawn(ended.map(move |last_words, source, ctx| {
            let reason = match last_words {
                Some(words) => format!("{reason}; its last words: {words}"),
                None => reason,
            };
            source.start_again(ran, reason, ctx);
        }));
    }

    fn start_again(&mut self, ran: Duration, reason: String, ctx: &mut Context<Self>) {
        let (stream, pause) = (&self.stream, self.pauses.after(ran));
        tracing::warn!(stream, ?pause, ?ran, "the source ended, starts again: {reason}");
        self.to.do_send(Supplied::of(self.from, Supply::Ended(reason)));
        ctx.run_later(pause, Self::begin_run);
    }
}

impl Supplied {
    /// What nobody is to judge.
    pub(crate) fn of(from: usize, supply: Supply) -> Self {
        Supplied { from, supply, fate: Arc::default() }
    }
}

impl Fate {
    /// A segment was taken.
    pub(crate) fn take(&self) {
        self.judge(|judged| judged.taken += 1);
    }

    /// One was not, and why.
    pub(crate) fn refuse(&self, why: String) {
        self.judge(|judged| {
            judged.refused += 1;
            judged.why = why;
        });
    }

    fn judge<T>(&self, with: impl FnOnce(&mut Judged) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Life {
    /// Looks at what has become of the run's segments. An error is why it counts as dead: it still
    /// delivers, and for long nothing that could be taken.
    fn look(&mut self, fate: &Fate, now: Instant) -> Result<(), String> {
        let Judged { taken, refused, why } = fate.judge(|judged| judged.clone());
        if taken > self.taken {
            *self = Life { last_segment: Some(now), taken, refused, refused_since: None };
        } else if refused > self.refused {
            self.refused = refused;
            let since = *self.refused_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= REFUSED_PATIENCE {
                return Err(format!("nothing of {REFUSED_PATIENCE:?} could be taken: {why}"));
            }
        }
        Ok(())
    }
}

impl Actor for SourceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.begin_run(ctx);
        ctx.run_interval(SOURCE_WATCH, Self::watch);
    }
}

impl Handler<FromSource> for SourceActor {
    type Result = ();

    fn handle(&mut self, FromSource { run, supply }: FromSource, ctx: &mut Self::Context) {
        let Some(running) = self.running.as_ref().filter(|_| run == self.run) else {
            return;
        };
        match supply {
            Supply::Ended(reason) => self.end_run(reason, ctx),
            supply => {
                let (from, fate) = (self.from, running.fate.clone());
                self.to.do_send(Supplied { from, supply, fate });
            }
        }
    }
}

impl Handler<StopSource> for SourceActor {
    type Result = LocalBoxFuture<'static, ()>;

    fn handle(&mut self, _: StopSource, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        let stopping = self.running.take().map(|running| running.playing.stop());
        let ending = self.ending.take();
        Box::pin(async move {
            if let Some(stopping) = stopping {
                stopping.await;
            }
            if let Some(ending) = ending {
                ending.await;
            }
        })
    }
}

/// How long to wait before a source is started again.
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
#[allow(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_no_life_and_for_long_it_is_an_end() {
        let (mut life, fate, began) = (Life::default(), Fate::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        fate.refuse("half a segment".to_owned());
        assert_eq!(life.look(&fate, at(1)), Ok(()));
        assert_eq!(life.last_segment, None);
        // One that was taken makes up for it.
        fate.take();
        assert_eq!(life.look(&fate, at(30)), Ok(()));
        assert_eq!(life.last_segment, Some(at(30)));
        fate.refuse("an old one".to_owned());
        assert_eq!(life.look(&fate, at(31)), Ok(()));
        assert_eq!(
            life.look(&fate, at(60)),
            Ok(()),
            "it says nothing, which has bounds of its own"
        );
        fate.refuse("half a segment".to_owned());
        let dead = life.look(&fate, at(61)).expect_err("an end");
        assert_eq!(dead, "nothing of 15s could be taken: half a segment");
        assert_eq!(life.last_segment, Some(at(30)));
    }

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
