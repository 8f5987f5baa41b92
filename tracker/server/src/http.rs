//! The pages of the tracker's port beside the sockets: its state for people and for whoever
//! watches over it.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data, ServiceConfig};
use serde::Serialize;

use crate::config::ServerConfig;
use crate::metrics::Totals;
use crate::node::Node;
use crate::process;

/// Mounts `/stats.json`, `/health` and `/ready` on the listener of `server`.
pub(crate) fn routes(
    node: Arc<Node>,
    server: Arc<ServerConfig>,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    move |app| {
        app.app_data(Data::from(node.clone()))
            .app_data(Data::from(server.clone()))
            .route("/stats.json", web::get().to(stats))
            .route("/stats.json", web::head().to(stats))
            .route("/health", web::get().to(health))
            .route("/health", web::head().to(health))
            .route("/ready", web::get().to(ready))
            .route("/ready", web::head().to(ready));
    }
}

/// wt-tracker's keys, and what this tracker counts besides.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    torrents_count: usize,
    peers_count: usize,
    servers: Vec<ServerStats>,
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
    let sockets = node.metrics.connections_by_listener().into_iter();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Stats {
        torrents_count: node.swarms(),
        peers_count: node.metrics.peers(),
        servers: sockets.map(|web_sockets_count| ServerStats { web_sockets_count }).collect(),
        memory: Memory { rss: process::resident_bytes().unwrap_or(0) },
        workers: usize::from(node.workers()),
        totals: node.metrics.totals(),
    })
}

/// The process lives and its listener answers: a supervisor restarts it when this fails.
async fn health() -> HttpResponse {
    said(StatusCode::OK, "ok\n")
}

/// A new viewer would be taken: a load balancer sends them elsewhere when this fails. The origin's
/// streams don't matter for it, since peers are introduced whether this node has video or not, and
/// a playlist that has no segment yet makes its viewers wait by itself.
async fn ready(node: Data<Node>, server: Data<ServerConfig>) -> HttpResponse {
    if node.shards().count() < usize::from(node.workers()) {
        return said(StatusCode::SERVICE_UNAVAILABLE, "the tracker is starting");
    }
    match node.turns_away(&server) {
        Some(why) => said(StatusCode::SERVICE_UNAVAILABLE, why.reason()),
        None => said(StatusCode::OK, "ready\n"),
    }
}

fn said(status: StatusCode, text: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body(text)
}
