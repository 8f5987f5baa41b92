//! Which swarms there are: operators see the largest, and everybody else only where the site says
//! so.

use serde_json::{Value, json};

use crate::support::{Client, Server, http, id, load, unpaced};

fn server(scrape_all: bool) -> Server {
    let tracker = json!({"scrapeAll": scrape_all});
    Server::with(&unpaced(&json!({"tracker": tracker, "metrics": {"port": 0}})))
}

/// Status line and body of a page of the private listener.
fn private(server: &Server, path: &str) -> (String, String) {
    let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    http(server.addresses.metrics.expect("a `metrics` section"), &head)
}

fn listed(server: &Server, path: &str) -> Value {
    let (status, body) = private(server, path);
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
    serde_json::from_str(&body).expect("JSON")
}

/// A member in each of `amount` swarms, of both workers.
fn populate(server: &Server, amount: usize) -> Vec<Client> {
    let swarms: Vec<_> = (0..amount).collect();
    let populated = swarms.chunks(120).map(|part| {
        let mut client = server.client();
        for swarm in part {
            client.announce(&format!("s{swarm:04}"), "one");
        }
        client
    });
    populated.collect()
}

fn hex(swarm: &str) -> String {
    id(swarm).bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_client_may_scrape_everything_where_the_site_says_so() {
    let server = server(true);
    let _members = populate(&server, 20);
    let mut asker = server.client();
    for everything in [json!({"action": "scrape"}), json!({"action": "scrape", "info_hash": null})]
    {
        asker.say(&everything);
        let reply = asker.hear();
        let files = reply["files"].as_object().expect("files");
        assert_eq!((&reply["action"], files.len()), (&json!("scrape"), 20));
        let size = json!({"complete": 0, "incomplete": 1, "downloaded": 0});
        assert!((0..20).all(|swarm| files[&id(&format!("s{swarm:04}"))] == size));
    }
    // What names no swarm is still none.
    asker.say(&json!({"action": "scrape", "info_hash": 7}));
    assert!(asker.hear()["failure reason"].is_string());
}

#[test]
fn of_more_swarms_than_a_list_holds_it_has_the_largest() {
    let server = server(true);
    let mut members = populate(&server, 1080);
    for swarm in ["s1078", "s0003"] {
        members[0].announce(swarm, "two");
    }
    let list = listed(&server, "/swarms.json?count=1000");
    assert_eq!(list["torrentsCount"], 1080);
    let swarms = list["swarms"].as_array().expect("a list");
    assert_eq!(swarms.len(), 1000);
    // Those of equal size are in the order of their names.
    let names: Vec<_> = swarms.iter().map(|swarm| swarm["infoHash"].clone()).collect();
    assert_eq!(names[..3], [hex("s0003"), hex("s1078"), hex("s0000")]);
    assert_eq!(swarms[0]["incomplete"], 2);

    let mut asker = server.client();
    asker.say(&json!({"action": "scrape"}));
    let text = asker.hear_text();
    assert!(text.len() < 256 << 10, "it has {} bytes", text.len());
    let reply: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(reply["files"].as_object().map(serde_json::Map::len), Some(1000));
    assert_eq!(reply["files"][id("s1078")]["incomplete"], 2);
}

#[test]
fn operators_see_as_many_of_the_largest_swarms_as_they_ask_for() {
    let server = server(false);
    let mut members = populate(&server, 130);
    members[0].announce_with("s0099", "two", &json!({"left": 0}));
    assert_eq!(listed(&server, "/swarms.json")["swarms"].as_array().map(Vec::len), Some(100));
    let list = listed(&server, "/swarms.json?count=1");
    let first = json!({"infoHash": hex("s0099"), "complete": 1, "incomplete": 1, "downloaded": 0});
    assert_eq!(list, json!({"torrentsCount": 130, "swarms": [first]}));
    for bad in ["0", "1001", "-1", "many", ""] {
        let (status, body) = private(&server, &format!("/swarms.json?count={bad}"));
        assert!(status.contains(" 400 "), "{bad}: {status}");
        assert_eq!(body, "count must be a whole number of 1 to 1000\n");
    }
}

#[test]
fn nobody_else_sees_which_swarms_there_are() {
    let server = server(false);
    let mut client = server.client();
    client.announce("secret", "ann");
    client.say(&json!({"action": "scrape"}));
    assert!(client.hear()["failure reason"].is_string());
    assert_eq!(server.get("/swarms.json").0, "HTTP/1.1 404 Not Found");
    assert!(!server.stats().to_string().contains("secret"));
    let error = load(&json!({"tracker": {"scrapeAll": "no"}})).expect_err("no boolean").to_string();
    assert!(error.contains("tracker.scrapeAll") && error.contains("\"no\""), "{error}");
}
