//! The rules in the plainest words: maps, lists and no cleverness. It checks what the shard did
//! against them, and learns from it whom the shard chose at random.

pub(crate) mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tracker_core::Reason::{self, NoSuchOffer, NotAnnounced, PeerIdTaken, ReceiverLeft, TooEarly};
use tracker_core::wire::Warning::OffersTooEarly;

use crate::support::{Did, paced, refusal, relayed_answer, reply, warned};

/// wt-tracker's `maxOffers`, low enough to be the lowest bound now and then.
pub(crate) const MAX_OFFERS: usize = 4;

/// Offers that a member receives a second at most, and at once after a while without.
pub(crate) const RECEIVER_RATE: u64 = 1;
const RECEIVER_BURST: u64 = 10;

/// A peer id and the visit in which it has it: who comes back is somebody else.
pub(crate) type Visit = (String, u64);

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) now_s: u64,
    /// 0 turns the rule off.
    pub(crate) min_interval_s: u64,
    pub(crate) swarms: BTreeMap<String, Swarm>,
    pub(crate) offers: Vec<Offer>,
    /// Announces that wait, by the swarm and the peer that somebody else has.
    pub(crate) claims: BTreeMap<(String, String), Claim>,
    pub(crate) visits: u64,
    /// Announces, offers and answers that were heard or relayed.
    pub(crate) said: [u64; 3],
    /// Offers that came too early, and that nobody could take.
    pub(crate) withheld: [u64; 2],
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
    pub(crate) pace: Pace,
    /// Offers that it surely received, and those that it may have received, when its connection
    /// has several peers there.
    received: [Intake; 2],
}

/// What was heard from a member since the last announce that wasn't early, with that.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pace {
    /// When it is over.
    until_s: u64,
    early: u64,
    offered: bool,
}

/// How far a member is above its rate.
#[derive(Clone, Copy, Default)]
struct Intake {
    above: u64,
    at_s: u64,
}

impl Intake {
    fn above(self, now_s: u64) -> u64 {
        self.above.saturating_sub((now_s - self.at_s) * RECEIVER_RATE)
    }

    fn receive(&mut self, now_s: u64) {
        *self = Self { above: self.above(now_s) + 1, at_s: now_s };
    }
}

pub(crate) struct Claim {
    pub(crate) conn: u64,
    pub(crate) more: Value,
    pub(crate) made_s: u64,
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
            return self.claim(conn, owner, name, peer, more, done);
        }
        let event = more["event"].as_str().unwrap_or_default();
        let offers = more["offers"].as_array().expect("offers").len();
        let numwant = more["numwant"].as_u64().unwrap_or(0) as usize;
        let wanted = offers.min(numwant).min(MAX_OFFERS);
        let mut pace = known.map(|member| member.pace).unwrap_or_default();
        let mut warning = None;
        if event != "stopped" && self.min_interval_s > 0 {
            let early_s = pace.until_s.saturating_sub(self.now_s) as u32;
            // A second is no matter, unless it is all that is asked for.
            let early_s = if early_s == 1 && self.min_interval_s > 1 { 0 } else { early_s };
            if early_s > 0 && pace.early == 10 {
                return self.refused(conn, name, TooEarly { early_s, bound: 10 }, done);
            }
            if early_s > 0 {
                pace.early += 1;
            } else {
                pace = Pace { until_s: self.now_s + self.min_interval_s, ..Pace::default() };
            }
            let always = ["started", "completed"].contains(&event);
            if wanted > 0 && pace.offered && !always {
                let min_interval_s = self.min_interval_s as u32;
                warning = Some(OffersTooEarly { early_s, min_interval_s });
            } else if wanted > 0 {
                pace.until_s = self.now_s + self.min_interval_s;
                pace.offered = true;
            }
        }
        self.said[0] += 1;
        if event == "stopped" {
            swarm.members.remove(peer);
            assert_eq!(done[0], self.reply(conn, name));
            return self.pass_on(name, peer, &done[1..]);
        }
        let was_seeder = known.is_some_and(|member| member.seeder);
        let seeder = more["left"].as_f64() == Some(0.0) || event == "completed";
        let visit = known.map_or(self.visits, |member| member.visit);
        let received = known.map(|member| member.received).unwrap_or_default();
        swarm.downloaded += u64::from(event == "completed" && !was_seeder);
        self.visits += 1;
        let member = Member { conn, visit, announced_s: self.now_s, seeder, pace, received };
        swarm.members.insert(peer.to_owned(), member);

        let amount = wanted.min(swarm.members.len() - 1);
        let reply = self.reply(conn, name);
        if let Some(warning) = warning {
            self.withheld[0] += amount as u64;
            return assert_eq!(done, [warned(reply, warning)]);
        }
        assert_eq!(done[0], reply);
        self.offer(name, (peer.to_owned(), visit), more, amount, &done[1..]);
    }

    fn claim(&mut self, conn: u64, owner: u64, name: &str, peer: &str, more: &Value, done: &[Did]) {
        let key = (name.to_owned(), peer.to_owned());
        if more["event"] == "stopped" {
            if self.claims.get(&key).is_some_and(|claim| claim.conn == conn) {
                self.claims.remove(&key);
            }
            return self.refused(conn, name, PeerIdTaken, done);
        }
        let claim = Claim { conn, more: more.clone(), made_s: self.now_s };
        let earlier = self.claims.insert(key, claim).filter(|earlier| earlier.conn != conn);
        let mut expected = vec![Did::Probe(owner)];
        expected.extend(earlier.iter().map(|claim| refusal(claim.conn, name, PeerIdTaken)));
        self.refusals += earlier.iter().count() as u64;
        assert_eq!(done, expected);
    }

    /// A peer id is nobody's: whoever waits for it has it now.
    fn pass_on(&mut self, name: &str, peer: &str, done: &[Did]) {
        match self.claims.remove(&(name.to_owned(), peer.to_owned())) {
            Some(claim) => self.announce(claim.conn, name, peer, &claim.more, done),
            None => assert_eq!(done, self.close_empty()),
        }
    }

    pub(crate) fn live(&mut self, owner: u64, done: &[Did]) {
        let swarms = &self.swarms;
        let over =
            self.claims.extract_if(.., |(name, peer), _| swarms[name].members[peer].conn == owner);
        let expected: Vec<_> =
            over.map(|((name, _), claim)| refusal(claim.conn, &name, PeerIdTaken)).collect();
        self.refusals += expected.len() as u64;
        assert_eq!(done, expected);
    }

    fn reply(&self, conn: u64, name: &str) -> Did {
        let (complete, incomplete, _) =
            self.swarms.get(name).map(Swarm::counts).unwrap_or_default();
        let reply = reply(conn, name, complete, incomplete);
        if self.min_interval_s == 0 { reply } else { paced(reply, self.min_interval_s) }
    }

    /// Checks whom the shard chose for `amount` offers, and takes it over.
    fn offer(&mut self, name: &str, offerer: Visit, more: &Value, amount: usize, done: &[Did]) {
        let now_s = self.now_s;
        let members = &mut self.swarms.get_mut(name).expect("a swarm").members;
        let mut offers = more["offers"].as_array().expect("offers")[..amount].iter();
        let (mut by_conn, mut withheld) = (BTreeMap::<u64, usize>::new(), amount);
        for did in done {
            let Did::Send(to, message) = did else { panic!("no message: {did:?}") };
            let is_same = |offer: &&Value| {
                let expected = json!({"action": "announce", "info_hash": name,
                    "peer_id": offerer.0, "offer_id": offer["offer_id"], "offer": offer["offer"]});
                *message == expected
            };
            // Those before it were withheld.
            let offer = offers.find(is_same).expect("the next of the offers, as it was");
            withheld -= 1;
            let on_conn = members
                .iter_mut()
                .filter(|(peer, member)| member.conn == *to && **peer != offerer.0)
                .collect::<Vec<_>>();
            let alone = on_conn.len() == 1;
            let mut receivers = BTreeSet::new();
            for (peer, member) in on_conn {
                receivers.insert((peer.clone(), member.visit));
                let [surely, perhaps] = &mut member.received;
                perhaps.receive(now_s);
                if alone {
                    surely.receive(now_s);
                    assert!(surely.above(now_s) <= RECEIVER_BURST, "too many offers for {peer}");
                }
            }
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
                made_s: now_s,
            });
        }
        self.said[1] += done.len() as u64;
        self.withheld[1] += withheld as u64;
        let is_full = |(peer, member): &(&String, &Member)| {
            **peer != offerer.0 && member.received[1].above(now_s) >= RECEIVER_BURST
        };
        let full = members.iter().filter(is_full).count();
        assert!(withheld <= full, "{withheld} offers withheld, and {full} could take none");
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

    pub(crate) fn leave(&mut self, conn: u64, name: &str, peer: &str, done: &[Did]) {
        let members = self.swarms.get_mut(name).map(|swarm| &mut swarm.members);
        if let Some(members) = members
            && members.get(peer).is_some_and(|member| member.conn == conn)
        {
            members.remove(peer);
            return self.pass_on(name, peer, done);
        }
        self.claims.retain(|(of, claimed), claim| {
            (of.as_str(), claimed.as_str(), claim.conn) != (name, peer, conn)
        });
        assert_eq!(done, []);
    }

    pub(crate) fn sweep(&mut self, done: &[Did]) {
        let now_s = self.now_s;
        for swarm in self.swarms.values_mut() {
            swarm.members.retain(|_, member| now_s - member.announced_s <= 240);
        }
        self.offers.retain(|offer| now_s - offer.made_s <= 60);
        let swarms = &self.swarms;
        let is_member = |(name, peer): &(String, String)| swarms[name].members.contains_key(peer);
        let mut freed: BTreeMap<_, _> =
            self.claims.extract_if(.., |claimed, _| !is_member(claimed)).collect();
        let undecided: Vec<_> =
            self.claims.extract_if(.., |_, claim| now_s - claim.made_s > 20).collect();

        // Each claim that is heard is a reply and its offers, in the shard's order.
        let mut rest = Vec::new();
        let mut done = done;
        while let [first, ..] = done {
            let is = |did: &Did, member| matches!(did, Did::Send(_, message) if message.get(member).is_some());
            let offers = done[1..].iter().take_while(|did| is(did, "offer")).count();
            let (heard, further) = done.split_at(1 + offers);
            if let Did::Send(to, reply) = first
                && is(first, "interval")
            {
                let own = |((name, _), claim): &(&(String, String), &Claim)| {
                    reply["info_hash"] == **name && claim.conn == *to
                };
                let (claimed, _) = freed.iter().find(own).expect("a claim");
                let claimed = claimed.clone();
                let claim = freed.remove(&claimed).expect("the same");
                self.announce(claim.conn, &claimed.0, &claimed.1, &claim.more, heard);
            } else {
                rest.extend_from_slice(heard);
            }
            done = further;
        }
        assert!(freed.is_empty(), "a claim that wasn't heard");
        let mut expected = self.close_empty();
        self.refusals += undecided.len() as u64;
        let refused =
            |((name, _), claim): &((String, _), Claim)| refusal(claim.conn, name, PeerIdTaken);
        expected.extend(undecided.iter().map(refused));
        let by_text = |did: &Did| format!("{did:?}");
        rest.sort_by_key(by_text);
        expected.sort_by_key(by_text);
        assert_eq!(rest, expected);
    }

    fn close_empty(&mut self) -> Vec<Did> {
        let empty = self.swarms.extract_if(.., |_, swarm| swarm.members.is_empty());
        empty.map(|(name, _)| Did::Close(name)).collect()
    }
}
