//! The last hour in numbers, a row a second, in a ring of a fixed size: whoever opens the dashboard
//! sees what has been before it came. It is sent in columns of 4-byte floats, which a browser reads
//! as they are.

use std::collections::VecDeque;

use actix_web::web::Bytes;

use super::tally::Moment;
use crate::latency::quantile;
use crate::limits::{SAMPLE_TICK, SAMPLES_MAX};
use crate::node::Node;
use crate::process;

/// What each sample has, in this order. Rates are a second's, times in seconds, memory in bytes, and
/// `cpu` in cores.
pub(super) const COLUMNS: [&str; 12] = [
    "connections",
    "peers",
    "swarms",
    "announces",
    "relays",
    "relayP50",
    "relayP99",
    "refusals",
    "closes",
    "turnedAway",
    "cpu",
    "memory",
];

/// A sample. What isn't known is no number (`NaN`).
pub(super) type Row = [f32; COLUMNS.len()];

const UNKNOWN: Row = [f32::NAN; COLUMNS.len()];

/// The samples of an hour, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    rows: VecDeque<Row>,
    /// Of all samples that there have been, kept or not.
    number: u64,
}

impl History {
    /// How many samples there have been.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The newest.
    pub(super) fn newest(&self) -> &Row {
        self.rows.back().unwrap_or(&UNKNOWN)
    }

    /// Adds a sample that comes `seconds` behind the last one. Where the machine has slept, the rows
    /// in between are unknown.
    pub(super) fn push(&mut self, row: Row, seconds: f64) {
        let missed = (seconds / SAMPLE_TICK.as_secs_f64()).round() as usize;
        for _ in 1..missed.min(SAMPLES_MAX) {
            self.add(UNKNOWN);
        }
        self.add(row);
    }

    fn add(&mut self, row: Row) {
        if self.rows.len() == SAMPLES_MAX {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
        self.number += 1;
    }

    /// One column behind the other, each from the oldest sample to the newest, little-endian.
    pub(super) fn to_bytes(&self) -> Bytes {
        let columns = (0..COLUMNS.len())
            .flat_map(|column| self.rows.iter().map(move |row| row[column].to_le_bytes()));
        let mut bytes = Vec::with_capacity(self.rows.len() * size_of::<Row>());
        columns.for_each(|number| bytes.extend(number));
        bytes.into()
    }
}

/// The sample of `now`: rates are since `before`, and relay times since `earlier`, since a second has
/// too few of them for a hundredth part.
pub(super) fn row(node: &Node, now: &Moment, before: &Moment, earlier: &Moment) -> Row {
    let seconds = now.seconds_since(before).max(f64::MIN_POSITIVE);
    let new = now.tally.since(&before.tally);
    let rate = |count: u64| count as f64 / seconds;
    let relay_times = now.tally.since(&earlier.tally).relay_times;
    let quantile = |share| quantile(&relay_times, share).unwrap_or(f64::NAN);
    let figures: [f64; COLUMNS.len()] = [
        node.metrics.connections() as f64,
        node.metrics.peers() as f64,
        node.swarms() as f64,
        rate(new.announces),
        rate(new.relays),
        quantile(0.5),
        quantile(0.99),
        rate(new.refusals.iter().sum()),
        rate(new.closes.iter().sum()),
        rate(new.turned_away.iter().sum()),
        now.cores_since(before).unwrap_or(f64::NAN),
        process::resident_bytes().map_or(f64::NAN, |bytes| bytes as f64),
    ];
    figures.map(|figure| figure as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first column as it is sent.
    fn sent(history: &History) -> Vec<f32> {
        let bytes = history.to_bytes();
        assert_eq!(bytes.len(), history.len() * COLUMNS.len() * 4);
        let (numbers, _) = bytes.as_chunks();
        numbers.iter().take(history.len()).map(|number| f32::from_le_bytes(*number)).collect()
    }

    fn full_of(number: f32) -> Row {
        [number; COLUMNS.len()]
    }

    #[test]
    fn it_has_the_last_hour_and_no_more() {
        let mut history = History::default();
        assert_eq!(sent(&history), Vec::<f32>::new());
        for number in 0..SAMPLES_MAX + 5 {
            history.push(full_of(number as f32), 1.001);
        }
        let sent = sent(&history);
        assert_eq!((sent[0], sent.last(), sent.len()), (5.0, Some(&3604.0), SAMPLES_MAX));
        assert_eq!(history.number(), SAMPLES_MAX as u64 + 5);
    }

    #[test]
    fn seconds_that_were_missed_are_unknown_and_take_their_place() {
        let mut history = History::default();
        for (number, seconds) in [(1.0, 0.0), (2.0, 1.4), (3.0, 3.2), (4.0, 0.4)] {
            history.push(full_of(number), seconds);
        }
        let sent = sent(&history);
        assert_eq!(sent.iter().filter(|number| number.is_nan()).count(), 2);
        assert_eq!((sent[1], sent[4], sent[5]), (2.0, 3.0, 4.0));
        history.push(full_of(5.0), 1e9);
        assert_eq!(history.len(), SAMPLES_MAX, "a clock that jumps takes no memory");
        assert_eq!(history.newest(), &full_of(5.0));
    }
}
