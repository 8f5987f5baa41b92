//! The binary's private listener: `/metrics` for Prometheus, and `/health` for a supervisor.

use std::io;
use std::net::TcpListener;

use actix_server::ServerHandle;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};

use crate::Counts;
use crate::exposition::{MEDIA_TYPE, Page};
use crate::limits::{METRICS_CONNECTIONS_MAX, REQUEST_TIMEOUT};

/// Serves the counts, on a thread of their own.
pub(super) fn serve(listener: TcpListener, counts: Counts) -> io::Result<ServerHandle> {
    let counts = Data::new(counts);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(counts.clone())
            .route("/metrics", web::get().to(metrics))
            .route("/metrics", web::head().to(metrics))
            .route("/health", web::get().to(health))
    })
    .workers(1)
    .max_connections(METRICS_CONNECTIONS_MAX)
    .client_request_timeout(REQUEST_TIMEOUT)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

async fn metrics(counts: Data<Counts>) -> HttpResponse {
    let mut page = Page::default();
    counts.write(&mut page);
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, MEDIA_TYPE))
        .body(page.into_text())
}

/// The process lives and its listener answers.
async fn health() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).body("ok\n")
}
