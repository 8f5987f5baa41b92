//! The counts as Prometheus reads them, in its text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). They are on a listener and a
//! thread of their own, as is the list of swarms: an operator's business, which costs no viewer a
//! moment.

use std::fmt::Display;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use actix_web::dev::ServerHandle;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use origin::Counts;
use origin::exposition::{MEDIA_TYPE, Metric, Page};

use crate::bus::Cluster;
use crate::latency::Histogram;
use crate::limits::{METRICS_CONNECTIONS_MAX, METRICS_REQUEST_TIMEOUT};
use crate::node::Node;
use crate::process;
use crate::swarm_list;

/// Serves `/metrics` and `/swarms.json`, on one thread.
///
/// # Errors
///
/// When the system refuses.
pub(crate) fn serve(
    node: &Arc<Node>,
    origin: Option<Counts>,
    listener: TcpListener,
) -> io::Result<ServerHandle> {
    let began = SystemTime::now();
    let exposition = Data::new(Exposition { node: node.clone(), origin, began });
    let node = Data::from(node.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(exposition.clone())
            .app_data(node.clone())
            .route("/metrics", web::get().to(metrics))
            .route("/metrics", web::head().to(metrics))
            .route("/swarms.json", web::get().to(swarm_list::page))
            .route("/swarms.json", web::head().to(swarm_list::page))
    })
    .workers(1)
    .max_connections(METRICS_CONNECTIONS_MAX)
    .client_request_timeout(METRICS_REQUEST_TIMEOUT)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok(handle)
}

struct Exposition {
    node: Arc<Node>,
    origin: Option<Counts>,
    began: SystemTime,
}

async fn metrics(exposition: Data<Exposition>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, MEDIA_TYPE))
        .body(exposition.text())
}

impl Exposition {
    fn text(&self) -> String {
        let mut page = Page::default();
        self.node(&mut page);
        self.messages(&mut page);
        self.connections(&mut page);
        self.partitions(&mut page);
        if let Some(cluster) = &self.node.cluster {
            self.cluster(cluster, &mut page);
        }
        if let Some(origin) = &self.origin {
            origin.write(&mut page);
        }
        self.process(&mut page);
        page.into_text()
    }

    fn node(&self, page: &mut Page) {
        let node = &self.node;
        page.gauge("tracker_build_info", "What runs; the value is always 1.")
            .labelled("version", [(env!("CARGO_PKG_VERSION"), 1)]);
        page.gauge("tracker_stopping", "1 while the tracker hangs up on its clients to stop.")
            .value(u8::from(node.is_stopping()));
        let by_worker = || (0u16..).zip(node.metrics.workers());
        page.gauge("tracker_connections", "Open WebSockets by the worker that serves them.")
            .labelled(
                "worker",
                by_worker().map(|(id, worker)| (id, worker.connections.load(Relaxed))),
            );
        page.gauge("tracker_peers", "Members of swarms by worker; a viewer of two counts twice.")
            .labelled("worker", by_worker().map(|(id, worker)| (id, worker.peers.load(Relaxed))));
        page.gauge("tracker_worker_busy_ratio", "Share of a core that the worker's thread uses.")
            .labelled("worker", by_worker().map(|(id, worker)| (id, worker.busy_ratio())));
        page.gauge("tracker_announce_interval_seconds", "What clients are asked for at present.")
            .value(node.announce_interval().as_secs());
        page.gauge("tracker_swarms", "Swarms with a member.").value(node.swarms());
    }

    fn messages(&self, page: &mut Page) {
        let counts = &self.node.metrics;
        let totals = counts.totals();
        page.counter(
            "tracker_messages_total",
            "Announces and scrapes that were answered, offers and answers that were passed on.",
        )
        .labelled(
            "kind",
            [
                ("announce", totals.announces),
                ("offer", totals.offers_relayed),
                ("answer", totals.answers_relayed),
                ("scrape", totals.scrapes),
            ],
        );
        let relay = page.metric(
            "tracker_relay_seconds",
            "histogram",
            "Time from the read that brought an offer or answer to the write that sent it on.",
        );
        let by_worker = (0u16..).zip(counts.workers());
        by_label(relay, "worker", by_worker.map(|(id, worker)| (id, &worker.relay_times)));
        page.counter("tracker_offers_withheld_total", "Offers that were not passed on.").labelled(
            "reason",
            [("early", totals.offers_early), ("receiver_rate", totals.offers_over_rate)],
        );
        page.counter("tracker_refusals_total", "Messages that were refused; their sockets stay.")
            .labelled("reason", counts.refusals());
    }

    fn connections(&self, page: &mut Page) {
        let counts = &self.node.metrics;
        page.counter("tracker_handshakes_refused_total", "WebSocket handshakes that were refused.")
            .labelled("reason", counts.turned_away());
        page.counter(
            "tracker_connections_delayed_total",
            "Connections that waited for their turn, since their address opens too many a second.",
        )
        .value(counts.arrivals_delayed());
        page.counter(
            "tracker_read_pauses_total",
            "Times that a WebSocket wasn't read for a second, since it sent too many frames.",
        )
        .value(counts.read_pauses());
        page.counter("tracker_closes_total", "WebSockets that ended.")
            .labelled("reason", counts.closes());
        page.counter(
            "tracker_deflate_bytes_total",
            "Payloads of compressed messages, as they went over the wire and as they were before.",
        )
        .labelled("kind", counts.deflate_bytes());
        page.counter("tracker_tls_handshakes_total", "TLS handshakes that ended.")
            .labelled("result", counts.handshakes());
        page.gauge(
            "tracker_tls_expiry_timestamp_seconds",
            "Until when a listener's certificate is valid, in seconds since 1970.",
        )
        .labelled(
            "listener",
            self.node
                .certificates
                .iter()
                .map(|(listener, certificate)| (listener, certificate.not_after().as_secs())),
        );
    }

    fn partitions(&self, page: &mut Page) {
        let counts = &self.node.metrics;
        let totals = counts.totals();
        page.counter("tracker_relocations_total", "Sockets that moved to their swarm's worker.")
            .value(totals.relocated);
        page.counter(
            "tracker_undelivered_total",
            "Messages dropped because the worker of their receiver was too busy to take them.",
        )
        .value(totals.undelivered);
        page.counter(
            "tracker_messages_elsewhere_total",
            "Messages to clients whose sockets are another worker's than their swarm.",
        )
        .value(counts.elsewhere());
        page.gauge(
            "tracker_partitions",
            "Partitions of swarms with a member, one for each worker.",
        )
        .value(counts.partitions());
        page.counter(
            "tracker_crossed_workers_total",
            "Messages between partitions of this node's workers.",
        )
        .value(counts.crossed_workers());
        page.counter(
            "tracker_crossed_total",
            "What partitions have said to others, on this node or another, and heard of them.",
        )
        .labelled("kind", counts.crossed());
    }

    fn cluster(&self, cluster: &Cluster, page: &mut Page) {
        let counts = &cluster.counts;
        page.gauge("tracker_cluster_connected", "Whether NATS is there.")
            .value(u8::from(counts.is_connected()));
        page.gauge("tracker_cluster_nodes", "Other nodes that are there.")
            .value(cluster.presence().len());
        page.counter(
            "tracker_cluster_twins_total",
            "Times that a node came whose name another one has that lives.",
        )
        .value(counts.twins.get());
        page.gauge("tracker_cluster_queue_bytes", "What waits for NATS.")
            .value(cluster.queued_bytes());
        page.counter("tracker_cluster_messages_total", "Messages to and from other nodes.")
            .labelled(
                "direction",
                [
                    ("sent", counts.messages_sent.get()),
                    ("received", counts.messages_received.get()),
                ],
            );
        page.counter("tracker_cluster_bytes_total", "What was in these messages.").labelled(
            "direction",
            [("sent", counts.bytes_sent.get()), ("received", counts.bytes_received.get())],
        );
        page.counter("tracker_cluster_dropped_total", "What never came to another node, or of it.")
            .labelled("reason", counts.dropped());
    }

    /// Under the names that every Prometheus client library uses.
    fn process(&self, page: &mut Page) {
        if let Some(cpu) = process::cpu_time() {
            page.counter("process_cpu_seconds_total", "Processor time, user and system.")
                .value(cpu.as_secs_f64());
        }
        if let Some(bytes) = process::resident_bytes() {
            page.gauge("process_resident_memory_bytes", "Resident memory.").value(bytes);
        }
        if let Some(open) = process::open_descriptors() {
            page.gauge("process_open_fds", "File descriptors in use.").value(open);
        }
        if let Some(most) = process::descriptors_max() {
            page.gauge("process_max_fds", "File descriptors that the process may have.")
                .value(most);
        }
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        page.gauge("process_start_time_seconds", "When it started, in seconds since 1970.")
            .value(began.as_secs_f64());
    }
}

/// A histogram for each value of `label`.
fn by_label<'a, L: Display>(
    mut metric: Metric<'_>,
    label: &str,
    histograms: impl IntoIterator<Item = (L, &'a Histogram)>,
) {
    for (of, histogram) in histograms {
        let mut all = 0;
        for (bound, count) in histogram.cumulated() {
            all = count;
            metric.sample("_bucket", &[(label, &of), ("le", &bound)], count);
        }
        metric.sample("_sum", &[(label, &of)], histogram.sum_s());
        metric.sample("_count", &[(label, &of)], all);
    }
}
