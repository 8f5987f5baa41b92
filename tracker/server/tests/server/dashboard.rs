//! The operators' dashboard: who may see it, and that its live feed says what the sockets did.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};
use tungstenite::Message;

use crate::support::{Client, PATIENCE, Server, answer, http, id, load, offer, until};

const FEED: &str = "/dashboard/feed";
const TOKEN: &str = "correct-horse-battery";

/// A feed as a dashboard reads it.
struct Feed {
    client: Client,
    hello: Value,
    /// Of each column, from the oldest to the newest.
    history: Vec<Vec<f32>>,
    tick: Value,
    survey: Value,
}

impl Feed {
    fn open(server: &Server, headers: &[(&'static str, &str)]) -> Result<Self, String> {
        Client::try_with_headers(server.address(), FEED, headers).map(Self::on)
    }

    fn on(mut client: Client) -> Self {
        let hello = client.hear();
        assert_eq!(hello["kind"], "hello", "{hello}");
        let Ok(Message::Binary(bytes)) = client.socket.read() else {
            panic!("no history");
        };
        let rows = hello["rows"].as_u64().expect("a number") as usize;
        let columns = hello["columns"].as_array().expect("a list").len();
        assert_eq!(bytes.len(), rows * columns * 4);
        let (numbers, _) = bytes.as_chunks();
        let numbers: Vec<_> = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
        let history = numbers.chunks(rows.max(1)).map(<[f32]>::to_vec).collect();
        let mut feed = Self { client, hello, history, tick: Value::Null, survey: Value::Null };
        feed.tick();
        feed
    }

    /// The next tick; a survey before it is kept.
    fn tick(&mut self) -> &Value {
        loop {
            let heard = self.client.hear();
            match heard["kind"].as_str() {
                Some("tick") => {
                    self.tick = heard;
                    return &self.tick;
                }
                Some("survey") => self.survey = heard,
                _ => panic!("{heard}"),
            }
        }
    }

    fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE.as_secs() {
            if wanted(self) {
                return;
            }
            self.tick();
        }
        panic!("not {what}: {} {}", self.tick, self.survey);
    }

    fn place(&self, column: &str) -> usize {
        let columns = self.hello["columns"].as_array().expect("a list");
        columns.iter().position(|name| name == column).expect(column)
    }

    /// A figure of the last tick.
    fn now(&self, column: &str) -> f64 {
        self.tick["row"][self.place(column)].as_f64().unwrap_or(f64::NAN)
    }

    /// How often something was refused or ended for one reason, since the start.
    fn counted(&self, table: &str, reason: &str) -> u64 {
        let rows = self.tick[table].as_array().expect("a table");
        let row = rows.iter().find(|row| row["reason"] == reason);
        row.map_or(0, |row| row["total"].as_u64().expect("a number"))
    }
}

fn here() -> Server {
    Server::with(&json!({"dashboard": {}}))
}

fn token_file(folder: &Path, token: &str) -> String {
    let path = folder.join("token");
    std::fs::write(&path, token).expect("a file");
    path.to_str().expect("text").to_owned()
}

/// A tracker whose dashboard asks for [`TOKEN`].
fn with_token() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = token_file(folder.path(), TOKEN);
    (Server::with(&json!({"dashboard": {"tokenFile": file}})), folder)
}

/// Head and body of the answer to a request with these header lines and this body.
fn ask(server: &Server, method: &str, path: &str, headers: &str, body: &str) -> (String, String) {
    let address = server.address();
    let mut socket = TcpStream::connect(address).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    );
    socket.write_all(request.as_bytes()).expect("sent");
    let mut response = String::new();
    socket.read_to_string(&mut response).expect("a response");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).expect("a status")
}

#[test]
fn without_the_section_there_is_no_dashboard() {
    let server = Server::start();
    assert_eq!(server.get("/dashboard").0, "HTTP/1.1 404 Not Found");
    // It is the tracker's, as any other path.
    let mut client = Client::connect(server.address(), FEED);
    assert_eq!(client.announce("film", "ann")["incomplete"], 1);
}

#[test]
fn this_machine_sees_page_and_feed_without_a_token() {
    let server = here();
    let (head, page) = ask(&server, "GET", "/dashboard", "", "");
    assert!(head.starts_with("HTTP/1.1 200 OK") && page.contains("<html"), "{head}");
    for policy in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(head.contains(policy), "{head}");
    }
    let script = page.split("src=\"").nth(1).and_then(|rest| rest.split('"').next());
    let script = script.expect("a script");
    assert_eq!(status(&ask(&server, "HEAD", script, "", "").0), "200", "{script}");
    let (head, body) = ask(&server, "GET", "/dashboard/session", "", "");
    assert_eq!((status(&head), body.as_str()), ("200", r#"{"pass":"thisMachine"}"#));
    let origin = format!("http://{}", server.address());
    let feed = Feed::open(&server, &[("origin", &origin)]).expect("a feed");
    assert_eq!(feed.tick["verdict"]["state"], "well", "{}", feed.tick);
    assert_eq!(feed.tick["workers"].as_array().map(Vec::len), Some(2));
}

#[test]
fn whoever_comes_by_way_of_a_proxy_is_not_this_machine() {
    let server = here();
    for header in ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: ::1"] {
        for path in ["/dashboard", "/dashboard/session"] {
            let (head, body) = ask(&server, "GET", path, &format!("{header}\r\n"), "");
            assert_eq!(status(&head), "403", "{path} {header}");
            assert!(body.contains("dashboard.tokenFile"), "{body}");
        }
    }
    let refused = Feed::open(&server, &[("x-forwarded-for", "127.0.0.1")]).err();
    assert!(refused.as_deref().is_some_and(|why| why.starts_with("403")), "{refused:?}");
}

#[test]
fn a_page_of_another_site_is_refused_and_so_is_a_name_that_leads_here() {
    let server = here();
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        let refused = Feed::open(&server, &[("origin", origin)]).err().expect("no feed");
        assert!(refused.starts_with("403") && refused.contains("another origin"), "{refused}");
        let header = format!("Origin: {origin}\r\n");
        assert_eq!(status(&ask(&server, "POST", "/dashboard/session", &header, TOKEN).0), "403");
    }
    let rebound = "GET /dashboard/session HTTP/1.1\r\nHost: evil.example:8000\r\n\
        Origin: http://evil.example:8000\r\nConnection: close\r\n\r\n";
    assert_eq!(http(server.address(), rebound).0, "HTTP/1.1 403 Forbidden");
}

#[test]
fn where_a_token_is_asked_for_nothing_else_opens_it() {
    let (server, _folder) = with_token();
    assert_eq!(status(&ask(&server, "GET", "/dashboard", "", "").0), "200", "it has to ask");
    let wrong = format!("Bearer {TOKEN}x");
    for (headers, why) in [
        (&[][..], "a token is required"),
        (&[("authorization", wrong.as_str())], "not the right one"),
        (&[("authorization", "Basic abc")], "not the right one"),
        (&[("cookie", "dashboard=1.x")], "session is over"),
    ] {
        let refused = Feed::open(&server, headers).err().expect("no feed");
        assert!(refused.starts_with("401") && refused.contains(why), "{refused}");
        assert!(!refused.contains(TOKEN));
    }
    assert_eq!(Feed::open(&server, &[]).err().map(|why| why.contains("401")), Some(true));
    let right = format!("Bearer {TOKEN}");
    let feed = Feed::open(&server, &[("authorization", &right)]).expect("a feed");
    assert_eq!(feed.now("connections"), 0.0, "a feed is none of the viewers' sockets");
    // A token is no pass for another site's page.
    let other = [("authorization", right.as_str()), ("origin", "https://evil.example")];
    assert!(Feed::open(&server, &other).is_err_and(|why| why.starts_with("403")));
}

#[test]
fn a_browser_gets_a_cookie_for_the_token_that_is_not_the_token() {
    let (server, _folder) = with_token();
    let session = "/dashboard/session";
    let (head, body) = ask(&server, "POST", session, "", "wrong-horse-battery");
    assert_eq!((status(&head), body.as_str()), ("401", "the token is not the right one\n"));
    assert!(!head.to_lowercase().contains("set-cookie"), "{head}");
    let (head, _) = ask(&server, "POST", session, "", &"x".repeat(5000));
    assert_eq!(status(&head), "413");

    let (head, _) = ask(&server, "POST", session, "", TOKEN);
    assert_eq!(status(&head), "204");
    let set = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/dashboard", "; Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains(TOKEN) && !set.contains("Secure"), "{set}");
    let (head, _) = ask(&server, "POST", session, "X-Forwarded-Proto: https\r\n", TOKEN);
    assert!(head.contains("; Secure"), "{head}");

    let cookie = set.split(';').next().expect("a pair");
    let header = format!("Cookie: {cookie}\r\n");
    assert_eq!(ask(&server, "GET", session, &header, "").1, r#"{"pass":"session"}"#);
    Feed::open(&server, &[("cookie", cookie)]).expect("a feed");
    let (head, _) = ask(&server, "DELETE", session, &header, "");
    assert!(head.contains("set-cookie: dashboard=; ") && head.contains("Max-Age=0"), "{head}");
}

#[test]
fn another_token_ends_what_the_last_one_opened() {
    let (server, folder) = with_token();
    let bearer = format!("Bearer {TOKEN}");
    let mut feed = Feed::open(&server, &[("authorization", &bearer)]).expect("a feed");
    token_file(folder.path(), "another-horse-battery");
    server.reload_files();
    assert_eq!(feed.client.close_code(), Some(1008));
    assert!(Feed::open(&server, &[("authorization", &bearer)]).is_err());
}

#[test]
fn a_token_that_is_none_is_refused_with_its_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = token_file(folder.path(), "short");
    let error = load(&json!({"dashboard": {"tokenFile": file}})).expect_err("too short");
    let error = error.to_string();
    assert!(error.contains("dashboard.tokenFile") && error.contains("16 to 256"), "{error}");
    assert!(!error.contains("short"), "{error}");
    let error = load(&json!({"dashboard": {"token": TOKEN}})).expect_err("no such key");
    assert!(error.to_string().contains("token"), "{error}");
}

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
