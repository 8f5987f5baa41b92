//! Clients that come too often, over real sockets: they are told so and keep their place and their
//! socket, their offers go nowhere, and nobody is sent more offers than the limit.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, PATIENCE, Server, announce, answer, id, offer};

/// The metric of offers that were not passed on for a reason.
fn withheld(reason: &str) -> String {
    format!("tracker_offers_withheld_total{{reason=\"{reason}\"}}")
}

fn offering(offer_id: &str) -> Value {
    json!({"offers": [offer(offer_id, "sdp")]})
}

fn server(min_announce_interval: u64) -> Server {
    let tracker = json!({"minAnnounceInterval": min_announce_interval});
    let limits = json!({"announcesPerSecondPerSocket": 0});
    Server::with(&json!({"tracker": tracker, "limits": limits, "metrics": {"port": 0}}))
}

#[test]
fn a_reply_says_when_to_announce_again_and_how_soon_one_may() {
    let server = Server::start();
    let mut client = server.client();
    for event in ["started", "completed", "update", "stopped"] {
        client.say(&announce("film", "ann", &json!({"event": event})));
        let text = client.hear_text();
        let start = r#"{"action":"announce","interval":120,"min interval":30,"info_hash":""#;
        assert!(text.starts_with(start), "{text}");
    }
    let server = self::server(0);
    let text = server.client().announce("film", "ann");
    assert_eq!(text.get("min interval"), None);
}

#[test]
fn offers_that_come_too_early_go_to_nobody_and_their_sender_reads_why() {
    let server = server(30);
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    assert_eq!(ben.announce_with("film", "ben", &offering("first")).get("warning message"), None);
    assert_eq!(ann.hear()["offer_id"], id("first"));

    let reply = ben.announce_with("film", "ben", &offering("second"));
    let warning = reply["warning message"].as_str().expect("a warning");
    assert!(warning.contains("offers") && warning.contains("min interval of 30 s"), "{warning}");
    assert_eq!((&reply["interval"], &reply["incomplete"]), (&json!(120), &json!(2)));
    assert_eq!(ann.fence("film"), [] as [Value; 0]);

    // A page that begins anew is let through, and its offer can be answered.
    let mut again = offering("third");
    again["event"] = json!("started");
    ben.announce_with("film", "ben", &again);
    let heard = ann.hear();
    ann.say(&answer("ann", &heard, "sdp"));
    assert_eq!(ben.hear()["answer"]["sdp"], "sdp");
    server.metrics_until("counted", |seen| seen[&withheld("early")] == 1.0);
}

#[test]
fn whoever_goes_on_announcing_is_refused_until_it_pauses_and_keeps_its_socket() {
    let server = server(2);
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    let mut refused = None;
    let began = Instant::now();
    while refused.is_none() {
        let reply = ben.announce_with("film", "ben", &offering("o"));
        refused = reply.get("failure reason").cloned();
        assert!(began.elapsed() < PATIENCE, "never refused");
    }
    let reason = refused.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    assert!(reason.contains("min interval") && reason.contains("10"), "{reason}");
    assert_eq!(ann.announce("film", "ann")["incomplete"], 2, "it keeps its place");

    let welcome = |reply: &Value| {
        reply.get("failure reason").is_none() && reply.get("warning message").is_none()
    };
    while !welcome(&ben.announce_with("film", "ben", &offering("late"))) {
        assert!(began.elapsed() < PATIENCE, "never let in again");
        std::thread::sleep(Duration::from_millis(300));
    }
    while ann.hear()["offer_id"] != id("late") {}
    let seen = server.metrics();
    assert!(seen[r#"tracker_refusals_total{reason="too_early"}"#] >= 1.0);
}

#[test]
fn a_receiver_is_sent_a_burst_of_offers_and_then_twenty_a_second() {
    const OFFERS: usize = 600;
    let server = server(0);
    let (mut victim, mut shouter) = (server.client(), server.client());
    victim.announce("film", "victim");
    let began = Instant::now();
    for n in 0..OFFERS {
        let reply = shouter.announce_with("film", "shouter", &offering(&format!("o{n}")));
        assert_eq!(reply["interval"], 120, "{reply}");
    }
    let took = began.elapsed();
    let heard = victim.fence("film").len();
    let most = 201 + (20.0 * took.as_secs_f64()) as usize;
    assert!((200..=most).contains(&heard), "{heard} in {took:?}");
    let over_rate = (OFFERS - heard) as f64;
    server.metrics_until("counted", |seen| seen[&withheld("receiver_rate")] == over_rate);
    assert_eq!(server.stats()["offersOverRate"], OFFERS - heard);

    // Somebody else has had none yet.
    let mut other: Client = server.client();
    other.announce("film", "other");
    let began = Instant::now();
    while other.fence("film").is_empty() {
        shouter.announce_with("film", "shouter", &offering("for the other"));
        assert!(began.elapsed() < PATIENCE, "nothing for the other");
    }
}
