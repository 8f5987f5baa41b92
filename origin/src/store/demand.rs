//! Who asks for a stream, and when last: sources that cost something run only as long as somebody
//! does. Written by every request, so it is two atomics; read by the stream, once a second.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// When a stream was last asked for.
#[derive(Debug)]
pub(crate) struct Demand {
    since: Instant,
    /// Milliseconds after `since`.
    last_asked_ms: AtomicU64,
    asked: Notify,
}

impl Default for Demand {
    fn default() -> Self {
        Demand { since: Instant::now(), last_asked_ms: AtomicU64::new(0), asked: Notify::new() }
    }
}

impl Demand {
    /// Somebody asks for the stream.
    pub(crate) fn ask(&self) {
        let now_ms = self.now_ms();
        let before_ms = self.last_asked_ms.swap(now_ms, Ordering::Relaxed);
        // Who waits does so for long; a notice each millisecond is enough for him.
        if now_ms != before_ms {
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
        demand.ask();
        assert!(waiting.now_or_never().is_some());
        assert!(demand.after(0).now_or_never().is_some());
        assert!(demand.after(demand.now_ms()).now_or_never().is_none());
        assert!(demand.idle() < Duration::from_secs(10));
    }
}
