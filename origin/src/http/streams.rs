//! `/streams.json`: how each stream is, for operators and their scripts.

use std::time::{Duration, SystemTime};

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::store::{Shelf, State, Store};

/// One stream in the list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stream<'a> {
    name: &'a str,
    state: &'static str,
    /// How long ago its newest segment came.
    last_segment_seconds_ago: Option<f64>,
    restarts: u64,
    last_failure: Option<String>,
}

/// The answer, by name.
pub(super) async fn list(store: web::Data<Store>) -> HttpResponse {
    let mut streams: Vec<_> = store.shelves().map(|(name, shelf)| stream(name, shelf)).collect();
    streams.sort_unstable_by_key(|stream| stream.name);
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(streams)
}

fn stream<'a>(name: &'a str, shelf: &Shelf) -> Stream<'a> {
    let status = shelf.status();
    let ago = |at: SystemTime| at.elapsed().unwrap_or(Duration::ZERO).as_secs_f64();
    Stream {
        name,
        state: match status.state {
            State::Idle => "idle",
            State::Starting => "starting",
            State::Live => "live",
            State::Failing => "failing",
        },
        last_segment_seconds_ago: status.last_segment_at.map(ago),
        restarts: status.restarts,
        last_failure: status.last_failure,
    }
}
