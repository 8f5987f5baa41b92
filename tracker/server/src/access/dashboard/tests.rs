//! Who sees the dashboard, and above all who doesn't.

#![allow(clippy::expect_used, reason = "tests")]

use actix_http::header::HeaderValue;

use super::*;

const SECRET: &str = "correct-horse-battery";

fn with_token(token: &str) -> Result<DashboardAccess, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("token");
    std::fs::write(&path, token).expect("a file");
    DashboardAccess::token(path)
}

fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name.clone(), HeaderValue::from_str(value).expect("a header"));
    }
    headers
}

fn ask(
    access: &DashboardAccess,
    client: &str,
    pairs: &[(HeaderName, &str)],
) -> Result<Pass, Unseen> {
    access.admit(&headers(pairs), client.parse().ok(), &TrustedProxies::default(), UNIX_EPOCH)
}

#[test]
fn without_a_token_it_is_for_this_machine_alone() {
    let access = DashboardAccess::this_machine();
    for host in ["localhost", "LocalHost:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"] {
        assert_eq!(ask(&access, "127.0.0.1", &[(HOST, host)]), Ok(Pass::ThisMachine), "{host}");
        assert_eq!(ask(&access, "::1", &[(HOST, host)]), Ok(Pass::ThisMachine), "{host}");
        assert!(ask(&access, "::ffff:127.0.0.1", &[(HOST, host)]).is_ok());
        for stranger in ["192.0.2.1", "2001:db8::1", "nobody"] {
            assert_eq!(ask(&access, stranger, &[(HOST, host)]), Err(Unseen::Elsewhere));
        }
    }
}

#[test]
fn a_proxy_on_this_machine_is_not_this_machine() {
    let access = DashboardAccess::this_machine();
    for name in OF_PROXIES {
        let told = [(HOST, "localhost"), (name, "127.0.0.1")];
        assert_eq!(ask(&access, "127.0.0.1", &told), Err(Unseen::Elsewhere));
    }
    // One that is trusted says for whom it asks; and when it doesn't, it may be for anybody.
    let trusted = ["127.0.0.1".to_owned(), "10.0.0.0/8".to_owned()];
    let trusted = TrustedProxies::named("trustedProxies", &trusted).expect("proxies");
    let ask = |peer: &str, forwarded_for: &[&str]| {
        let told = forwarded_for.iter().map(|header| (X_FORWARDED_FOR, *header));
        let told: Vec<_> = told.chain([(HOST, "localhost")]).collect();
        access.admit(&headers(&told), peer.parse().ok(), &trusted, UNIX_EPOCH)
    };
    for (peer, told) in [
        ("127.0.0.1", &["192.0.2.1"][..]),
        ("127.0.0.1", &["127.0.0.1, 192.0.2.1"]),
        ("127.0.0.1", &["127.0.0.1"]),
        ("127.0.0.1", &[]),
        ("192.0.2.1", &["::1"]),
        // Its own loopback, on which another proxy told it of somebody.
        ("10.0.0.1", &["::1"]),
        ("10.0.0.1", &["192.0.2.1, 127.0.0.1"]),
    ] {
        assert_eq!(ask(peer, told), Err(Unseen::Elsewhere), "{peer} {told:?}");
    }
}

#[test]
fn a_name_that_leads_here_is_no_way_in() {
    let access = DashboardAccess::this_machine();
    for host in ["evil.example", "evil.example:8000", "localhost.evil.example", "", "127.0.0.1.x"] {
        let told = [(HOST, host), (ORIGIN, &*format!("http://{host}"))];
        let unseen = ask(&access, "127.0.0.1", &told).expect_err(host);
        assert!(matches!(unseen, Unseen::Named | Unseen::OtherOrigin), "{host}");
        assert!(ask(&access, "127.0.0.1", &[(HOST, host)]).is_err(), "{host}");
    }
}

#[test]
fn another_origins_page_sees_nothing_whatever_it_brings() {
    let access = with_token(SECRET).expect("a token");
    let bearer = format!("Bearer {SECRET}");
    let ask = |origin| {
        let told = [(HOST, "a.example:8000"), (AUTHORIZATION, &*bearer), (ORIGIN, origin)];
        ask(&access, "192.0.2.1", &told)
    };
    for origin in [
        "http://a.example",
        "http://a.example:8001",
        "https://b.example:8000",
        "http://xa.example:8000",
        "null",
        "file://a.example:8000",
    ] {
        assert_eq!(ask(origin), Err(Unseen::OtherOrigin), "{origin}");
    }
    assert!(ask("http://a.example:8000").is_ok());
    assert!(ask("https://A.example:8000").is_ok());
}

#[test]
fn a_token_opens_it_and_no_other_byte_of_it_would() {
    let access = with_token(&format!("{SECRET}\r\n")).expect("a token");
    let ask = |header: &str| ask(&access, "192.0.2.1", &[(AUTHORIZATION, header)]);
    assert_eq!(ask(&format!("Bearer {SECRET}")), Ok(Pass::Token(SECRET.as_bytes().into())));
    assert!(ask(&format!("bearer {SECRET}")).is_ok());
    for at in 0..SECRET.len() {
        let mut other = SECRET.as_bytes().to_vec();
        other[at] ^= 1;
        let other = String::from_utf8(other).expect("text");
        assert_eq!(ask(&format!("Bearer {other}")), Err(Unseen::WrongToken), "byte {at}");
    }
    for wrong in [SECRET, "Bearer", "Bearer ", "Basic abc", "Bearer correct-horse-batteryy"] {
        assert_eq!(ask(wrong), Err(Unseen::WrongToken), "{wrong}");
    }
    let none = self::ask(&access, "127.0.0.1", &[]);
    assert_eq!(none, Err(Unseen::NoToken), "this machine needs it, too");
}

#[test]
fn a_session_is_good_until_its_end_and_for_its_token() {
    let access = with_token(SECRET).expect("a token");
    let began = UNIX_EPOCH + Duration::from_secs(1_000_000);
    assert_eq!(access.sign_in(b"something else", began), Err(Unseen::WrongToken));
    let session = access.sign_in(SECRET.as_bytes(), began).expect("a session");
    assert!(!session.contains(SECRET));
    let ask = |session: &str, at| {
        let cookies = headers(&[(COOKIE, &format!("a=b; dashboard={session}; c=d"))]);
        access.admit(&cookies, None, &TrustedProxies::default(), at)
    };
    let end = began + DASHBOARD_SESSION;
    let pass = ask(&session, end - Duration::from_secs(1)).expect("still good");
    assert!(access.holds(&pass, began) && !access.holds(&pass, end));
    assert_eq!(ask(&session, end), Err(Unseen::SessionOver));
    let (_, proof) = session.split_once('.').expect("a proof");
    for forged in [format!("99999999999.{proof}"), proof.to_owned(), String::new()] {
        assert_eq!(ask(&forged, began), Err(Unseen::SessionOver), "{forged}");
    }
    let other = with_token("another-horse-battery").expect("a token");
    assert!(!other.holds(&pass, began));
    assert!(!DashboardAccess::this_machine().holds(&pass, began));
    // What proves a session is no token, and the other way round.
    assert!(!access.holds(&Pass::Token(session.as_bytes().into()), began));
}

#[test]
fn a_token_that_is_no_secret_or_no_header_is_refused() {
    for bad in ["", "short", &"x".repeat(257), "with a space in it, though long", "ümläüts-äöü-äöü"]
    {
        let error = with_token(bad).expect_err(bad).to_string();
        assert!(error.contains("dashboard.tokenFile") && error.contains("16 to 256"), "{error}");
        assert!(bad.is_empty() || !error.contains(bad), "{error}");
    }
    for good in ["x".repeat(16), "x".repeat(256)] {
        assert!(with_token(&good).is_ok());
    }
}
