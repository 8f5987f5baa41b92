//! Whether the node is well, in one line and with the reason: the rules of
//! `docs/operating/alerts.yml` without their patience, since whoever looks at the dashboard wants to
//! know what an alert will say. A test holds the thresholds of both against each other.

use std::time::Duration;

use serde::Serialize;

use super::tally::Tally;
use crate::close::Close;
use crate::latency::quantile;
use crate::transport::turned_away::TurnedAway;

/// Share of its file descriptors that a node may use.
const DESCRIPTORS_MAX: f64 = 0.8;

/// How long before its end a certificate should have been renewed.
const CERTIFICATE_LEFT_MIN: Duration = Duration::from_secs(14 * 86_400);

/// Share of a core that the busiest worker may use.
const BUSY_MAX: f64 = 0.8;

/// Seconds that one relay of a hundred may take.
const RELAY_P99_MAX_S: f64 = 0.25;

/// Slow readers for each announce.
const SLOW_READERS_MAX: f64 = 0.01;

/// Refusals for each message, and how many a second don't matter beside.
const REFUSALS_MAX: f64 = 0.2;
const REFUSALS_PER_SECOND_MAX: f64 = 1.0;

/// What the page says first.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    pub(super) state: State,
    /// The worst first; none when all is well.
    pub(super) reasons: Vec<Reason>,
}

/// How bad it is, by whether viewers notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    Well,
    /// Viewers will (`severity: ticket`).
    Warning,
    /// Viewers do (`severity: page`).
    Trouble,
}

/// One thing that isn't well.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    /// The rule's name in `alerts.yml`.
    pub(super) alert: &'static str,
    pub(super) text: String,
    #[serde(skip)]
    state: State,
}

/// What is judged.
#[derive(Debug)]
pub(super) struct Signs<'a> {
    /// What was counted in the last five minutes, and in the last ten, and how long that is while
    /// the node is younger.
    pub(super) five_minutes: &'a Tally,
    pub(super) ten_minutes: &'a Tally,
    pub(super) ten_minutes_s: f64,
    /// Share of a core of the busiest worker, over five minutes.
    pub(super) busiest: f64,
    /// Share of the file descriptors, where the system says it.
    pub(super) descriptors: Option<f64>,
    /// Until the first certificate of a listener ends.
    pub(super) certificate_left: Option<Duration>,
    /// Names of streams whose source has ended and is started again.
    pub(super) failing_streams: Vec<&'a str>,
    /// Whether there should be a NATS, and there is none.
    pub(super) alone: bool,
    pub(super) stopping: bool,
}

impl Signs<'_> {
    pub(super) fn judge(&self) -> Verdict {
        let mut reasons: Vec<_> = [
            self.full(),
            self.descriptors(),
            self.alone(),
            self.streams(),
            self.workers(),
            self.slow_relays(),
            self.drops(),
            self.slow_readers(),
            self.refusals(),
            self.twins(),
            self.certificate(),
            self.stopping(),
        ]
        .into_iter()
        .flatten()
        .collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.state));
        let state = reasons.first().map_or(State::Well, |worst| worst.state);
        Verdict { state, reasons }
    }

    fn full(&self) -> Option<Reason> {
        let full = TurnedAway::Full { key: "", bound: 0 }.index();
        let refused = self.five_minutes.turned_away[full];
        trouble(refused > 0, "TrackerFull", || {
            format!("it has as many sockets as it may: {refused} newcomers were refused lately")
        })
    }

    fn descriptors(&self) -> Option<Reason> {
        let used = self.descriptors?;
        trouble(used > DESCRIPTORS_MAX, "TrackerDescriptorsNearLimit", || {
            format!("{} of the file descriptors are in use", percent(used))
        })
    }

    fn alone(&self) -> Option<Reason> {
        trouble(self.alone, "TrackerAlone", || {
            "it has no NATS: its viewers don't meet those on other nodes".to_owned()
        })
    }

    /// No rule of Prometheus's: what an operator does about it is the encoder's business.
    fn streams(&self) -> Option<Reason> {
        let names = &self.failing_streams;
        warning(!names.is_empty(), "StreamFailing", || match names.as_slice() {
            [one] => format!("the source of stream {one} fails"),
            several => format!("the sources of {} streams fail", several.len()),
        })
    }

    fn workers(&self) -> Option<Reason> {
        warning(self.busiest > BUSY_MAX, "TrackerWorkersBusy", || {
            format!("the busiest worker uses {} of a core", percent(self.busiest))
        })
    }

    fn slow_relays(&self) -> Option<Reason> {
        let p99_s = quantile(&self.five_minutes.relay_times, 0.99)?;
        warning(p99_s > RELAY_P99_MAX_S, "TrackerPassesOnSlowly", || {
            format!("one offer of a hundred is held for {:.0} ms", p99_s * 1000.0)
        })
    }

    fn drops(&self) -> Option<Reason> {
        let dropped = self.five_minutes.undelivered;
        warning(dropped > 0, "TrackerDropsMessages", || {
            format!("{dropped} messages between workers were dropped lately")
        })
    }

    fn slow_readers(&self) -> Option<Reason> {
        let closed = self.ten_minutes.closes[Close::SlowReader.index()];
        let bound = SLOW_READERS_MAX * self.ten_minutes.announces as f64;
        warning(closed as f64 > bound, "TrackerSlowReaders", || {
            format!("{closed} sockets were closed lately, as they don't read")
        })
    }

    fn refusals(&self) -> Option<Reason> {
        let refused: u64 = self.ten_minutes.refusals.iter().sum();
        let unremarkable = REFUSALS_PER_SECOND_MAX * self.ten_minutes_s.max(1.0);
        let bound = REFUSALS_MAX * self.ten_minutes.messages() as f64 + unremarkable;
        warning(refused as f64 > bound, "TrackerRefusesMuch", || {
            format!("{refused} messages were refused lately, more than a fifth of what it serves")
        })
    }

    fn twins(&self) -> Option<Reason> {
        warning(self.ten_minutes.twins > 0, "TrackerNameTwice", || {
            "two nodes have one name: the log has it".to_owned()
        })
    }

    fn certificate(&self) -> Option<Reason> {
        let left = self.certificate_left?;
        warning(left < CERTIFICATE_LEFT_MIN, "TrackerCertificateEnds", || {
            format!("a certificate ends in {} days", left.as_secs() / 86_400)
        })
    }

    fn stopping(&self) -> Option<Reason> {
        warning(self.stopping, "TrackerStopsForLong", || "it is stopping".to_owned())
    }
}

fn trouble(is_so: bool, alert: &'static str, text: impl FnOnce() -> String) -> Option<Reason> {
    is_so.then(|| Reason { alert, text: text(), state: State::Trouble })
}

fn warning(is_so: bool, alert: &'static str, text: impl FnOnce() -> String) -> Option<Reason> {
    is_so.then(|| Reason { alert, text: text(), state: State::Warning })
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests;
