//! How ids are hashed for lookup. Clients choose their ids, so the hash takes all of its seeds from
//! a secret: with seeds that everybody knows one client could put a swarm into one bucket.

use std::hash::Hasher;
use std::sync::Arc;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use crate::id::ID_BYTES;

/// Hashes ids under one secret, which its clones share.
#[derive(Clone, Debug)]
pub(crate) struct IdHasher(Arc<Secret>);

#[derive(Debug)]
struct Secret {
    start: u64,
    /// foldhash multiplies input words that were masked with these. Its `FixedState` masks with
    /// constants, whatever its seed; ids with a masked word of 0 then all have one hash.
    masks: SharedSeed,
}

impl IdHasher {
    pub(crate) fn new(secret: u64) -> Self {
        let masks = SharedSeed::from_u64(secret);
        // The two must not be the same number.
        let start = secret.rotate_left(32) ^ u64::from_ne_bytes(*b"id hash ");
        Self(Arc::new(Secret { start, masks }))
    }

    pub(crate) fn hash(&self, id: &[u8; ID_BYTES]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.0.start, &self.0.masks);
        hasher.write(id);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The words of an id that foldhash multiplies with others, all masked to 0 by the constant
    /// that its `FixedState` uses: four bytes are free, and 2^32 ids have one hash.
    #[test]
    fn ids_made_to_collide_under_public_seeds_do_not_collide() {
        const PUBLIC_MASK: u64 = 0xc0ac_29b7_c97c_50dd;
        let crafted = |number: u32| {
            let mut id = [0; ID_BYTES];
            id[..4].copy_from_slice(&number.to_ne_bytes());
            id[4..12].copy_from_slice(&PUBLIC_MASK.to_ne_bytes());
            id[12..].copy_from_slice(&PUBLIC_MASK.to_ne_bytes());
            id
        };
        let hasher = IdHasher::new(1);
        let hashes: BTreeSet<_> = (0..1000).map(|number| hasher.hash(&crafted(number))).collect();
        assert_eq!(hashes.len(), 1000);
    }

    #[test]
    fn another_secret_is_another_hash() {
        let id = [7; ID_BYTES];
        let hashes: BTreeSet<_> = (0..1000).map(|seed| IdHasher::new(seed).hash(&id)).collect();
        assert_eq!(hashes.len(), 1000);
    }
}
