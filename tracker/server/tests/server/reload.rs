//! What SIGHUP changes: all of `limits`, and whatever else sockets are not bound to. Those that are
//! open stay, and obey from then on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Server, id, unpaced, until};

fn status(server: &Server, origin: Option<&str>) -> String {
    match Client::try_connect(server.address(), "/", origin) {
        Ok(_) => "101".to_owned(),
        Err(error) => error,
    }
}

#[test]
fn open_sockets_stay_and_obey_the_new_limits() {
    let server = Server::without_pace();
    let mut client = server.client();
    assert_eq!(client.announce("film", "ann")["interval"], 120);
    let mut sections = unpaced(&json!({"tracker": {"announceInterval": 60}}));
    server.reload(&sections);
    let interval = |client: &mut Client| client.announce("film", "ann")["interval"].clone();
    until("asked for 60 s", || interval(&mut client), |interval| *interval == 60);
    sections["limits"] = json!({"connections": 1, "swarmsPerSocket": 1, "jsonDepth": 5});
    server.reload(&sections);
    let refused = until("full", || status(&server, None), |status| status.contains("503"));
    assert!(refused.contains("1 connections") && refused.contains("limits.connections"));
    let why = client.announce("news", "ann")["failure reason"].clone();
    assert_eq!(why, "this connection is in 1 swarms already, which is the limit");
    let deep = json!({"action": "announce", "info_hash": id("film"), "more": [[[[[]]]]]});
    client.say(&deep);
    assert!(client.hear()["failure reason"].as_str().is_some_and(|why| why.contains('5')));

    // And back: nobody has lost anything.
    server.reload(&unpaced(&json!({})));
    until("asked for 120 s", || interval(&mut client), |interval| *interval == 120);
    assert_eq!(status(&server, None), "101");
    assert_eq!(client.announce("news", "ann")["incomplete"], 1);
}

#[test]
fn a_new_rate_holds_for_open_sockets_and_addresses() {
    let proxies = json!(["127.0.0.1"]);
    let tracker = json!({"minAnnounceInterval": 0});
    let server = Server::with(&json!({"trustedProxies": proxies, "tracker": tracker}));
    let headers = [("x-forwarded-for", "203.0.113.7")];
    let mut client = Client::try_with_headers(server.address(), "/", &headers).expect("a socket");
    client.announce("film", "ann");
    for (key, text) in [
        ("announcesPerSecondPerSocket", "this connection says more than 1 "),
        ("announcesPerSecondPerIp", "this address says more than 1 "),
    ] {
        let mut limits = json!({"announcesPerSecondPerSocket": 0, "announcesPerSecondPerIp": 0});
        limits[key] = json!(1);
        let sections = json!({"trustedProxies": proxies, "limits": limits, "tracker": tracker});
        server.reload(&sections);
        let why = |reply: &Value| reply["failure reason"].as_str().map(str::to_owned);
        until(
            "too many messages",
            || why(&client.announce("film", "ann")),
            |why| why.as_ref().is_some_and(|why| why.starts_with(text)),
        );
    }
}

#[test]
fn who_may_open_sockets_and_who_is_believed_changes_too() {
    let server = Server::start();
    let stranger = Some("https://stranger.example");
    assert_eq!(status(&server, stranger), "101");
    server.reload(&json!({"websocketsAccess": {"denyOrigins": ["https://stranger.example"]}}));
    until("kept out", || status(&server, stranger), |status| status.contains("403"));
    assert_eq!(status(&server, None), "101");

    let of_an_address = || {
        let headers = [("x-forwarded-for", "203.0.113.7")];
        Client::try_with_headers(server.address(), "/", &headers)
    };
    let _open = [0, 1].map(|_| of_an_address().expect("a socket"));
    let limits = json!({"connectionsPerIp": 1});
    server.reload(&json!({"trustedProxies": ["127.0.0.1"], "limits": limits}));
    // Those that came before it was believed aren't of this address.
    let mut since = Vec::new();
    let try_one = || of_an_address().map(|client| since.push(client)).err();
    let refused = until("refused", try_one, Option::is_some);
    assert!(refused.is_some_and(|why| why.contains("429")));
    assert!(!since.is_empty());
}

#[test]
fn a_stop_takes_as_long_as_the_last_file_says() {
    let server = Server::with(&json!({"drainSeconds": 600}));
    let _open: Vec<_> = (0..3).map(|_| server.client()).collect();
    server.reload(&json!({"drainSeconds": 0}));
    let took = server.stop();
    assert!(took < Duration::from_secs(10), "{took:?}");
}
