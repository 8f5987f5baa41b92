//! A node near its limits asks each client for less, before it has to fail some.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{Client, PATIENCE, Server, unpaced};

/// Announces until the interval in the reply is `wanted`; the load is looked at once a second.
fn announce_until(client: &mut Client, wanted: u64) {
    let began = Instant::now();
    loop {
        let reply = client.announce("film", "ann");
        if reply["interval"] == wanted {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "not {wanted}: {reply}");
        std::thread::yield_now();
    }
}

#[test]
fn the_interval_grows_as_sockets_come_near_their_limit_and_falls_as_they_go() {
    let server = json!({"server": {"port": 0, "host": "127.0.0.1"},
                        "websockets": {"maxConnections": 4}});
    let tracker = json!({"minAnnounceInterval": 0});
    let sections = json!({"servers": [server], "tracker": tracker, "metrics": {"port": 0}});
    let server = Server::with(&sections);
    let interval = || server.metrics()["tracker_announce_interval_seconds"];
    let mut ann = server.client();
    assert_eq!(ann.announce("film", "ann")["interval"], 120);
    assert_eq!(interval(), 120.0);

    // Half of what may come is calm; behind it, half of the way is half of the growth.
    let two = server.client();
    let three = server.client();
    announce_until(&mut ann, 300);
    let four = server.client();
    announce_until(&mut ann, 480);
    assert_eq!(interval(), 480.0);
    drop((three, four));
    announce_until(&mut ann, 120);
    drop(two);
}

#[test]
fn a_node_without_a_limit_of_sockets_asks_for_the_usual() {
    let server = Server::with(&json!({"tracker": {"announceInterval": 77}}));
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.announce("film", &format!("peer{number}"))["interval"], 77);
    }
}

#[test]
fn a_worker_with_much_to_do_shows_how_busy_it_is() {
    let server = Server::with(&unpaced(&json!({"metrics": {"port": 0}, "workers": 1})));
    let busy = || server.metrics()["tracker_worker_busy_ratio{worker=\"0\"}"];
    assert!(busy() < 0.9);
    let mut ann = server.client();
    let began = Instant::now();
    // A debug build needs some 100 us for each of these; idle it needs nothing.
    while busy() < 0.02 {
        for _ in 0..200 {
            ann.say(&json!({"action": "scrape", "info_hash": Value::Null, "x": vec![0; 200]}));
        }
        for _ in 0..200 {
            assert!(ann.hear()["failure reason"].is_string());
        }
        assert!(began.elapsed() < PATIENCE, "{}", busy());
    }
    assert!(busy() <= 1.0);
}
