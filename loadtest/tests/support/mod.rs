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
    /// Thinks for long about what the hostile socket of an attack says, while everybody waits.
    IsHeldUp,
}

/// Every how many times the fault shows.
const FAULT_EVERY: u64 = 40;

/// Starts a tracker on a free port; it ends with its thread's runtime, at the end of the test run.
pub(crate) fn start(fault: Fault) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("non-blocking");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let listener = TcpListener::from_std(listener).expect("registered");
            let tracker = Arc::new(Mutex::new(Tracker { fault, ..Tracker::default() }));
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&tracker)));
            }
        });
    });
    address
}

async fn serve(stream: TcpStream, tracker: Arc<Mutex<Tracker>>) {
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
        tracker.lock().expect("not poisoned").hear(&message, &outbox);
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
    turn: usize,
}

#[derive(Clone)]
struct Member {
    peer_id: String,
    outbox: UnboundedSender<Message>,
}

impl Tracker {
    fn hear(&mut self, message: &Value, from: &UnboundedSender<Message>) {
        let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        let (info_hash, peer_id) = (text("info_hash"), text("peer_id"));
        if peer_id.starts_with("-HX") && self.strikes(Fault::IsHeldUp) {
            std::thread::sleep(Duration::from_millis(3));
        }
        let swarm = self.swarms.entry(info_hash.clone()).or_default();
        let me = Member { peer_id: peer_id.clone(), outbox: from.clone() };
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
            self.next_other(info_hash, &from.peer_id, stays)
        };
        let times = if self.strikes(Fault::RepeatsOffers) { 2 } else { 1 };
        (0..times).for_each(|_| send_json(&to.outbox, &message));
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
        let target = if self.strikes(Fault::AnswersTheWrongPeer) { from } else { target };
        let times = if self.strikes(Fault::RepeatsAnswers) { 2 } else { 1 };
        (0..times).for_each(|_| send_json(&target.outbox, &answer));
    }

    /// Goes round the swarm, so that consecutive offers reach distinct peers.
    fn next_other(&mut self, info_hash: &str, peer_id: &str, stays: bool) -> Member {
        let swarm = &self.swarms[info_hash];
        loop {
            self.turn += usize::from(!stays);
            let member = &swarm[self.turn % swarm.len()];
            if member.peer_id != peer_id {
                return member.clone();
            }
            self.turn += usize::from(stays);
        }
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        self.heard += u64::from(self.fault == fault);
        self.fault == fault && self.heard.is_multiple_of(FAULT_EVERY)
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
