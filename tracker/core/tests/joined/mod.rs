//! The rules between partitions in the plainest words: lists of what was sent and received, and no
//! cleverness. It foretells what each of several shards does, but for whom they choose at random:
//! that it checks, and learns from it.

pub(crate) mod world;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tracker_core::Reason::{NoSuchOffer, NotAnnounced, ReceiverLeft};
use tracker_core::{CrossAnswer, CrossOffer, Digest, InfoHash, PeerId, SiblingId};

use crate::support::cluster::sibling;
use crate::support::{Did, Parcel, refusal, relayed_answer, reply, text};

/// Offers of an announce that are relayed at most, over all partitions.
pub(crate) const MAX_OFFERS: usize = 4;

/// A peer id and the visit in which it has it: who comes back is somebody else.
type Visit = (String, u64);

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) now_s: u64,
    /// Partitions by their node and the name of their swarm.
    pub(crate) partitions: BTreeMap<(usize, String), Partition>,
    /// Offers that one node has sent another, whether or not they arrived.
    sent: Vec<Sent>,
    visits: u64,
    /// Cross offers that were delivered, and their answers that were relayed.
    pub(crate) crossed: [u64; 2],
}

#[derive(Default)]
pub(crate) struct Partition {
    pub(crate) members: BTreeMap<String, Member>,
    /// The last digest of each sibling, and when it came.
    heard: BTreeMap<usize, (Digest, u64)>,
    told: Digest,
    was_silent: bool,
    due_s: u64,
    /// Whose offers wait for the first word of a sibling, and until when.
    unmet: Option<(String, Vec<Value>, u64)>,
    local: Vec<Local>,
    /// Offers from elsewhere, by who received them and who made them.
    received: BTreeMap<(Visit, String), Vec<Received>>,
}

pub(crate) struct Member {
    visit: u64,
    announced_s: u64,
    seeder: bool,
}

/// An offer from one member to another of the same partition.
struct Local {
    offerer: Visit,
    id: String,
    to: Visit,
    made_s: u64,
}

struct Received {
    from: usize,
    offer: CrossOffer<'static>,
    at_s: u64,
}

struct Sent {
    from: usize,
    to: usize,
    offerer: Visit,
    offer: CrossOffer<'static>,
    made_s: u64,
    answered: bool,
}

impl Partition {
    fn own(&self) -> Digest {
        let complete = self.members.values().filter(|member| member.seeder).count() as u32;
        Digest { complete, incomplete: self.members.len() as u32 - complete, opening: false }
    }

    fn elsewhere(&self) -> usize {
        self.heard.values().map(|(digest, _)| digest.members()).sum()
    }

    /// Members here and elsewhere, complete and incomplete.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let heard = self.heard.values().map(|(digest, _)| *digest);
        let all = heard.chain([self.own()]);
        all.fold((0, 0), |(complete, incomplete), digest| {
            (complete + digest.complete as usize, incomplete + digest.incomplete as usize)
        })
    }

    fn visit_of(&self, peer: &str) -> Option<Visit> {
        self.members.get(peer).map(|member| (peer.to_owned(), member.visit))
    }

    /// Who may answer what: the receiver, the offerer and the offer of each that was received.
    pub(crate) fn answerable(&self) -> Vec<[String; 3]> {
        let across = self.received.iter().flat_map(|(((peer, _), offerer), all)| {
            let id = |received: &Received| text(&received.offer.offer_id.0);
            all.iter().map(move |received| [peer.clone(), offerer.clone(), id(received)])
        });
        let local = self
            .local
            .iter()
            .map(|Local { offerer, id, to, .. }| [to.0.clone(), offerer.0.clone(), id.clone()]);
        across.chain(local).collect()
    }
}

impl Model {
    pub(crate) fn announce(
        &mut self,
        [node, conn]: [u64; 2],
        name: &str,
        peer: &str,
        more: &Value,
        done: &[Did],
    ) {
        let (now_s, key) = (self.now_s, (node as usize, name.to_owned()));
        let opens = !self.partitions.contains_key(&key);
        let partition = self.partitions.entry(key.clone()).or_default();
        let offers = more["offers"].as_array().expect("offers");
        let numwant = more["numwant"].as_u64().expect("a number") as usize;
        let offers = &offers[..offers.len().min(numwant).min(MAX_OFFERS)];
        let visit = partition.members.get(peer).map_or(self.visits, |member| member.visit);
        self.visits += 1;
        let member = Member { visit, announced_s: now_s, seeder: more["left"] == json!(0) };
        partition.members.insert(peer.to_owned(), member);

        let (complete, incomplete) = partition.counts();
        assert_eq!(done[0], reply(conn, name, complete, incomplete));
        if opens {
            partition.told = partition.own();
            partition.due_s = now_s + 5;
            let waits =
                (!offers.is_empty()).then(|| (peer.to_owned(), offers.to_vec(), now_s + 15));
            partition.unmet = waits;
            let opening = Digest { opening: true, ..partition.own() };
            return assert_eq!(done[1..], [Did::Tell(None, Parcel::Digest(hash(name), opening))]);
        }
        let others = partition.members.len() - 1;
        let amount = offers.len().min(others + partition.elsewhere());
        assert_eq!(done.len() - 1, amount, "offers of {offers:?}");
        let locals = done[1..].iter().take_while(|did| matches!(did, Did::Send(..))).count();
        let mut receivers = Vec::new();
        for (did, offer) in done[1..].iter().zip(offers).take(locals) {
            let Did::Send(to, message) = did else { panic!("no message: {did:?}") };
            assert_eq!(*message, relayed_offer(name, peer, offer));
            let to = peer_of(*to);
            assert!(to != peer && !receivers.contains(&to), "{to} of {receivers:?}");
            let (id, to_visit) = (id_of(offer), partition.visit_of(&to).expect("a member"));
            let offerer = (peer.to_owned(), visit);
            partition.local.push(Local { offerer, id, to: to_visit, made_s: now_s });
            receivers.push(to);
        }
        self.sent_across(&key, peer, &offers[locals..amount], &done[1 + locals..]);
    }

    /// Checks offers that went to siblings, and takes note of them.
    fn sent_across(&mut self, key: &(usize, String), peer: &str, offers: &[Value], done: &[Did]) {
        let (partition, mut by_sibling) = (&self.partitions[key], BTreeMap::<_, usize>::new());
        assert_eq!(done.len(), offers.len());
        for (did, offer) in done.iter().zip(offers) {
            let Did::Tell(Some(to), Parcel::Offer(sent, json)) = did else {
                panic!("no cross offer: {did:?}")
            };
            assert_eq!(serde_json::from_slice::<Value>(json).expect("JSON"), offer["offer"]);
            let ids = [text(&sent.info_hash.0), text(&sent.peer_id.0), text(&sent.offer_id.0)];
            assert_eq!(ids, [key.1.clone(), peer.to_owned(), id_of(offer)]);
            let is_new = self.sent.iter().all(|earlier| earlier.offer.token != sent.token);
            assert!(is_new, "a token that was used before: {sent:?}");
            let to = node_of(*to);
            *by_sibling.entry(to).or_default() += 1;
            let has = partition.heard.get(&to).map_or(0, |(digest, _)| digest.members());
            assert!(by_sibling[&to] <= has, "{by_sibling:?} for {has} members");
            let offerer = partition.visit_of(peer).expect("a member");
            let (from, offer, made_s) = (key.0, *sent, self.now_s);
            self.sent.push(Sent { from, to, offerer, offer, made_s, answered: false });
        }
    }

    pub(crate) fn answer(
        &mut self,
        [node, conn]: [u64; 2],
        [name, peer, to_peer, offer_id]: [&str; 4],
        done: &[Did],
    ) {
        let now_s = self.now_s;
        let refused = |reason| assert_eq!(done, [refusal(conn, name, reason)]);
        let partition = self.partitions.get_mut(&(node as usize, name.to_owned()));
        let found = partition.and_then(|partition| Some((partition.visit_of(peer)?, partition)));
        let Some((me, partition)) = found else { return refused(NotAnnounced) };
        let offerer = partition.visit_of(to_peer);
        if let Some(offerer) = &offerer {
            let waits = |offer: &Local| {
                (&offer.offerer, offer.id.as_str(), &offer.to) == (offerer, offer_id, &me)
                    && now_s - offer.made_s <= 60
            };
            if let Some(place) = partition.local.iter().position(waits) {
                partition.local.remove(place);
                return assert_eq!(done, [relayed_answer(conn_of(to_peer), name, peer, offer_id)]);
            }
        }
        let pair = (me, to_peer.to_owned());
        let waits = |received: &Received| {
            text(&received.offer.offer_id.0) == offer_id && now_s - received.at_s <= 60
        };
        let received = partition.received.entry(pair).or_default();
        if let Some(place) = received.iter().position(waits) {
            let Received { from, offer, .. } = received.remove(place);
            let CrossOffer { info_hash, peer_id: to_peer_id, offer_id, token, .. } = offer;
            let peer_id = PeerId::decode(peer.as_bytes()).expect("a peer id");
            let answer =
                CrossAnswer { info_hash, peer_id, to_peer_id, offer_id, answer: b"", token };
            let json = br#"{"sdp":"v=0\r\n","type":"answer"}"#.to_vec();
            let told = Did::Tell(Some(sibling(from)), Parcel::Answer(answer, json));
            return assert_eq!(done, [told]);
        }
        refused(if offerer.is_some() { NoSuchOffer } else { ReceiverLeft });
    }

    /// A parcel arrives at a node.
    pub(crate) fn unpack(&mut self, from: usize, node: usize, parcel: &Parcel, done: &[Did]) {
        match parcel {
            Parcel::Digest(info_hash, digest) => {
                self.hear((node, text(&info_hash.0)), from, *digest, done);
            }
            Parcel::Offer(offer, json) => self.deliver(from, node, offer, json, done),
            Parcel::Answer(answer, _) => self.take_back(from, node, answer, done),
        }
    }

    fn hear(&mut self, key: (usize, String), from: usize, digest: Digest, done: &[Did]) {
        let now_s = self.now_s;
        let Some(partition) = self.partitions.get_mut(&key) else {
            return assert_eq!(done, []);
        };
        partition.heard.remove(&from);
        if digest.members() > 0 {
            partition.heard.insert(from, (digest, now_s));
        }
        let mut rest = done;
        if digest.opening {
            let own = Parcel::Digest(hash(&key.1), partition.own());
            assert_eq!(rest[0], Did::Tell(Some(sibling(from)), own));
            rest = &rest[1..];
        }
        let Some((peer, mut offers, until_s)) = partition.unmet.take() else {
            return assert_eq!(rest, []);
        };
        if now_s > until_s || !partition.members.contains_key(&peer) {
            return assert_eq!(rest, []);
        }
        let now = offers.drain(..digest.members().min(offers.len())).collect::<Vec<_>>();
        if !offers.is_empty() {
            partition.unmet = Some((peer.clone(), offers, until_s));
        }
        let is_there = |did: &Did| matches!(did, Did::Tell(Some(to), _) if node_of(*to) == from);
        assert!(rest.iter().all(is_there), "{rest:?}");
        self.sent_across(&key, &peer, &now, rest);
    }

    fn deliver(
        &mut self,
        from: usize,
        node: usize,
        offer: &CrossOffer<'static>,
        json: &[u8],
        done: &[Did],
    ) {
        let (name, offerer) = (text(&offer.info_hash.0), text(&offer.peer_id.0));
        let now_s = self.now_s;
        let Some(partition) = self.partitions.get_mut(&(node, name.clone())) else {
            return assert_eq!(done, []);
        };
        let others = partition.members.keys().filter(|peer| **peer != offerer);
        let pairs: Vec<_> = others
            .map(|peer| (partition.visit_of(peer).expect("a member"), offerer.clone()))
            .collect();
        if pairs.is_empty() {
            return assert_eq!(done, []);
        }
        let [Did::Send(to, message)] = done else { panic!("one message: {done:?}") };
        let made = json!({"offer_id": text(&offer.offer_id.0),
            "offer": serde_json::from_slice::<Value>(json).expect("JSON")});
        assert_eq!(*message, relayed_offer(&name, &offerer, &made));
        let to = peer_of(*to);
        let pair = pairs.iter().find(|((peer, _), _)| *peer == to).expect("another member");
        let has_one = |pair| {
            let received: Option<&Vec<Received>> = partition.received.get(pair);
            received.is_some_and(|all| all.iter().any(|received| now_s - received.at_s <= 60))
        };
        assert!(!has_one(pair) || pairs.iter().all(has_one), "{to} has one of {offerer} already");
        let received = partition.received.entry(pair.clone()).or_default();
        received.retain(|received| received.offer.offer_id != offer.offer_id);
        received.push(Received { from, offer: *offer, at_s: now_s });
        self.crossed[0] += 1;
    }

    fn take_back(&mut self, from: usize, node: usize, answer: &CrossAnswer<'_>, done: &[Did]) {
        let (name, to_peer) = (text(&answer.info_hash.0), text(&answer.to_peer_id.0));
        let partition = self.partitions.get(&(node, name.clone()));
        let offerer = partition.and_then(|partition| partition.visit_of(&to_peer));
        let now_s = self.now_s;
        let sent = self.sent.iter_mut().find(|sent| {
            (sent.from, sent.to, sent.offer.token) == (node, from, answer.token)
                && sent.offer.offer_id == answer.offer_id
                && Some(&sent.offerer) == offerer.as_ref()
                && now_s - sent.made_s <= 60
                && !sent.answered
        });
        let Some(sent) = sent else { return assert_eq!(done, []) };
        sent.answered = true;
        self.crossed[1] += 1;
        let [peer, offer_id] = [text(&answer.peer_id.0), text(&answer.offer_id.0)];
        assert_eq!(done, [relayed_answer(conn_of(&to_peer), &name, &peer, &offer_id)]);
    }

    pub(crate) fn leave(&mut self, node: usize, name: &str, peer: &str, done: &[Did]) {
        let partition = self.partitions.get_mut(&(node, name.to_owned()));
        partition.map(|partition| partition.members.remove(peer));
        assert_eq!(done, self.close_empty());
    }

    /// A second passes at one node; of what it does in it the order doesn't matter.
    pub(crate) fn sweep(&mut self, node: usize, done: &[Did]) {
        let now_s = self.now_s;
        let of_node = self.partitions.iter_mut().filter(|((at, _), _)| *at == node);
        for (_, partition) in of_node {
            partition.members.retain(|_, member| now_s - member.announced_s <= 240);
        }
        let mut expected = self.close_empty();
        let of_node = self.partitions.iter_mut().filter(|((at, _), _)| *at == node);
        for ((_, name), partition) in of_node.filter(|(_, partition)| partition.due_s <= now_s) {
            partition.heard.retain(|_, (_, at_s)| now_s - *at_s <= 25);
            partition.due_s = now_s + 5;
            let own = partition.own();
            partition.was_silent = partition.told == own && !partition.was_silent;
            if !partition.was_silent {
                partition.told = own;
                expected.push(Did::Tell(None, Parcel::Digest(hash(name), own)));
            }
        }
        let mut done = done.to_vec();
        let by_text = |did: &Did| format!("{did:?}");
        done.sort_by_key(by_text);
        expected.sort_by_key(by_text);
        assert_eq!(done, expected);
    }

    fn close_empty(&mut self) -> Vec<Did> {
        let empty = self.partitions.extract_if(.., |_, partition| partition.members.is_empty());
        let names: Vec<_> = empty.map(|((_, name), _)| name).collect();
        let goodbye = |name: &String| Did::Tell(None, Parcel::Digest(hash(name), Digest::GOODBYE));
        names.iter().map(goodbye).chain(names.iter().cloned().map(Did::Close)).collect()
    }
}

/// Each peer has a connection of its own at each node.
pub(crate) fn conn_of(peer: &str) -> u64 {
    u64::from(peer.as_bytes()[0] - b'0')
}

fn peer_of(conn: u64) -> String {
    crate::support::id(conn)
}

fn node_of(sibling: SiblingId) -> usize {
    sibling.0 as usize - 1000
}

fn id_of(offer: &Value) -> String {
    offer["offer_id"].as_str().expect("a string").to_owned()
}

fn hash(name: &str) -> InfoHash {
    InfoHash::decode(name.as_bytes()).expect("an info hash")
}

fn relayed_offer(name: &str, peer: &str, offer: &Value) -> Value {
    json!({"action": "announce", "info_hash": name, "peer_id": peer,
        "offer_id": offer["offer_id"], "offer": offer["offer"]})
}
