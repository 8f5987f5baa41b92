//! Who may open a socket and join what, by the token in its URL.

use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, PATIENCE, Server, http, id, load, unpaced};

const SECRET: &[u8] = b"thirty-two bytes, and not one more 0123456789";

/// RFC 8410, section 10: the example's key pair.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";

struct Site {
    server: Server,
    key_file: PathBuf,
    _folder: TempDir,
}

impl Site {
    fn with_secret() -> Self {
        Self::with("hs256SecretFile", &[SECRET, b"\n"].concat())
    }

    fn with_public_key() -> Self {
        Self::with("ed25519PublicKeyFile", PUBLIC_KEY.as_bytes())
    }

    fn with(key: &str, content: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key_file = folder.path().join("key");
        fs::write(&key_file, content).expect("a file");
        let server = Server::with(&unpaced(&json!({"access": {"tokens": {key: &key_file}}})));
        Self { server, key_file, _folder: folder }
    }

    fn client(&self, token: &str) -> Client {
        Client::connect(self.server.address(), &format!("/?token={token}"))
    }

    /// Status and body of the answer to a handshake; `None` when a socket opens.
    fn refusal(&self, query: &str, origin: Option<&str>) -> Option<(String, String)> {
        let path = format!("/announce{query}");
        if Client::try_connect(self.server.address(), &path, origin).is_ok() {
            return None;
        }
        let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{origin}\r\n"
        );
        Some(http(self.server.address(), &head))
    }

    /// Asserts that a handshake with this token is answered with 401 and `reason`, which repeats
    /// nothing of it.
    fn refuses(&self, token: &str, origin: Option<&str>, reason: &str) {
        let (status, body) = self.refusal(&format!("?token={token}"), origin).expect(reason);
        assert!(status.contains(" 401 "), "{status}");
        assert_eq!(body, reason);
    }
}

/// Seconds since the epoch, in an hour.
fn later() -> u64 {
    now() + 3600
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

fn hs256(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET)).expect("a token")
}

fn eddsa(claims: &Value) -> String {
    let key = EncodingKey::from_ed_pem(PRIVATE_KEY.as_bytes()).expect("a key");
    encode(&Header::new(Algorithm::EdDSA), claims, &key).expect("a token")
}

fn hex(swarm: &str) -> String {
    id(swarm).bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_genuine_token_of_either_kind_opens_a_socket_that_may_join_any_swarm() {
    for (site, token) in [
        (Site::with_secret(), hs256(&json!({"exp": later()}))),
        (Site::with_public_key(), eddsa(&json!({"exp": later(), "nbf": now(), "sub": "me"}))),
    ] {
        let mut client = site.client(&token);
        assert_eq!(client.announce("film", "ann")["interval"], 120);
        assert_eq!(client.announce("news", "ann")["interval"], 120);
        // Other parameters beside it are no matter.
        assert_eq!(site.refusal(&format!("?a=b&token={token}&c"), None), None);
    }
}

#[test]
fn without_a_token_there_is_no_socket_but_there_are_pages() {
    let site = Site::with_secret();
    for query in ["", "?", "?token=", "?Token=x"] {
        let (status, body) = site.refusal(query, None).expect("a refusal");
        assert!(status.contains(" 401 "), "{query}: {status}");
        assert_eq!(body, "a token is required in the query of the URL", "{query}");
    }
    assert_eq!(site.server.stats()["servers"][0]["webSocketsCount"], 0);
    assert!(site.server.get("/health").0.contains(" 200 "));
}

#[test]
fn a_token_that_is_forged_unfinished_or_for_somebody_else_is_not_valid() {
    let site = Site::with_secret();
    let genuine = hs256(&json!({"exp": later()}));
    let (_, signature) = genuine.rsplit_once('.').expect("a signature");
    let (head, _) = genuine.split_once('.').expect("a head");
    let other = hs256(&json!({"exp": later(), "admin": true}));
    let (other, _) = other.rsplit_once('.').expect("a signature");
    let wrong = EncodingKey::from_secret(b"another secret of thirty-two bytes or more");
    let secret = EncodingKey::from_secret(SECRET);
    let claims = json!({"exp": later()});
    let hs384 = encode(&Header::new(Algorithm::HS384), &claims, &secret).expect("a token");
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..Header::default() };
    for token in [
        "x".to_owned(),
        "..".to_owned(),
        format!("{other}.{signature}"),
        format!("{head}..{signature}"),
        genuine.rsplit_once('.').expect("a signature").0.to_owned() + ".",
        encode(&Header::default(), &claims, &wrong).expect("a token"),
        hs384,
        eddsa(&claims),
        encode(&critical, &claims, &secret).expect("a token"),
        // {"alg":"none"}, without a signature.
        format!("eyJhbGciOiJub25lIn0.{}.", genuine.split('.').nth(1).expect("claims")),
        hs256(&json!({"sub": "no end"})),
        hs256(&json!({"exp": "soon"})),
        hs256(&json!({"exp": later(), "nbf": later()})),
        hs256(&json!({"exp": later(), "aud": "another service"})),
        hs256(&json!({"exp": later(), "swarms": ["film"]})),
        hs256(&json!({"exp": later(), "swarms": "film"})),
    ] {
        site.refuses(&token, None, "the token is not valid");
    }
    site.refuses(&hs256(&json!({"exp": now() - 60})), None, "the token has expired");
    let huge = hs256(&json!({"exp": later(), "padding": "x".repeat(8192)}));
    site.refuses(&huge, None, "the token is longer than 8192 bytes");
    let many = vec![hex("film"); 129];
    let many = hs256(&json!({"exp": later(), "swarms": many}));
    site.refuses(&many, None, "the token is for more than 128 swarms");
}

#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    let site = Site::with_public_key();
    let claims = json!({"exp": later()});
    for secret in [PUBLIC_KEY.as_bytes(), PUBLIC_KEY.trim_end().as_bytes()] {
        let key = EncodingKey::from_secret(secret);
        let token = encode(&Header::default(), &claims, &key).expect("a token");
        site.refuses(&token, None, "the token is not valid");
    }
}

#[test]
fn a_token_of_one_origin_opens_sockets_for_its_pages_only() {
    let site = Site::with_secret();
    let token = hs256(&json!({"exp": later(), "origin": "https://a.example"}));
    let query = format!("?token={token}");
    assert_eq!(site.refusal(&query, Some("https://a.example")), None);
    for origin in [None, Some("https://b.example"), Some("https://a.example.evil.example")] {
        site.refuses(&token, origin, "the token is for pages of another origin");
    }
}

#[test]
fn a_token_of_some_swarms_joins_no_other_and_the_socket_stays() {
    let site = Site::with_public_key();
    let swarms = [hex("film"), hex("news").to_uppercase()];
    let mut client = site.client(&eddsa(&json!({"exp": later(), "swarms": swarms})));
    let refusal = client.announce("torrent", "ann");
    let reason = "the token of this connection is not for this info_hash";
    assert_eq!(
        refusal,
        json!({"action": "announce", "info_hash": id("torrent"), "failure reason": reason})
    );
    // The first announce may move the socket to another worker; its token goes along.
    for swarm in ["film", "news"] {
        assert_eq!(client.announce(swarm, "ann")["interval"], 120, "{swarm}");
        assert_eq!(client.announce("torrent", "ann")["failure reason"], reason);
    }
}

#[test]
fn a_token_that_expires_joins_no_more_swarms_and_its_socket_stays_where_it_is() {
    let site = Site::with_secret();
    // Clocks may be 10 s apart, so there are 2 to 3 s left of this one.
    let mut client = site.client(&hs256(&json!({"exp": now() - 7})));
    assert_eq!(client.announce("film", "ann")["interval"], 120);
    let began = Instant::now();
    let refusal = (0..).find_map(|number| {
        assert!(began.elapsed() < PATIENCE, "it lasts");
        let (swarm, stop) = (format!("other{number}"), json!({"event": "stopped"}));
        let reply = client.announce(&swarm, "ann");
        if reply.get("interval").is_some() {
            client.announce_with(&swarm, "ann", &stop);
            return None;
        }
        Some(reply["failure reason"].clone())
    });
    assert_eq!(refusal.expect("a refusal"), "the token of this connection has expired");
    assert_eq!(client.announce("film", "ann")["interval"], 120);
}

#[test]
fn a_new_key_is_in_force_without_a_restart_and_open_sockets_stay() {
    let site = Site::with_secret();
    let old = hs256(&json!({"exp": later()}));
    let mut client = site.client(&old);
    client.announce("film", "ann");
    let secret = b"a new secret, of thirty-two bytes or more";
    fs::write(&site.key_file, secret).expect("a file");
    let key = EncodingKey::from_secret(secret);
    let new = encode(&Header::default(), &json!({"exp": later()}), &key).expect("a token");
    let began = Instant::now();
    let opens = |token: &str| {
        Client::try_connect(site.server.address(), &format!("/?token={token}"), None).is_ok()
    };
    while !opens(&new) {
        assert!(began.elapsed() < PATIENCE, "the key has not been read again");
        std::thread::yield_now();
    }
    site.refuses(&old, None, "the token is not valid");
    assert_eq!(client.announce("news", "ann")["interval"], 120);
}

#[test]
fn keys_that_nobody_should_rely_on_are_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("key");
    let refusal = |tokens: Value| {
        load(&json!({"access": {"tokens": tokens}})).expect_err("a refusal").to_string()
    };
    for (key, content, parts) in [
        ("hs256SecretFile", "0123456789012345678901234567890\n", &["31 bytes", "32 bytes"][..]),
        ("hs256SecretFile", "", &["0 bytes", "32 bytes"]),
        ("ed25519PublicKeyFile", PRIVATE_KEY, &["Ed25519 public key in PEM"]),
        ("ed25519PublicKeyFile", "no key", &["Ed25519 public key in PEM"]),
    ] {
        fs::write(&file, content).expect("a file");
        let error = refusal(json!({key: &file}));
        let (name, path) = (format!("access.tokens.{key}"), file.display().to_string());
        for part in parts.iter().copied().chain([&*name, &*path]) {
            assert!(error.contains(part), "no {part}: {error}");
        }
        let shown = content.len() > 10 && error.contains(&content[..10]);
        assert!(!shown, "a secret in an error: {error}");
    }
    let error = refusal(json!({"hs256SecretFile": &file, "ed25519PublicKeyFile": &file}));
    assert!(error.contains("access.tokens.ed25519PublicKeyFile"), "{error}");
    assert!(refusal(json!({})).contains("access.tokens"));
    for parameter in ["", "a b", &"x".repeat(65)] {
        let error = refusal(json!({"hs256SecretFile": &file, "parameter": parameter}));
        assert!(error.contains("access.tokens.parameter"), "{error}");
        assert!(error.contains("1 to 64"), "{error}");
    }
}
