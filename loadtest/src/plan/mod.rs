//! Who takes part in a run and where: data only, made before the first socket opens. A swarm lives
//! on one worker, so everything that verification compares is on one thread and no message waits
//! for a lock. One hot swarm therefore keeps one thread busy, as it does in a tracker that keeps a
//! swarm on one worker; a thread here makes more load than such a worker takes, and the report
//! says so where it doesn't.

use std::net::IpAddr;
use std::time::Duration;

use rand::seq::index;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use crate::args::Target;
use crate::client::id::{Id, Ids, PeerNumber};
use crate::client::sdp::SdpTemplate;
use crate::limits::JOIN_TIME_MAX;
use crate::scenario::Scenario;

#[cfg(test)]
pub(crate) mod tests;

/// One run in full.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The tracker, or the nodes of one cluster in the order in which peers take turns at them.
    pub(crate) nodes: Vec<Target>,
    /// Of several nodes: the share of offers that may go to others, from 0 to 1.
    pub(crate) cross_share: f64,
    pub(crate) peers: u32,
    pub(crate) swarms: u32,
    /// 0 makes all swarms equal.
    pub(crate) zipf_exponent: f64,
    pub(crate) offers: u16,
    pub(crate) sdp_bytes: usize,
    /// Peers that may have an unfinished announce at once.
    pub(crate) in_flight: u32,
    pub(crate) threads: u8,
    /// From when all have joined to the first offers.
    pub(crate) settle: Duration,
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
    pub(crate) seed: u64,
    pub(crate) pace: Pace,
    /// 0 is as fast as the tracker goes.
    pub(crate) connects_per_s: f64,
    pub(crate) churn: Churn,
    pub(crate) storm: Option<Storm>,
    pub(crate) oddities: Oddities,
    /// Addresses to connect from, in turn; none leaves it to [`crate::client::source`].
    pub(crate) sources: Vec<IpAddr>,
    /// What the run was made of; `None` where it is part of another test.
    pub(crate) scenario: Option<Scenario>,
}

/// When viewers announce.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// As soon as the last announce is answered in full: as fast as the tracker goes.
    Closed,
    /// An announce whenever one is due, whatever has become of the earlier ones; latency counts
    /// from when an announce was due, so a tracker that holds the peers up is not spared the
    /// announces that it held up. The rate grows from none over `ramp`.
    Rate { announces_per_s: f64, ramp: Duration },
    /// Each viewer at the interval that the tracker asks for; latency counts from then.
    Interval,
}

/// Who leaves and who changes the swarm.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Churn {
    pub(crate) leaves_per_s: f64,
    /// Of those who leave: their connection just ends.
    pub(crate) broken_share: f64,
    pub(crate) switches_per_s: f64,
    /// Of those who say goodbye or change their swarm: they say `stopped`.
    pub(crate) stopped_share: f64,
}

/// Sockets that break at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    pub(crate) share: f64,
    pub(crate) every: Duration,
    /// Over which they come back.
    pub(crate) window: Duration,
}

/// Peers that aren't as they should be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Oddities {
    pub(crate) slow_share: f64,
    /// How long slow readers don't read at a time; `None` is for ever.
    pub(crate) slow_pause: Option<Duration>,
    pub(crate) misbehaving_share: f64,
    pub(crate) misbehaving_per_s: f64,
}

/// The part of a run that one worker plays.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) worker: u8,
    /// Peers of the workers before this one.
    pub(crate) worker_first: u32,
    pub(crate) swarms: Vec<SwarmPlan>,
    pub(crate) peers: Vec<PeerPlan>,
    pub(crate) in_flight: usize,
    /// Of all that happens in a second, what happens here.
    pub(crate) part: f64,
    pub(crate) offer_sdp: SdpTemplate,
    pub(crate) answer_sdp: SdpTemplate,
    pub(crate) ids: Ids,
}

/// One swarm.
#[derive(Debug)]
pub(crate) struct SwarmPlan {
    pub(crate) info_hash: Id,
    pub(crate) members: u32,
}

/// One peer.
#[derive(Debug)]
pub(crate) struct PeerPlan {
    /// Its id when it first comes.
    pub(crate) id: Id,
    /// Place in [`Share::swarms`] of the swarm in which it begins.
    pub(crate) swarm: u32,
    /// Place in [`Plan::nodes`] of the one that it first comes to.
    pub(crate) node: u8,
    pub(crate) role: Role,
}

/// What a peer is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Announces, answers, and is owed everything.
    Viewer,
    /// Joins and then hardly reads.
    Slow,
    /// Joins, reads, and says what it should not.
    Misbehaving,
}

impl Plan {
    /// A run against `target` in which everybody comes, stays and behaves.
    pub(crate) fn calm(target: Target) -> Self {
        Self {
            nodes: vec![target],
            cross_share: 0.0,
            peers: 2,
            swarms: 1,
            zipf_exponent: 0.0,
            offers: 1,
            sdp_bytes: 1_500,
            in_flight: 2,
            threads: 1,
            settle: Duration::ZERO,
            warmup: Duration::ZERO,
            duration: Duration::from_secs(1),
            seed: 1,
            pace: Pace::Closed,
            connects_per_s: 0.0,
            churn: Churn::default(),
            storm: None,
            oddities: Oddities::default(),
            sources: Vec::new(),
            scenario: None,
        }
    }

    /// Whether peers come and go while others announce.
    pub(crate) fn is_restless(&self) -> bool {
        let Churn { leaves_per_s, switches_per_s, .. } = self.churn;
        let Oddities { slow_share, misbehaving_share, .. } = self.oddities;
        leaves_per_s + switches_per_s + slow_share + misbehaving_share > 0.0 || self.storm.is_some()
    }

    /// Whether there is more than one node.
    pub(crate) fn is_cluster(&self) -> bool {
        self.nodes.len() > 1
    }

    /// The node that a member of a swarm first comes to. Members go round the nodes, so each swarm
    /// is on all of them in equal parts; swarms begin at another one each, so the nodes have equal
    /// parts of all.
    fn node_of(&self, swarm: u32, member: u32) -> u8 {
        let nodes = self.nodes.len() as u64;
        // At most `limits::NODES`.
        ((u64::from(swarm) + u64::from(member)) % nodes) as u8
    }

    /// The node that a peer comes back to, or another in its place: the next one, as from a load
    /// balancer that goes round. What a node still knows of those who have left it is tried so.
    pub(crate) fn node_after(&self, node: u8) -> u8 {
        ((usize::from(node) + 1) % self.nodes.len()) as u8
    }

    /// Until when every peer must have joined.
    pub(crate) fn join_time_max(&self) -> Duration {
        let ramp_s = f64::from(self.peers) / self.connects_per_s;
        let ramp = Duration::try_from_secs_f64(ramp_s).unwrap_or(Duration::ZERO);
        JOIN_TIME_MAX + ramp
    }

    /// What each worker does. Swarms go to the worker with the fewest peers, the largest first,
    /// and peers round the swarms, so a row of consecutive peers is spread over all swarms.
    pub(crate) fn shares(&self) -> Vec<Share> {
        let sizes = self.sizes();
        let mut by_size: Vec<usize> = (0..sizes.len()).collect();
        by_size.sort_by_key(|swarm| std::cmp::Reverse(sizes[*swarm]));
        let mut workers = vec![(0_u32, Vec::new()); self.threads.into()];
        for swarm in by_size {
            if let Some(fewest) = workers.iter_mut().min_by_key(|(peers, _)| *peers) {
                fewest.0 += sizes[swarm];
                fewest.1.push(swarm as u32);
            }
        }
        let mut worker_first = 0;
        let shares = (0..).zip(workers).map(|(worker, (peers, swarms))| {
            let share = self.share(worker, worker_first, &swarms, &sizes);
            worker_first += peers;
            share
        });
        shares.collect()
    }

    /// How many members each swarm has: as equal as can be, or two each and the rest drawn by
    /// Zipf's law.
    fn sizes(&self) -> Vec<u32> {
        let (peers, swarms) = (self.peers, self.swarms);
        if self.zipf_exponent == 0.0 {
            return (0..swarms).map(|swarm| (peers - swarm).div_ceil(swarms)).collect();
        }
        let mut total = 0.0;
        let weights = (1..=swarms).map(|rank| {
            total += f64::from(rank).powf(-self.zipf_exponent);
            total
        });
        let weights: Vec<f64> = weights.collect();
        let mut sizes = vec![2; swarms as usize];
        let mut rng = SmallRng::seed_from_u64(self.seed);
        for _ in 0..peers.saturating_sub(2 * swarms) {
            let drawn = rng.random::<f64>() * total;
            let swarm = weights.partition_point(|weight| *weight <= drawn);
            sizes[swarm.min(weights.len() - 1)] += 1;
        }
        sizes
    }

    fn share(&self, worker: u8, worker_first: u32, swarms: &[u32], sizes: &[u32]) -> Share {
        let ids = Ids::new(self.seed);
        let numbers = swarms;
        let swarm = |swarm: &u32| SwarmPlan {
            info_hash: ids.info_hash(*swarm),
            members: sizes[*swarm as usize],
        };
        let swarms: Vec<_> = swarms.iter().map(swarm).collect();
        let mut peers = Vec::new();
        let mut unfilled: Vec<u32> = (0..swarms.len() as u32).collect();
        for round in 0.. {
            unfilled.retain(|swarm| swarms[*swarm as usize].members > round);
            if unfilled.is_empty() {
                break;
            }
            for swarm in &unfilled {
                let number = PeerNumber { worker, place: peers.len() as u32 };
                let id = ids.peer_id(number);
                let node = self.node_of(numbers[*swarm as usize], round);
                peers.push(PeerPlan { id, swarm: *swarm, node, role: Role::Viewer });
            }
        }
        self.cast_oddities(worker, &mut peers);
        let in_flight = self.in_flight.div_ceil(self.threads.into()) as usize;
        let offer_sdp = SdpTemplate::new("actpass", self.sdp_bytes, self.seed);
        let answer_sdp = SdpTemplate::new("active", self.sdp_bytes, self.seed ^ 1);
        let part = peers.len() as f64 / f64::from(self.peers);
        Share { worker, worker_first, swarms, peers, in_flight, part, offer_sdp, answer_sdp, ids }
    }

    /// Draws who isn't a viewer.
    fn cast_oddities(&self, worker: u8, peers: &mut [PeerPlan]) {
        let of_all = |share: f64| (share * peers.len() as f64).round() as usize;
        let slow = of_all(self.oddities.slow_share);
        let odd = slow + of_all(self.oddities.misbehaving_share);
        let mut rng = SmallRng::seed_from_u64(self.seed ^ u64::from(worker));
        let drawn = index::sample(&mut rng, peers.len(), odd.min(peers.len()));
        for (number, place) in drawn.into_iter().enumerate() {
            peers[place].role = if number < slow { Role::Slow } else { Role::Misbehaving };
        }
    }
}

impl Share {
    /// How the ids of this run name the peer at `place`.
    pub(crate) fn number(&self, place: u32) -> PeerNumber {
        PeerNumber { worker: self.worker, place }
    }
}
