//! Who asks for a stream, and when last: sources that cost something run only as long as somebody
//! does, and tracks that are taken from afar only while somebody plays them. Written by every
//! request, so it is three atomics; read by the stream, once a second.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::limits::TRACKS_MAX;

/// What a request is for, besides for the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// For a list of tracks, or for nothing that is there.
    NoTrack,
    /// For a playlist, a header or a segment of the track with this index.
    Track(usize),
    /// For what describes the segments of all tracks at once.
    AllTracks,
}

/// When a stream, and each of its tracks, was last asked for.
#[derive(Debug)]
pub(crate) struct Demand {
    since: Instant,
    /// Milliseconds after `since`.
    last_asked_ms: AtomicU64,
    /// By index, as the source declared them.
    track_last_asked_ms: [AtomicU64; TRACKS_MAX],
    asked: Notify,
}

impl Default for Demand {
    fn default() -> Self {
        Demand {
            since: Instant::now(),
            last_asked_ms: AtomicU64::new(0),
            track_last_asked_ms: Default::default(),
            asked: Notify::new(),
        }
    }
}

impl Demand {
    /// Somebody asks for a file of the stream.
    pub(crate) fn ask(&self, wanted: Wanted) {
        let now_ms = self.now_ms();
        let tracks = match wanted {
            Wanted::NoTrack => &[],
            Wanted::Track(track) => self.track_last_asked_ms.get(track..=track).unwrap_or(&[]),
            Wanted::AllTracks => &self.track_last_asked_ms,
        };
        // Who waits does so for long; a notice each millisecond is enough for him, but one for each
        // track that he may wait for.
        let is_news = |at: &AtomicU64| at.swap(now_ms, Ordering::Relaxed) != now_ms;
        let of_tracks = tracks.iter().filter(|track| is_news(track)).count();
        if is_news(&self.last_asked_ms) || of_tracks > 0 {
            self.asked.notify_waiters();
        }
    }

    /// Resolves when somebody has asked after `idle_since_ms`.
    pub(crate) async fn after(&self, idle_since_ms: u64) {
        let mut asked = pin!(self.asked.notified());
        // Listens before it looks, so that no request comes in between.
        asked.as_mut().enable();
        if self.last_asked_ms.load(Ordering::Relaxed) <= idle_since_ms {
            asked.await;
        }
    }

    /// Resolves when somebody wants this track, or has wanted it within the last `idle`.
    pub(crate) async fn for_track(&self, track: usize, idle: Duration) {
        loop {
            let mut asked = pin!(self.asked.notified());
            asked.as_mut().enable();
            if self.wants(track, idle) {
                return;
            }
            asked.await;
        }
    }

    /// Whether somebody has wanted this track within the last `idle`.
    pub(crate) fn wants(&self, track: usize, idle: Duration) -> bool {
        let last_ms = self.track_last_asked_ms.get(track).map(|at| at.load(Ordering::Relaxed));
        let ago = |last_ms| Duration::from_millis(self.now_ms().saturating_sub(last_ms));
        last_ms.is_some_and(|last_ms| last_ms > 0 && ago(last_ms) < idle)
    }

    /// How long nobody has asked.
    pub(crate) fn idle(&self) -> Duration {
        let last_ms = self.last_asked_ms.load(Ordering::Relaxed);
        Duration::from_millis(self.now_ms().saturating_sub(last_ms))
    }

    /// Never 0, which is when nobody has asked yet.
    pub(crate) fn now_ms(&self) -> u64 {
        self.since.elapsed().as_millis() as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_request_is_seen_by_who_waited_before_it_and_who_looks_after_it() {
        let demand = Demand::default();
        let mut waiting = Box::pin(demand.after(0));
        assert!(waiting.as_mut().now_or_never().is_none());
        demand.ask(Wanted::NoTrack);
        assert!(waiting.now_or_never().is_some());
        assert!(demand.after(0).now_or_never().is_some());
        assert!(demand.after(demand.now_ms()).now_or_never().is_none());
        assert!(demand.idle() < Duration::from_secs(10));
    }

    #[test]
    fn a_track_is_heard_of_in_the_same_millisecond_as_another() {
        let (demand, idle) = (Demand::default(), Duration::from_secs(10));
        // Most of these pairs fall into one millisecond.
        for _ in 0..100 {
            demand.track_last_asked_ms[1].store(0, Ordering::Relaxed);
            let mut waiting = Box::pin(demand.for_track(1, idle));
            demand.ask(Wanted::Track(0));
            assert!(waiting.as_mut().now_or_never().is_none());
            demand.ask(Wanted::Track(1));
            assert!(waiting.now_or_never().is_some());
        }
    }

    #[test]
    fn each_track_is_wanted_for_itself() {
        let (demand, idle) = (Demand::default(), Duration::from_secs(10));
        let mut waiting = Box::pin(demand.for_track(1, idle));
        demand.ask(Wanted::NoTrack);
        demand.ask(Wanted::Track(0));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!([0, 1, 2].map(|track| demand.wants(track, idle)), [true, false, false]);
        std::thread::sleep(Duration::from_millis(2));
        demand.ask(Wanted::Track(1));
        assert!(waiting.now_or_never().is_some());
        assert!(!demand.wants(1, Duration::ZERO));
        demand.ask(Wanted::AllTracks);
        assert!((0..TRACKS_MAX).all(|track| demand.wants(track, idle)));
        demand.ask(Wanted::Track(TRACKS_MAX));
        assert!(!demand.wants(TRACKS_MAX, idle));
    }
}
