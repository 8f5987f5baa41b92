//! A small correct tracker, and the ways in which it can be told to be wrong. It speaks WebSocket
//! through tungstenite, so the load generator's own wire meets another one here.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;

/// Runs the program with `args` against `tracker`; returns what it printed and its report.
pub(crate) fn run(tracker: SocketAddr, args: &[&str]) -> (Output, Value) {
    let file = std::env::temp_dir().join(format!("loadtest-{}.json", tracker.port()));
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(args)
        .arg("--json")
        .arg(&file)
        .output()
        .expect("the program runs");
    let report = std::fs::read(&file).unwrap_or_else(|_| panic!("a report: {output:?}"));
    std::fs::remove_file(&file).expect("the report is ours");
    (output, serde_json::from_slice(&report).expect("JSON"))
}

/// What the tracker gets wrong; each but the first breaks one promise, now and then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    LosesOffers,
    LosesAnswers,
    LosesReplies,
    RepeatsOffers,
    RepeatsAnswers,
    ChangesOffers,
    ChangesAnswers,
    OffersToTheSender,
    OffersTwiceToOne,
    MixesSwarms,
    RenamesTheMaker,
    RenamesTheAnswerer,
    AnswersTheWrongPeer,
    ForgetsTheInterval,
    Refuses,
    SendsBinary,
    Closes,
    /// No fault: passes no offers on that came too early, and says so.
    Throttles,
    /// Loses all offers of the next announce in a swarm that somebody has left.
    LosesOffersBehindALeave,
    /// Goes on to send offers to those who have left.
    KeepsWhoHasLeft,
    /// No fault of a cluster: loses what crosses between its nodes, and nothing else.
    LosesWhatCrosses,
    /// Loses offers to members of the maker's own node.
    LosesOffersNear,
    /// Loses answers to members of the answerer's own node.
    LosesAnswersNear,
    /// Passes on twice what crosses between its nodes.
    RepeatsWhatCrosses,
    /// Thinks for long about what the hostile socket of an attack says, while everybody waits.
    IsHeldUp,
}

/// Which offers go to another node of a cluster: 12.5 % of them.
const CROSS_EVERY: u64 = 8;

/// Every how many times the fault shows.
const FAULT_EVERY: u64 = 40;

/// Starts a tracker on a free port; it ends with its thread's runtime, at the end of the test run.
pub(crate) fn start(fault: Fault) -> SocketAddr {
    start_nodes(1, fault).remove(0)
}

/// The same with so many nodes, which share their swarms as a cluster does.
pub(crate) fn start_nodes(nodes: usize, fault: Fault) -> Vec<SocketAddr> {
    let tracker = Arc::new(Mutex::new(Tracker { fault, ..Tracker::default() }));
    (0..nodes).map(|node| start_node(node, Arc::clone(&tracker))).collect()
}

fn start_node(node: usize, tracker: Arc<Mutex<Tracker>>) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("non-blocking");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let listener = TcpListener::from_std(listener).expect("registered");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(node, stream, Arc::clone(&tracker)));
            }
        });
    });
    address
}

async fn serve(node: usize, stream: TcpStream, tracker: Arc<Mutex<Tracker>>) {
    // The first look of the load generator is a connection without a handshake.
    let Ok(socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let (mut sink, mut source) = socket.split();
    let (outbox, mut inbox) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = inbox.recv().await {
            if sink.send(message).await.is_err() {
                break;
            }
        }
    });
    while let Some(Ok(message)) = source.next().await {
        let Ok(text) = message.to_text() else {
            continue;
        };
        let Ok(message) = serde_json::from_str(text) else {
            continue;
        };
        tracker.lock().expect("not poisoned").hear(node, &message, &outbox);
    }
    tracker.lock().expect("not poisoned").ended(&outbox);
}

#[derive(Default)]
struct Tracker {
    fault: Fault,
    swarms: HashMap<String, Vec<Member>>,
    /// Somebody has left it, and nobody has announced since.
    left: HashSet<String>,
    heard: u64,
    /// Offers that have been passed on.
    offered: u64,
    /// Who has got an offer of this announce.
    taken: Vec<String>,
    turn: usize,
}

#[derive(Clone)]
struct Member {
    peer_id: String,
    node: usize,
    outbox: UnboundedSender<Message>,
}

impl Tracker {
    fn hear(&mut self, node: usize, message: &Value, from: &UnboundedSender<Message>) {
        let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        let (info_hash, peer_id) = (text("info_hash"), text("peer_id"));
        if peer_id.starts_with("-HX") && self.strikes(Fault::IsHeldUp) {
            std::thread::sleep(Duration::from_millis(3));
        }
        let swarm = self.swarms.entry(info_hash.clone()).or_default();
        let me = Member { peer_id: peer_id.clone(), node, outbox: from.clone() };
        if message["event"] == "started" {
            swarm.retain(|member| member.peer_id != peer_id);
            swarm.push(me.clone());
        }
        if message["event"] == "stopped" {
            self.leave(|swarm, member| swarm == info_hash && member.peer_id == peer_id);
            self.reply(&info_hash, from);
            return;
        }
        if let Some(to) = message["to_peer_id"].as_str() {
            return self.answer(&info_hash, me, to, message);
        }
        if !self.reply(&info_hash, from) {
            return;
        }
        let offers = message["offers"].as_array().is_some_and(|offers| !offers.is_empty());
        let is_hit = offers && self.left.remove(&info_hash);
        if is_hit && self.fault == Fault::LosesOffersBehindALeave {
            return;
        }
        let others = self.swarms[&info_hash].len().saturating_sub(1);
        self.taken.clear();
        for offer in message["offers"].as_array().into_iter().flatten().take(others) {
            self.offer(&info_hash, &me, offer);
        }
    }

    /// A socket has ended.
    fn ended(&mut self, socket: &UnboundedSender<Message>) {
        self.leave(|_, member| member.outbox.same_channel(socket));
    }

    fn leave(&mut self, is: impl Fn(&str, &Member) -> bool) {
        for (info_hash, swarm) in &mut self.swarms {
            let before = swarm.len();
            if self.fault != Fault::KeepsWhoHasLeft {
                swarm.retain(|member| !is(info_hash, member));
            }
            if swarm.len() < before {
                self.left.insert(info_hash.clone());
            }
        }
    }

    /// Whether offers are passed on.
    fn reply(&mut self, info_hash: &str, to: &UnboundedSender<Message>) -> bool {
        let mut reply = json!({ "action": "announce", "interval": 120, "info_hash": info_hash,
            "complete": 0, "incomplete": self.swarms[info_hash].len() });
        // Joins are spared: a peer that cannot join would end the run before it measures.
        let is_up = self.swarms.values().map(Vec::len).sum::<usize>() >= PEERS;
        if is_up && self.strikes(Fault::LosesReplies) {
            return true;
        }
        if is_up && self.strikes(Fault::Closes) {
            send(to, Message::Close(None));
            return true;
        }
        if is_up && self.strikes(Fault::SendsBinary) {
            send(to, Message::Binary(b"{}".as_slice().into()));
        }
        if is_up && self.strikes(Fault::Refuses) {
            send_json(
                to,
                &json!({ "action": "announce", "info_hash": info_hash,
                "failure reason": "too many announces" }),
            );
        }
        if is_up && self.strikes(Fault::ForgetsTheInterval) {
            reply.as_object_mut().expect("an object").remove("interval");
        }
        let throttles = is_up && self.strikes(Fault::Throttles);
        if throttles {
            reply["warning message"] = json!("offers come too early");
        }
        send_json(to, &reply);
        !throttles
    }

    fn offer(&mut self, info_hash: &str, from: &Member, offer: &Value) {
        let mut sdp = offer["offer"]["sdp"].clone();
        if self.strikes(Fault::LosesOffers) {
            return;
        }
        if self.strikes(Fault::ChangesOffers) {
            sdp = changed(&sdp);
        }
        let mut message = json!({ "action": "announce", "info_hash": info_hash,
            "peer_id": from.peer_id, "offer_id": offer["offer_id"],
            "offer": { "type": "offer", "sdp": sdp } });
        if self.strikes(Fault::RenamesTheMaker) {
            message["peer_id"] = json!("-XX00000000000000000");
        }
        let stays = self.strikes(Fault::OffersTwiceToOne);
        let to = if self.strikes(Fault::OffersToTheSender) {
            from.clone()
        } else if self.strikes(Fault::MixesSwarms) {
            let other = self.swarms.iter().find(|(hash, _)| *hash != info_hash);
            other.expect("two swarms").1[0].clone()
        } else {
            let other = self.next_other(info_hash, from, stays);
            self.taken.push(other.peer_id.clone());
            other
        };
        let repeats = self.strikes(Fault::RepeatsOffers);
        self.pass(from, &to, &message, Fault::LosesOffersNear, repeats);
    }

    /// Sends what one member says to another, perhaps on another node.
    fn pass(&mut self, from: &Member, to: &Member, message: &Value, loses: Fault, repeats: bool) {
        let crosses = from.node != to.node;
        let is_lost =
            if crosses { self.fault == Fault::LosesWhatCrosses } else { self.strikes(loses) };
        let repeats = repeats || (crosses && self.strikes(Fault::RepeatsWhatCrosses));
        let times = if is_lost { 0 } else { 1 + usize::from(repeats) };
        (0..times).for_each(|_| send_json(&to.outbox, message));
    }

    fn answer(&mut self, info_hash: &str, from: Member, to: &str, message: &Value) {
        let mut sdp = message["answer"]["sdp"].clone();
        if self.strikes(Fault::LosesAnswers) {
            return;
        }
        if self.strikes(Fault::ChangesAnswers) {
            sdp = changed(&sdp);
        }
        let mut answer = json!({ "action": "announce", "info_hash": info_hash,
            "peer_id": from.peer_id, "offer_id": message["offer_id"],
            "answer": { "type": "answer", "sdp": sdp } });
        if self.strikes(Fault::RenamesTheAnswerer) {
            answer["peer_id"] = json!(to);
        }
        let target = self.swarms[info_hash].iter().find(|member| member.peer_id == to).cloned();
        let Some(target) = target else {
            let why = "to_peer_id has left the swarm";
            let refusal = json!({ "action": "announce", "info_hash": info_hash,
                "failure reason": why });
            return send_json(&from.outbox, &refusal);
        };
        let is_wrong = self.strikes(Fault::AnswersTheWrongPeer);
        let target = if is_wrong { from.clone() } else { target };
        let repeats = self.strikes(Fault::RepeatsAnswers);
        self.pass(&from, &target, &answer, Fault::LosesAnswersNear, repeats);
    }

    /// Goes round the swarm, so that consecutive offers reach distinct peers. One of
    /// [`CROSS_EVERY`] goes to another node, if there are any.
    fn next_other(&mut self, info_hash: &str, from: &Member, stays: bool) -> Member {
        let swarm = &self.swarms[info_hash];
        self.offered += 1;
        let crosses = self.offered.is_multiple_of(CROSS_EVERY);
        let is_other = |member: &&Member| {
            member.peer_id != from.peer_id && (stays || !self.taken.contains(&member.peer_id))
        };
        let is_such = |member: &Member| (member.node != from.node) == crosses;
        let has_such = swarm.iter().filter(is_other).any(is_such);
        loop {
            self.turn += usize::from(!stays);
            let member = &swarm[self.turn % swarm.len()];
            if is_other(&member) && (is_such(member) || !has_such) {
                return member.clone();
            }
            self.turn += usize::from(stays);
        }
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        self.heard += u64::from(self.fault == fault);
        // A cluster may be wrong more often before that is no chance.
        let every = if fault == Fault::LosesOffersNear { 4 } else { FAULT_EVERY };
        self.fault == fault && self.heard.is_multiple_of(every)
    }
}

/// Peers that the tests load with; faults begin when all are in.
pub(crate) const PEERS: usize = 24;

fn changed(sdp: &Value) -> Value {
    json!(sdp.as_str().expect("a description").replace("10.", "11."))
}

fn send_json(to: &UnboundedSender<Message>, message: &Value) {
    send(to, Message::text(message.to_string()));
}

fn send(to: &UnboundedSender<Message>, message: Message) {
    // A peer that has left takes its inbox with it; there is nobody to tell.
    let _ = to.send(message);
}
