//! What may be asked of a load of downloads, and what of it holds.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use url::Url;

use crate::args::{Contender, Refused, bounded, count, descriptors, folder};
use crate::limits;

/// Many clients that download a stream's segments, each on a connection that it keeps.
#[derive(Debug, Args)]
pub(crate) struct OriginArgs {
    /// An HLS playlist, over plain HTTP; of several qualities the first is taken
    #[arg(long, default_value = "http://127.0.0.1:8080/live/testcard/index.m3u8")]
    url: Url,
    /// The server's process on this machine: adds its CPU time to the report
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// A server to compare with others, twice or more:
    /// `nginx=http://127.0.0.1:8081/index.m3u8,pid=9`. They take turns, round by round
    #[arg(long, value_name = "NAME=URL[,pid=PID]", conflicts_with_all = ["url", "server_pid"])]
    compare: Vec<Contender>,
    /// How often each of them is loaded; the median counts
    #[arg(long, default_value_t = 5, requires = "compare", value_parser = count(&limits::COMPARE_ROUNDS))]
    rounds: u64,
    /// Downloads at a time
    #[arg(long, default_value_t = 1_000, value_parser = count(&limits::DOWNLOADS))]
    connections: u64,
    /// Event loops
    #[arg(long, default_value_t = 1, value_parser = count(&limits::DOWNLOAD_THREADS))]
    threads: u64,
    /// How long the load runs before the measurement starts
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    warmup: Duration,
    /// How long is measured
    #[arg(long, default_value = "6s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Where to write the report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A load of downloads in full.
#[derive(Clone, Debug)]
pub(crate) struct DownloadPlan {
    pub(crate) servers: Vec<DownloadServer>,
    pub(crate) rounds: u64,
    pub(crate) connections: u64,
    pub(crate) threads: u64,
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
    pub(crate) json: Option<PathBuf>,
}

/// One server and its playlist.
#[derive(Clone, Debug)]
pub(crate) struct DownloadServer {
    pub(crate) name: String,
    pub(crate) playlist: Url,
    pub(crate) address: SocketAddr,
    pub(crate) pid: Option<u32>,
}

impl OriginArgs {
    /// What holds. Raises this process's soft limit of descriptors on the way.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn plan(self) -> Result<DownloadPlan, Refused> {
        let alone = self.compare.is_empty();
        let servers: Result<Vec<_>, _> = match alone {
            true => server("server".to_owned(), self.url, self.server_pid).map(|of| vec![of]),
            false => {
                self.compare.into_iter().map(|of| server(of.name, of.url, of.server_pid)).collect()
            }
        };
        bounded("warmup", self.warmup, limits::WARMUP)?;
        bounded("duration", self.duration, limits::DURATION)?;
        descriptors("connections", self.connections)?;
        folder("json", self.json.as_deref())?;
        Ok(DownloadPlan {
            servers: servers?,
            rounds: if alone { 1 } else { self.rounds },
            connections: self.connections,
            threads: self.threads.min(self.connections),
            warmup: self.warmup,
            duration: self.duration,
            json: self.json,
        })
    }
}

fn server(name: String, playlist: Url, pid: Option<u32>) -> Result<DownloadServer, Refused> {
    if playlist.scheme() != "http" {
        return Err(Refused::NotHttp(playlist));
    }
    if let Some(pid) = pid.filter(|pid| crate::process::usage(*pid).is_none()) {
        return Err(Refused::ServerPid(pid));
    }
    let host = playlist.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let found = (host, playlist.port_or_known_default().unwrap_or(80)).to_socket_addrs();
    let address = match found {
        Ok(mut addresses) => addresses.next().ok_or("the name has none".to_owned()),
        Err(why) => Err(why.to_string()),
    };
    match address {
        Ok(address) => Ok(DownloadServer { name, playlist, address, pid }),
        Err(why) => Err(Refused::Address(playlist, why)),
    }
}
