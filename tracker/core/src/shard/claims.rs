//! Announces that wait for a peer id. A viewer whose network has changed comes back on a new
//! connection while the old one, dead, still has its peer id: its announce is kept while the old
//! one is asked for a sign of life, and heard once that fails.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;

use super::{Outbox, Shard};
use crate::id::{ConnId, InfoHash, PeerId};
use crate::limits::{CLAIM_BYTES_MAX, CLAIM_LIFETIME, CLAIMS_MAX, CLAIMS_PER_CONNECTION_MAX};
use crate::wire::{Announce, Event, Offered, Reason};

/// The claims of one shard, one for each member at most.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By whose it is, so that what one owner's life or death decides stands together.
    by_owner: BTreeMap<(ConnId, InfoHash, PeerId), Claim>,
    /// How many each connection makes that makes any.
    by_claimant: BTreeMap<ConnId, usize>,
    bytes: usize,
}

/// An announce of a peer id that another connection has.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) from: ConnId,
    pub(super) announce: Announce,
    /// When nobody has said by now whether the owner lives, nobody will.
    until: Duration,
}

/// There is no room for another claim, or none of this connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Full;

impl Shard {
    /// Keeps an announce until it is known whether the owner of its peer id lives. A stop isn't
    /// worth it, and ends the claim that there may be.
    pub(super) fn claim(
        &mut self,
        owner: ConnId,
        from: ConnId,
        announce: &Announce,
        now: Duration,
        outbox: &mut impl Outbox,
    ) {
        if announce.event == Event::Stopped {
            self.claims.withdraw(from, owner, announce.info_hash, announce.peer_id);
            return self.refuse_taken(from, announce, outbox);
        }
        outbox.probe(owner);
        match self.claims.hold(owner, from, announce, now) {
            Ok(Some(earlier)) if earlier.from != from => {
                self.refuse_taken(earlier.from, &earlier.announce, outbox);
            }
            Ok(_) => {}
            Err(Full) => self.refuse_taken(from, announce, outbox),
        }
    }

    /// `owner` has this peer id no more: hears the announce that waits for it, if one does, before
    /// the swarm could be found empty.
    pub(super) fn pass_on(
        &mut self,
        owner: ConnId,
        info_hash: InfoHash,
        peer_id: PeerId,
        now: Duration,
        rng: &mut impl Rng,
        outbox: &mut impl Outbox,
    ) {
        if let Some(Claim { from, announce, .. }) = self.claims.take(owner, info_hash, peer_id) {
            self.announce(from, &announce, now, rng, outbox);
        }
    }

    /// Claims that came to nothing.
    pub(super) fn refuse_claims(&mut self, claims: &[Claim], outbox: &mut impl Outbox) {
        for claim in claims {
            self.refuse_taken(claim.from, &claim.announce, outbox);
        }
    }

    fn refuse_taken(&mut self, to: ConnId, announce: &Announce, outbox: &mut impl Outbox) {
        let info_hash = announce.info_hash_span.of(&announce.frame);
        self.refuse(to, info_hash, Reason::PeerIdTaken, outbox);
    }
}

impl Claims {
    pub(super) fn is_empty(&self) -> bool {
        self.by_owner.is_empty()
    }

    /// Keeps an announce of a peer id of `owner`. It takes the place of an earlier one, which is
    /// returned: of two who come back the later one is more likely to live.
    ///
    /// # Errors
    ///
    /// [`Full`] at [`CLAIMS_MAX`], [`CLAIMS_PER_CONNECTION_MAX`] or [`CLAIM_BYTES_MAX`]; an earlier
    /// claim is kept.
    pub(super) fn hold(
        &mut self,
        owner: ConnId,
        from: ConnId,
        announce: &Announce,
        now: Duration,
    ) -> Result<Option<Claim>, Full> {
        let key = (owner, announce.info_hash, announce.peer_id);
        let earlier = self.by_owner.get(&key);
        let (others, others_bytes) = match earlier {
            Some(earlier) => (self.by_owner.len() - 1, self.bytes - earlier.bytes()),
            None => (self.by_owner.len(), self.bytes),
        };
        let own = self.by_claimant.get(&from).copied().unwrap_or(0)
            - usize::from(earlier.is_some_and(|earlier| earlier.from == from));
        if others >= CLAIMS_MAX || own >= CLAIMS_PER_CONNECTION_MAX {
            return Err(Full);
        }
        // A copy: the frame is a slice of a buffer that would be held as a whole for it.
        let frame = Bytes::copy_from_slice(&announce.frame);
        let announce = Announce { frame, ..announce.clone() };
        let claim = Claim { from, announce, until: now + CLAIM_LIFETIME };
        if others_bytes + claim.bytes() > CLAIM_BYTES_MAX {
            return Err(Full);
        }
        self.bytes += claim.bytes();
        *self.by_claimant.entry(from).or_default() += 1;
        let earlier = self.by_owner.insert(key, claim);
        self.uncount(earlier.as_slice());
        Ok(earlier)
    }

    /// The claim to a peer id that `owner` had and has no more.
    pub(super) fn take(
        &mut self,
        owner: ConnId,
        info_hash: InfoHash,
        peer_id: PeerId,
    ) -> Option<Claim> {
        let claim = self.by_owner.remove(&(owner, info_hash, peer_id))?;
        self.uncount(std::slice::from_ref(&claim));
        Some(claim)
    }

    /// Forgets the claim of `from`, if that is who claims this.
    pub(super) fn withdraw(
        &mut self,
        from: ConnId,
        owner: ConnId,
        info_hash: InfoHash,
        peer_id: PeerId,
    ) {
        let claim = self.by_owner.get(&(owner, info_hash, peer_id));
        if claim.is_some_and(|claim| claim.from == from) {
            self.take(owner, info_hash, peer_id);
        }
    }

    /// All claims to what `owner` has: it lives.
    pub(super) fn take_all_of(&mut self, owner: ConnId) -> Vec<Claim> {
        let [first, last] = [u8::MIN, u8::MAX].map(|byte| {
            let id = [byte; 20];
            (owner, InfoHash(id), PeerId(id))
        });
        let claims: Vec<_> =
            self.by_owner.extract_if(first..=last, |_, _| true).map(|(_, claim)| claim).collect();
        self.uncount(&claims);
        claims
    }

    /// The claims that nobody has decided in time. Looks at all of them.
    pub(super) fn take_expired(&mut self, now: Duration) -> Vec<Claim> {
        let expired = self.by_owner.extract_if(.., |_, claim| claim.until < now);
        let claims: Vec<_> = expired.map(|(_, claim)| claim).collect();
        self.uncount(&claims);
        claims
    }

    /// Takes claims that are gone off the counts.
    fn uncount(&mut self, claims: &[Claim]) {
        for claim in claims {
            self.bytes -= claim.bytes();
            if let Entry::Occupied(mut count) = self.by_claimant.entry(claim.from) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
    }
}

impl Claim {
    /// What it takes, but for what they all take.
    fn bytes(&self) -> usize {
        self.announce.frame.len() + self.announce.offers.len() * size_of::<Offered>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::wire::{Incoming, parse};

    const OWNER: ConnId = ConnId(1);
    const NOW: Duration = Duration::from_secs(1000);

    /// An announce of peer `number`, with `padding` bytes more than it needs.
    fn announce(number: usize, padding: usize) -> Announce {
        let frame =
            format!(r#"{{"action":"announce","info_hash":"{:020}","peer_id":"{number:020}"}}"#, 7);
        match parse(Bytes::from(frame.clone()), &Limits::default()) {
            Ok(Incoming::Announce(announce)) => {
                let frame = Bytes::from(frame + &" ".repeat(padding));
                Announce { frame, ..announce }
            }
            other => panic!("no announce: {other:?}"),
        }
    }

    fn hold(claims: &mut Claims, from: u64, announce: &Announce) -> Result<Option<u64>, Full> {
        let held = claims.hold(OWNER, ConnId(from), announce, NOW);
        held.map(|earlier| earlier.map(|claim| claim.from.0))
    }

    #[test]
    fn claims_are_bounded_in_number_and_an_earlier_one_makes_room() {
        let mut claims = Claims::default();
        for number in 0..CLAIMS_MAX {
            assert_eq!(hold(&mut claims, 10 + number as u64, &announce(number, 0)), Ok(None));
        }
        assert_eq!(hold(&mut claims, 2, &announce(CLAIMS_MAX, 0)), Err(Full));
        assert_eq!(hold(&mut claims, 3, &announce(0, 0)), Ok(Some(10)), "the place of its own");
        let one = announce(1, 0);
        assert!(claims.take(OWNER, one.info_hash, one.peer_id).is_some());
        assert_eq!(hold(&mut claims, 2, &announce(CLAIMS_MAX, 0)), Ok(None));
    }

    #[test]
    fn claims_of_a_connection_are_bounded_and_each_that_ends_makes_room() {
        const MAX: usize = CLAIMS_PER_CONNECTION_MAX;
        type End = fn(&mut Claims);
        let ends: [(End, usize); 5] = [
            (|claims| drop(claims.take_all_of(OWNER)), MAX),
            (|claims| drop(claims.take_expired(NOW + CLAIM_LIFETIME * 2)), MAX),
            (
                |claims| drop(claims.take(OWNER, announce(0, 0).info_hash, announce(0, 0).peer_id)),
                1,
            ),
            (
                |claims| {
                    let Announce { info_hash, peer_id, .. } = announce(0, 0);
                    claims.withdraw(ConnId(2), OWNER, info_hash, peer_id);
                },
                1,
            ),
            (|claims| assert_eq!(hold(claims, 3, &announce(0, 0)), Ok(Some(2))), 1),
        ];
        for (end, room) in ends {
            let mut claims = Claims::default();
            for number in 0..MAX {
                assert_eq!(hold(&mut claims, 2, &announce(number, 0)), Ok(None));
            }
            assert_eq!(hold(&mut claims, 2, &announce(MAX, 0)), Err(Full));
            assert_eq!(hold(&mut claims, 2, &announce(0, 0)), Ok(Some(2)), "it says it once more");
            assert_eq!(hold(&mut claims, 4, &announce(MAX, 0)), Ok(None), "another's");
            end(&mut claims);
            for number in 0..room {
                assert!(hold(&mut claims, 2, &announce(100 + number, 0)).is_ok());
            }
            assert_eq!(hold(&mut claims, 2, &announce(200, 0)), Err(Full));
        }
    }

    #[test]
    fn nothing_is_counted_of_connections_that_claim_nothing_any_more() {
        let mut claims = Claims::default();
        for number in 0..3 {
            assert_eq!(hold(&mut claims, number as u64, &announce(number, 0)), Ok(None));
            assert_eq!(hold(&mut claims, 9, &announce(number, 0)), Ok(Some(number as u64)));
        }
        assert_eq!(claims.by_claimant, BTreeMap::from([(ConnId(9), 3)]));
        claims.take_all_of(OWNER);
        assert_eq!((claims.by_claimant.len(), claims.bytes), (0, 0));
    }

    #[test]
    fn claims_are_bounded_in_bytes_whichever_way_they_end() {
        let half = CLAIM_BYTES_MAX / 2;
        let ends: [fn(&mut Claims); 4] = [
            |claims| drop(claims.take_all_of(OWNER)),
            |claims| drop(claims.take_expired(NOW + CLAIM_LIFETIME * 2)),
            |claims| {
                let Announce { info_hash, peer_id, .. } = announce(0, 0);
                claims.withdraw(ConnId(2), OWNER, info_hash, peer_id);
            },
            |claims| assert_eq!(hold(claims, 2, &announce(0, 0)), Ok(Some(2))),
        ];
        for end in ends {
            let mut claims = Claims::default();
            assert_eq!(hold(&mut claims, 2, &announce(0, half)), Ok(None));
            assert_eq!(hold(&mut claims, 2, &announce(1, half)), Err(Full));
            // An earlier claim isn't lost to a larger one that has no room.
            assert_eq!(hold(&mut claims, 3, &announce(0, CLAIM_BYTES_MAX)), Err(Full));
            end(&mut claims);
            assert_eq!(hold(&mut claims, 2, &announce(1, half)), Ok(None));
        }
    }

    #[test]
    fn only_the_claims_to_what_one_owner_has_are_taken_together() {
        let mut claims = Claims::default();
        for owner in [0, 1, 2, u64::MAX] {
            let from = ConnId(owner ^ 8);
            for number in 0..3 {
                let held = claims.hold(ConnId(owner), from, &announce(number, 0), NOW);
                assert!(held.is_ok());
            }
        }
        assert_eq!(claims.take_all_of(OWNER).len(), 3);
        assert_eq!(claims.by_owner.len(), 9);
        assert_eq!(claims.take_all_of(OWNER).len(), 0);
    }

    #[test]
    fn a_claim_expires_after_its_lifetime() {
        let mut claims = Claims::default();
        assert_eq!(hold(&mut claims, 2, &announce(0, 0)), Ok(None));
        assert_eq!(claims.take_expired(NOW + CLAIM_LIFETIME).len(), 0);
        assert_eq!(claims.take_expired(NOW + CLAIM_LIFETIME + Duration::from_nanos(1)).len(), 1);
        assert_eq!(claims.bytes, 0);
    }

    #[test]
    fn a_claim_is_withdrawn_by_its_claimant_only() {
        let mut claims = Claims::default();
        let one = announce(0, 0);
        assert_eq!(hold(&mut claims, 2, &one), Ok(None));
        claims.withdraw(ConnId(3), OWNER, one.info_hash, one.peer_id);
        assert_eq!(claims.by_owner.len(), 1);
        claims.withdraw(ConnId(2), OWNER, one.info_hash, one.peer_id);
        assert_eq!(claims.by_owner.len(), 0);
    }
}
