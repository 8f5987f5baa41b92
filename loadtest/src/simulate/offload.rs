//! What the CDN is spared, on paper. It is a flow that could be, not a schedule of segments: kept
//! low at each step, and never more than what viewers can upload.
//!
//! Each viewer gives a part of its upload (`upload_used`) to its peers, in equal parts; what a peer
//! doesn't need of its part is lost, though others could use it. Nobody takes more than its stream.
//! A component of n viewers takes one copy of the stream from the CDN, so its members take at most
//! (n-1)/n of it from each other. Of what is left `efficiency` arrives in time; all else, and all
//! that is needed by viewers without a peer, comes from the CDN.

use serde::Serialize;

use super::crowd::{Crowd, Member, VIDEO};
use super::mesh::Mesh;
use super::population::Population;

/// Flows of all viewers at one moment, in bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Flows {
    /// What viewers watch.
    pub(super) watched_bps: f64,
    /// What of it comes from other viewers.
    pub(super) from_peers_bps: f64,
    /// What viewers with peers may upload.
    pub(super) upload_bps: f64,
}

impl Flows {
    /// As of the last look at `mesh`.
    pub(super) fn of(crowd: &Crowd, mesh: &mut Mesh, population: &Population) -> Self {
        let mut flows = Self::default();
        for (number, member) in crowd.here() {
            let stream_bps = Self::stream_bps(crowd, number, member, population);
            flows.watched_bps += stream_bps;
            if member.peers.is_empty() {
                continue;
            }
            flows.upload_bps += Self::upload_bps(crowd, number, member, population);
            let offered_bps: f64 = member
                .peers
                .iter()
                .map(|&peer| {
                    let giver = &crowd.members[peer as usize];
                    let upload_bps = Self::upload_bps(crowd, peer, giver, population);
                    upload_bps / giver.peers.len() as f64
                })
                .sum();
            let viewers = f64::from(mesh.component(number));
            let ceiling_bps = stream_bps * (viewers - 1.0) / viewers;
            flows.from_peers_bps += population.sharing.efficiency * offered_bps.min(ceiling_bps);
        }
        flows
    }

    /// Share of what is watched that comes from other viewers.
    pub(super) fn share_from_peers(&self) -> f64 {
        if self.watched_bps > 0.0 { self.from_peers_bps / self.watched_bps } else { 0.0 }
    }

    fn stream_bps(crowd: &Crowd, number: u32, member: &Member, population: &Population) -> f64 {
        let viewer = &crowd.viewers[member.viewer as usize];
        let kbps = if viewer.members[VIDEO] == number {
            population.quality[usize::from(viewer.quality)].kbps
        } else {
            population.audio.kbps
        };
        kbps * 1000.0
    }

    /// What the member may upload: its viewer's tracks share the line as they share the bits.
    fn upload_bps(crowd: &Crowd, number: u32, member: &Member, population: &Population) -> f64 {
        let viewer = &crowd.viewers[member.viewer as usize];
        let video_kbps = population.quality[usize::from(viewer.quality)].kbps;
        let both_bps = (video_kbps + population.audio.kbps) * 1000.0;
        let line_bps = population.upload[usize::from(viewer.upload)].kbps * 1000.0;
        let part = Self::stream_bps(crowd, number, member, population) / both_bps;
        line_bps * population.sharing.upload_used * part
    }
}
