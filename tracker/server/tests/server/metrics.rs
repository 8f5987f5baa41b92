//! What Prometheus reads: every event shows under its name, and nobody reads it but the operator.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{Client, Server, announce, answer, http, id, offer};

/// A tracker with `/metrics` on a port of its own.
fn server() -> Server {
    Server::with(&json!({"metrics": {"port": 0}}))
}

#[test]
fn each_message_is_counted_by_its_kind_and_each_member_once() {
    let server = server();
    let (mut ann, mut bob) = (server.client(), server.client());
    ann.announce("film", "ann");
    bob.announce_with("film", "bob", &json!({"offers": [offer("o", "an offer")]}));
    let offered = ann.hear();
    ann.say(&answer("ann", &offered, "an answer"));
    assert!(bob.hear()["answer"].is_object());
    bob.fence("film");
    let seen = server.metrics_until("counted", |seen| {
        seen[r#"tracker_messages_total{kind="answer"}"#] == 1.0 && sum(seen, "tracker_peers") == 2.0
    });
    for (kind, count) in [("announce", 2.0), ("offer", 1.0), ("answer", 1.0), ("scrape", 1.0)] {
        assert_eq!(seen[&format!("tracker_messages_total{{kind=\"{kind}\"}}")], count, "{kind}");
    }
    assert_eq!(seen["tracker_swarms"], 1.0);
    assert_eq!(sum(&seen, "tracker_connections"), 2.0);
    // Both are where their swarm is, whichever worker that is.
    let loads = [r#"tracker_peers{worker="0"}"#, r#"tracker_peers{worker="1"}"#];
    assert!(loads.map(|load| seen[load]).contains(&2.0), "{seen:?}");
    assert_eq!(seen["tracker_stopping"], 0.0);
}

#[test]
fn each_offer_and_answer_that_is_passed_on_is_in_the_times_of_its_receivers_worker() {
    let server = server();
    // Each in a swarm of its own first, so that they are on whatever workers these are.
    let mut clients: Vec<_> = (0..6).map(|_| server.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.announce(&format!("own{number}"), "peer");
        client.announce("film", &format!("peer{number}"));
    }
    let mut offers = 0;
    for number in 0..6 {
        let list: Vec<_> = (0..5).map(|n| offer(&format!("o{number}.{n}"), "sdp")).collect();
        clients[number].announce_with("film", &format!("peer{number}"), &json!({"offers": list}));
        for receiver in (0..6).filter(|&receiver| receiver != number) {
            let heard = clients[receiver].hear();
            clients[receiver].say(&answer(&format!("peer{receiver}"), &heard, "sdp"));
            offers += 1;
        }
        for _ in 0..5 {
            assert_eq!(clients[number].hear()["answer"]["sdp"], "sdp");
        }
    }
    assert_eq!(offers, 30);
    let seen = server
        .metrics_until("all are counted", |seen| sum(seen, "tracker_relay_seconds_count") == 60.0);
    for worker in [0, 1] {
        let count = seen[&format!("tracker_relay_seconds_count{{worker=\"{worker}\"}}")];
        let buckets: Vec<f64> = server
            .metrics_page()
            .lines()
            .filter(|line| line.contains(&format!("_bucket{{worker=\"{worker}\"")))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse().ok())
            .collect();
        assert_eq!(buckets.len(), 17);
        assert!(buckets.is_sorted(), "{buckets:?}");
        assert_eq!(buckets.last(), Some(&count));
    }
    let took = sum(&seen, "tracker_relay_seconds_sum");
    assert!(took > 0.0 && took < 60.0 * 5.0, "{took}");
    // A claim waits on purpose: what it offers in the end is passed on, and not in the times.
    let offers = json!({"offers": [offer("o", "sdp")]});
    let mut back = server.client();
    back.say(&announce("film", "peer0", &offers));
    back.fence("film");
    drop(clients.remove(0));
    assert_eq!(back.reply_of("film")["incomplete"], 6);
    let seen = server
        .metrics_until("passed on", |seen| seen[r#"tracker_messages_total{kind="offer"}"#] == 31.0);
    assert_eq!(sum(&seen, "tracker_relay_seconds_count"), 60.0);
}

#[test]
fn refusals_are_counted_by_their_reason_wherever_they_are_made() {
    let server = server();
    let mut ann = server.client();
    for message in [
        // The reader's, the socket's, and the swarm's.
        json!({"action": "dance"}),
        json!({"action": "scrape"}),
        json!({"action": "scrape"}),
        json!({"action": "announce", "info_hash": id("film"), "peer_id": id("ann"),
            "event": "stopped"}),
    ] {
        ann.say(&message);
        assert!(ann.hear()["failure reason"].is_string());
    }
    ann.announce("film", "ann");
    let stop = json!({"event": "stopped"});
    let theft = server.client().announce_with("film", "ann", &stop);
    assert_eq!(theft["failure reason"], "peer_id is not in this swarm on this connection");
    let mut thief = server.client();
    thief.say(&announce("film", "ann", &json!({})));
    // The owner is asked whether it lives, and answers when it reads.
    let refused = loop {
        ann.fence("film");
        if let Some(heard) = thief.hear_now() {
            break heard;
        }
    };
    assert_eq!(refused["failure reason"], "peer_id belongs to another connection");
    let seen = server.metrics();
    for (reason, count) in [
        ("unknown_action", 1.0),
        ("scrape_of_everything", 2.0),
        ("not_announced", 2.0),
        ("peer_id_taken", 1.0),
        ("malformed", 0.0),
    ] {
        assert_eq!(seen[&format!("tracker_refusals_total{{reason=\"{reason}\"}}")], count);
    }
    assert_eq!(sum(&seen, "tracker_refusals_total"), 6.0);
    assert_eq!(server.stats()["refusals"], 6);
}

#[test]
fn refused_handshakes_are_counted_by_their_reason() {
    let listener = json!({"server": {"port": 0, "host": "127.0.0.1"},
        "websockets": {"path": "/announce"}});
    let server = Server::with(&json!({
        "servers": [listener],
        "websocketsAccess": {"denyOrigins": ["https://b.example"]},
        "metrics": {"port": 0},
    }));
    let address = server.address();
    for origin in ["https://b.example", "https://b.example", "https://a.example"] {
        let _ = Client::try_connect(address, "/announce", Some(origin));
    }
    assert!(Client::try_connect(address, "/elsewhere", None).is_err());
    let half = "GET /announce HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\n\r\n";
    assert!(http(address, half).0.starts_with("HTTP/1.1 4"));
    let seen = server.metrics();
    for (reason, count) in [("path", 1.0), ("origin", 2.0), ("protocol", 1.0), ("full", 0.0)] {
        let sample = format!("tracker_handshakes_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(seen[&sample], count, "{reason}");
    }
    assert_eq!(sum(&seen, "tracker_handshakes_refused_total"), 4.0);
}

#[test]
fn ends_are_counted_by_their_reason() {
    let server = server();
    let mut polite = server.client();
    polite.socket.close(None).expect("sent");
    assert_eq!(polite.close_code(), Some(1000));
    drop(server.client());
    let mut broken = server.raw().upgrade(b"");
    broken.write(&[0xff; 8]);
    assert_eq!(broken.close_code(), Some(1002));
    drop(broken);
    server.metrics_until("all ended", |seen| {
        ["by_peer", "lost", "protocol"]
            .iter()
            .all(|end| seen[&format!("tracker_closes_total{{reason=\"{end}\"}}")] == 1.0)
            && sum(seen, "tracker_closes_total") == 3.0
            && sum(seen, "tracker_connections") == 0.0
    });
}

#[test]
fn the_process_shows_its_memory_its_processor_time_and_its_descriptors() {
    let server = server();
    let before = server.metrics();
    let clients: Vec<_> = (0..100).map(|_| server.client()).collect();
    let seen = server.metrics();
    assert!(seen["process_resident_memory_bytes"] > f64::from(1 << 20));
    assert!(seen["process_cpu_seconds_total"] > 0.0);
    assert!(seen["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"]);
    // The clients are this process's too.
    assert!(seen["process_open_fds"] >= 200.0, "{}", seen["process_open_fds"]);
    assert!(seen["process_max_fds"] >= seen["process_open_fds"]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("now");
    let age = now.as_secs_f64() - seen["process_start_time_seconds"];
    assert!((0.0..60.0).contains(&age), "{age}");
    assert!(seen.keys().any(|name| name.starts_with("tracker_build_info{version=\"")));
    drop(clients);
}

#[test]
fn every_sample_is_one_line_under_its_help_and_type() {
    let page = server().metrics_page();
    assert!(page.ends_with('\n'));
    let (mut typed, mut seen) = (None::<(&str, &str)>, BTreeMap::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').expect("a text");
            assert!(!text.is_empty());
            let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE ")).expect("a type");
            let (of, kind) = kind.split_once(' ').expect("a kind");
            assert_eq!(of, name);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{kind}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            typed = Some((name, kind));
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect("a value");
        let name = sample.split('{').next().unwrap_or_default();
        let (head, kind) = typed.expect("a head");
        let part = name.strip_prefix(head).expect(line);
        let parts: &[&str] =
            if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(parts.contains(&part), "not under its head: {line}");
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        assert_eq!(seen.insert(sample, value), None, "twice: {sample}");
    }
    assert!(seen.len() > 40, "{page}");
}

#[test]
fn metrics_are_on_their_own_listener_and_nowhere_without_their_section() {
    let server = server();
    let private = server.addresses.metrics.expect("an address");
    assert!(private.ip().is_loopback());
    assert_eq!(server.get("/metrics").0, "HTTP/1.1 404 Not Found", "not where viewers are");
    for path in ["/", "/stats.json", "/health"] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        assert_eq!(http(private, &head).0, "HTTP/1.1 404 Not Found", "{path}");
    }
    assert_eq!(Server::start().addresses.metrics, None);
}

/// The samples of all values of a metric's label, added up.
fn sum(seen: &BTreeMap<String, f64>, name: &str) -> f64 {
    let of = |sample: &str| sample.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'));
    seen.iter().filter(|(sample, _)| of(sample)).map(|(_, value)| value).sum()
}
