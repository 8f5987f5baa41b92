//! Which subject a swarm's digests have. There are so few that a node with a hundred thousand
//! swarms has one message for several of them, and so many that a node with a few dozen hears
//! little of others' ([0020](../../../../docs/decisions/0020-nodes-over-core-nats.md)).

use tracker_core::InfoHash;

use crate::limits::BUS_BUCKETS;

/// The bucket of a swarm: the same in all releases, so a hash that is written out here (FNV-1a,
/// <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>), folded to a byte. Whoever chooses
/// info hashes can choose a bucket; nothing but the digests of his own swarms depends on it.
pub(super) fn bucket(InfoHash(bytes): &InfoHash) -> u8 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.to_le_bytes().into_iter().fold(0, |folded, byte| folded ^ byte)
}

const _: () = assert!(BUS_BUCKETS == u8::MAX as usize + 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swarm_has_the_bucket_that_it_has_in_other_releases() {
        assert_eq!([0, 1, 0xff].map(|byte| bucket(&InfoHash([byte; 20]))), [46, 134, 6]);
    }

    #[test]
    fn swarms_spread_over_all_buckets() {
        let mut swarms = [0; BUS_BUCKETS];
        for number in 0..25_600_u32 {
            let mut name = [b'a'; 20];
            name[..4].copy_from_slice(&number.to_le_bytes());
            swarms[usize::from(bucket(&InfoHash(name)))] += 1;
        }
        assert!(swarms.iter().all(|count| (50..150).contains(count)), "{swarms:?}");
    }
}
