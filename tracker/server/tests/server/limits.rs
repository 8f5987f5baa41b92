//! The section `limits`, a test for each; those of connections are in `connections.rs`. At the bound
//! all is well, beyond it what the page on operating says, and 0 is no limit. This machine is under
//! no bound per IP, so clients of other addresses come through it as a trusted proxy.

use serde_json::{Value, json};

use crate::support::{Client, Server, announce, answer, frame, id, offer, unpaced};

/// A tracker behind a proxy on this machine.
pub(crate) fn behind_a_proxy(limits: &Value) -> Server {
    limited_with(json!({"trustedProxies": ["127.0.0.1"], "limits": limits}))
}

pub(crate) fn limited(limits: &Value) -> Server {
    limited_with(json!({"limits": limits}))
}

/// Peers announce as often as the limits let them.
pub(crate) fn limited_with(mut sections: Value) -> Server {
    sections["tracker"] = json!({"minAnnounceInterval": 0});
    sections["metrics"] = json!({"port": 0});
    Server::with(&sections)
}

pub(crate) fn from(server: &Server, address: &str) -> Client {
    let headers = [("x-forwarded-for", address)];
    Client::try_with_headers(server.address(), "/", &headers).expect(address)
}

/// Why an announce, or what else was said, was refused.
fn reason(reply: &Value) -> &str {
    reply["failure reason"].as_str().unwrap_or_default()
}

#[test]
fn depth_offers_and_sdp_of_a_message_are_the_files_to_choose() {
    let deep = announce("film", "ann", &json!({"more": [[[[[[]]]]]]}));
    let long = announce("film", "ann", &json!({"offers": [offer("o", &"x".repeat(20_000))]}));
    let server = limited(&json!({"jsonDepth": 6, "sdpBytes": 20_000, "offersPerAnnounce": 1}));
    let mut client = server.client();
    client.say(&deep);
    assert!(client.hear()["failure reason"].as_str().is_some_and(|why| why.contains('6')));
    client.say(&long);
    assert_eq!(client.hear()["interval"], 120);
    let mut longer = long.clone();
    longer["offers"][0]["offer"]["sdp"] = json!("x".repeat(20_001));
    client.say(&longer);
    assert!(client.hear()["failure reason"].as_str().is_some_and(|why| why.contains("20000")));
    let _others: Vec<_> = ["ben", "eve"]
        .map(|peer| {
            let mut other = server.client();
            other.announce("film", peer);
            other
        })
        .into();
    let offers: Vec<_> = ["o1", "o2"].map(|name| offer(name, "sdp")).into();
    client.announce_with("film", "ann", &json!({"offers": offers}));
    assert_eq!(server.stats()["offersRelayed"], 1, "the second isn't looked at");

    let server = limited(&json!({"jsonDepth": 0, "sdpBytes": 0, "offersPerAnnounce": 0}));
    let mut client = server.client();
    for message in [&deep, &longer] {
        client.say(message);
        assert_eq!(client.hear()["interval"], 120);
    }
}

#[test]
fn offers_to_a_receiver_have_the_rate_that_the_file_says() {
    const OFFERS: usize = 250;
    for rate in [1, 0] {
        let limits = json!({"offersPerSecondPerReceiver": rate, "announcesPerSecondPerSocket": 0});
        let server = limited(&limits);
        let (mut ann, mut ben) = (server.client(), server.client());
        ann.announce("film", "ann");
        let began = std::time::Instant::now();
        for n in 0..OFFERS {
            let offers = json!({"offers": [offer(&format!("o{n}"), "sdp")]});
            assert_eq!(ben.announce_with("film", "ben", &offers)["interval"], 120);
        }
        let most = 10 + 1 + began.elapsed().as_secs() as usize;
        let heard = ann.fence("film").len();
        if rate == 0 {
            assert_eq!(heard, OFFERS);
        } else {
            assert!((10..=most).contains(&heard), "{heard}");
        }
    }
}

#[test]
fn swarms_and_peer_ids_of_a_socket_are_bounded() {
    let server = limited(&json!({"swarmsPerSocket": 3, "peerIdsPerSocket": 2}));
    let mut client = server.client();
    client.announce("film", "one");
    client.announce("film", "two");
    let refused = client.announce("news", "three");
    assert_eq!(reason(&refused), "this connection has 2 peer ids already, which is the limit");
    assert_eq!(client.announce("news", "two")["incomplete"], 1);
    let refused = client.announce("film2", "one");
    assert_eq!(reason(&refused), "this connection is in 3 swarms already, which is the limit");
    // Who is there stays, and who leaves makes room.
    assert_eq!(client.announce("film", "one")["incomplete"], 2);
    client.announce_with("film", "one", &json!({"event": "stopped"}));
    assert_eq!(client.announce("news", "three")["incomplete"], 2);
    // Another socket has its own.
    assert_eq!(server.client().announce("film2", "four")["incomplete"], 1);

    let none =
        json!({"swarmsPerSocket": 0, "peerIdsPerSocket": 0, "announcesPerSecondPerSocket": 0});
    let server = limited(&none);
    let mut client = server.client();
    for n in 1..=200 {
        assert_eq!(client.announce("film", &format!("p{n}"))["incomplete"], n);
    }
}

#[test]
fn leaving_a_swarm_makes_room_for_another() {
    let server = Server::without_pace();
    let mut client = server.client();
    for n in 0..128 {
        assert_eq!(client.announce(&format!("s{n}"), "ann")["incomplete"], 1);
    }
    let reply = client.announce("one more", "ann");
    assert!(reply["failure reason"].as_str().is_some_and(|why| why.contains("128")));
    client.announce_with("s7", "ann", &json!({"event": "stopped"}));
    assert_eq!(client.announce("one more", "ann")["incomplete"], 1);
}

#[test]
fn a_page_that_never_says_stopped_may_go_on_to_new_swarms_once_old_ones_have_expired() {
    let server = Server::with(&unpaced(&json!({"tracker": {"announceInterval": 1}})));
    let mut client = server.client();
    for n in 0..128 {
        client.announce(&format!("s{n}"), "ann");
    }
    server.stats_until("expired", |stats| stats["peersCount"] == 0);
    assert_eq!(client.announce("one more", "ann")["incomplete"], 1);
}

#[test]
fn swarms_in_all_are_bounded_and_one_that_empties_makes_room() {
    let server = limited(&json!({"swarms": 2}));
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    ben.announce("news", "ben");
    for client in [&mut ann, &mut ben] {
        let refused = client.announce("sport", "p");
        assert_eq!(
            reason(&refused),
            "2 swarms are open already, which is the limit of this tracker"
        );
    }
    assert_eq!(ben.announce("film", "ben")["incomplete"], 2, "one that is open is joined");
    ann.announce_with("film", "ann", &json!({"event": "stopped"}));
    ben.announce_with("film", "ben", &json!({"event": "stopped"}));
    assert_eq!(ben.announce("sport", "ben")["incomplete"], 1);
    assert_eq!(server.stats()["torrentsCount"], 2);

    let server = limited(&json!({"swarms": 0}));
    let mut client = server.client();
    for n in 0..20 {
        assert_eq!(client.announce(&format!("s{n}"), "ann")["incomplete"], 1);
    }
}

#[test]
fn announces_of_a_socket_have_a_rate_and_the_socket_stays() {
    let server = limited(&json!({"announcesPerSecondPerSocket": 1}));
    let mut client = server.client();
    let scrape = json!({"action": "scrape", "info_hash": id("film")});
    // Ten seconds' worth at once, of announces, scrapes, and what is neither.
    let began = std::time::Instant::now();
    for n in 0..9 {
        match n % 3 {
            0 => assert_eq!(client.announce("film", "ann")["incomplete"], 1),
            1 => assert_eq!(client.fence("film"), [] as [Value; 0]),
            _ => {
                client.say(&json!({"action": "dance"}));
                assert!(reason(&client.hear()).contains("action"));
            }
        }
    }
    let text = "this connection says more than 1 messages a second, which is the limit";
    // One is left, and one a second comes back.
    let mut taken = 0;
    loop {
        let reply = client.announce("film", "ann");
        if reply.get("interval").is_none() {
            assert_eq!(reason(&reply), text);
            assert_eq!(reply["info_hash"], id("film"));
            break;
        }
        taken += 1;
    }
    assert!(taken >= 1 && taken <= 2 + began.elapsed().as_secs(), "{taken}");
    for (message, action) in [(scrape, "scrape"), (json!({"action": "dance"}), "announce")] {
        client.say(&message);
        let reply = client.hear();
        assert_eq!((reason(&reply), &reply["action"]), (text, &json!(action)));
    }
    assert_eq!(server.client().announce("film", "ben")["incomplete"], 2, "others have their own");
    while client.announce("film", "ann").get("interval").is_none() {}
    let metrics = server.metrics();
    assert!(metrics[r#"tracker_refusals_total{reason="too_many_messages"}"#] >= 3.0);

    let server = limited(&json!({"announcesPerSecondPerSocket": 0}));
    let mut client = server.client();
    for _ in 0..300 {
        assert_eq!(client.announce("film", "ann")["incomplete"], 1);
    }
}

#[test]
fn an_answer_is_no_announce() {
    let server = limited(&json!({"announcesPerSecondPerSocket": 1}));
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.announce("film", "ann");
    while ann.announce("film", "ann").get("interval").is_some() {}
    ben.announce_with("film", "ben", &json!({"offers": [offer("o", "sdp")]}));
    let heard = ann.hear();
    ann.say(&answer("ann", &heard, "sdp"));
    assert_eq!(ben.hear()["answer"]["sdp"], "sdp");
}

#[test]
fn announces_of_an_address_have_a_rate_together() {
    let server = behind_a_proxy(&json!({"announcesPerSecondPerIp": 1}));
    let mut clients = ["203.0.113.7", "203.0.113.7", "203.0.113.8"].map(|ip| from(&server, ip));
    let text = "this address says more than 1 messages a second, which is the limit";
    let began = std::time::Instant::now();
    let mut taken = 0;
    loop {
        let swarm = format!("s{}", taken % 5);
        let reply = clients[taken % 2].announce(&swarm, &format!("p{}", taken % 2));
        if reply.get("interval").is_none() {
            assert_eq!(reason(&reply), text);
            break;
        }
        taken += 1;
    }
    let most = 10 + 1 + began.elapsed().as_secs() as usize;
    assert!((10..=most).contains(&taken), "{taken}");
    assert_eq!(clients[2].announce("film", "eve")["incomplete"], 1);
    // Who hangs up and comes again is the same address still.
    drop(clients);
    server.stats_until("gone", |stats| stats["servers"][0]["webSocketsCount"] == 0);
    let mut again = from(&server, "203.0.113.7");
    let refused = (0..10).any(|_| reason(&again.announce("film", "ann")) == text);
    assert!(refused);

    let server = behind_a_proxy(&json!({"announcesPerSecondPerIp": 0}));
    let mut client = from(&server, "203.0.113.7");
    for _ in 0..50 {
        assert_eq!(client.announce("film", "ann")["incomplete"], 1);
    }
}

#[test]
fn scrapes_that_are_frames_too_many_are_answered_before_the_pause() {
    let server = limited(&json!({"announcesPerSecondPerSocket": 1}));
    let mut raw = server.raw().upgrade(b"");
    let mut flood: Vec<u8> = (0..200_u8).flat_map(|n| frame(0x89, &[n])).collect();
    // A few, since a frame or two come back while the pings are answered.
    let scrape = json!({"action": "scrape", "info_hash": id("film")}).to_string();
    (0..8).for_each(|_| flood.extend(frame(0x81, scrape.as_bytes())));
    raw.write(&flood);
    for n in 0..200 {
        assert_eq!(raw.hear(), Some((0x8a, vec![n])));
    }
    for _ in 0..8 {
        assert!(raw.hear_text().contains(r#""files""#));
    }
}

#[test]
fn a_flood_of_frames_waits_and_nothing_of_it_is_lost() {
    let server = limited(&json!({"announcesPerSecondPerSocket": 1}));
    let mut raw = server.raw().upgrade(b"");
    // Twenty frames for each announce: ten seconds' worth are 200, and some more.
    let flood: Vec<u8> = (0..230_u8).flat_map(|n| frame(0x89, &[n])).collect();
    raw.write(&flood);
    for n in 0..230 {
        assert_eq!(raw.hear(), Some((0x8a, vec![n])));
    }
    let pauses = server.metrics()["tracker_read_pauses_total"];
    assert!((1.0..=30.0).contains(&pauses), "{pauses}");
    raw.say(&announce("film", "ann", &json!({})).to_string());
    assert!(raw.hear_text().contains("interval"));

    let server = limited(&json!({"announcesPerSecondPerSocket": 0}));
    let mut raw = server.raw().upgrade(b"");
    raw.write(&(0..10).flat_map(|_| flood.clone()).collect::<Vec<_>>());
    for n in (0..10).flat_map(|_| 0..230) {
        assert_eq!(raw.hear(), Some((0x8a, vec![n])));
    }
    assert_eq!(server.metrics()["tracker_read_pauses_total"], 0.0);
}

#[test]
fn what_waits_for_a_client_is_bounded_as_the_file_says() {
    let sdp = "x".repeat(60_000);
    let outcomes = [0, 256 << 10].map(|bytes| {
        let server = limited(&json!({"outboxBytes": bytes, "sdpBytes": 0,
            "announcesPerSecondPerSocket": 0, "offersPerSecondPerReceiver": 0}));
        let mut slow = server.raw().upgrade(b"");
        slow.say(&announce("film", "slow", &json!({})).to_string());
        assert!(slow.hear_text().contains("interval"));
        let mut shouter = server.client();
        // More than the kernel keeps for a connection on any machine.
        let offers = 500;
        for n in 0..offers {
            let offers = json!({"offers": [offer(&format!("o{n}"), &sdp)]});
            shouter.announce_with("film", "shouter", &offers);
        }
        if bytes == 0 {
            for n in 0..offers {
                assert!(slow.hear_text().contains(&id(&format!("o{n}"))), "offer {n}");
            }
        } else {
            server.stats_until("closed", |stats| stats["closes"]["slow_reader"] == 1);
        }
        server.stats()["closes"]["slow_reader"].clone()
    });
    assert_eq!(outcomes, [json!(0), json!(1)]);
}
