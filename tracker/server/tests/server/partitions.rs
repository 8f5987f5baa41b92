//! A swarm that has outgrown its worker is on several, and is one swarm all the same; one that has
//! not is on one, and nothing of it crosses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Client, Server, announce, answer, id, offer, unpaced, until};

/// Two workers, of which each has 20 members of a swarm before the other gets some.
fn server() -> Server {
    Server::with(&unpaced(&json!({
        "limits": {"partitionMembers": 20},
        "tracker": {"digestInterval": 1},
        "metrics": {"port": 0},
    })))
}

fn peers_by_worker(seen: &BTreeMap<String, f64>) -> [f64; 2] {
    [0, 1].map(|worker| seen[&format!("tracker_peers{{worker=\"{worker}\"}}")])
}

fn crossed(server: &Server, kind: &str) -> f64 {
    server.metrics()[&format!("tracker_crossed_total{{kind=\"{kind}\"}}")]
}

fn members(client: &mut Client, name: &str) -> Value {
    client.announce("film", name)["incomplete"].clone()
}

#[test]
fn a_hot_swarm_is_on_both_workers_and_its_members_are_introduced_across() {
    let server = server();
    let mut clients: Vec<Client> = (0..60).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.announce("film", &format!("peer{n}"));
    }
    let spread = peers_by_worker(&server.metrics());
    assert!(spread.iter().all(|peers| *peers >= 20.0), "{spread:?}");
    assert_eq!(server.stats()["torrentsCount"], 1);
    assert_eq!(server.metrics()["tracker_partitions"], 2.0);
    for n in [0, 59] {
        let name = format!("peer{n}");
        until("counted by both", || members(&mut clients[n], &name), |count| *count == 60);
    }

    let offers: Vec<_> = (0..10).map(|n| offer(&format!("o{n}"), "v=0")).collect();
    let more = json!({"offers": offers, "numwant": 10});
    for (n, client) in clients.iter_mut().enumerate() {
        client.say(&announce("film", &format!("peer{n}"), &more));
    }
    let mut heard = 0;
    let mut answer_all = || {
        for (n, client) in clients.iter_mut().enumerate() {
            for message in client.fence("film") {
                if message.get("offer").is_some() {
                    client.say(&answer(&format!("peer{n}"), &message, "yes"));
                    heard += 1;
                }
            }
        }
        heard
    };
    let heard = until("heard", &mut answer_all, |heard| *heard >= 600);
    // 12 % of 600 cross, on average; none is lost.
    assert_eq!(heard, 600);
    let share = crossed(&server, "offer_sent") / 600.0;
    assert!((0.05..0.25).contains(&share), "{share}");
    let answers = server.stats_until("answered", |stats| {
        stats["answersRelayed"].as_f64().unwrap_or(0.0) + crossed(&server, "answer_relayed")
            == 600.0
    });
    assert_eq!(answers["undelivered"], 0);
    assert_eq!(crossed(&server, "offer_sent"), crossed(&server, "offer_relayed"));
    assert_eq!(crossed(&server, "answer_dropped"), 0.0);
    assert_eq!(server.stats()["refusals"], 0);
}

#[test]
fn a_partition_that_empties_goes_and_the_swarm_is_on_one_worker_again() {
    let server = server();
    let mut clients: Vec<Client> = (0..60).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.announce("film", &format!("peer{n}"));
    }
    let kept = clients.swap_remove(0);
    clients.clear();
    server.metrics_until("one", |seen| {
        seen["tracker_partitions"] == 1.0 && peers_by_worker(seen).iter().sum::<f64>() == 1.0
    });
    let mut kept = kept;
    assert_eq!(members(&mut kept, "peer0"), 1);
    let mut late = server.client();
    late.announce("film", "late");
    assert_eq!(server.metrics()["tracker_partitions"], 1.0);
    drop((kept, late));
    server.stats_until("empty", |stats| stats["torrentsCount"] == 0);
}

#[test]
fn a_scrape_and_the_list_of_swarms_add_up_what_the_workers_have() {
    let server = server();
    let mut clients: Vec<Client> = (0..50).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.announce("film", &format!("peer{n}"));
    }
    let scrape = json!({"action": "scrape", "info_hash": id("film")});
    let scraped = || {
        clients[7].say(&scrape);
        clients[7].hear()["files"][id("film")]["incomplete"].clone()
    };
    until("counted", scraped, |count| *count == 50);
    let address = server.addresses.metrics.expect("metrics");
    let request = "GET /swarms.json HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    let (_, body) = crate::support::http(address, request);
    let list: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(list["torrentsCount"], 1);
    assert_eq!(list["swarms"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["swarms"][0]["incomplete"], 50);
}

#[test]
fn nothing_crosses_of_swarms_that_fit_their_worker() {
    let server = server();
    let mut clients: Vec<Client> = (0..60).map(|_| server.client()).collect();
    for round in 0..3 {
        for (n, client) in clients.iter_mut().enumerate() {
            let offers = json!({"offers": [offer(&format!("{round}"), "v=0")]});
            client.announce_with(&format!("s{}", n / 15), &format!("peer{n}"), &offers);
        }
    }
    let seen = server.metrics();
    assert!(seen["tracker_messages_total{kind=\"offer\"}"] > 100.0);
    assert!(peers_by_worker(&seen).iter().sum::<f64>() == 60.0);
    assert_eq!(seen["tracker_crossed_workers_total"], 0.0);
    assert_eq!(seen["tracker_partitions"], 4.0);
    for kind in ["offer_sent", "answer_sent", "digest_sent"] {
        assert_eq!(crossed(&server, kind), 0.0, "{kind}");
    }
}

/// A page has one socket for a stream's picture and its sound, each a swarm.
#[test]
fn what_is_said_in_swarms_that_fit_one_worker_stays_there() {
    const FILMS: usize = 20;
    const VIEWERS: usize = 6;
    let server = Server::with(&unpaced(&json!({"metrics": {"port": 0}})));
    let mut viewers: Vec<(usize, Client)> =
        (0..FILMS * VIEWERS).map(|n| (n % FILMS, server.client())).collect();
    let offers: Vec<_> = (0..5).map(|n| offer(&format!("o{n}"), "v=0")).collect();
    let more = json!({"offers": offers, "numwant": 5});
    for _ in 0..2 {
        for (n, (film, client)) in viewers.iter_mut().enumerate() {
            for of in ["picture", "sound"] {
                client.say(&announce(&format!("{of}{film}"), &format!("{of}{n}"), &more));
            }
        }
        for (film, client) in &mut viewers {
            client.fence(&format!("picture{film}"));
        }
    }
    let seen = server.metrics_until("all offers", |seen| {
        // The second time each meets all others.
        let all = (FILMS * VIEWERS * 2 * 5) as f64;
        seen["tracker_messages_total{kind=\"offer\"}"] >= all
    });
    let relayed: f64 = ["announce", "offer", "answer", "scrape"]
        .map(|kind| seen[&format!("tracker_messages_total{{kind=\"{kind}\"}}")])
        .iter()
        .sum();
    let elsewhere = seen["tracker_messages_elsewhere_total"];
    assert!(elsewhere <= 0.05 * relayed, "{elsewhere} of {relayed} messages");
    assert!(peers_by_worker(&seen).iter().all(|peers| *peers > 0.0), "both have some");
    assert_eq!(seen["tracker_crossed_workers_total"], 0.0);
}
