//! Conversations of real clients, word for word. A transcript lists what connections say and, below
//! each, all that the tracker does about it; `UPDATE_GOLDEN=1` writes the latter anew.
//!
//! ```text
//! 0 1 > {"action":"announce",…}     at second 0, connection 1 says
//! < 1 {"action":"announce",…}       the tracker says to connection 1
//! 7 1 gone "<info hash>" "<peer id>"    connection 1, which had announced this, is gone
//! 7 1 lives                         connection 1, which was asked, has given a sign of life
//! 250 sweep                         time has passed
//! ! closed "<info hash>"            the swarm is closed
//! ! probe 1                         connection 1 is asked whether it still lives
//! ```
#![allow(clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::wire::Action;
use tracker_core::{
    ConnId, Incoming, InfoHash, Input, Limits, Outbox, Outgoing, PeerId, Reason, Refusal, Scrape,
    Settings, Shard, parse,
};

#[test]
fn the_tracker_answers_real_clients_word_for_word() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut transcripts = 0;
    for entry in fs::read_dir(&folder).expect("tests/golden") {
        let path = entry.expect("an entry").path();
        let written = fs::read_to_string(&path).expect("a transcript");
        let played = play(&written);
        transcripts += 1;
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, played).expect("a writable transcript");
            continue;
        }
        let lines = written.lines().zip(played.lines()).enumerate();
        for (index, (written, played)) in lines {
            let line = index + 1;
            assert_eq!(played, written, "{}:{line} (UPDATE_GOLDEN=1 rewrites)", path.display());
        }
        assert_eq!(played, written, "{} ends too early or too late", path.display());
    }
    assert!(transcripts >= 5, "no transcripts in {}", folder.display());
}

/// The transcript with what the tracker does now in place of what was written.
fn play(transcript: &str) -> String {
    let mut stage = Stage {
        shard: Shard::new(Settings::default(), 1),
        open: BTreeSet::new(),
        rng: SmallRng::seed_from_u64(1),
        script: Script::default(),
    };
    let ours = |line: &&str| !line.starts_with("< ") && !line.starts_with("! ");
    for line in transcript.lines().filter(ours) {
        stage.script.0.push_str(line);
        stage.script.0.push('\n');
        if !line.is_empty() && !line.starts_with('#') {
            stage.act(line).expect(line);
        }
    }
    stage.script.0
}

struct Stage {
    shard: Shard,
    /// Swarms that were announced in and weren't seen closed.
    open: BTreeSet<InfoHash>,
    rng: SmallRng,
    script: Script,
}

impl Stage {
    /// One line of somebody else than the tracker. `None` when it can't be read.
    fn act(&mut self, line: &str) -> Option<()> {
        let (second, rest) = line.split_once(' ')?;
        let now = Duration::from_secs(second.parse().ok()?);
        if rest == "sweep" {
            self.handle(Input::Sweep, now);
            return Some(());
        }
        let (conn, rest) = rest.split_once(' ')?;
        let from = ConnId(conn.parse().ok()?);
        if rest == "lives" {
            let input = Input::OwnerLives { owner: from };
            self.handle(input, now);
            return Some(());
        }
        if let Some(names) = rest.strip_prefix("gone ") {
            // An id may have spaces.
            let names = names.strip_prefix('"')?.strip_suffix('"')?;
            let (info_hash, peer_id) = names.split_once(r#"" ""#)?;
            let info_hash = InfoHash::decode(info_hash.as_bytes())?;
            let peer_id = PeerId::decode(peer_id.as_bytes())?;
            let input = Input::PeerLeft { from, info_hash, peer_id };
            self.handle(input, now);
            return Some(());
        }
        self.hear(from, now, Bytes::copy_from_slice(rest.strip_prefix("> ")?.as_bytes()));
        Some(())
    }

    fn hear(&mut self, from: ConnId, now: Duration, frame: Bytes) {
        match parse(frame.clone(), &Limits::default()) {
            Ok(Incoming::Announce(announce)) => {
                self.open.insert(announce.info_hash);
                self.handle(Input::Announce { from, announce: &announce }, now);
            }
            Ok(Incoming::Answer(answer)) => {
                self.handle(Input::Answer { from, answer: &answer }, now);
            }
            Ok(Incoming::Scrape(Scrape::Everything)) => {
                let (action, reason) = (Action::Scrape, Reason::ScrapeOfEverything);
                self.script.send(from, &Outgoing::Refusal { action, info_hash: None, reason });
            }
            Ok(Incoming::Scrape(Scrape::Swarms(info_hashes))) => {
                let size = |&hash: &InfoHash| (hash, self.shard.counts(&hash));
                let files: Vec<_> = info_hashes.iter().map(size).collect();
                self.script.send(from, &Outgoing::Scrape { files: &files });
            }
            Err(Refusal { action, info_hash, reason }) => {
                let info_hash = info_hash.as_ref().map(|span| span.of(&frame));
                self.script.send(from, &Outgoing::Refusal { action, info_hash, reason });
            }
        }
    }

    fn handle(&mut self, input: Input<'_>, now: Duration) {
        self.shard.handle(input, now, &mut self.rng, &mut self.script);
        for info_hash in self.open.extract_if(.., |info_hash| !self.shard.contains(info_hash)) {
            let mut name = Vec::new();
            info_hash.encode(&mut name);
            let name = String::from_utf8(name).expect("UTF-8");
            writeln!(self.script.0, "! closed \"{name}\"").expect("a string");
        }
    }
}

/// What the tracker does, in lines.
#[derive(Default)]
struct Script(String);

impl Outbox for Script {
    fn send(&mut self, to: ConnId, message: &Outgoing<'_>) {
        writeln!(self.0, "< {} {message}", to.0).expect("a string");
    }

    fn probe(&mut self, owner: ConnId) {
        writeln!(self.0, "! probe {}", owner.0).expect("a string");
    }
}
