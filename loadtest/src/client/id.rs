//! Ids that say who they belong to. Each is 20 letters and digits that need no escape in JSON, and
//! carries the numbers that verification needs, so a relayed message is checked without a table.

/// Length of every id on this wire: 20 code points, here all ASCII.
pub(crate) const ID_BYTES: usize = 20;

/// An info hash, a peer id or an offer id as it is written between quotes.
pub(crate) type Id = [u8; ID_BYTES];

/// Which simulated peer: the worker that runs it, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerNumber {
    pub(crate) worker: u8,
    /// Below 2^24.
    pub(crate) place: u32,
}

/// Which offer: its maker, the maker's announce, and the place in that announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OfferNumber {
    pub(crate) maker: PeerNumber,
    pub(crate) announce: u32,
    pub(crate) slot: u16,
}

/// Makes the ids of one run. Its tag keeps two runs against one tracker apart.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    tag: [u8; TAG_DIGITS],
}

/// How the ids of peers begin that are not of a run, but of the hostile socket beside it.
pub(crate) const STRANGER_PREFIX: &[u8; 3] = b"-HX";

const TAG_DIGITS: usize = 9;
const LIFE_DIGITS: usize = 4;
const PEER_PREFIX: &[u8; 3] = b"-LT";
const SWARM_PREFIX: &[u8; 3] = b"LTS";

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        // Spread neighbouring seeds (golden ratio), then keep the best mixed bits.
        let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 28;
        let mut tag = [0; TAG_DIGITS];
        write_hex(mixed, &mut tag);
        Self { tag }
    }

    pub(crate) fn info_hash(&self, swarm: u32) -> Id {
        self.tagged(*SWARM_PREFIX, swarm)
    }

    pub(crate) fn peer_id(&self, peer: PeerNumber) -> Id {
        self.tagged(*PEER_PREFIX, peer.packed())
    }

    /// What a peer is called in its `life`: those who come again, or to another swarm, are others
    /// to the tracker.
    pub(crate) fn peer_id_in(&self, peer: PeerNumber, life: u16) -> Id {
        let tail = TAG_DIGITS - LIFE_DIGITS;
        let mut id = self.peer_id(peer);
        let own = read_hex(&self.tag[tail..]).unwrap_or_default();
        // Mixed into the run's tag, where there is room: distinct for each life.
        write_hex((own ^ u32::from(life)).into(), &mut id[3 + tail..3 + TAG_DIGITS]);
        id
    }

    /// A peer of the hostile socket.
    pub(crate) fn stranger(&self, number: u32) -> Id {
        self.tagged(*STRANGER_PREFIX, number)
    }

    fn tagged(&self, prefix: [u8; 3], number: u32) -> Id {
        let mut id = [0; ID_BYTES];
        id[..3].copy_from_slice(&prefix);
        id[3..12].copy_from_slice(&self.tag);
        write_hex(number.into(), &mut id[12..]);
        id
    }
}

impl PeerNumber {
    fn packed(self) -> u32 {
        u32::from(self.worker) << 24 | self.place
    }

    fn unpacked(packed: u32) -> Self {
        Self { worker: (packed >> 24) as u8, place: packed & 0x00FF_FFFF }
    }
}

impl OfferNumber {
    pub(crate) fn id(self) -> Id {
        let mut id = [0; ID_BYTES];
        write_hex(self.maker.packed().into(), &mut id[..8]);
        write_hex(self.announce.into(), &mut id[8..16]);
        write_hex(self.slot.into(), &mut id[16..]);
        id
    }

    /// The offer that an id names, or `None` when it is not of our making.
    pub(crate) fn read(id: &[u8]) -> Option<Self> {
        let id: &Id = id.try_into().ok()?;
        Some(Self {
            maker: PeerNumber::unpacked(read_hex(&id[..8])?),
            announce: read_hex(&id[8..16])?,
            slot: u16::try_from(read_hex(&id[16..])?).ok()?,
        })
    }
}

/// Fills `digits` with the last digits of `number`.
fn write_hex(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

/// Reads up to eight lower-case digits.
fn read_hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number: u32, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u32::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_the_numbers_they_were_made_of() {
        let maker = PeerNumber { worker: 3, place: 123_456 };
        let offer = OfferNumber { maker, announce: 4_000_000_000, slot: 99 };
        assert_eq!(OfferNumber::read(&offer.id()), Some(offer));
    }

    #[test]
    fn mangled_ids_are_no_offers() {
        assert_eq!(OfferNumber::read(b"zz000001000000010001"), None);
        assert_eq!(OfferNumber::read(b"0000000100000001000"), None);
    }

    #[test]
    fn a_peer_has_another_id_in_each_life() {
        let (ids, peer) = (Ids::new(7), PeerNumber { worker: 1, place: 5 });
        let lives: std::collections::HashSet<_> =
            (0..=u16::MAX).map(|life| ids.peer_id_in(peer, life)).collect();
        assert_eq!(lives.len(), 65_536);
        assert_eq!(ids.peer_id_in(peer, 0), ids.peer_id(peer));
        let other = PeerNumber { worker: 1, place: 6 };
        assert!(!lives.contains(&ids.peer_id_in(other, 3)));
    }

    #[test]
    fn two_runs_share_no_peer_and_no_swarm() {
        let peer = PeerNumber { worker: 0, place: 1 };
        let (one, other) = (Ids::new(7), Ids::new(8));
        assert_ne!(one.peer_id(peer), other.peer_id(peer));
        assert_ne!(one.info_hash(1), other.info_hash(1));
    }
}
