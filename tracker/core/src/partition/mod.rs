//! A swarm may be larger than one worker or one node: then each holds a *partition* of it, and the
//! others are its *siblings*. What they tell each other is here, and what each keeps of the others:
//! how many members they have, and whose offers they have sent. Nobody has a table of all peers.

mod returns;
mod siblings;

use crate::id::{InfoHash, OfferId, PeerId};
pub(crate) use returns::{Pair, ReturnPath, Returns};
pub(crate) use siblings::Siblings;

/// A sibling of partitions here, as whoever runs the bus numbers them: another worker of this node,
/// or one worker of another node. Opaque to the rules, which only ever compare it and hand it back.
/// A number shall mean the same for a minute after its sibling is gone.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SiblingId(pub u32);

/// Which of its waiting offers a partition will take an answer for. Made by the partition that the
/// offer came from, at random, and given back by the one that delivered it: an answer that comes
/// late, twice or from nowhere finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReturnToken(pub u64);

/// How many members a partition has. The last one that was heard counts.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Digest {
    /// Members that have everything.
    pub complete: u32,
    /// Members that don't.
    pub incomplete: u32,
    /// The partition has just opened and knows nobody: whoever hears it says its own.
    pub opening: bool,
}

/// An offer on its way to a member of a sibling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrossOffer<'a> {
    /// The swarm.
    pub info_hash: InfoHash,
    /// Who made it.
    pub peer_id: PeerId,
    /// Names it.
    pub offer_id: OfferId,
    /// The object with the SDP. It goes to a browser as it stands: what comes from another node is
    /// worth a look with [`is_offer`](crate::wire::is_offer).
    pub offer: &'a [u8],
    /// What its answer must bring back.
    pub token: ReturnToken,
}

/// An answer on its way back to the sibling that the offer came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrossAnswer<'a> {
    /// The swarm.
    pub info_hash: InfoHash,
    /// Who answers.
    pub peer_id: PeerId,
    /// Whose offer it was.
    pub to_peer_id: PeerId,
    /// Which offer it was.
    pub offer_id: OfferId,
    /// The object with the SDP. It goes to a browser as it stands: what comes from another node is
    /// worth a look with [`is_answer`](crate::wire::is_answer).
    pub answer: &'a [u8],
    /// What the offer brought.
    pub token: ReturnToken,
}

impl Digest {
    /// What a partition says that has lost its last member.
    pub const GOODBYE: Self = Self { complete: 0, incomplete: 0, opening: false };

    /// All members.
    #[must_use]
    pub fn members(self) -> usize {
        self.complete as usize + self.incomplete as usize
    }
}

/// What a partition knows of the rest of its swarm.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) siblings: Siblings,
    pub(crate) returns: Returns,
    /// What all siblings were told last, if anything was.
    pub(crate) told: Option<Digest>,
    /// Nothing was said when it last was due, since nothing had changed.
    was_silent: bool,
    /// When the next digest is due, in seconds of the caller's clock.
    pub(crate) due_s: u32,
}

impl Partition {
    /// Knows nobody yet. Its first digest, but for an opening one, is due at `due_s`.
    pub(crate) fn new(due_s: u32) -> Self {
        Self {
            siblings: Siblings::default(),
            returns: Returns::default(),
            told: None,
            was_silent: false,
            due_s,
        }
    }

    /// What to say when a digest is due and it would be `digest`: nothing, when that is no news and
    /// the last one was said. So whoever hears nothing for three intervals has missed one, and for five, two.
    pub(crate) fn tell(&mut self, digest: Digest) -> Option<Digest> {
        self.was_silent = self.told == Some(digest) && !self.was_silent;
        self.told = Some(digest);
        (!self.was_silent).then_some(digest)
    }

    /// What was said last may not have been heard: the next digest is said, whatever it is.
    pub(crate) fn reconnect(&mut self) {
        self.was_silent = true;
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.siblings.heap_bytes() + self.returns.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_said_when_it_is_new_and_else_every_other_time() {
        let mut partition = Partition::new(0);
        let one = Digest { incomplete: 1, ..Digest::default() };
        let two = Digest { incomplete: 2, ..Digest::default() };
        let said = [one, one, one, one, two, two, one].map(|digest| partition.tell(digest));
        assert_eq!(said, [Some(one), None, Some(one), None, Some(two), None, Some(one)]);
    }
}
