//! A client as P2P Media Loader is one: announces, answers offers, and reads what comes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use super::{PATIENCE, with};

/// An id of 20 characters that starts with `name`.
pub fn id(name: &str) -> String {
    format!("{name:_<20}")
}

pub struct Client<S = TcpStream> {
    pub socket: WebSocket<S>,
}

impl Client {
    pub fn connect(address: SocketAddr, path: &str) -> Self {
        Self::try_connect(address, path, None).expect("a WebSocket")
    }

    /// The error holds the status of a refused handshake.
    pub fn try_connect(
        address: SocketAddr,
        path: &str,
        origin: Option<&str>,
    ) -> Result<Self, String> {
        let headers = origin.map(|origin| ("origin", origin));
        Self::try_with_headers(address, path, headers.as_slice())
    }

    /// The same, with these headers, of which some may have one name.
    pub fn try_with_headers(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, String> {
        use tungstenite::client::IntoClientRequest;
        let mut request = format!("ws://{address}{path}")
            .into_client_request()
            .map_err(|error| error.to_string())?;
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("a header"));
        }
        let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(HandshakeError::Failure(Error::Http(response))) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err(format!("{}: {}", response.status(), String::from_utf8_lossy(body)))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    pub fn local_address(&self) -> SocketAddr {
        self.socket.get_ref().local_addr().expect("an address")
    }

    /// What has come already, if something has.
    pub fn hear_now(&mut self) -> Option<Value> {
        self.socket.get_ref().set_nonblocking(true).expect("a mode");
        let read = self.socket.read();
        self.socket.get_ref().set_nonblocking(false).expect("a mode");
        match read {
            Ok(Message::Text(text)) => Some(serde_json::from_str(&text).expect("JSON")),
            Ok(Message::Ping(_) | Message::Pong(_)) => None,
            Ok(other) => panic!("not text: {other:?}"),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("the socket broke: {error}"),
        }
    }
}

impl<S: Read + Write> Client<S> {
    /// Opens a WebSocket on a stream that is there already.
    pub fn on(stream: S, path: &str) -> Self {
        match tungstenite::client(format!("wss://localhost{path}"), stream) {
            Ok((socket, _)) => Self { socket },
            Err(error) => panic!("no WebSocket: {error}"),
        }
    }

    pub fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string()));
    }

    pub fn send(&mut self, message: Message) {
        self.socket.send(message).expect("sent");
    }

    /// The next text message, as JSON.
    pub fn hear(&mut self) -> Value {
        let text = self.hear_text();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// The next text message, as it is.
    pub fn hear_text(&mut self) -> String {
        loop {
            match self.read().expect("a message") {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not text: {other:?}"),
            }
        }
    }

    /// The next message. A process that has ended somewhere in the tests interrupts a read that has a
    /// time limit.
    fn read(&mut self) -> Result<Message, Error> {
        loop {
            match self.socket.read() {
                Err(Error::Io(error)) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Announces, and takes the reply; offers that come before it are lost.
    pub fn announce(&mut self, swarm: &str, peer: &str) -> Value {
        self.announce_with(swarm, peer, &json!({}))
    }

    pub fn announce_with(&mut self, swarm: &str, peer: &str, more: &Value) -> Value {
        self.say(&announce(swarm, peer, more));
        self.reply_of(swarm)
    }

    /// The next reply or refusal about a swarm, whatever comes before it.
    pub fn reply_of(&mut self, swarm: &str) -> Value {
        loop {
            let heard = self.hear();
            let is_reply = heard.get("interval").is_some() || heard.get("failure reason").is_some();
            if is_reply && heard["info_hash"] == id(swarm) {
                return heard;
            }
        }
    }

    /// Asks for a swarm's counts, which come once everything that was said before is done. What
    /// comes in between is returned.
    pub fn fence(&mut self, swarm: &str) -> Vec<Value> {
        self.say(&json!({"action": "scrape", "info_hash": id(swarm)}));
        let mut heard = Vec::new();
        loop {
            let message = self.hear();
            if message["action"] == "scrape" {
                return heard;
            }
            heard.push(message);
        }
    }

    /// Waits for the end, past whatever comes before it. `None` when there was no close frame.
    pub fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.read() {
                Ok(Message::Close(frame)) => {
                    return Some(frame.map_or(CloseCode::Status, |frame| frame.code).into());
                }
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    panic!("the socket stays open");
                }
                Err(_) => return None,
            }
        }
    }
}

/// The message of an announce, with what else it should have.
pub fn announce(swarm: &str, peer: &str, more: &Value) -> Value {
    let message = json!({"action": "announce", "info_hash": id(swarm), "peer_id": id(peer),
        "uploaded": 0, "downloaded": 0, "left": null, "numwant": 5});
    with(message, more)
}

/// An offer with an SDP of its own.
pub fn offer(offer_id: &str, sdp: &str) -> Value {
    json!({"offer": {"type": "offer", "sdp": sdp}, "offer_id": id(offer_id)})
}

/// The answer to an offer as it was heard.
pub fn answer(peer: &str, offer: &Value, sdp: &str) -> Value {
    json!({"action": "announce", "info_hash": offer["info_hash"], "peer_id": id(peer),
        "to_peer_id": offer["peer_id"], "offer_id": offer["offer_id"],
        "answer": {"type": "answer", "sdp": sdp}})
}
