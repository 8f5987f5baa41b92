//! The origin with the listeners of the binary, in this process.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix_web::rt::System;
use origin::{OriginConfig, Server};
use tokio::sync::oneshot;

/// A running server, on ports that the system chose.
pub struct Running {
    pub address: SocketAddr,
    pub metrics: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    /// `section` is the `origin` section of a config file, without `listen`.
    pub fn start(section: &str) -> Running {
        let mut config: serde_json::Value = serde_json::from_str(section).expect("JSON");
        if config["listen"].is_null() {
            config["listen"] = serde_json::json!({});
        }
        config["listen"]["host"] = "127.0.0.1".into();
        config["listen"]["port"] = 0.into();
        let config: OriginConfig = serde_json::from_value(config).expect("a config");
        let config = config.validate().expect("a valid config");
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async move {
                let server = Server::start(config).expect("a server");
                tell.send((server.address(), server.metrics_address())).expect("a test that waits");
                // An error here is a test that has ended.
                let _ = stopped.await;
                server.stop().await;
            });
        });
        let (address, metrics) = told.recv().expect("a server");
        Running { address, metrics, stop: Some(stop), thread: Some(thread) }
    }

    /// The samples of its metrics' page that begin with `start`.
    pub fn samples(&self, start: &str) -> Vec<String> {
        let page = super::get(self.metrics.expect("a metrics section"), "/metrics");
        assert_eq!(page.status, 200);
        page.text().lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
    }

    /// The value of one sample; 0 when it isn't there.
    pub fn count(&self, sample: &str) -> f64 {
        let start = format!("{sample} ");
        let found = self.samples(&start);
        found.first().map_or(0.0, |line| line[start.len()..].parse().expect("a number"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().expect("a thread").join();
        assert!(ended.is_ok() || thread::panicking(), "the server ends well");
    }
}

/// A connection on which bytes are written as they stand.
pub struct Raw(pub TcpStream);

impl Raw {
    pub fn to(address: SocketAddr) -> Raw {
        let socket = TcpStream::connect(address).expect("a connection");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        Raw(socket)
    }

    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Raw {
        self.0.write_all(bytes.as_ref()).expect("a connection that is open");
        self
    }

    /// Everything until the server closes.
    pub fn hear_all(&mut self) -> String {
        let _ = self.0.shutdown(Shutdown::Write);
        let mut all = Vec::new();
        // A reset is an end, too.
        let _ = self.0.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    }
}
