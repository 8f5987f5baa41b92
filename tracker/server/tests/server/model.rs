//! A random run against simple expectations: what each client may hear is known from what was
//! said, whatever the workers did with it.

use std::collections::{HashMap, HashSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::support::{Client, Server, announce, answer, id, offer, seed};

const CLIENTS: usize = 30;
const SWARMS: usize = 8;
const OPERATIONS: usize = 600;

/// What was said so far, and what must come of it.
struct Model {
    clients: Vec<(Client, String)>,
    /// Clients by swarm.
    members: Vec<HashSet<usize>>,
    /// Offers that are out: who made them, in which swarm.
    offers: HashMap<String, (usize, usize)>,
    /// Answers on their way: whose offer it was.
    answers: HashMap<String, usize>,
    offers_heard: usize,
    answers_heard: usize,
}

#[test]
fn every_offer_arrives_once_in_its_swarm_and_every_answer_comes_back() {
    let mut rng = StdRng::seed_from_u64(seed());
    let server = Server::without_pace();
    let clients = (0..CLIENTS).map(|n| (server.client(), format!("p{n}"))).collect();
    let mut model = Model {
        clients,
        members: vec![HashSet::new(); SWARMS],
        offers: HashMap::new(),
        answers: HashMap::new(),
        offers_heard: 0,
        answers_heard: 0,
    };
    let mut born = CLIENTS;
    for operation in 0..OPERATIONS {
        let (who, swarm) = (rng.random_range(0..CLIENTS), rng.random_range(0..SWARMS));
        match rng.random_range(0..10) {
            0 => {
                model.leave_all(who);
                // Only once its place is free everywhere is the next state known.
                let peers: usize = model.members.iter().map(HashSet::len).sum();
                model.clients[who] = (server.client(), format!("p{born}"));
                born += 1;
                server.stats_until("left", |stats| stats["peersCount"] == peers);
            }
            1 => model.stop(who, swarm),
            _ => model.announce(who, swarm, operation, rng.random_range(0..8)),
        }
    }
    let stats = server.stats();
    assert_eq!(stats["offersRelayed"], model.offers_heard, "{stats}");
    assert_eq!(stats["answersRelayed"], model.answers_heard, "{stats}");
    assert!(model.answers_heard > OPERATIONS / 2, "{}", model.answers_heard);
    let peers: usize = model.members.iter().map(HashSet::len).sum();
    server.stats_until("what the model says", |stats| stats["peersCount"] == peers);
    drop(model);
    server.stats_until("empty", |stats| stats["torrentsCount"] == 0);
}

impl Model {
    /// Announces with offers, and sees each of them through to its answer.
    fn announce(&mut self, who: usize, swarm: usize, operation: usize, offers: usize) {
        let ids: Vec<String> = (0..offers).map(|n| format!("o{operation}.{n}")).collect();
        let list: Vec<Value> = ids.iter().map(|id| offer(id, &format!("sdp of {id}"))).collect();
        self.members[swarm].insert(who);
        let others = self.members[swarm].len() - 1;
        let relayed = others.min(offers).min(5);
        for id in &ids[..relayed] {
            self.offers.insert(crate::support::id(id), (who, swarm));
        }
        let (client, peer) = &mut self.clients[who];
        client.say(&announce(&name(swarm), peer, &json!({"offers": list})));
        let reply = client.hear();
        assert_eq!(reply["info_hash"], id(&name(swarm)));
        assert_eq!(reply["incomplete"], others + 1, "{reply}");

        let mut receivers = HashSet::new();
        while receivers.len() < relayed {
            // The announcer's answers are taken below, and an offer that came back to it too.
            let others = self.members[swarm].iter().filter(|&&member| member != who);
            let members: Vec<usize> = others.copied().collect();
            for member in members {
                while let Some(heard) = self.clients[member].0.hear_now() {
                    self.take_offer(member, swarm, &heard);
                    assert!(receivers.insert(member), "two offers for one member");
                }
            }
        }
        while !self.answers.is_empty() {
            let heard = self.clients[who].0.hear();
            self.take_answer(who, swarm, &heard);
        }
        // Nobody has heard anything else.
        let bystander = (who + operation) % CLIENTS;
        let extra = self.clients[bystander].0.fence(&name(swarm));
        assert_eq!(extra, [] as [Value; 0], "for client {bystander}");
    }

    fn take_offer(&mut self, member: usize, swarm: usize, heard: &Value) {
        let offer_id = heard["offer_id"].as_str().expect("an offer").to_owned();
        let out = self.offers.remove(&offer_id);
        let (offerer, of_swarm) = out.unwrap_or_else(|| panic!("of no offer that is out: {heard}"));
        assert_eq!(of_swarm, swarm);
        assert_ne!(offerer, member, "an offer came back to its maker");
        assert_eq!(heard["info_hash"], id(&name(swarm)));
        assert_eq!(heard["peer_id"], id(&self.clients[offerer].1));
        let sdp = format!("sdp of {}", offer_id.trim_end_matches('_'));
        assert_eq!(heard["offer"]["sdp"], sdp);
        self.offers_heard += 1;
        self.answers.insert(offer_id, member);
        let (client, peer) = &mut self.clients[member];
        client.say(&answer(peer, heard, &sdp));
    }

    fn take_answer(&mut self, who: usize, swarm: usize, heard: &Value) {
        let offer_id = heard["offer_id"].as_str().expect("an answer").to_owned();
        let answerer = self.answers.remove(&offer_id).expect("an answer that is out");
        assert_ne!(answerer, who);
        assert_eq!(heard["info_hash"], id(&name(swarm)));
        assert_eq!(heard["peer_id"], id(&self.clients[answerer].1));
        let sdp = format!("sdp of {}", offer_id.trim_end_matches('_'));
        assert_eq!(heard["answer"]["sdp"], sdp);
        self.answers_heard += 1;
    }

    fn stop(&mut self, who: usize, swarm: usize) {
        let was_there = self.members[swarm].remove(&who);
        let left = self.members[swarm].len();
        let (client, peer) = &mut self.clients[who];
        client.say(&announce(&name(swarm), peer, &json!({"event": "stopped"})));
        let reply = client.hear();
        if was_there {
            assert_eq!(reply["incomplete"], left, "{reply}");
        } else {
            assert!(reply["failure reason"].is_string(), "{reply}");
        }
    }

    fn leave_all(&mut self, who: usize) {
        for members in &mut self.members {
            members.remove(&who);
        }
    }
}

fn name(swarm: usize) -> String {
    format!("swarm{swarm}")
}
