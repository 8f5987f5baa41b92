//! Who takes part in a run and where: data only, made before the first socket opens. A swarm lives
//! on one worker, so everything that verification compares is on one thread.

use std::time::Duration;

use crate::args::Target;
use crate::client::id::{Id, Ids, PeerNumber};
use crate::client::sdp::SdpTemplate;

/// One run in full.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) peers: u32,
    pub(crate) swarms: u32,
    pub(crate) offers: u16,
    pub(crate) sdp_bytes: usize,
    /// Peers that may have an unfinished announce at once.
    pub(crate) in_flight: u32,
    pub(crate) threads: u8,
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
    pub(crate) seed: u64,
    pub(crate) pace: Pace,
}

/// When peers announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As soon as the last announce is answered in full: as fast as the tracker goes.
    Closed,
    /// One announce each time this has passed, whatever has become of the earlier ones; latency
    /// counts from when an announce was due, so a tracker that holds the peers up is not spared
    /// the announces that it held up.
    Open(Duration),
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
    pub(crate) offer_sdp: SdpTemplate,
    pub(crate) answer_sdp: SdpTemplate,
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
    pub(crate) id: Id,
    /// Place in [`Share::swarms`].
    pub(crate) swarm: u32,
}

impl Plan {
    /// What each worker does. Swarms go round the workers, peers round the swarms, so a row of
    /// consecutive peers is spread over all swarms.
    pub(crate) fn shares(&self) -> Vec<Share> {
        let mut worker_first = 0;
        let shares = (0..self.threads).map(|worker| {
            let share = Share { worker_first, ..self.share(worker) };
            worker_first += share.peers.len() as u32;
            share
        });
        shares.collect()
    }

    fn share(&self, worker: u8) -> Share {
        let ids = Ids::new(self.seed);
        let threads = u32::from(self.threads);
        let mut peers = Vec::new();
        let mut swarms: Vec<SwarmPlan> = (u32::from(worker)..self.swarms)
            .step_by(usize::from(self.threads))
            .map(|swarm| SwarmPlan { info_hash: ids.info_hash(swarm), members: 0 })
            .collect();
        for peer in 0..self.peers {
            let swarm = peer % self.swarms;
            if swarm % threads != u32::from(worker) {
                continue;
            }
            let number = PeerNumber { worker, place: peers.len() as u32 };
            let swarm = swarm / threads;
            swarms[swarm as usize].members += 1;
            peers.push(PeerPlan { id: ids.peer_id(number), swarm });
        }
        let in_flight = self.in_flight.div_ceil(threads) as usize;
        let offer_sdp = SdpTemplate::new("actpass", self.sdp_bytes, self.seed);
        let answer_sdp = SdpTemplate::new("active", self.sdp_bytes, self.seed ^ 1);
        Share { worker, worker_first: 0, swarms, peers, in_flight, offer_sdp, answer_sdp }
    }
}

impl Share {
    /// How the ids of this run name the peer at `place`.
    pub(crate) fn number(&self, place: u32) -> PeerNumber {
        PeerNumber { worker: self.worker, place }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;
    use std::net::SocketAddr;

    use super::*;

    pub(crate) fn small_plan() -> Plan {
        Plan {
            target: Target {
                url: "ws://127.0.0.1:1".parse().expect("a URL"),
                address: SocketAddr::from(([127, 0, 0, 1], 1)),
                server_pid: None,
                json: None,
            },
            peers: 23,
            swarms: 5,
            offers: 2,
            sdp_bytes: 300,
            in_flight: 23,
            threads: 2,
            warmup: Duration::ZERO,
            duration: Duration::from_secs(1),
            seed: 1,
            pace: Pace::Closed,
        }
    }

    #[test]
    fn every_peer_and_every_swarm_is_on_exactly_one_worker() {
        let shares = small_plan().shares();
        let peers = shares.iter().flat_map(|share| share.peers.iter().map(|peer| peer.id));
        let hashes = shares.iter().flat_map(|share| share.swarms.iter().map(|s| s.info_hash));
        let members = shares.iter().flat_map(|share| share.swarms.iter().map(|s| s.members));
        assert_eq!(peers.collect::<HashSet<_>>().len(), 23);
        assert_eq!(hashes.collect::<HashSet<_>>().len(), 5);
        assert!(members.clone().all(|members| (4..=5).contains(&members)));
        assert_eq!(members.sum::<u32>(), 23);
    }
}
