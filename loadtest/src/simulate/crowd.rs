//! Who is there: viewers, the swarms that each is a member of, and whom they are connected to.
//! Their numbers are given in the order of coming and never used again, so an event that comes too
//! late finds that its member has gone.

use super::calendar::Tick;

/// Video and, where it is a stream of its own, audio.
pub(super) const TRACKS: usize = 2;
pub(super) const VIDEO: usize = 0;
pub(super) const AUDIO: usize = 1;

/// Stands for no member.
pub(super) const NONE: u32 = u32::MAX;

/// One page. Classes are places in the population's lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Viewer {
    pub(super) came: Tick,
    pub(super) channel: u32,
    pub(super) nat: u8,
    pub(super) upload: u8,
    pub(super) quality: u8,
    pub(super) is_here: bool,
    /// Whether it has had a peer of its video.
    pub(super) has_met: bool,
    /// The way between it and the tracker.
    pub(super) way_ms: u16,
    /// Its member in each track; [`NONE`] when it hasn't the track.
    pub(super) members: [u32; TRACKS],
}

/// One viewer in one swarm.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) viewer: u32,
    pub(super) swarm: u32,
    /// What its viewer was in before it changed its quality; the tracker may not know yet.
    pub(super) former: u32,
    /// Announces so far. It wraps, which no offer lives to see.
    pub(super) announces: u16,
    pub(super) is_here: bool,
    /// The members that it is connected to.
    pub(super) peers: Vec<u32>,
}

/// What became of a connection that could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linked {
    New,
    /// The two were connected already.
    Again,
    /// One of them has all the peers it may have.
    Full,
    /// One of them has left.
    Gone,
}

#[derive(Debug, Default)]
pub(super) struct Crowd {
    pub(super) viewers: Vec<Viewer>,
    pub(super) members: Vec<Member>,
    /// Viewers that are there.
    pub(super) present: u32,
}

impl Crowd {
    pub(super) fn come(&mut self, viewer: Viewer) -> u32 {
        self.viewers.push(viewer);
        self.present += 1;
        self.viewers.len() as u32 - 1
    }

    /// The viewer's track is in `swarm` from now on, and nowhere else.
    pub(super) fn join(&mut self, viewer: u32, track: usize, swarm: u32) -> u32 {
        let number = self.members.len() as u32;
        let current = &mut self.viewers[viewer as usize].members[track];
        let former = std::mem::replace(current, number);
        if former != NONE {
            self.part(former);
        }
        let peers = Vec::new();
        self.members.push(Member { viewer, swarm, former, announces: 0, is_here: true, peers });
        number
    }

    /// The viewer has gone, and so have its connections.
    pub(super) fn go(&mut self, viewer: u32) {
        let viewer = &mut self.viewers[viewer as usize];
        viewer.is_here = false;
        self.present -= 1;
        for member in viewer.members.into_iter().filter(|member| *member != NONE) {
            self.part(member);
        }
    }

    fn part(&mut self, member: u32) {
        let leaving = &mut self.members[member as usize];
        leaving.is_here = false;
        for peer in std::mem::take(&mut leaving.peers) {
            let peers = &mut self.members[peer as usize].peers;
            if let Some(place) = peers.iter().position(|other| *other == member) {
                peers.swap_remove(place);
            }
        }
    }

    /// The member as which a viewer is in a swarm now.
    pub(super) fn member_in(&self, viewer: u32, swarm: u32) -> Option<u32> {
        let viewer = &self.viewers[viewer as usize];
        let mut members = viewer.members.into_iter().filter(|member| *member != NONE);
        members.find(|&member| {
            let member = &self.members[member as usize];
            member.is_here && member.swarm == swarm
        })
    }

    /// Connects two members, who have `peers_max` peers at most.
    pub(super) fn link(&mut self, [one, other]: [u32; 2], peers_max: usize) -> Linked {
        let members = [one, other].map(|member| &self.members[member as usize]);
        if members.iter().any(|member| !member.is_here) {
            return Linked::Gone;
        }
        if members[0].peers.contains(&other) {
            return Linked::Again;
        }
        if members.iter().any(|member| member.peers.len() >= peers_max) {
            return Linked::Full;
        }
        self.members[one as usize].peers.push(other);
        self.members[other as usize].peers.push(one);
        Linked::New
    }

    pub(super) fn viewer_of(&self, member: u32) -> &Viewer {
        &self.viewers[self.members[member as usize].viewer as usize]
    }

    /// Members that are there, with their numbers.
    pub(super) fn here(&self) -> impl Iterator<Item = (u32, &Member)> {
        (0..).zip(&self.members).filter(|(_, member)| member.is_here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run keeps all that ever were.
    #[test]
    fn viewers_and_members_stay_small() {
        let sizes = (size_of::<Viewer>(), size_of::<Member>());
        assert!(sizes.0 <= 24 && sizes.1 <= 40, "{sizes:?}");
    }
}
