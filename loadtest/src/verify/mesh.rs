//! Into how many components the viewers of each swarm fall, who are joined by the offers that were
//! answered: what cannot be seen from any one announce, and what a cluster is for.

use std::collections::VecDeque;

use serde::Serialize;

use super::Ledger;
use crate::components::Components;
use crate::limits::NEIGHBOURS_MAX;
use crate::plan::Role;

/// Those who answered a viewer's offers latest, with the life in which they did.
pub(super) type Neighbours = VecDeque<(u32, u16)>;

/// What a look at all swarms has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Mesh {
    /// Swarms with two viewers and more.
    pub(crate) swarms: u64,
    /// Those of them that are more than one component.
    pub(crate) split: u64,
    /// Viewers in them.
    pub(crate) viewers: u64,
    /// Viewers outside of their swarm's largest component.
    pub(crate) outside: u64,
    /// The same in the swarm that has the most.
    pub(crate) largest_remainder: u64,
}

impl Ledger {
    /// `peer` knows somebody more.
    pub(super) fn meet(&mut self, peer: u32, other: u32, life: u16) {
        let neighbours = &mut self.makers[peer as usize].neighbours;
        if neighbours.len() == NEIGHBOURS_MAX {
            neighbours.pop_front();
        }
        neighbours.push_back((other, life));
    }

    /// The mesh of the viewers who are there now.
    pub(crate) fn mesh(&self) -> Mesh {
        let places = 0..self.makers.len() as u32;
        let viewers = || places.clone().filter(|peer| self.is_viewer(*peer));
        let mut components = Components::default();
        components.reset(places.end);
        for peer in viewers() {
            for (other, life) in &self.makers[peer as usize].neighbours {
                if self.is_viewer(*other) && self.roster.now(*other).life == *life {
                    components.join(peer, *other);
                }
            }
        }
        // By swarm: its viewers, and those of its largest component.
        let mut swarms = vec![(0_u32, 0_u32); self.swarms.len()];
        for peer in viewers() {
            let (all, largest) = &mut swarms[self.roster.now(peer).swarm as usize];
            *all += 1;
            *largest = components.size(peer).max(*largest);
        }
        let mut mesh = Mesh::default();
        for (all, largest) in swarms.into_iter().filter(|(all, _)| *all >= 2) {
            let outside = u64::from(all - largest);
            mesh.swarms += 1;
            mesh.split += u64::from(outside > 0);
            mesh.viewers += u64::from(all);
            mesh.outside += outside;
            mesh.largest_remainder = outside.max(mesh.largest_remainder);
        }
        mesh
    }

    fn is_viewer(&self, peer: u32) -> bool {
        self.makers[peer as usize].is_present && self.roster.role(peer) == Role::Viewer
    }
}

impl Mesh {
    /// That of other swarms, too.
    pub(crate) fn add(&mut self, other: Self) {
        self.swarms += other.swarms;
        self.split += other.split;
        self.viewers += other.viewers;
        self.outside += other.outside;
        self.largest_remainder = self.largest_remainder.max(other.largest_remainder);
    }
}
