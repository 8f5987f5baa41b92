//! How well viewers are connected: which parts each swarm falls into, and how many peers its
//! members have.

use serde::Serialize;

use super::crowd::Crowd;
use super::population::Population;
use crate::components::Components;

/// Components of all swarms at one moment. Its tables are kept from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    /// Of all members.
    components: Components,
    /// By swarm: the size of its largest component.
    largest: Vec<u32>,
    /// How many members have so many peers.
    by_degree: Vec<u64>,
}

/// What a look at the mesh has shown. A viewer counts once in each swarm that it is in.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Connectedness {
    pub(super) members: u64,
    /// Those whose network lets them connect to some others.
    pub(super) can_connect: u64,
    /// Of these, those without a peer.
    pub(super) alone: u64,
    /// Components of two and more.
    pub(super) components: u64,
    /// Swarms that have any; as many as components when each is one.
    pub(super) swarms: u64,
    /// Share of those who can connect that are in their swarm's largest component of these.
    pub(super) in_largest: f64,
    pub(super) degree: Degree,
}

/// Peers of those who can connect.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Degree {
    pub(super) mean: f64,
    pub(super) p10: u64,
    pub(super) p50: u64,
    pub(super) p90: u64,
    pub(super) max: u64,
}

impl Mesh {
    pub(super) fn look(&mut self, crowd: &Crowd, population: &Population) -> Connectedness {
        self.join(crowd);
        let mut seen = Connectedness::default();
        let mut largest_of_all = 0;
        self.largest.clear();
        self.by_degree.clear();
        for (number, member) in crowd.here() {
            seen.members += 1;
            let nat = crowd.viewers[member.viewer as usize].nat;
            if !population.can_connect(nat.into()) {
                continue;
            }
            seen.can_connect += 1;
            seen.alone += u64::from(member.peers.is_empty());
            *place(&mut self.by_degree, member.peers.len()) += 1;
            if self.components.root(number) == number {
                let size = self.components.size(number);
                if size < 2 {
                    continue;
                }
                seen.components += 1;
                let largest = place(&mut self.largest, member.swarm as usize);
                largest_of_all += size.saturating_sub(*largest);
                *largest = size.max(*largest);
            }
        }
        seen.swarms = self.largest.iter().filter(|largest| **largest > 0).count() as u64;
        seen.in_largest = f64::from(largest_of_all) / seen.can_connect.max(1) as f64;
        seen.degree = Degree::of(&self.by_degree);
        seen
    }

    /// Members of the component that this one is in, as of the last look.
    pub(super) fn component(&mut self, member: u32) -> u32 {
        self.components.size(member)
    }

    fn join(&mut self, crowd: &Crowd) {
        self.components.reset(crowd.members.len() as u32);
        for (number, member) in crowd.here() {
            for &peer in member.peers.iter().filter(|peer| **peer < number) {
                self.components.join(number, peer);
            }
        }
    }
}

impl Degree {
    fn of(by_degree: &[u64]) -> Self {
        let members: u64 = by_degree.iter().sum();
        let peers: u64 = (0..).zip(by_degree).map(|(degree, members)| degree * members).sum();
        let quantile = |share: f64| {
            let rank = (share * members as f64).ceil().max(1.0) as u64;
            let mut passed = 0;
            let reaches = by_degree.iter().position(|members| {
                passed += members;
                passed >= rank
            });
            reaches.unwrap_or_default() as u64
        };
        Self {
            mean: peers as f64 / members.max(1) as f64,
            p10: quantile(0.1),
            p50: quantile(0.5),
            p90: quantile(0.9),
            max: by_degree.len().saturating_sub(1) as u64,
        }
    }
}

/// The value at `place`, which begins as 0.
fn place<T: Copy + Default>(list: &mut Vec<T>, place: usize) -> &mut T {
    if list.len() <= place {
        list.resize(place + 1, T::default());
    }
    &mut list[place]
}
