//! Who may see the operators' dashboard: this machine, or whoever has the token; and no page of
//! another site's, whoever looks at it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::json;

use crate::support::feed::{FEED, Feed, here};
use crate::support::{Client, PATIENCE, Server, http, load};

const TOKEN: &str = "correct-horse-battery";

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
