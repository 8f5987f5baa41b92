//! What all workers of a process share: the policy in force, who may do what, which worker has which
//! swarm, and what is counted. Workers read it without locks.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix::Addr;
use arc_swap::{ArcSwap, Guard};
use origin::Certificate;
use origin::watched::Refresh;

use crate::access::{Access, Admission, Admissions, Arrival, DashboardAccess, Full};
use crate::actors::{Drain, PolicyChanged, ShardActor};
use crate::bus::Cluster;
use crate::config::{ClusterConfig, Policy, ServerConfig};
use crate::directory::{Directory, WorkerId};
use crate::limits::ARRIVAL_WAIT_MAX;
use crate::load;
use crate::metrics::Metrics;
use crate::transport::turned_away::TurnedAway;

/// What all workers of a process share.
#[derive(Debug)]
pub(crate) struct Node {
    policy: ArcSwap<Policy>,
    /// Sockets at which no listener takes another one, whatever the policy. `None` is no limit.
    connections_max: Option<usize>,
    /// The pause between two announces that clients are asked for now, in seconds.
    announce_interval_s: AtomicU64,
    pub(crate) access: Access,
    /// Who may see the dashboard; nobody without it.
    pub(crate) dashboard: Option<DashboardAccess>,
    /// The certificates of the listeners that have one, by the address that is listened on.
    pub(crate) certificates: Vec<(SocketAddr, Arc<Certificate>)>,
    pub(crate) admissions: Arc<Admissions>,
    pub(crate) directory: Arc<Directory>,
    /// The link to other nodes; `None` on one that is alone.
    pub(crate) cluster: Option<Arc<Cluster>>,
    pub(crate) metrics: Metrics,
    /// Seeds the hash tables of all shards.
    pub(crate) hash_seed: u64,
    shards: Box<[OnceLock<Addr<ShardActor>>]>,
    started: AtomicU16,
    /// Sockets are hung up, those that still come too.
    stopping: AtomicBool,
    epoch: Instant,
}

/// What a node is made of.
pub(crate) struct Parts {
    pub(crate) policy: Policy,
    pub(crate) access: Access,
    pub(crate) dashboard: Option<DashboardAccess>,
    pub(crate) cluster: Option<ClusterConfig>,
    pub(crate) certificates: Vec<(SocketAddr, Arc<Certificate>)>,
    /// How many there are.
    pub(crate) workers: WorkerId,
    pub(crate) listeners: usize,
    /// See [`Node`].
    pub(crate) connections_max: Option<usize>,
}

impl Node {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { policy, access, dashboard, cluster, certificates, .. } = parts;
        Self {
            connections_max: parts.connections_max,
            announce_interval_s: AtomicU64::new(policy.settings.announce_interval.as_secs()),
            policy: ArcSwap::from_pointee(policy),
            access,
            dashboard,
            certificates,
            admissions: Arc::default(),
            directory: Arc::default(),
            cluster: cluster.map(|config| Arc::new(Cluster::new(config, parts.workers))),
            metrics: Metrics::new(parts.workers, parts.listeners),
            hash_seed: rand::random(),
            shards: (0..parts.workers).map(|_| OnceLock::new()).collect(),
            started: AtomicU16::new(0),
            stopping: AtomicBool::new(false),
            epoch: Instant::now(),
        }
    }

    /// The place of the next worker that starts.
    pub(crate) fn next_worker(&self) -> WorkerId {
        // The server restarts a worker whose thread has died, which no input makes it do; then
        // the places are all taken, and the new thread shares the last one's numbers.
        self.started.fetch_add(1, Relaxed).min(self.workers() - 1)
    }

    /// Takes the shard of a worker that has started.
    pub(crate) fn register(&self, worker: WorkerId, shard: Addr<ShardActor>) {
        if self.shards[usize::from(worker)].set(shard).is_err() {
            tracing::error!(worker, "a worker has died; its swarms are gone until a restart");
        }
    }

    /// Number of workers.
    pub(crate) fn workers(&self) -> WorkerId {
        self.shards.len() as WorkerId
    }

    /// A worker's shard; `None` before that worker has started.
    pub(crate) fn shard(&self, worker: WorkerId) -> Option<&Addr<ShardActor>> {
        self.shards.get(usize::from(worker))?.get()
    }

    /// All shards that have started.
    pub(crate) fn shards(&self) -> impl Iterator<Item = &Addr<ShardActor>> {
        self.shards.iter().filter_map(OnceLock::get)
    }

    /// The policy in force. It is an atomic pointer: to look at it takes no lock, and costs no
    /// cache line that another core writes.
    pub(crate) fn policy(&self) -> Guard<Arc<Policy>> {
        self.policy.load()
    }

    /// Puts another policy in force. Who holds a part of the last one is told.
    pub(crate) fn change(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
        for shard in self.shards() {
            shard.do_send(PolicyChanged);
        }
    }

    /// Closes all sockets, evenly over `window`; each that comes from now on is closed at once.
    pub(crate) fn drain(&self, window: Duration) {
        self.stopping.store(true, Relaxed);
        for shard in self.shards() {
            shard.do_send(Drain { window });
        }
    }

    /// Whether [`drain`](Self::drain) was called.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// Why no socket is taken at present, whoever it would be for.
    pub(crate) fn turns_away(&self, server: &ServerConfig) -> Option<TurnedAway> {
        if self.is_stopping() {
            return Some(TurnedAway::Stopping);
        }
        let (key, bound) = self.connections_max(server);
        (self.admissions.sockets() >= bound).then_some(TurnedAway::Full { key, bound })
    }

    /// Counts a connection from `peer` that is no socket yet, if it is under a bound at all, and
    /// tells how long it has to wait.
    ///
    /// # Errors
    ///
    /// When there are too many, or too many come.
    pub(crate) fn arrive(&self, peer: IpAddr) -> Result<(Option<Arrival>, Duration), TurnedAway> {
        let policy = self.policy();
        let Some(network) = policy.trusted_proxies.bounded_network(peer.to_canonical()) else {
            return Ok((None, Duration::ZERO));
        };
        let limits = &policy.limits;
        let bound = limits.connections_per_ip;
        let arrival = self.admissions.arrive(network, bound).ok_or(TurnedAway::PerIp { bound })?;
        let wait = match limits.connection_rate_per_ip {
            Some(rate) => {
                let patience = limits.handshake.map_or(ARRIVAL_WAIT_MAX, |limit| limit / 2);
                let wait = arrival.wait(rate, self.now(), patience.min(ARRIVAL_WAIT_MAX));
                wait.ok_or(TurnedAway::PerIpRate(rate))?
            }
            None => Duration::ZERO,
        };
        Ok((Some(arrival), wait))
    }

    /// Counts a socket that comes from `peer` with these `X-Forwarded-For` headers.
    ///
    /// # Errors
    ///
    /// When there are too many, or too many come through a proxy.
    pub(crate) fn admit<'a>(
        &self,
        server: &ServerConfig,
        peer: Option<IpAddr>,
        forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> Result<Admission, TurnedAway> {
        if self.is_stopping() {
            return Err(TurnedAway::Stopping);
        }
        let policy = self.policy();
        let proxies = &policy.trusted_proxies;
        let peer = peer.map(|peer| peer.to_canonical());
        let client = peer.map(|peer| proxies.client(peer, forwarded_for));
        let network = client.and_then(|client| proxies.bounded_network(client));
        let (key, bound) = self.connections_max(server);
        let per_ip = policy.limits.connections_per_ip;
        let admission =
            self.admissions.admit(network, bound, per_ip).map_err(|full| match full {
                Full::InAll => TurnedAway::Full { key, bound },
                Full::OfNetwork => {
                    tracing::debug!(?client, ?peer, "too many connections of this address");
                    TurnedAway::PerIp { bound: per_ip }
                }
            })?;
        match policy.limits.connection_rate_per_ip {
            // The proxy's own connections don't arrive at anybody's rate.
            Some(rate) if client != peer && !admission.may_connect(rate, self.now()) => {
                Err(TurnedAway::PerIpRate(rate))
            }
            _ => Ok(admission),
        }
    }

    /// How many sockets may be open for a handshake with this listener, and the key that says so.
    fn connections_max(&self, server: &ServerConfig) -> (&'static str, usize) {
        let in_all = ("limits.connections", self.policy().limits.connections);
        match server.connections_max {
            own @ 1.. if own <= in_all.1 => ("maxConnections", own),
            _ => in_all,
        }
    }

    /// Sockets at which nobody takes another one. `None` is no limit.
    pub(crate) fn connections_bound(&self) -> Option<usize> {
        let in_all = self.policy().limits.connections;
        let in_all = (in_all != usize::MAX).then_some(in_all);
        self.connections_max.into_iter().chain(in_all).min()
    }

    /// Swarms with a member.
    pub(crate) fn swarms(&self) -> usize {
        self.metrics.partitions().saturating_sub(self.directory.further_partitions())
    }

    /// The pause between two announces that clients are asked for now.
    pub(crate) fn announce_interval(&self) -> Duration {
        Duration::from_secs(self.announce_interval_s.load(Relaxed))
    }

    /// How long a member stays without an announce, if it makes one now.
    pub(crate) fn member_lifetime(&self) -> Duration {
        self.policy().settings.member_lifetime(self.announce_interval())
    }

    /// Fits the pause between two announces to the load, and returns it.
    pub(crate) fn adapt_announce_interval(&self) -> Duration {
        let usual = self.policy().settings.announce_interval;
        let interval = load::announce_interval(usual, self.load());
        self.announce_interval_s.store(interval.as_secs(), Relaxed);
        interval
    }

    /// Reads the files again. It blocks: it is not for a thread that serves.
    pub(crate) fn refresh(&self, which: Refresh) {
        for (_, certificate) in &self.certificates {
            certificate.refresh(which);
        }
        self.access.refresh(which);
        if let Some(dashboard) = &self.dashboard {
            dashboard.refresh(which);
        }
    }

    /// The clock of the rules: time since the node began.
    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }
}
