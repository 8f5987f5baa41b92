//! A real nats-server on a port of its own, nodes that use it, viewers that meet across them, and a
//! node of another release: bytes that are put together by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use super::{Client, PATIENCE, Server, answer, id, offer, unpaced, until, with};

/// A running nats-server. It is killed when it is dropped.
pub struct Nats {
    pub port: u16,
    /// Keeps the port until it starts.
    reserved: Option<Socket>,
    /// Lines of its configuration.
    config: String,
    child: Option<Child>,
    folder: TempDir,
}

impl Nats {
    pub fn start() -> Self {
        Self::with("")
    }

    /// The same, with these lines of configuration.
    pub fn with(config: &str) -> Self {
        let mut nats = Self::stopped();
        nats.config = config.to_owned();
        nats.begin();
        nats
    }

    /// A port at which there will be one, and nobody else until then.
    pub fn stopped() -> Self {
        let (port, reserved) = reserve();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reserved = Some(reserved);
        Self { port, reserved, config: String::new(), child: None, folder }
    }

    /// Two of them that pass on to each other what each is told, and the lines of configuration that
    /// make the second do so.
    pub fn linked() -> (Self, Self, String) {
        let (route, reserved) = reserve();
        let (mut first, mut second) = (Self::stopped(), Self::stopped());
        // A node that learnt of the other server would go there.
        let link = |listen, routes: &str| {
            format!("cluster {{ name: c, listen: \"{listen}\", no_advertise: true{routes} }}\n")
        };
        first.config = link(format!("127.0.0.1:{route}"), "");
        let routes = format!(", routes: [\"nats-route://127.0.0.1:{route}\"]");
        let linking = link("127.0.0.1:-1".to_owned(), &routes);
        second.config.clone_from(&linking);
        drop(reserved);
        first.begin();
        second.begin();
        (first, second, linking)
    }

    /// Starts it anew with these lines of configuration.
    pub fn restart_with(&mut self, config: &str) {
        self.kill();
        self.config = config.to_owned();
        self.begin();
    }

    /// Starts it, again on its port, and waits until it listens.
    pub fn begin(&mut self) {
        let path = self.folder.path().join("nats.conf");
        let listen = format!("listen: \"127.0.0.1:{}\"\n{}", self.port, self.config);
        std::fs::write(&path, listen).expect("a file");
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(path).stdout(Stdio::null()).stderr(Stdio::null());
        self.reserved = None;
        self.child = Some(command.spawn().expect("nats-server: `.ci/get nats-server` gets it"));
        let greeting = || {
            let child = self.child.as_mut().expect("it runs");
            assert_eq!(child.try_wait().expect("a child"), None, "nats-server has ended");
            let mut line = String::new();
            if let Ok(socket) = TcpStream::connect(("127.0.0.1", self.port)) {
                socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
                let _ = BufReader::new(socket).read_line(&mut line);
            }
            line
        };
        until("listening", greeting, |line| line.starts_with("INFO "));
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("an end");
        }
    }

    /// Sends a signal: with `STOP` it is there, and does nothing until `CONT`.
    pub fn send(&self, name: &str) {
        let child = self.child.as_ref().expect("it runs").id();
        let kill = Command::new("sh").args(["-c", &format!("kill -{name} {child}")]).status();
        assert!(kill.expect("a shell").success());
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// The sections of a node with this name.
    pub fn sections(&self, node: &str) -> Value {
        unpaced(&json!({
            "cluster": {"servers": self.url(), "node": node},
            "tracker": {"digestInterval": 1},
            "metrics": {"port": 0},
        }))
    }

    /// A node with this name.
    pub fn node(&self, name: &str) -> Server {
        Server::with(&self.sections(name))
    }

    /// The same, with these keys of its section `cluster`.
    pub fn node_with(&self, name: &str, cluster: &Value) -> Server {
        let mut sections = self.sections(name);
        sections["cluster"] = with(sections["cluster"].take(), cluster);
        Server::with(&sections)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until a node knows so many others.
pub fn knows(node: &Server, others: usize) {
    node.metrics_until("among others", |seen| seen["tracker_cluster_nodes"] == others as f64);
}

/// A port that nobody else gets, and at which nobody listens.
fn reserve() -> (u16, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).expect("a port");
    let address = socket.local_addr().expect("an address").as_socket().expect("of IP");
    (address.port(), socket)
}

/// Two nodes that know each other.
pub fn two(nats: &Nats) -> (Server, Server) {
    two_with(nats, &json!({}))
}

/// The same, with these keys of their sections `cluster`.
pub fn two_with(nats: &Nats, cluster: &Value) -> (Server, Server) {
    let (a, b) = (nats.node_with("a", cluster), nats.node_with("b", cluster));
    knows(&a, 1);
    knows(&b, 1);
    (a, b)
}

/// How many members a swarm has, as a node knows it.
fn count(client: &mut Client, swarm: &str) -> u64 {
    client.say(&json!({"action": "scrape", "info_hash": id(swarm)}));
    loop {
        let heard = client.hear();
        if heard["action"] == "scrape" {
            return heard["files"][id(swarm)]["incomplete"].as_u64().expect("a count");
        }
    }
}

pub fn count_until(client: &mut Client, swarm: &str, members: u64) {
    until("counted", || count(client, swarm), |count| *count == members);
}

/// Announces with one offer, and does what the other needs to answer it.
pub fn meet(announcer: &mut Client, name: &str, other: &mut Client, other_name: &str, swarm: &str) {
    announcer.announce_with(swarm, name, &json!({"offers": [offer("an offer", name)]}));
    let heard = next(other, "offer");
    assert_eq!(heard["offer"]["sdp"], name);
    assert_eq!(heard["peer_id"], id(name));
    assert_eq!(heard["info_hash"], id(swarm));
    other.say(&answer(other_name, &heard, "yes"));
    let heard = next(announcer, "answer");
    assert_eq!(heard["answer"]["sdp"], "yes");
    assert_eq!(heard["peer_id"], id(other_name));
    assert_eq!(heard["offer_id"], id("an offer"));
}

/// The next offer or answer.
pub fn next(client: &mut Client, what: &str) -> Value {
    loop {
        let heard = client.hear();
        if heard.get(what).is_some() {
            return heard;
        }
    }
}

/// A node that another release of the tracker, or nobody, has made.
pub struct Foreigner {
    /// Its run.
    pub own: [u8; 8],
    socket: BufReader<TcpStream>,
    subjects: usize,
}

impl Foreigner {
    pub fn connect(nats: &Nats) -> Self {
        let socket = TcpStream::connect(nats.address()).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut foreigner = Self { own: [7; 8], socket: BufReader::new(socket), subjects: 0 };
        assert!(foreigner.line().starts_with("INFO "));
        foreigner.write(b"CONNECT {\"verbose\":false,\"echo\":false}\r\n");
        foreigner
    }

    /// Hears these subjects from now on.
    pub fn subscribe(&mut self, subject: &str) {
        self.subjects += 1;
        self.write(format!("SUB {subject} {}\r\nPING\r\n", self.subjects).as_bytes());
        while self.line() != "PONG" {}
    }

    /// Hears the last of them no more.
    pub fn unsubscribe(&mut self) {
        self.write(format!("UNSUB {}\r\n", self.subjects).as_bytes());
    }

    pub fn publish(&mut self, subject: &str, message: &[u8]) {
        let head = format!("PUB {subject} {}\r\n", message.len());
        self.write(&[head.as_bytes(), message, b"\r\n"].concat());
    }

    /// Says records as this node.
    pub fn say(&mut self, subject: &str, records: &[Vec<u8>]) {
        let message = [&[1][..], &self.own, &records.concat()].concat();
        self.publish(subject, &message);
    }

    /// Says that it is there, as often as it takes for a node to know it.
    pub fn join(&mut self, node: &Server, name: &str) {
        let known = || {
            self.say("tracker.presence", &[hello(name, false)]);
            node.metrics()["tracker_cluster_nodes"]
        };
        until("known", known, |others| *others == 1.0);
    }

    /// The next message that comes: its subject and what is in it.
    pub fn hear(&mut self) -> (String, Vec<u8>) {
        loop {
            let line = self.line();
            if line == "PING" {
                self.write(b"PONG\r\n");
            }
            let Some(head) = line.strip_prefix("MSG ") else { continue };
            let parts: Vec<_> = head.split(' ').collect();
            let bytes: usize = parts.last().and_then(|last| last.parse().ok()).expect("a length");
            let mut message = vec![0; bytes + 2];
            self.socket.read_exact(&mut message).expect("a message");
            message.truncate(bytes);
            return (parts[0].to_owned(), message);
        }
    }

    /// The next record of this kind, and the run of the node that says it.
    pub fn hear_record(&mut self, kind: u8) -> ([u8; 8], Vec<u8>) {
        loop {
            let (_, message) = self.hear();
            assert_eq!(message[0], 1, "the version");
            let from = message[1..9].try_into().expect("8 bytes");
            let mut rest = &message[9..];
            while !rest.is_empty() {
                let length = u32::from_le_bytes(rest[1..5].try_into().expect("4 bytes")) as usize;
                if rest[0] == kind {
                    return (from, rest[5..5 + length].to_vec());
                }
                rest = &rest[5 + length..];
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.socket.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).expect("sent");
    }
}

/// A record: its kind, the length of its body, its body.
pub fn record(kind: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    [&[kind][..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// The record in which a node says that it is there: its name, 2 workers, every 1000 ms.
pub fn hello(name: &str, asks: bool) -> Vec<u8> {
    record(1, &[&[name.len() as u8], name.as_bytes(), &[2, 0xe8, 0x07, u8::from(asks)]])
}

/// What one run of a node hears.
pub fn inbox(node: [u8; 8]) -> String {
    format!("tracker.node.{:016x}", u64::from_le_bytes(node))
}
