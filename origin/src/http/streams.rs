//! `/streams.json`: how each stream is, for operators and their scripts.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::{Served, denied};
use crate::store::{Shelf, TrackSummary};

/// One stream in the list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stream<'a> {
    name: &'a str,
    state: &'static str,
    /// How long ago its newest segment came.
    last_segment_seconds_ago: Option<f64>,
    /// Of all tracks together.
    bits_per_second: u64,
    tracks: Vec<TrackSummary>,
    restarts: u64,
    last_failure: Option<String>,
}

/// The answer, by name.
pub(super) async fn list(request: HttpRequest, served: web::Data<Served>) -> HttpResponse {
    if let Err(why) = served.admit_from_cdn(&request) {
        served.store.strays.denied(why);
        return denied(why);
    }
    let shelves = served.store.shelves();
    let mut streams: Vec<_> = shelves.map(|(name, shelf)| stream(name, shelf)).collect();
    streams.sort_unstable_by_key(|stream| stream.name);
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(streams)
}

fn stream<'a>(name: &'a str, shelf: &Shelf) -> Stream<'a> {
    let (status, tracks) = (shelf.status(), shelf.tracks());
    Stream {
        name,
        state: status.state.label(),
        last_segment_seconds_ago: shelf.segment_age().map(|age| age.as_secs_f64()),
        bits_per_second: tracks.iter().filter_map(|track| track.bits_per_second).sum(),
        tracks,
        restarts: status.restarts,
        last_failure: status.last_failure,
    }
}
