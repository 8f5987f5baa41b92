//! The certificates of listeners: what is refused at the start, and how they change while the
//! tracker runs.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::tls::{self, Files, Identity, Secure, connect, replace, shown, trusting};
use crate::support::{PATIENCE, Server, id, load, offer, unpaced};

#[test]
fn a_certificate_that_changes_is_shown_to_newcomers_and_open_sockets_stay() {
    let secure = Secure::start();
    let (mut ann, mut bob) = (secure.client(), secure.client());
    ann.announce("film", "ann");
    let renewed = Identity::new();
    secure.files.write(&renewed);
    secure.until_shown(&renewed);
    // Those who come now meet those who are there, under whichever certificate.
    let mut cid = tls::client(secure.server.address(), &trusting(&[&renewed]));
    cid.announce_with("film", "cid", &json!({"offers": [offer("o", "sdp")]}));
    assert_eq!(ann.hear()["peer_id"], id("cid"));
    assert_eq!(bob.announce("film", "bob")["incomplete"], 3);
    // A ticket of the old one's time doesn't bring it back.
    let error = connect(secure.server.address(), &secure.config).expect_err("no trust");
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

#[test]
fn a_reload_reads_a_certificate_whatever_its_file_looks_like() {
    let secure = Secure::start();
    let mut ann = secure.client();
    ann.announce("film", "ann");
    // Two pairs whose files have the same lengths and times.
    let padded = |path: &Path, content: &str| {
        let mut content = content.to_owned();
        content += &"\n".repeat(4096 - content.len());
        replace(path, &content);
        let file = File::options().write(true).open(path).expect("a file");
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1 << 30)).expect("a time");
    };
    let write = |identity: &Identity| {
        padded(&secure.files.certificate(), &identity.certificate_pem);
        padded(&secure.files.key(), &identity.key_pem);
        secure.server.reload_files();
        secure.until_shown(identity);
    };
    write(&Identity::new());
    write(&Identity::new());
    assert_eq!(ann.announce("film", "ann")["incomplete"], 1);
}

#[test]
fn a_pair_that_does_not_match_is_refused_at_the_start() {
    let (one, other) = (Identity::new(), Identity::new());
    let files = Files::of(&one);
    replace(&files.key(), &other.key_pem);
    let error = load(&json!({"servers": [files.server("127.0.0.1")]})).expect_err("a mismatch");
    let (error, key_file) = (error.to_string(), files.key().display().to_string());
    for part in ["servers[0].server.key_file_name", &key_file, "another certificate's"] {
        assert!(error.contains(part), "no {part}: {error}");
    }
}

#[test]
fn a_pair_that_does_not_match_at_a_reload_leaves_the_last_good_one_in_force() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let list = folder.path().join("hashes.txt");
    fs::write(&list, "").expect("a file");
    let secure = Secure::with(&unpaced(&json!({"access": {"allowInfoHashes": &list}})));
    let mut ann = secure.client();
    // The list is read behind the certificates: when it is in force, they have been looked at.
    let mut until_reloaded = |swarm: &str| {
        let hex: String = id(swarm).bytes().map(|byte| format!("{byte:02x}")).collect();
        replace(&list, &hex);
        secure.server.reload_files();
        let began = Instant::now();
        while ann.announce(swarm, "ann").get("interval").is_none() {
            assert!(began.elapsed() < PATIENCE, "the files have not been read again");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let renewed = Identity::new();
    replace(&secure.files.certificate(), &renewed.certificate_pem);
    until_reloaded("film");
    assert_eq!(shown(&secure.connect()), secure.identity.certificate);
    fs::remove_file(secure.files.key()).expect("removed");
    until_reloaded("news");
    assert_eq!(shown(&secure.connect()), secure.identity.certificate);
    replace(&secure.files.key(), &renewed.key_pem);
    secure.until_shown(&renewed);
}

#[test]
fn files_that_make_no_sense_are_refused_by_key_value_and_bound() {
    let identity = Identity::new();
    let files = Files::of(&identity);
    let refusal =
        |listener: Value| load(&json!({"servers": [listener]})).expect_err("refused").to_string();
    let (cert, key) = (files.certificate(), files.key());
    for (path, content, name, parts) in [
        (&cert, "", "cert_file_name", &["without a certificate", "in PEM"][..]),
        (&cert, &identity.key_pem, "cert_file_name", &["without a certificate", "in PEM"]),
        (
            &cert,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cert_file_name",
            &["no X.509", "in PEM"],
        ),
        (
            &cert,
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
            "cert_file_name",
            &["no PEM", "certificates in PEM"],
        ),
        (&key, "", "key_file_name", &["without a private key", "in PEM"]),
        (&key, &identity.certificate_pem, "key_file_name", &["without a private key", "in PEM"]),
        (
            &key,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "key_file_name",
            &["RSA, ECDSA or Ed25519"],
        ),
    ] {
        files.write(&identity);
        replace(path, content);
        let error = refusal(files.server("127.0.0.1"));
        let (name, file) = (format!("servers[0].server.{name}"), path.display().to_string());
        for part in [&[&name[..], &file][..], parts].concat() {
            assert!(error.contains(part), "no {part}: {error}");
        }
    }
    files.write(&identity);
    for name in ["cert_file_name", "key_file_name"] {
        let mut absent = files.server("127.0.0.1");
        absent["server"][name] = json!("/nowhere/file.pem");
        let error = refusal(absent);
        for part in [name, "'/nowhere/file.pem'", "a file that can be read"] {
            assert!(error.contains(part), "no {part}: {error}");
        }
        let mut alone = files.server("127.0.0.1");
        alone["server"][name] = json!("");
        let error = refusal(alone);
        assert!(error.ends_with(&format!("must be together with {name}")), "{error}");
    }
}

#[test]
fn the_end_of_a_certificate_is_shown_by_its_listener() {
    let files = [2051, 2030].map(|year| Files::of(&Identity::until(year)));
    let [late, early] = files.each_ref().map(|files| files.server("127.0.0.1"));
    let plain = json!({"server": {"port": 0, "host": "127.0.0.1"}});
    let server = Server::with(&json!({"servers": [late, early, plain], "metrics": {"port": 0}}));
    let name = |address: SocketAddr| {
        format!("tracker_tls_expiry_timestamp_seconds{{listener=\"{address}\"}}")
    };
    let [late, early, plain] =
        [0, 1, 2].map(|index: usize| name(server.addresses.servers[index].address));
    let seen = server.metrics();
    // 2051-01-01 and 2030-01-01, in the two ways in which certificates write years.
    assert_eq!(seen[&late], 2_556_144_000.0);
    assert_eq!(seen[&early], 1_893_456_000.0);
    assert_eq!(seen.get(&plain), None);
    // A new one shows once it is in force.
    files[1].write(&Identity::until(2040));
    server.metrics_until("read again", |seen| seen[&early] == 2_208_988_800.0);
}
