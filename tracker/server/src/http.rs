//! The pages of the tracker's port beside the sockets: its state for people and for whoever
//! watches over it.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data, ServiceConfig};
use serde::Serialize;

use crate::metrics::Totals;
use crate::process;
use crate::worker::Node;

/// Mounts `/stats.json` and `/health`.
pub(crate) fn routes(node: Arc<Node>) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    move |app| {
        app.app_data(Data::from(node.clone()))
            .route("/stats.json", web::get().to(stats))
            .route("/stats.json", web::head().to(stats))
            .route("/health", web::get().to(health))
            .route("/health", web::head().to(health));
    }
}

/// wt-tracker's keys, and what this tracker counts besides.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    torrents_count: usize,
    peers_count: usize,
    servers: [ServerStats; 1],
    memory: Memory,
    workers: usize,
    #[serde(flatten)]
    totals: Totals,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerStats {
    web_sockets_count: usize,
}

/// wt-tracker shows Node's `process.memoryUsage()`, in bytes; of it, what a Rust process has.
#[derive(Serialize)]
struct Memory {
    rss: u64,
}

async fn stats(node: Data<Node>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Stats {
        torrents_count: node.directory.len(),
        peers_count: node.metrics.peers(),
        servers: [ServerStats { web_sockets_count: node.metrics.connections() }],
        memory: Memory { rss: process::resident_bytes().unwrap_or(0) },
        workers: usize::from(node.workers()),
        totals: node.metrics.totals(),
    })
}

async fn health() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body("ok\n")
}
