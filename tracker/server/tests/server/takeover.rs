//! A viewer whose network has changed comes back under its peer id while its old socket, dead,
//! still has it. It gets in once that is known, without announcing again; nobody else ever does.

use serde_json::{Value, json};
use tracker_core::limits::CLAIMS_PER_CONNECTION_MAX;

use crate::support::{Client, PATIENCE, Raw, Server, announce, answer, frame, id, offer};

const PING: (u8, Vec<u8>) = (0x89, Vec::new());
const TAKEN: &str = "peer_id belongs to another connection";

/// A socket in "film" that does nothing by itself, not even answer a ping.
fn owner(server: &Server, peer: &str) -> Raw {
    let mut raw = server.raw().upgrade(b"");
    raw.say(&announce("film", peer, &json!({})).to_string());
    assert!(raw.hear_text().contains("interval"));
    raw
}

fn claim(client: &mut Client, swarm: &str, peer: &str) {
    client.say(&announce(swarm, peer, &json!({"offers": [offer("o", "an offer")]})));
}

/// Nothing has come for `client`, though its shard has seen all that it has said.
fn assert_unheard(client: &mut Client, swarm: &str) {
    assert_eq!(client.fence(swarm), [] as [Value; 0]);
}

#[test]
fn who_comes_back_gets_in_with_one_announce_once_the_old_socket_fails_its_ping() {
    let server = Server::start();
    let mut other = server.client();
    other.announce("film", "other");
    let mut dead = owner(&server, "ann");
    let mut back = server.client();
    claim(&mut back, "film", "ann");
    assert_eq!(dead.hear(), Some(PING));
    assert_unheard(&mut back, "film");

    let reply = back.hear();
    assert_eq!(reply["incomplete"], 2, "{reply}");
    let offered = other.hear();
    assert_eq!((&offered["peer_id"], &offered["offer_id"]), (&json!(id("ann")), &json!(id("o"))));
    other.say(&answer("other", &offered, "an answer"));
    assert_eq!(back.hear()["answer"]["sdp"], "an answer");
    assert_eq!(dead.hear(), None, "the old socket has ended, without a close frame");
    let stats = server.stats_until("the old one gone", |stats| stats["closes"]["superseded"] == 1);
    assert_eq!(stats["peersCount"], 2, "{stats}");
    assert_eq!(stats["refusals"], 0, "{stats}");
}

/// It reads nothing, and so doesn't even find the ping.
#[test]
fn an_old_socket_that_reads_nothing_is_found_dead_too() {
    let server = Server::start();
    let deaf = owner(&server, "ann");
    let mut back = server.client();
    claim(&mut back, "film", "ann");
    assert_eq!(back.hear()["incomplete"], 1);
    drop(deaf);
    assert_eq!(back.announce("film", "ann")["incomplete"], 1, "and is the owner from then on");
    server.stats_until("one peer", |stats| stats["peersCount"] == 1);
}

#[test]
fn a_claim_is_refused_when_the_owner_answers_and_not_before() {
    let server = Server::start();
    let mut live = owner(&server, "ann");
    let mut thief = server.client();
    claim(&mut thief, "film", "ann");
    assert_eq!(live.hear(), Some(PING));
    assert_unheard(&mut thief, "film");
    live.write(&frame(0x8a, b""));
    assert_eq!(thief.hear()["failure reason"], TAKEN);
    // The owner has noticed nothing but the ping.
    live.say(&announce("film", "ann", &json!({})).to_string());
    assert!(live.hear_text().contains(r#""incomplete":1"#));
}

#[test]
fn whatever_an_owner_says_is_a_sign_of_life() {
    let server = Server::start();
    let mut live = owner(&server, "ann");
    let mut thief = server.client();
    claim(&mut thief, "film", "ann");
    assert_eq!(live.hear(), Some(PING));
    live.say("garbage");
    assert!(live.hear_text().contains("not valid JSON"));
    assert_eq!(thief.hear()["failure reason"], TAKEN);
}

#[test]
fn an_owner_that_leaves_or_stops_while_it_is_asked_makes_room_at_once() {
    let server = Server::start();
    for way in ["hangs up", "closes", "stops"] {
        let mut old = owner(&server, "ann");
        let mut back = server.client();
        claim(&mut back, "film", "ann");
        assert_eq!(old.hear(), Some(PING));
        let began = std::time::Instant::now();
        match way {
            "hangs up" => drop(old),
            // A close frame is no sign of life.
            "closes" => old.write(&frame(0x88, &1000u16.to_be_bytes())),
            _ => {
                // It lives on, and gives its peer id away before it is heard to.
                let stopped = announce("film", "ann", &json!({"event": "stopped"}));
                old.say(&stopped.to_string());
                assert!(old.hear_text().contains(r#""incomplete":0"#));
            }
        }
        assert_eq!(back.hear()["incomplete"], 1, "{way}");
        assert!(began.elapsed() < PATIENCE / 4, "{way}");
        back.announce_with("film", "ann", &json!({"event": "stopped"}));
        server.stats_until("empty", |stats| stats["peersCount"] == 0);
    }
}

#[test]
fn a_claimant_that_leaves_meanwhile_leaves_nobody_behind() {
    let server = Server::start();
    let mut old = owner(&server, "ann");
    let mut back = server.client();
    claim(&mut back, "film", "ann");
    assert_eq!(old.hear(), Some(PING));
    drop(back);
    server.stats_until("gone", |stats| stats["servers"][0]["webSocketsCount"] == 1);
    drop(old);
    server.stats_until("empty", |stats| stats["peersCount"] == 0 && stats["torrentsCount"] == 0);
}

#[test]
fn the_last_of_several_claimants_gets_in_and_the_others_are_refused() {
    let server = Server::start();
    let mut old = owner(&server, "ann");
    let mut claimants = [server.client(), server.client(), server.client()];
    for (number, claimant) in claimants.iter_mut().enumerate() {
        claim(claimant, "film", "ann");
        if number == 0 {
            assert_eq!(old.hear(), Some(PING));
        }
        assert_unheard(claimant, "film");
    }
    let [first, second, last] = &mut claimants;
    assert_eq!(first.hear()["failure reason"], TAKEN);
    assert_eq!(second.hear()["failure reason"], TAKEN);
    drop(old);
    assert_eq!(last.hear()["incomplete"], 1);
}

/// So many swarms that both workers have some, as good as always, each held open by a socket of its
/// own. One worker may have them all, so they are no more than it lets one socket claim.
fn held(server: &Server, count: usize) -> (Vec<String>, Vec<Client>) {
    let swarms: Vec<String> = (0..count).map(|n| format!("s{n}")).collect();
    let holder = |swarm: &String| {
        let mut holder = server.client();
        holder.announce(swarm, "holder");
        holder
    };
    let holders = swarms.iter().map(holder).collect();
    (swarms, holders)
}

/// A socket that is "ann" in all of them, and does nothing by itself.
fn owner_of_all(server: &Server, swarms: &[String]) -> Raw {
    let mut owner = server.raw().upgrade(b"");
    for swarm in swarms {
        owner.say(&announce(swarm, "ann", &json!({})).to_string());
        assert!(owner.hear_text().contains(r#""incomplete":2"#));
    }
    owner
}

/// A client that has said that it is "ann" in all of them.
fn claimant_of_all(server: &Server, swarms: &[String]) -> Client {
    let mut claimant = server.client();
    for swarm in swarms {
        claimant.say(&announce(swarm, "ann", &json!({})));
    }
    claimant
}

/// Swarms of both workers, and a socket of one of them: one ping, and one answer for all.
#[test]
fn an_owner_in_swarms_of_both_workers_answers_for_all_of_them_with_one_pong() {
    let server = Server::start();
    let (swarms, holders) = held(&server, CLAIMS_PER_CONNECTION_MAX);
    let mut live = owner_of_all(&server, &swarms);
    let mut thief = claimant_of_all(&server, &swarms);
    assert_eq!(live.hear(), Some(PING));
    for swarm in &swarms {
        assert_unheard(&mut thief, swarm);
    }
    live.write(&frame(0x8a, b""));
    for _ in &swarms {
        assert_eq!(thief.hear()["failure reason"], TAKEN);
    }
    // For a while it counts as alive, and who claims more has it pinged no more.
    for swarm in &swarms {
        assert_eq!(thief.announce(swarm, "ann")["failure reason"], TAKEN);
    }
    live.write(&frame(0x89, b"fence"));
    assert_eq!(live.hear(), Some((0x8a, b"fence".to_vec())), "pinged once");
    drop(holders);
}

#[test]
fn a_claimant_gets_all_that_a_dead_owner_had_on_both_workers() {
    let server = Server::start();
    let (swarms, holders) = held(&server, CLAIMS_PER_CONNECTION_MAX);
    let mut dead = owner_of_all(&server, &swarms);
    let mut back = claimant_of_all(&server, &swarms);
    assert_eq!(dead.hear(), Some(PING));
    drop(dead);
    for _ in &swarms {
        assert_eq!(back.hear()["incomplete"], 2);
    }
    drop(holders);
}
