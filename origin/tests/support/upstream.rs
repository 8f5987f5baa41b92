//! An upstream that does what a test tells it, mostly wrong: files by path, each with its own way of
//! being answered, and a count of the requests for it.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How a request for a file is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// As it should be.
    File(Vec<u8>),
    /// With this status, these lines of header, and this body.
    Says(u16, String, Vec<u8>),
    /// Two thirds of the body that was announced, and then the end of the connection.
    Cut(Vec<u8>),
    /// The same in chunks, which say no length beforehand.
    CutInChunks(Vec<u8>),
    /// A byte a second.
    Trickle(Vec<u8>),
    /// A body that never ends.
    Endless,
    /// Nothing, for as long as the client waits.
    Silence,
    /// The end of the connection instead of an answer.
    Close,
}

#[derive(Clone)]
enum Otherwise {
    Folder(PathBuf),
    Server(SocketAddr),
}

/// A server on a port of its own, until the test's process ends.
#[derive(Clone)]
pub struct Upstream {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    replies: HashMap<String, Reply>,
    /// Where all that has no reply comes from.
    otherwise: Option<Otherwise>,
    /// Paths in the order in which they were asked for, with the request's head.
    requests: Vec<(String, String)>,
}

impl Upstream {
    pub fn start() -> Upstream {
        Self::over(None)
    }

    /// Over TLS, with a certificate for 127.0.0.1.
    pub fn over_tls(tls: ServerConfig) -> Upstream {
        Self::over(Some(Arc::new(tls)))
    }

    fn over(tls: Option<Arc<ServerConfig>>) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let upstream = Upstream { address, state: Arc::default() };
        let server = upstream.clone();
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (server, tls) = (server.clone(), tls.clone());
                // Whoever goes away meanwhile ends his own thread only.
                thread::spawn(move || match tls {
                    None => server.serve(socket),
                    Some(tls) => {
                        let session = ServerConnection::new(tls).ok()?;
                        let mut stream = StreamOwned::new(session, socket);
                        server.serve(&mut stream)?;
                        stream.conn.send_close_notify();
                        stream.flush().ok()
                    }
                });
            }
        });
        upstream
    }

    /// Serves what is in a folder, besides.
    pub fn of_folder(folder: &Path) -> Upstream {
        let upstream = Upstream::start();
        upstream.state().otherwise = Some(Otherwise::Folder(folder.to_owned()));
        upstream
    }

    /// Passes on what another server answers, and counts.
    pub fn before(server: SocketAddr) -> Upstream {
        let upstream = Upstream::start();
        upstream.state().otherwise = Some(Otherwise::Server(server));
        upstream
    }

    /// How often each path was asked for.
    pub fn counts(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for (path, _) in &self.state().requests {
            *counts.entry(path.clone()).or_default() += 1;
        }
        counts
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn set(&self, path: &str, reply: Reply) {
        self.state().replies.insert(path.to_owned(), reply);
    }

    pub fn set_if_missing(&self, path: &str, reply: Reply) {
        self.state().replies.entry(path.to_owned()).or_insert(reply);
    }

    /// How often something was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.state().requests.iter().filter(|(asked, _)| asked == path).count()
    }

    /// The heads of all requests for something.
    pub fn heads(&self, path: &str) -> Vec<String> {
        let state = self.state();
        let of_path = state.requests.iter().filter(|(asked, _)| asked == path);
        of_path.map(|(_, head)| head.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    fn serve(&self, mut socket: impl Read + Write) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).ok()?;
        let path = head.split(' ').nth(1)?.to_owned();
        let reply = {
            let mut state = self.state();
            state.requests.push((path.clone(), head.clone()));
            let reply = state.replies.get(&path).cloned();
            reply.ok_or_else(|| state.otherwise.clone())
        };
        let reply = match reply {
            Ok(reply) => Some(reply),
            Err(Some(Otherwise::Folder(folder))) => {
                fs::read(folder.join(path.trim_start_matches('/'))).ok().map(Reply::File)
            }
            Err(Some(Otherwise::Server(server))) => return relay(socket, server, &head),
            Err(None) => None,
        };
        let reply = reply.unwrap_or(Reply::Says(404, String::new(), b"no such file".to_vec()));
        answer(socket, &head, reply)
    }
}

/// One request to the server, and its whole answer back.
fn relay(mut socket: impl Write, server: SocketAddr, head: &str) -> Option<()> {
    let mut to = TcpStream::connect(server).ok()?;
    to.write_all(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).ok()?;
    std::io::copy(&mut to, &mut socket).ok().map(drop)
}

fn answer(mut socket: impl Read + Write, head: &str, reply: Reply) -> Option<()> {
    let mut say = |status: u16, headers: &str| {
        let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}\r\n");
        socket.write_all(head.as_bytes()).ok()
    };
    let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
    match reply {
        Reply::File(body) => {
            let range = head.lines().find_map(|line| line.strip_prefix("range: bytes="));
            let part = range.and_then(|range| {
                let (first, last) = range.split_once('-')?;
                let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
                Some((first, last, body.get(first..=last)?.to_vec()))
            });
            match part {
                Some((first, last, part)) => {
                    let range = format!("Content-Range: bytes {first}-{last}/{}\r\n", body.len());
                    say(206, &(length(&part) + &range))?;
                    socket.write_all(&part).ok()
                }
                None => {
                    say(200, &length(&body))?;
                    socket.write_all(&body).ok()
                }
            }
        }
        Reply::Says(status, headers, body) => {
            say(status, &(length(&body) + &headers))?;
            socket.write_all(&body).ok()
        }
        Reply::Cut(body) => {
            say(200, &length(&body))?;
            socket.write_all(&body[..body.len() * 2 / 3]).ok()
        }
        Reply::CutInChunks(body) => {
            say(200, "Transfer-Encoding: chunked\r\n")?;
            let part = &body[..body.len() * 2 / 3];
            socket.write_all(format!("{:x}\r\n", part.len()).as_bytes()).ok()?;
            socket.write_all(part).ok()?;
            socket.write_all(b"\r\n").ok()
        }
        Reply::Trickle(body) => {
            say(200, &length(&body))?;
            for byte in body {
                socket.write_all(&[byte]).ok()?;
                thread::sleep(Duration::from_secs(1));
            }
            Some(())
        }
        Reply::Endless => {
            say(200, "Transfer-Encoding: chunked\r\n")?;
            let chunk = [b"10000\r\n".as_slice(), &[0x47; 0x10000], b"\r\n"].concat();
            loop {
                socket.write_all(&chunk).ok()?;
            }
        }
        Reply::Silence => {
            let mut rest = Vec::new();
            socket.read_to_end(&mut rest).ok().map(drop)
        }
        Reply::Close => None,
    }
}
