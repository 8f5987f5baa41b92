//! Who a node is to NATS, whom it trusts, and what its section of the configuration may say.

use serde_json::{Value, json};

use crate::support::load;
use crate::support::nats::{Nats, knows, meet, two_with};
use crate::support::program::{Program, written};
use crate::support::tls::{Files, Identity};

/// The nkey of a user, made for these tests, and its seed.
const NKEY: &str = "UB43KVROR7TFJ6KAPCYRF2FJROTZAH4FHLTJLPWX4DRZCC5NASLGJBFE";
const SEED: &str = "SUAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6IC5CQ";

#[test]
fn nats_lets_in_who_has_its_password_and_the_password_is_in_no_log() {
    let mut nats = Nats::with("authorization { user: tracker, password: \"correct-horse\" }\n");
    let good = nats.node_with("a", &json!({"user": "tracker", "password": "correct-horse"}));
    good.metrics_until("let in", |seen| seen["tracker_cluster_connected"] == 1.0);

    let mut sections = nats.sections("b");
    sections["servers"] = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
    sections["cluster"]["user"] = json!("tracker");
    sections["cluster"]["password"] = json!("wrong-battery");
    sections["log"] = json!({"level": "trace"});
    let mut program = Program::start(&sections);
    let mut log = program.log();
    let told = log.by_ref().find(|line| line.contains("NATS is away")).expect("a line");
    assert!(told.to_lowercase().contains("authorization"), "{told}");
    program.send("TERM");
    for line in log {
        assert!(!line.contains("wrong-battery"), "{line}");
    }
    nats.kill();
}

#[test]
fn nats_lets_in_who_has_its_token() {
    let nats = Nats::with("authorization { token: \"s3cr3t\" }\n");
    let good = nats.node_with("a", &json!({"token": "s3cr3t"}));
    let bad = nats.node_with("b", &json!({"token": "another"}));
    good.metrics_until("let in", |seen| seen["tracker_cluster_connected"] == 1.0);
    assert_eq!(bad.metrics()["tracker_cluster_connected"], 0.0);
}

#[test]
fn nats_is_spoken_to_with_tls_and_only_if_it_can_be_trusted() {
    let identity = Identity::new();
    let files = Files::of(&identity);
    let tls =
        format!("tls {{ cert_file: {:?}, key_file: {:?} }}\n", files.certificate(), files.key());
    let nats = Nats::with(&tls);
    let servers = format!("tls://localhost:{}", nats.port);
    let trusting = json!({"servers": servers, "tls": {"caFile": files.certificate()}});
    let (a, b) = (nats.node_with("a", &trusting), nats.node_with("b", &trusting));
    knows(&a, 1);
    knows(&b, 1);
    let stranger = Files::of(&Identity::new());
    let suspicious = json!({"servers": servers, "tls": {"caFile": stranger.certificate()}});
    let c = nats.node_with("c", &suspicious);
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
    assert_eq!(c.metrics()["tracker_cluster_connected"], 0.0);
}

#[test]
fn why_nats_cannot_be_had_is_in_the_log() {
    let files = Files::of(&Identity::new());
    let tls =
        format!("tls {{ cert_file: {:?}, key_file: {:?} }}\n", files.certificate(), files.key());
    let nats = Nats::with(&tls);
    let stranger = Files::of(&Identity::new());
    let port = nats.port;
    for (servers, reason) in [
        (format!("tls://localhost:{port}"), "invalid peer certificate"),
        ("nats://127.0.0.1:1".to_owned(), "127.0.0.1:1: IO error: Connection refused"),
        ("nats://nowhere.invalid:4222".to_owned(), "DNS error"),
    ] {
        let mut cluster = json!({ "servers": servers });
        if servers.starts_with("tls") {
            cluster["tls"] = json!({"caFile": stranger.certificate()});
        }
        let servers = json!([{"server": {"port": 0, "host": "127.0.0.1"}}]);
        let mut program = Program::start(&json!({"servers": servers, "cluster": cluster}));
        let mut log = program.log();
        let told = log.by_ref().find(|line| line.contains("NATS is away")).expect("a line");
        assert!(told.contains(reason), "{told}");
        program.send("TERM");
        assert_eq!(log.filter(|line| line.contains("NATS is away")).count(), 0);
    }
}

/// As docs/operating/cluster.md has it.
#[test]
fn rights_to_the_subjects_of_the_cluster_are_enough() {
    let nats = Nats::with(
        r#"authorization { users = [ { user: tracker, password: "correct-horse",
            permissions: { publish: "tracker.>", subscribe: "tracker.>" } } ] }
        "#,
    );
    let (a, b) = two_with(&nats, &json!({"user": "tracker", "password": "correct-horse"}));
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
}

#[test]
fn nats_lets_in_who_has_its_nkey() {
    let nats = Nats::with(&format!("authorization {{ users: [ {{ nkey: {NKEY} }} ] }}\n"));
    let (_folder, seed) = written(&format!("# made for tests\n{SEED}\n"));
    let good = nats.node_with("a", &json!({"nkeyFile": seed}));
    let bad = nats.node("b");
    good.metrics_until("let in", |seen| seen["tracker_cluster_connected"] == 1.0);
    assert_eq!(bad.metrics()["tracker_cluster_connected"], 0.0);
}

#[test]
fn what_cannot_be_done_is_refused_by_its_key_and_no_secret_is_shown() {
    let (_folder, file) = written("SUAAHUSH");
    let refused = |section: &Value, key: &str, bound: &str| {
        let error = load(&json!({"cluster": section})).expect_err(key).to_string();
        assert!(error.contains(&format!("cluster.{key}")), "no key: {error}");
        assert!(error.contains(bound), "no bound: {error}");
        assert!(!error.to_lowercase().contains("hush"), "{error}");
    };
    for servers in ["http://a", "ws://a", "nats://a,,b", "", "nats://hush@a", "nats://:hush@a"] {
        refused(&json!({ "servers": servers }), "servers", "");
    }
    refused(&json!({"servers": "nats://u:hush@a"}), "servers", "`user` and `password`");
    refused(&json!({"node": "a b"}), "node", "1 to 64 letters");
    refused(&json!({"node": "n".repeat(65)}), "node", "1 to 64 letters");
    refused(&json!({"subject": "a..b"}), "subject", "in parts between dots");
    refused(&json!({"subject": "a.>"}), "subject", "in parts between dots");
    refused(&json!({"user": "u"}), "user", "together with password");
    refused(&json!({"password": "hush"}), "password", "together with user");
    refused(&json!({"password": 5}), "password", "needs quotes");
    refused(&json!({"user": "u", "password": "hush", "token": "hush"}), "user", "left out where");
    refused(&json!({"nkeyFile": file, "token": "hush"}), "token", "left out where");
    refused(&json!({ "nkeyFile": file }), "nkeyFile", "58 characters");
    refused(&json!({ "credentialsFile": file }), "credentialsFile", "as nsc writes them");
    refused(&json!({"credentialsFile": "/nowhere"}), "credentialsFile", "");
    refused(&json!({"tls": {"certFile": "c"}}), "tls.certFile", "together with keyFile");
    refused(&json!({"tls": {"keyFile": "k"}}), "tls.keyFile", "together with certFile");
    refused(&json!({"tls": {"caFile": file}}), "tls.caFile", "certificates in PEM");
    refused(&json!({"tls": {"caFile": "/nowhere"}}), "tls.caFile", "");
    let files = Files::of(&Identity::new());
    let (certificate, key) = (files.certificate(), files.key());
    let no_key = json!({"certFile": certificate, "keyFile": certificate});
    refused(&json!({ "tls": no_key }), "tls.keyFile", "a private key in PEM");
    let no_certificate = json!({"certFile": key, "keyFile": key});
    refused(&json!({ "tls": no_certificate }), "tls.certFile", "certificates in PEM");
    refused(&json!({"server": "nats://a"}), "server", "unknown field");
}

#[test]
fn credentials_are_taken_as_nsc_writes_them() {
    let file = format!(
        "-----BEGIN NATS USER JWT-----\neyJ0eXAiOiJKV1QifQ.e30.c2ln\n------END NATS USER JWT------\n\n\
         ************************* IMPORTANT *************************\n\n\
         -----BEGIN USER NKEY SEED-----\n{SEED}\n------END USER NKEY SEED------\n"
    );
    let (_folder, file) = written(&file);
    let loaded = load(&json!({"cluster": {"credentialsFile": file}})).expect("a configuration");
    assert!(!format!("{:?}", loaded.config.cluster).contains(SEED));
}

#[test]
fn several_servers_are_one_list_and_any_that_is_there_will_do() {
    let nats = Nats::start();
    let away = Nats::stopped();
    let servers = format!("{}, 127.0.0.1:{}", away.url(), nats.port);
    let (a, b) = two_with(&nats, &json!({ "servers": servers }));
    let (mut anna, mut bob) = (a.client(), b.client());
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
}

#[test]
fn clusters_with_other_subjects_share_a_nats_and_nothing_else() {
    let nats = Nats::start();
    let stage = json!({"subject": "stage.tracker"});
    let (a, b) = two_with(&nats, &stage);
    let production = nats.node("a");
    production.metrics_until("with NATS", |seen| seen["tracker_cluster_connected"] == 1.0);
    let (mut anna, mut bob) = (a.client(), b.client());
    production.client().announce("film", "paul");
    anna.announce("film", "anna");
    meet(&mut bob, "bob", &mut anna, "anna", "film");
    assert_eq!(production.metrics()["tracker_cluster_nodes"], 0.0);
    assert_eq!(a.metrics()["tracker_cluster_nodes"], 1.0);
}
