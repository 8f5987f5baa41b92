//! What a dashboard is told: a greeting with the hour before, a tick a second, and a survey now and
//! then. Each is the same for all who look, and is written once; each has a size of its own that
//! doesn't grow with the node's viewers.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

use bytestring::ByteString;
use origin::StreamReport;
use serde::Serialize;
use tracker_core::Reason;

use super::history::{COLUMNS, Row};
use super::survey::{NodeRow, SwarmRow};
use super::tally::{Moment, Tally};
use super::verdict::Verdict;
use crate::close::Close;
use crate::limits::SAMPLE_TICK;
use crate::node::Node;
use crate::process;
use crate::transport::turned_away::TurnedAway;

/// What is told.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Report<'a> {
    /// First of all; a binary message with the history follows.
    Hello {
        version: &'static str,
        started_at_ms: u64,
        tick_ms: u64,
        columns: [&'static str; COLUMNS.len()],
        /// Rows of the history, and the number of the newest.
        rows: usize,
        number: u64,
    },
    /// A second has passed.
    Tick(Box<Tick<'a>>),
    /// The lists.
    Survey {
        swarms: Vec<SwarmRow>,
        /// Of all, shown or not.
        swarms_in_all: usize,
        streams: &'a [StreamReport],
        #[serde(skip_serializing_if = "Option::is_none")]
        nodes: Option<Vec<NodeRow>>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tick<'a> {
    /// Of this sample: where one is missing, a tick was dropped.
    number: u64,
    at_ms: u64,
    /// Null is unknown.
    row: &'a Row,
    verdict: Verdict,
    workers: Vec<WorkerRow>,
    refusals: Vec<Counted>,
    turned_away: Vec<Counted>,
    closes: Vec<Counted>,
    announce_interval_seconds: u64,
    files_open: Option<usize>,
    files_max: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkerRow {
    connections: usize,
    peers: usize,
    /// Share of a core.
    busy: f32,
    relays_per_second: f64,
}

/// How often something happened for one reason.
#[derive(Serialize)]
struct Counted {
    reason: &'static str,
    /// Since the start.
    total: u64,
    /// In the last five minutes.
    recently: u64,
}

impl Report<'_> {
    /// As it is sent.
    pub(super) fn to_text(&self) -> ByteString {
        // Numbers, texts and lists: none of it can fail to be written.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

impl<'a> Tick<'a> {
    /// The node `now`, a second after `before`; `recently` is what came in the last five minutes.
    pub(super) fn of(
        node: &Node,
        (number, row): (u64, &'a Row),
        (now, before): (&Moment, &Moment),
        recently: &Tally,
        verdict: Verdict,
    ) -> Self {
        let tally = &now.tally;
        Self {
            number,
            at_ms: milliseconds(SystemTime::now()),
            row,
            verdict,
            workers: workers(node, now, before),
            refusals: counted(Reason::LABELS, &tally.refusals, &recently.refusals),
            turned_away: counted(TurnedAway::LABELS, &tally.turned_away, &recently.turned_away),
            closes: counted(Close::LABELS, &tally.closes, &recently.closes),
            announce_interval_seconds: node.announce_interval().as_secs(),
            files_open: process::open_descriptors_at_once(),
            files_max: process::descriptors_max(),
        }
    }
}

pub(super) fn hello<'a>(started: SystemTime, rows: usize, number: u64) -> Report<'a> {
    Report::Hello {
        version: env!("CARGO_PKG_VERSION"),
        started_at_ms: milliseconds(started),
        tick_ms: SAMPLE_TICK.as_millis() as u64,
        columns: COLUMNS,
        rows,
        number,
    }
}

fn workers(node: &Node, now: &Moment, before: &Moment) -> Vec<WorkerRow> {
    let seconds = now.seconds_since(before).max(f64::MIN_POSITIVE);
    let moments = now.workers.iter().zip(&before.workers);
    let rows =
        node.metrics.workers().iter().zip(moments).map(|(counts, (now, before))| WorkerRow {
            connections: counts.connections.load(Relaxed),
            peers: counts.peers.load(Relaxed),
            busy: now.busy,
            relays_per_second: now.relayed.saturating_sub(before.relayed) as f64 / seconds,
        });
    rows.collect()
}

/// The reasons for which something has happened at all.
fn counted<const N: usize>(
    labels: [&'static str; N],
    totals: &[u64; N],
    recently: &[u64; N],
) -> Vec<Counted> {
    let counts = labels.into_iter().zip(totals.iter().zip(recently));
    counts
        .filter(|(_, (total, _))| **total > 0)
        .map(|(reason, (&total, &recently))| Counted { reason, total, recently })
        .collect()
}

fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
