//! Which swarms are served: files of info hashes, which change while the tracker runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, PATIENCE, Server, answer, id, load, offer, unpaced};

const REFUSED: &str = "info_hash is not served here";

/// A file with these swarms, and the folder that it goes with.
fn list(swarms: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("hashes.txt");
    write(&path, swarms);
    (folder, path)
}

fn write(path: &Path, swarms: &[&str]) {
    let mut text = "# the swarms of this test\n\n".to_owned();
    for swarm in swarms {
        id(swarm).bytes().for_each(|byte| text += &format!("{byte:02x}"));
        text += &format!(" # {swarm}\n");
    }
    replace(path, text.as_bytes());
}

/// The way that an operator is told to: a new file, renamed over the old one.
fn replace(path: &Path, content: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, content).expect("a file");
    fs::rename(new, path).expect("a rename");
}

fn allowing(path: &Path) -> Server {
    Server::with(&unpaced(&json!({"access": {"allowInfoHashes": path}})))
}

fn denying(path: &Path) -> Server {
    Server::with(&unpaced(&json!({"access": {"denyInfoHashes": path}})))
}

fn is_refused(reply: &Value) -> bool {
    match reply.get("failure reason") {
        Some(reason) => reason == REFUSED,
        None => false,
    }
}

/// Announces until the answer is a refusal, or no longer is one.
fn announce_until(client: &mut Client, swarm: &str, peer: &str, refused: bool) {
    let began = Instant::now();
    while is_refused(&client.announce(swarm, peer)) != refused {
        assert!(began.elapsed() < PATIENCE, "the list has not been read again");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn only_listed_swarms_are_served_and_the_socket_of_a_refusal_stays() {
    let (_folder, path) = list(&["film", "news"]);
    let server = allowing(&path);
    let mut client = server.client();
    let refusal = client.announce("torrent", "ann");
    assert_eq!(
        refusal,
        json!({"action": "announce", "info_hash": id("torrent"), "failure reason": REFUSED})
    );
    assert_eq!(server.stats()["torrentsCount"], 0, "nothing is kept of what is refused");
    for swarm in ["film", "news"] {
        assert_eq!(client.announce(swarm, "ann")["interval"], 120, "{swarm}");
    }
    assert!(is_refused(&client.announce("torrent", "ann")));
}

#[test]
fn all_swarms_but_listed_ones_are_served() {
    let (_folder, path) = list(&["torrent"]);
    let server = denying(&path);
    let mut client = server.client();
    assert!(is_refused(&client.announce("torrent", "ann")));
    assert_eq!(client.announce("film", "ann")["interval"], 120);
}

#[test]
fn a_list_that_changes_is_in_force_without_a_restart_and_without_a_lost_socket() {
    let (_folder, path) = list(&["film"]);
    let server = allowing(&path);
    let mut client = server.client();
    assert!(is_refused(&client.announce("news", "ann")));
    write(&path, &["film", "news"]);
    announce_until(&mut client, "news", "ann", false);
    assert_eq!(client.announce("film", "ann")["interval"], 120);
}

#[test]
fn who_is_in_a_swarm_that_gets_denied_is_refused_at_its_next_announce_and_met_by_nobody() {
    let (_folder, path) = list(&[]);
    let server = denying(&path);
    let (mut ann, mut bob) = (server.client(), server.client());
    ann.announce("film", "ann");
    bob.announce("film", "bob");
    write(&path, &["film"]);
    announce_until(&mut ann, "film", "ann", true);
    server.stats_until("left by ann", |stats| stats["peersCount"] == 1);
    // Bob hasn't announced since; once he does, he is out as well, and the swarm is gone.
    assert!(is_refused(&bob.announce("film", "bob")));
    server.stats_until("empty", |stats| stats["torrentsCount"] == 0);

    write(&path, &[]);
    announce_until(&mut ann, "film", "ann", false);
    bob.announce("film", "bob");
    ann.announce_with("film", "ann", &json!({"offers": [offer("o1", "a")], "numwant": 1}));
    let heard = bob.hear();
    bob.say(&answer("bob", &heard, "b"));
    assert_eq!(ann.hear()["answer"]["sdp"], "b");
}

#[test]
fn a_stop_is_heard_in_a_swarm_that_is_served_no_more() {
    let (_folder, path) = list(&[]);
    let server = denying(&path);
    let (mut ann, mut bob) = (server.client(), server.client());
    ann.announce("film", "ann");
    write(&path, &["film"]);
    announce_until(&mut bob, "film", "bob", true);
    ann.announce_with("film", "ann", &json!({"event": "stopped"}));
    server.stats_until("empty", |stats| stats["peersCount"] == 0);
}

#[test]
fn a_list_that_makes_no_sense_at_the_start_is_refused_by_file_and_line() {
    let (folder, path) = list(&["film"]);
    let here = path.display().to_string();
    let text = fs::read_to_string(&path).expect("text");
    for key in ["allowInfoHashes", "denyInfoHashes"] {
        let refusal = |path: &Path| {
            let error = load(&json!({"access": {key: path}})).expect_err(key).to_string();
            assert!(error.contains(&format!("access.{key}")), "{error}");
            error
        };
        fs::write(&path, format!("{text}xyz\n")).expect("a file");
        let error = refusal(&path);
        for part in [&here, "line 4", "\"xyz\"", "40 hexadecimal digits"] {
            assert!(error.contains(part), "no {part}: {error}");
        }
        assert!(refusal(folder.path()).contains("a regular file"));
        assert!(refusal(Path::new("/nowhere/list")).contains("'/nowhere/list'"));
        let large = folder.path().join("large");
        fs::File::create(&large).and_then(|file| file.set_len((64 << 20) + 1)).expect("a file");
        assert!(refusal(&large).contains("67108864 bytes at most"));
        fs::write(&path, &text).expect("a file");
    }
    let both = json!({"access": {"allowInfoHashes": &path, "denyInfoHashes": &path}});
    let error = load(&both).expect_err("both").to_string();
    assert!(error.contains("access.denyInfoHashes") && error.contains("left out"), "{error}");
}
