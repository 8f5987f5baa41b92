//! The streams over HTTP as players and CDNs want them: `GET`, `HEAD` and `OPTIONS` of
//! `/live/{stream}/{file}`. All answers come from memory, and a name is only ever looked up there,
//! so no request reaches a file.

mod coding;
mod cors;
mod loans;
mod object;
#[cfg(target_os = "linux")]
mod sendable;
mod streams;
mod upload;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use actix_web::http::header::{ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, VIA};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Deserialize;

use crate::access::{Access, Denied, Scope, Signature};
use crate::playlist::{CLOCK, date};
use crate::source::Intakes;
use crate::store::{Found, Kind, MANIFEST, Shelf, Store};
use loans::Loans;
use object::Object;
#[cfg(target_os = "linux")]
pub(crate) use sendable::Sendable;

/// Errors pass, so caches may keep them for a second, which still shields the origin.
const ERROR_CACHE: &str = "public, max-age=1";

/// A second is near enough for a clock that tells players how live they are.
const CLOCK_CACHE: &str = "public, max-age=1";

/// Where the time went (W3C Server Timing).
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What all requests are answered from.
#[derive(Debug)]
struct Served {
    store: Arc<Store>,
    access: Arc<Access>,
}

/// What a path names.
#[derive(Debug, Deserialize)]
struct Asked {
    stream: String,
    file: String,
    /// Of an address that was signed.
    #[serde(default)]
    signature: Option<String>,
}

/// See [`crate::Origin::routes`].
pub(crate) fn routes(
    store: Arc<Store>,
    intakes: Intakes,
    access: Arc<Access>,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let served = Data::new(Served { store, access });
    move |app| {
        upload::mount(app, &intakes);
        let loans = Rc::new(Loans::default());
        for path in ["/live/{stream}/{file}", "/live/{stream}/{signature:~[^/]*}/{file}"] {
            app.service(
                web::resource(path)
                    .app_data(served.clone())
                    .app_data(loans.clone())
                    .route(web::get().to(get))
                    .route(web::head().to(get))
                    .route(web::method(Method::OPTIONS).to(preflight))
                    .default_service(web::to(method_not_allowed)),
            );
        }
        app.service(
            web::resource("/streams.json")
                .app_data(served.clone())
                .route(web::get().to(streams::list)),
        );
    }
}

async fn get(request: HttpRequest, asked: web::Path<Asked>, served: Data<Served>) -> HttpResponse {
    let began = Instant::now();
    if served.is_own(&request) {
        return error(StatusCode::LOOP_DETECTED, "This origin asks itself for the stream.\n");
    }
    let shelf = served.store.shelf(&asked.stream);
    let mut response = match served.admit(&request, &asked) {
        Ok(seconds_left) => answer(&request, &asked, shelf, seconds_left).await,
        Err(why) => {
            served.traffic(shelf).denied(why);
            denied(why)
        }
    };
    if let Some(shelf) = shelf
        && let Some(timing) = server_timing(began, shelf)
    {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
    served.traffic(shelf).answered(Kind::of(&asked.file), response.status().as_u16());
    response
}

async fn answer(
    request: &HttpRequest,
    asked: &Asked,
    shelf: Option<&Arc<Shelf>>,
    seconds_left: Option<u64>,
) -> HttpResponse {
    let (Some(shelf), Some(loans)) = (shelf, request.app_data::<Rc<Loans>>()) else {
        return error(StatusCode::NOT_FOUND, "There is no such stream.\n");
    };
    if asked.file == CLOCK {
        return clock();
    }
    match shelf.file(&asked.file).await {
        Found::Here(file) => Object::new(file, request, seconds_left).answer(request, shelf, loans),
        Found::Starting => starting(),
        Found::Nothing if asked.file == MANIFEST => error(
            StatusCode::NOT_FOUND,
            "The stream has no DASH manifest: its segments are MPEG-TS. HLS is index.m3u8.\n",
        ),
        Found::Nothing => {
            error(StatusCode::NOT_FOUND, "The stream has no such file, or no longer.\n")
        }
    }
}

impl Served {
    /// Whether a request comes from this origin's own pulling of an upstream.
    fn is_own(&self, request: &HttpRequest) -> bool {
        let mut via = request.headers().get_all(VIA);
        via.any(|via| self.store.pseudonym.is_in(via.as_bytes()))
    }

    /// Whether a request may have what it asks for, and for how many seconds yet.
    fn admit(&self, request: &HttpRequest, asked: &Asked) -> Result<Option<u64>, Denied> {
        self.admit_from_cdn(request)?;
        let signature = match &asked.signature {
            Some(part) => Signature::from_path(part).ok_or(Denied::Forged).map(Some),
            None => Ok(Signature::from_query(request.query_string())),
        };
        let scopes = [Scope::Stream(&asked.stream), Scope::File(&asked.stream, &asked.file)];
        self.access.check_signature(signature?.as_ref(), &scopes, SystemTime::now())
    }

    fn admit_from_cdn(&self, request: &HttpRequest) -> Result<(), Denied> {
        let cdn = self.access.cdn.as_ref();
        let is_from_it = cdn.is_none_or(|cdn| cdn.is_in(request.headers()));
        if is_from_it { Ok(()) } else { Err(Denied::Secret) }
    }

    fn traffic<'a>(&'a self, shelf: Option<&'a Arc<Shelf>>) -> &'a crate::store::Traffic {
        shelf.map_or(&self.store.strays, |shelf| &shelf.traffic)
    }
}

/// In milliseconds: how long the origin took, which is long where a playlist was waited for, and
/// how old the newest segment was.
fn server_timing(began: Instant, shelf: &Shelf) -> Option<HeaderValue> {
    let took_ms = began.elapsed().as_secs_f64() * 1000.0;
    let timing = match shelf.segment_age() {
        Some(age) => format!("origin;dur={took_ms:.3}, newest-segment;dur={}", age.as_millis()),
        None => format!("origin;dur={took_ms:.3}"),
    };
    timing.parse().ok()
}

/// A page elsewhere asks what it may ask for. No page signs that, so only the CDN has to be known.
async fn preflight(
    request: HttpRequest,
    asked: web::Path<Asked>,
    served: Data<Served>,
) -> HttpResponse {
    let traffic = served.traffic(served.store.shelf(&asked.stream));
    let response = match served.admit_from_cdn(&request) {
        Ok(()) => cors::preflight(),
        Err(why) => {
            traffic.denied(why);
            denied(why)
        }
    };
    traffic.answered(Kind::of(&asked.file), response.status().as_u16());
    response
}

/// The time, for DASH players (`UTCTiming`).
fn clock() -> HttpResponse {
    text(StatusCode::OK, CLOCK_CACHE).body(date(SystemTime::now()))
}

fn starting() -> HttpResponse {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, ERROR_CACHE);
    response.insert_header((RETRY_AFTER, "1")).body("The stream is starting.\n")
}

/// Without a body, for which there might be no room.
fn busy() -> HttpResponse {
    let mut response = cors::open(HttpResponse::ServiceUnavailable());
    response.insert_header((CACHE_CONTROL, ERROR_CACHE)).insert_header((RETRY_AFTER, "1")).finish()
}

async fn method_not_allowed() -> HttpResponse {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, ERROR_CACHE);
    response.insert_header((ALLOW, cors::METHODS)).body("Use GET, HEAD or OPTIONS.\n")
}

/// What one may not have another may, so no cache keeps the refusal.
fn denied(why: Denied) -> HttpResponse {
    text(StatusCode::FORBIDDEN, "no-store").body(why.text())
}

fn error(status: StatusCode, why: &'static str) -> HttpResponse {
    text(status, ERROR_CACHE).body(why)
}

/// An answer for people, which may be kept as `cache` says.
fn text(status: StatusCode, cache: &'static str) -> HttpResponseBuilder {
    let mut response = cors::open(HttpResponse::build(status));
    response.insert_header((CACHE_CONTROL, cache)).content_type("text/plain; charset=utf-8");
    response
}
