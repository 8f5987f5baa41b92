//! Somebody else at the same NATS, or a node of the cluster that has gone wrong, says more than
//! anybody can hear: what crosses may suffer from it, and nobody's own viewers.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::json;

use crate::support::nats::{Foreigner, Nats, hello, inbox, meet, record};
use crate::support::{Client, PATIENCE, Server, id, unpaced, until, with};

/// Swarms of the node that is flooded.
const SWARMS: usize = 500;

/// A node with many swarms, two of its viewers, and who floods it.
struct Flooded {
    a: Server,
    /// Its run.
    node: [u8; 8],
    foreigner: Foreigner,
    anna: Client,
    bob: Client,
    /// Is in all swarms.
    _filler: Client,
    _nats: Nats,
}

impl Flooded {
    fn new() -> Self {
        let nats = Nats::start();
        let mut sections = nats.sections("a");
        sections["workers"] = json!(1);
        sections["limits"] = with(sections["limits"].take(), &json!({"swarmsPerSocket": 0}));
        let a = Server::with(&sections);
        let mut foreigner = Foreigner::connect(&nats);
        foreigner.subscribe("tracker.presence");
        let (node, _) = foreigner.hear_record(1);
        foreigner.unsubscribe();
        foreigner.join(&a, "b");
        let (mut anna, bob, mut filler) = (a.client(), a.client(), a.client());
        anna.announce("film", "anna");
        for n in 0..SWARMS {
            filler.announce(&format!("s{n}"), "filler");
        }
        Self { a, node, foreigner, anna, bob, _filler: filler, _nats: nats }
    }

    /// Says all of it, in a thread of its own, while viewers of the node meet.
    fn meet_while(&mut self, say: impl FnOnce(&mut Foreigner) + Send) {
        let Self { foreigner, anna, bob, .. } = self;
        thread::scope(|scope| {
            let flood = scope.spawn(|| say(foreigner));
            while !flood.is_finished() {
                meet(bob, "bob", anna, "anna", "film");
            }
        });
    }
}

#[test]
fn nodes_that_come_and_go_without_end_are_told_of_a_few_times_a_second_and_viewers_meet() {
    let mut flooded = Flooded::new();
    let before = flooded.a.metrics()["tracker_cluster_messages_total{direction=\"received\"}"];
    flooded.meet_while(|foreigner| {
        for run in 0..20_000_u64 {
            foreigner.own = run.to_le_bytes();
            foreigner.say("tracker.presence", &[hello(&format!("node-{run}"), false)]);
            foreigner.say("tracker.presence", &[record(2, &[])]);
        }
    });
    flooded.a.metrics_until("gone", |seen| {
        seen["tracker_cluster_messages_total{direction=\"received\"}"] > before + 1000.0
            && seen["tracker_cluster_nodes"] == 0.0
    });
}

/// Its own words may come back to it by way of a server that it has come to since.
#[test]
fn a_node_is_not_among_the_others_whatever_comes_back_to_it() {
    let mut flooded = Flooded::new();
    let node = flooded.node;
    let Flooded { a, foreigner, .. } = &mut flooded;
    foreigner.own = node;
    foreigner.say("tracker.presence", &[hello("a", false)]);
    foreigner.own = [9; 8];
    foreigner.say("tracker.presence", &[hello("c", false)]);
    let seen = a.metrics_until("c", |seen| seen["tracker_cluster_nodes"] >= 2.0);
    assert_eq!((seen["tracker_cluster_nodes"], seen["tracker_cluster_twins_total"]), (2.0, 0.0));
}

/// Its own client falls over it, and another one begins.
#[test]
fn a_nats_that_answers_nonsense_is_tried_again_and_viewers_meet() {
    let nats = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("nats://{}", nats.local_addr().expect("an address"));
    let a = Server::with(&unpaced(&json!({
        "cluster": {"servers": url, "node": "a"},
        "tracker": {"digestInterval": 1},
        "metrics": {"port": 0},
    })));
    let accept = || {
        let (mut socket, _) = nats.accept().expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let info = r#"{"server_id":"n","server_name":"n","version":"2.10.0","go":"","#.to_owned()
            + r#""host":"n","port":1,"max_payload":1048576,"proto":1,"headers":true}"#;
        write!(socket, "INFO {info}\r\n").expect("sent");
        let mut lines = BufReader::new(socket.try_clone().expect("a socket")).lines();
        while lines.next().expect("a line").expect("a line") != "PING" {}
        socket.write_all(b"PONG\r\n").expect("sent");
        (socket, lines)
    };
    let (mut socket, _) = accept();
    a.metrics_until("there", |seen| seen["tracker_cluster_connected"] == 1.0);
    socket.write_all(b"-ERR\r\n").expect("sent");
    a.metrics_until("seen through", |seen| seen["tracker_cluster_connected"] == 0.0);
    let (_socket, mut lines) = accept();
    let says_hello = |line: &str| line.starts_with("PUB tracker.presence ");
    assert!(lines.any(|line| says_hello(&line.expect("a line"))));
    let (mut anna, mut bob) = (a.client(), a.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
}

/// A swarm opens over there, which worker 0 here answers.
fn opening(swarm: &str) -> Vec<u8> {
    record(3, &[&[0, 1], id(swarm).as_bytes(), &[0, 3, 1]])
}

#[test]
fn what_comes_faster_than_a_worker_hears_it_is_heard_later_or_counted_and_viewers_meet() {
    const MESSAGES: usize = 60;
    const RECORDS: usize = 10_000;
    let mut flooded = Flooded::new();
    let openings: Vec<_> = (0..RECORDS).map(|n| opening(&format!("s{}", n % SWARMS))).collect();
    let inbox = inbox(flooded.node);
    flooded.meet_while(|foreigner| {
        for _ in 0..MESSAGES {
            foreigner.say("tracker.presence", &[hello("b", false)]);
            foreigner.say(&inbox, &openings);
        }
    });
    let dropped = |reason| format!("tracker_cluster_dropped_total{{reason=\"{reason}\"}}");
    let count = || {
        let seen = flooded.a.metrics();
        let answered = seen["tracker_crossed_total{kind=\"digest_sent\"}"];
        assert_eq!(seen["tracker_undelivered_total"], 0.0);
        answered + seen[&dropped("worker_busy")] + seen[&dropped("overrun")] * RECORDS as f64
    };
    until("answered or counted", count, |count| *count >= (MESSAGES * RECORDS) as f64);
}
