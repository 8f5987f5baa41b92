//! Cross-origin access for every page. The headers go out with every answer, asked for by an
//! `Origin` or not, and without `Vary`: a CDN keeps one copy for all, and a copy without them would
//! lock out the players. (This is why actix-cors, which answers per `Origin`, is not used.)

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderName,
};
use actix_web::{HttpResponse, HttpResponseBuilder};

/// What can be done with a stream's files.
pub(super) const METHODS: &str = "GET, HEAD, OPTIONS";

/// What scripts may read besides the few headers that they always may: players need lengths, to
/// measure and to ask for parts, and dates, to know how live they are.
const EXPOSED: &str =
    "Accept-Ranges, Age, Content-Length, Content-Range, Date, ETag, Server-Timing";

/// What scripts may send. Range is here for browsers that do not yet let a simple one pass.
const ALLOWED: &str = "Range, If-Range, If-None-Match";

/// Lets pages elsewhere see how long a download took to begin, by which players choose a quality.
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// Seconds that a browser may remember a preflight: a day, of which Chromium takes two hours.
const PREFLIGHT_MAX_AGE: &str = "86400";

/// Opens an answer to all pages.
pub(super) fn open(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((TIMING_ALLOW_ORIGIN, "*"))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED));
    response
}

/// The answer to any `OPTIONS`.
pub(super) fn preflight() -> HttpResponse {
    open(HttpResponse::NoContent())
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED))
        .insert_header((ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE))
        .insert_header((CACHE_CONTROL, format!("public, max-age={PREFLIGHT_MAX_AGE}")))
        .finish()
}
