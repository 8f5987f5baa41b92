//! The operators' dashboard: its live feed says what the sockets did, whoever reads it how slowly.

use std::net::TcpStream;

use serde_json::json;
use tungstenite::Message;

use crate::support::feed::{FEED, Feed, here};
use crate::support::{Client, PATIENCE, Server, answer, id, offer, until};

#[test]
fn the_figures_are_what_the_sockets_did() {
    let server = here();
    let mut feed = Feed::open(&server, &[]).expect("a feed");
    assert_eq!(feed.now("connections"), 0.0);
    let mut clients: Vec<_> = (0..5).map(|_| server.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.announce("film", &format!("peer{number}"));
    }
    clients[0].announce_with("series", "ann", &json!({"left": 0}));
    let offers = json!({"offers": [offer("o", "an offer")], "numwant": 1});
    clients[0].announce_with("film", "peer0", &offers);
    let offered = clients[1..].iter_mut().zip(1..).find_map(|(client, number)| {
        client
            .fence("film")
            .into_iter()
            .find(|heard| heard["offer"].is_object())
            .map(|offer| (number, offer))
    });
    let (number, offered) = offered.expect("an offer");
    clients[number].say(&answer(&format!("peer{number}"), &offered, "an answer"));
    assert!(clients[0].hear()["answer"].is_object());
    clients[4].say(&json!({"action": "dance"}));
    assert!(clients[4].hear()["failure reason"].is_string());

    feed.until("five viewers, one of them in two swarms", |feed| {
        (feed.now("connections"), feed.now("peers"), feed.now("swarms")) == (5.0, 6.0, 2.0)
    });
    feed.until("a refusal", |feed| feed.counted("refusals", "unknown_action") == 1);
    let sum = |key: &str| {
        let workers = feed.tick["workers"].as_array().expect("a list");
        workers.iter().map(|worker| worker[key].as_f64().expect("a number")).sum::<f64>()
    };
    assert_eq!((sum("connections"), sum("peers")), (5.0, 6.0));
    assert!(feed.now("memory") > 1e6 && feed.now("cpu") >= 0.0, "{}", feed.tick);
    // What was relayed is in the times of the last seconds, and nobody waited for long.
    let (p50, p99) = (feed.now("relayP50"), feed.now("relayP99"));
    assert!(p50 > 0.0 && p50 <= p99 && p99 <= 5.0, "{p50} {p99}");

    feed.until("the swarms", |feed| feed.survey["swarms"][0]["members"] == 5);
    let film: String = id("film").bytes().map(|byte| format!("{byte:02x}")).collect();
    let swarms = feed.survey["swarms"].as_array().expect("a list").clone();
    assert_eq!((&swarms[0]["infoHash"], &swarms[0]["complete"]), (&json!(film), &json!(0)));
    assert_eq!((&swarms[1]["members"], &swarms[1]["complete"]), (&json!(1), &json!(1)));
    assert_eq!(feed.survey["swarmsInAll"], 2);

    clients.truncate(2);
    feed.until("two viewers left", |feed| feed.now("connections") == 2.0);
    assert_eq!(feed.counted("closes", "lost"), 3);
    feed.until("a swarm that shrinks", |feed| {
        feed.survey["swarms"][0]["growth"]["members"].as_i64().is_some_and(|growth| growth < 0)
    });
}

#[test]
fn who_comes_later_sees_what_has_been_before() {
    let server = here();
    let mut first = Feed::open(&server, &[]).expect("a feed");
    let clients: Vec<_> = (0..3).map(|_| server.client()).collect();
    first.until("three sockets", |feed| feed.now("connections") == 3.0);
    drop(clients);
    first.until("none", |feed| feed.now("connections") == 0.0);
    let later = Feed::open(&server, &[]).expect("a feed");
    let connections = &later.history[later.place("connections")];
    assert_eq!(later.hello["number"], later.hello["rows"]);
    assert_eq!(Some(connections.len() as u64), later.hello["rows"].as_u64());
    assert!(connections.contains(&3.0) && connections.last() == Some(&0.0), "{connections:?}");
    assert_eq!(later.tick["number"], later.hello["number"], "and where it is now");
    let announces: f32 = later.history[later.place("announces")].iter().sum();
    assert_eq!(announces, 0.0);
}

#[test]
fn the_feed_shows_how_the_streams_are() {
    let sections = json!({"dashboard": {}, "origin": {"streams": [{"loop": {}}]}});
    let server = Server::with(&sections);
    let mut feed = Feed::open(&server, &[]).expect("a feed");
    feed.until("a stream that is live", |feed| feed.survey["streams"][0]["state"] == "live");
    let stream = &feed.survey["streams"][0];
    assert!(stream["bitsPerSecond"].as_u64() > Some(0), "{stream}");
    assert!(stream["lastSegmentSecondsAgo"].as_f64() < Some(60.0), "{stream}");
}

#[test]
fn a_client_that_speaks_or_floods_is_shown_the_door() {
    let server = here();
    let closed = |send: &dyn Fn(&mut Feed)| {
        let mut feed = Feed::open(&server, &[]).expect("a feed");
        send(&mut feed);
        feed.client.close_code()
    };
    let say = |message: Message| move |feed: &mut Feed| feed.client.send(message.clone());
    assert_eq!(closed(&say(Message::text("{}"))), Some(1003));
    assert_eq!(closed(&say(Message::binary(vec![0; 100]))), Some(1003));
    assert_eq!(closed(&say(Message::text("x".repeat(126)))), Some(1009));
    let flood = |feed: &mut Feed| {
        for _ in 0..1000 {
            // It may end in the midst of it.
            let _ = feed.client.socket.send(Message::Ping(vec![0; 100].into()));
        }
    };
    assert!(matches!(closed(&flood), Some(1008) | None));
    Feed::open(&server, &[]).expect("others are not concerned");
}

#[test]
fn there_are_so_many_feeds_and_no_more() {
    let server = here();
    let mut feeds: Vec<_> = (0..32).map(|_| Feed::open(&server, &[]).expect("a feed")).collect();
    let refused = Feed::open(&server, &[]).err().expect("no feed");
    assert!(refused.starts_with("503") && refused.contains("32 dashboards"), "{refused}");
    feeds.pop();
    until("a seat", || Feed::open(&server, &[]).is_ok(), |open| *open);
}

/// A socket that hardly reads: its kernel takes a few kilobytes, and then the server's has to wait.
fn slow_socket(server: &Server) -> TcpStream {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(2048).expect("a size");
    socket.connect(&server.address().into()).expect("a connection");
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    socket
}

#[test]
fn who_does_not_read_misses_ticks_and_then_has_the_newest() {
    // Many workers make long ticks.
    let server = Server::with(&json!({"dashboard": {}, "workers": 48}));
    let request = format!("ws://{}{FEED}", server.address());
    let (socket, _) = tungstenite::client(request, slow_socket(&server)).expect("a WebSocket");
    let mut slow = Feed::on(Client { socket });
    let mut other = Feed::open(&server, &[]).expect("a feed");
    let first = slow.tick["number"].as_u64().expect("a number");
    let number = |feed: &Feed| feed.tick["number"].as_u64().expect("a number");
    let began = number(&other);
    other.until("twenty ticks later", |feed| number(feed) >= began + 20);
    assert_eq!(other.now("connections"), 0.0);

    let (mut last, mut missed) = (first, 0);
    while number(&slow) < began + 21 {
        slow.tick();
        missed += number(&slow) - last.max(first) - 1;
        last = number(&slow);
    }
    assert!(missed >= 5, "{missed} of 20 were dropped");
}

#[test]
fn a_stop_ends_feeds_with_their_code() {
    let server = here();
    let mut feed = Feed::open(&server, &[]).expect("a feed");
    let stopping = std::thread::spawn(move || server.stop());
    assert_eq!(feed.client.close_code(), Some(1001));
    assert!(stopping.join().expect("stopped") < std::time::Duration::from_secs(5));
}
