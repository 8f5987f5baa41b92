//! The attacks, as data: what the hostile socket says, how it behaves, and how many peers of its
//! own it brings into the good swarm. Files are by what they abuse.

use std::net::{IpAddr, SocketAddr};

use super::args::AttackPlan;
use crate::client::frame::{Opcode, write_masked};
use crate::client::handshake;
use crate::client::id::{Id, Ids};
use crate::client::tls::Tls;
use crate::plan::Plan;

mod announces;
mod connections;
mod frames;
mod json;

/// One attack.
#[derive(Debug)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) manner: Manner,
    /// Peers of its own in the good swarm at a time, for a moment at least: so many offers of a
    /// good announce may go to them.
    pub(crate) strangers: u16,
    pub(crate) script: fn(&Scene) -> Script,
}

/// How the hostile socket behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// One connection that says its opening, and then the same for ever. It comes back when it is
    /// thrown out.
    Floods { reads: bool },
    /// Connects, says its opening, breaks off, and does it again.
    Churns,
    /// As many connections as [`crate::limits::HELD_SOCKETS_MAX`] that say their opening and wait.
    Holds,
    /// No connection: UDP to the STUN server.
    Datagrams,
}

/// What is said. Where an attack floods, the handshake comes before the opening by itself.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) opening: Vec<u8>,
    pub(crate) flood: Vec<u8>,
    /// The handshake offers `permessage-deflate`.
    pub(crate) deflates: bool,
}

/// What an attack must know of its victims.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) address: SocketAddr,
    pub(crate) stun: Option<SocketAddr>,
    pub(crate) tls: Option<Tls>,
    /// Where to come from, if that isn't left to the system.
    pub(crate) from: Option<IpAddr>,
    /// WebSocket's handshake, which offers no compression.
    pub(crate) request: Vec<u8>,
    info_hash: Id,
    members: Vec<Id>,
    ids: Ids,
}

/// All attacks.
pub(crate) fn all() -> impl Iterator<Item = &'static Attack> {
    [frames::ATTACKS, json::ATTACKS, announces::ATTACKS, connections::ATTACKS].into_iter().flatten()
}

impl Script {
    fn flood(opening: Vec<u8>, flood: Vec<u8>) -> Self {
        Self { opening, flood, deflates: false }
    }
}

impl Scene {
    pub(crate) fn new(plan: &AttackPlan) -> Self {
        let swarm: &Plan = &plan.swarm;
        let members =
            swarm.shares().iter().flat_map(|share| &share.peers).map(|peer| peer.id).collect();
        let ids = Ids::new(swarm.seed);
        Self {
            address: plan.target.address,
            stun: plan.stun,
            from: plan.hostile_from,
            tls: plan.target.wire.tls.clone(),
            request: handshake::request(&plan.target.url, false),
            info_hash: ids.info_hash(0),
            members,
            ids,
        }
    }

    /// An announce in the good swarm; `more` are further fields, each with a comma before it.
    fn announce(&self, peer_id: &Id, more: &str) -> Vec<u8> {
        announce(&self.info_hash, peer_id, more)
    }

    /// Announces a peer of its own in the good swarm and stops it: a tracker that keeps sockets
    /// beside their swarms has this one beside the good swarm now.
    fn come_close(&self) -> Vec<u8> {
        let own = self.ids.stranger(0);
        let mut out = self.announce(&own, r#","event":"started""#);
        out.extend(self.announce(&own, r#","event":"stopped""#));
        out
    }

    /// Announces a peer of its own in the good swarm, to stay.
    fn join(&self) -> Vec<u8> {
        self.announce(&self.ids.stranger(0), r#","event":"started""#)
    }
}

fn announce(info_hash: &Id, peer_id: &Id, more: &str) -> Vec<u8> {
    let (info_hash, peer_id) = (shown(info_hash), shown(peer_id));
    text(&format!(
        r#"{{"action":"announce","info_hash":"{info_hash}","peer_id":"{peer_id}","numwant":50,"left":1{more}}}"#
    ))
}

/// A text message.
fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes())
}

/// A masked frame; `first` is its first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 14);
    write_masked(&mut out, Opcode::Text, payload, 0xA15B_00FF);
    out[0] = first;
    out
}

/// `bytes` again and again, up to what is written at once.
fn repeated(bytes: &[u8]) -> Vec<u8> {
    bytes.repeat((crate::limits::FLOOD_BYTES / bytes.len()).max(1))
}

/// An id of this program, which is all letters and digits.
fn shown(id: &Id) -> &str {
    str::from_utf8(id).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_attack_has_a_name_of_its_own_and_something_to_say() {
        let target = crate::plan::tests::small_plan().nodes.remove(0);
        let ids = Ids::new(1);
        let scene = Scene {
            address: target.address,
            from: None,
            stun: None,
            tls: None,
            request: handshake::request(&target.url, false),
            info_hash: ids.info_hash(0),
            members: vec![ids.stranger(7)],
            ids,
        };
        let names: BTreeSet<_> = all().map(|attack| attack.name).collect();
        assert_eq!(names.len(), all().count());
        for attack in all() {
            let Script { opening, flood, .. } = (attack.script)(&scene);
            assert!(flood.len() + opening.len() > 0 || attack.manner == Manner::Churns);
            let floods = matches!(attack.manner, Manner::Floods { .. } | Manner::Datagrams);
            assert_eq!(floods, !flood.is_empty(), "{}", attack.name);
        }
    }
}
