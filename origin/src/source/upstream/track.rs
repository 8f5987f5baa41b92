//! One track of an upstream: while somebody wants it, its new segments are taken as they appear and
//! delivered in order. What fails for a while is told once, and what was taken stays.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::listing::{Item, Listing, Problem};
use super::survey::Feed;
use super::taking::{Taken, Taker};
use super::{CLOSED, End, Run};
use crate::limits::{
    SOURCE_WATCH, TRACK_IDLE, UPSTREAM_AHEAD, UPSTREAM_STALL_MIN, UPSTREAM_STALL_TARGETS,
    UPSTREAM_START_SEGMENTS, UPSTREAM_TIMELINES_MAX,
};
use crate::playlist::{Delivery, Track};
use crate::source::{Closed, Supply};

/// What segments are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Play,
    /// To learn what the track is.
    Sample,
}

/// Follows one track for one run.
pub(super) struct TrackTask {
    run: Rc<Run>,
    index: usize,
    name: Arc<str>,
    /// The stream's only track is wanted whenever the stream is.
    is_alone: bool,
    feed: Feed,
    taker: Rc<Taker>,
    /// The upstream's number of the newest segment that was taken, or given up.
    newest: Option<u64>,
    /// Whether the next segments may be any: the track has just been woken.
    is_fresh: bool,
    /// Whether it has delivered anything: a list of tracks needs a segment of each.
    is_known: bool,
    /// A sample, or the last one that was taken while nobody wanted the track, so that it is not
    /// taken again for whoever comes next.
    kept: Option<(u64, Taken)>,
    /// When something new last came, or the track was woken.
    alive_at: Instant,
    /// Of the newest listing.
    target: Duration,
    /// What fails at present, so that it is told once.
    failing: bool,
}

impl TrackTask {
    pub(super) fn new(run: Rc<Run>, index: usize, of: Track, is_alone: bool, feed: Feed) -> Self {
        let taker = Taker {
            fetcher: run.fetcher.clone(),
            container: of.container,
            permits: run.permits.clone(),
            header: Mutex::new(None),
        };
        let newest = run.memory.borrow().taken(&of.name);
        TrackTask {
            run,
            index,
            name: of.name,
            is_alone,
            feed,
            taker: Rc::new(taker),
            newest,
            is_fresh: newest.is_none(),
            is_known: newest.is_some(),
            kept: None,
            alive_at: Instant::now(),
            target: Duration::ZERO,
            failing: false,
        }
    }

    /// Follows the track until that makes no sense any more.
    pub(super) async fn follow(mut self) -> End {
        loop {
            let step = match self.is_wanted() || !self.is_known {
                true => self.step().await,
                false => self.rest().await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn is_wanted(&self) -> bool {
        self.is_alone || self.run.demand.wants(self.index, TRACK_IDLE)
    }

    /// What is there of a track that nobody plays grows old, so it is forgotten.
    async fn rest(&mut self) -> Result<(), End> {
        self.run.sink.deliver(Supply::Rests { track: self.index }).await?;
        self.run.demand.for_track(self.index, TRACK_IDLE).await;
        (self.is_fresh, self.newest) = (true, None);
        self.alive_at = Instant::now();
        self.feed.hurry();
        Ok(())
    }

    /// Waits for news, and takes what is new. Of a track that nobody wants and nothing is known of,
    /// that is a sample.
    async fn step(&mut self) -> Result<(), End> {
        let purpose = match self.is_known || self.is_wanted() {
            true => Purpose::Play,
            false => Purpose::Sample,
        };
        match self.feed.next(&self.run.fetcher, self.newest).await {
            Ok(listing) => {
                let is_over = listing.is_over;
                self.target = listing.target;
                let news = self.news(listing, purpose).await?;
                self.take(news, purpose).await?;
                self.check_alive().await?;
                if is_over {
                    self.wait_for_the_others().await?;
                }
                match (purpose, self.is_known) {
                    (Purpose::Sample, true) => self.rest().await,
                    _ => Ok(()),
                }
            }
            Err(Problem::Passing(reason)) => {
                self.fail(reason).await?;
                self.check_alive().await
            }
            Err(Problem::Lasting(reason)) => Err(End(reason)),
        }
    }

    /// What to take of a listing: all that is new, or of a track that begins, or that has fallen
    /// behind, the newest.
    async fn news(&mut self, listing: Listing, purpose: Purpose) -> Result<Vec<Item>, End> {
        let Listing { mut items, numbers, .. } = listing;
        let count = match purpose {
            Purpose::Play => UPSTREAM_START_SEGMENTS,
            Purpose::Sample => 1,
        };
        let missed = match (numbers, self.newest) {
            (Some((oldest, _)), Some(newest)) if !self.is_fresh => {
                oldest > newest.saturating_add(1)
            }
            _ => false,
        };
        if missed || self.is_fresh {
            items.drain(..items.len().saturating_sub(count));
        }
        if let (true, Some(newest), Some(next)) = (missed, self.newest, items.first()) {
            let (from, to) = (newest + 1, next.sequence - 1);
            self.fail(format!("segments {from} to {to} of {} were missed", self.name)).await?;
        }
        self.is_fresh &= items.is_empty();
        Ok(items)
    }

    /// Several at a time, delivered in order.
    async fn take(&mut self, items: Vec<Item>, purpose: Purpose) -> Result<(), End> {
        let taker = self.taker.clone();
        let mut kept = self.kept.take();
        let take = |item: Item| {
            let taker = taker.clone();
            let kept = kept.take_if(|(sequence, _)| *sequence == item.sequence);
            async move {
                match kept {
                    Some((_, taken)) => (Ok(taken), item),
                    None => (taker.take(&item).await, item),
                }
            }
        };
        let mut taking = stream::iter(items).map(take).buffered(UPSTREAM_AHEAD);
        while let Some((taken, item)) = taking.next().await {
            self.newest = Some(item.sequence);
            match taken {
                Ok(taken) => self.deliver(&item, taken, purpose).await?,
                Err(reason) => {
                    let (name, sequence) = (&self.name, item.sequence);
                    self.fail(format!("segment {sequence} of {name} is left out: {reason}"))
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, item: &Item, taken: Taken, purpose: Purpose) -> Result<(), End> {
        let timeline = item.timeline.saturating_sub(self.run.first_timeline);
        if timeline > UPSTREAM_TIMELINES_MAX {
            return Err(End(format!("{} has {timeline} discontinuities in one run", self.name)));
        }
        let sequence = self.run.memory.borrow_mut().take(&self.name, item.sequence);
        let Some(sequence) = sequence else {
            let (name, number) = (&self.name, item.sequence);
            return Err(End(format!("{name} is at number {number}, which players cannot count")));
        };
        let delivery = Delivery {
            track: self.index,
            sequence: Some(sequence),
            timeline,
            duration: item.duration,
            recorded_at: item.recorded_at.unwrap_or_else(SystemTime::now),
            header: taken.header.clone(),
            bytes: taken.bytes.clone(),
        };
        let supply = match purpose {
            Purpose::Play => Supply::Segment(delivery),
            Purpose::Sample => Supply::Sample(delivery),
        };
        self.run.sink.deliver(supply).await?;
        if purpose == Purpose::Sample || !self.is_wanted() {
            self.kept = Some((item.sequence, Taken { _permit: None, ..taken }));
        }
        self.is_known = true;
        self.failing = false;
        self.alive_at = Instant::now();
        self.run.last_progress.set(self.alive_at);
        Ok(())
    }

    /// Tells of a failure, unless it goes on from one that was told.
    async fn fail(&mut self, reason: String) -> Result<(), End> {
        if !std::mem::replace(&mut self.failing, true) {
            self.run.sink.deliver(Supply::Fails(reason)).await?;
        }
        Ok(())
    }

    /// A run of which no track brings anything is ended: a look from the beginning may find more.
    /// While another track goes well, one that doesn't is told of, and goes on trying.
    async fn check_alive(&mut self) -> Result<(), End> {
        let patience = UPSTREAM_STALL_MIN.max(self.target * UPSTREAM_STALL_TARGETS);
        if self.alive_at.elapsed() < patience {
            return Ok(());
        }
        let reason = format!("no new segment of {} for {patience:?}", self.name);
        if self.run.last_progress.get().elapsed() >= patience {
            return Err(End(reason));
        }
        self.fail(reason).await
    }

    /// The stream has ended when all that is wanted of it has.
    async fn wait_for_the_others(&mut self) -> Result<(), End> {
        if let Some(over) = self.run.over.borrow_mut().get_mut(self.index) {
            *over = true;
        }
        loop {
            let is_done =
                |(track, over): (usize, &bool)| *over || !self.run.demand.wants(track, TRACK_IDLE);
            if self.run.over.borrow().iter().enumerate().all(is_done) {
                return Err(End("the upstream's stream has ended".to_owned()));
            }
            sleep(SOURCE_WATCH).await;
        }
    }
}

impl From<Closed> for End {
    fn from(Closed: Closed) -> Self {
        End(CLOSED.to_owned())
    }
}
