//! The rules in the plainest words: maps, lists and no cleverness. It checks what the shard did
//! against them, and learns from it whom the shard chose at random.

pub(crate) mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tracker_core::Reason::{self, NoSuchOffer, NotAnnounced, PeerIdTaken, ReceiverLeft};

use crate::support::{Did, refusal, relayed_answer, reply};

/// wt-tracker's `maxOffers`, low enough to be the lowest bound now and then.
pub(crate) const MAX_OFFERS: usize = 4;

/// A peer id and the visit in which it has it: who comes back is somebody else.
pub(crate) type Visit = (String, u64);

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) now_s: u64,
    pub(crate) swarms: BTreeMap<String, Swarm>,
    pub(crate) offers: Vec<Offer>,
    pub(crate) visits: u64,
    /// Announces, offers and answers that were heard or relayed.
    pub(crate) said: [u64; 3],
    pub(crate) refusals: u64,
}

#[derive(Default)]
pub(crate) struct Swarm {
    pub(crate) members: BTreeMap<String, Member>,
    pub(crate) downloaded: u64,
}

pub(crate) struct Member {
    pub(crate) conn: u64,
    pub(crate) visit: u64,
    pub(crate) announced_s: u64,
    pub(crate) seeder: bool,
}

pub(crate) struct Offer {
    pub(crate) swarm: String,
    pub(crate) offerer: Visit,
    pub(crate) id: String,
    pub(crate) conn: u64,
    /// Who may have received it: all that it can be, when a connection has several peers there.
    pub(crate) receivers: BTreeSet<Visit>,
    /// It may have been answered: one of several with the same id was, nobody can tell which.
    pub(crate) doubtful: bool,
    pub(crate) made_s: u64,
}

impl Swarm {
    pub(crate) fn counts(&self) -> (usize, usize, u64) {
        let complete = self.members.values().filter(|member| member.seeder).count();
        (complete, self.members.len() - complete, self.downloaded)
    }
}

impl Model {
    pub(crate) fn announce(
        &mut self,
        conn: u64,
        name: &str,
        peer: &str,
        more: &Value,
        done: &[Did],
    ) {
        let swarm = self.swarms.entry(name.to_owned()).or_default();
        let known = swarm.members.get(peer);
        if let Some(owner) = known.map(|member| member.conn)
            && owner != conn
        {
            self.refusals += 1;
            return assert_eq!(done, [Did::Probe(owner), refusal(conn, name, PeerIdTaken)]);
        }
        self.said[0] += 1;
        let event = more["event"].as_str().unwrap_or_default();
        if event == "stopped" {
            let gone = self.leave(conn, name, peer);
            let (complete, incomplete, _) =
                self.swarms.get(name).map(Swarm::counts).unwrap_or_default();
            let mut expected = vec![reply(conn, name, complete, incomplete)];
            expected.extend(gone);
            return assert_eq!(done, expected);
        }
        let was_seeder = known.is_some_and(|member| member.seeder);
        let seeder = more["left"].as_f64() == Some(0.0) || event == "completed";
        swarm.downloaded += u64::from(event == "completed" && !was_seeder);
        let visit = known.map_or(self.visits, |member| member.visit);
        self.visits += 1;
        let member = Member { conn, visit, announced_s: self.now_s, seeder };
        swarm.members.insert(peer.to_owned(), member);

        let (complete, incomplete, _) = swarm.counts();
        assert_eq!(done[0], reply(conn, name, complete, incomplete));
        self.offer(name, (peer.to_owned(), visit), more, &done[1..]);
    }

    /// Checks whom the shard chose, and takes it over.
    fn offer(&mut self, name: &str, offerer: Visit, more: &Value, done: &[Did]) {
        let members = &self.swarms[name].members;
        let offers = more["offers"].as_array().expect("offers");
        let numwant = more["numwant"].as_u64().unwrap_or(0) as usize;
        let others = members.len() - 1;
        let amount = others.min(offers.len()).min(numwant).min(MAX_OFFERS);
        assert_eq!(done.len(), amount);
        self.said[1] += amount as u64;

        let mut by_conn = BTreeMap::<u64, usize>::new();
        for (did, offer) in done.iter().zip(offers) {
            let Did::Send(to, message) = did else { panic!("no message: {did:?}") };
            let expected = json!({"action": "announce", "info_hash": name, "peer_id": offerer.0,
                                  "offer_id": offer["offer_id"], "offer": offer["offer"]});
            assert_eq!(*message, expected);
            let on_conn =
                members.iter().filter(|(peer, member)| member.conn == *to && **peer != offerer.0);
            let receivers: BTreeSet<_> =
                on_conn.map(|(peer, member)| (peer.clone(), member.visit)).collect();
            let received = by_conn.entry(*to).or_default();
            *received += 1;
            assert!(*received <= receivers.len(), "more offers than others on connection {to}");
            self.offers.push(Offer {
                swarm: name.to_owned(),
                offerer: offerer.clone(),
                id: offer["offer_id"].as_str().expect("a string").to_owned(),
                conn: *to,
                receivers,
                doubtful: false,
                made_s: self.now_s,
            });
        }
    }

    pub(crate) fn answer(&mut self, conn: u64, ids: [&str; 4], done: &[Did]) {
        let [name, peer, to_peer, offer_id] = ids;
        let relayed = |to| [relayed_answer(to, name, peer, offer_id)];
        let members = self.swarms.get(name).map(|swarm| &swarm.members);
        let find = |peer| members.and_then(|members| members.get(peer));
        let Some(member) = find(peer).filter(|member| member.conn == conn) else {
            return self.refused(conn, name, NotAnnounced, done);
        };
        let Some(offerer) = find(to_peer) else {
            return self.refused(conn, name, ReceiverLeft, done);
        };
        let (to, by) = (offerer.conn, (to_peer.to_owned(), offerer.visit));
        let me = (peer.to_owned(), member.visit);
        let now_s = self.now_s;
        let mut waiting: Vec<_> = self
            .offers
            .iter_mut()
            .filter(|offer| {
                offer.swarm == name
                    && offer.offerer == by
                    && offer.id == offer_id
                    && offer.receivers.contains(&me)
                    && now_s - offer.made_s <= 60
            })
            .collect();
        let surely = waiting.iter().any(|offer| offer.receivers.len() == 1 && !offer.doubtful);

        let accepted = done == relayed(to);
        assert!(accepted || !surely, "an answer that was waited for: {done:?}");
        assert!(!accepted || !waiting.is_empty(), "an answer that nobody waits for: {done:?}");
        if accepted {
            self.said[2] += 1;
            // Which of several it was can't be seen, but for the only one.
            let only = waiting.len() == 1;
            waiting.iter_mut().for_each(|offer| offer.doubtful = true);
            if only {
                waiting[0].receivers.clear();
            }
        } else {
            // Then none of them came to this one.
            waiting.iter_mut().for_each(|offer| offer.receivers.retain(|receiver| *receiver != me));
            self.refused(conn, name, NoSuchOffer, done);
        }
        self.offers.retain(|offer| !offer.receivers.is_empty());
    }

    fn refused(&mut self, conn: u64, name: &str, reason: Reason, done: &[Did]) {
        self.refusals += 1;
        assert_eq!(done, [refusal(conn, name, reason)]);
    }

    pub(crate) fn leave(&mut self, conn: u64, name: &str, peer: &str) -> Vec<Did> {
        let Some(swarm) = self.swarms.get_mut(name) else {
            return vec![];
        };
        swarm.members.retain(|other, member| other != peer || member.conn != conn);
        self.close_empty()
    }

    pub(crate) fn sweep(&mut self) -> Vec<Did> {
        let now_s = self.now_s;
        for swarm in self.swarms.values_mut() {
            swarm.members.retain(|_, member| now_s - member.announced_s <= 240);
        }
        self.offers.retain(|offer| now_s - offer.made_s <= 60);
        self.close_empty()
    }

    fn close_empty(&mut self) -> Vec<Did> {
        let empty = self.swarms.extract_if(.., |_, swarm| swarm.members.is_empty());
        empty.map(|(name, _)| Did::Close(name)).collect()
    }
}
