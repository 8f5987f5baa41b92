//! `/streams.json`: how each stream is, for operators and their scripts.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{Served, denied};
use crate::report::StreamReport;

/// The answer, by name.
pub(super) async fn list(request: HttpRequest, served: web::Data<Served>) -> HttpResponse {
    if let Err(why) = served.admit_from_cdn(&request) {
        served.store.strays.denied(why);
        return denied(why);
    }
    let streams = StreamReport::of_all(&served.store);
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(streams)
}
