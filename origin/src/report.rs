//! How each stream is, for operators: what `/streams.json` lists, and what whoever runs the origin
//! shows of it in its own pages.

use serde::Serialize;

use crate::store::{Shelf, Store, TrackSummary};

/// One stream.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamReport {
    /// As the config calls it.
    pub name: String,
    /// `idle`, `starting`, `live` or `failing`.
    pub state: &'static str,
    /// How long ago its newest segment came.
    pub last_segment_seconds_ago: Option<f64>,
    /// Of all tracks together.
    pub bits_per_second: u64,
    tracks: Vec<TrackSummary>,
    /// Times that its source was started again.
    pub restarts: u64,
    /// Why it was, the last time.
    pub last_failure: Option<String>,
}

impl StreamReport {
    /// All streams, by name.
    pub(crate) fn of_all(store: &Store) -> Vec<Self> {
        let mut streams: Vec<_> =
            store.shelves().map(|(name, shelf)| Self::of(name, shelf)).collect();
        streams.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        streams
    }

    fn of(name: &str, shelf: &Shelf) -> Self {
        let (status, tracks) = (shelf.status(), shelf.tracks());
        Self {
            name: name.to_owned(),
            state: status.state.label(),
            last_segment_seconds_ago: shelf.segment_age().map(|age| age.as_secs_f64()),
            bits_per_second: tracks.iter().filter_map(|track| track.bits_per_second).sum(),
            tracks,
            restarts: status.restarts,
            last_failure: status.last_failure,
        }
    }
}
