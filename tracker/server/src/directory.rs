//! Which worker has which swarm. It is read when a socket announces a swarm for the first time,
//! never per frame; every swarm that a shard has open is claimed here by that shard's worker.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use rand::RngExt;
use tracker_core::{InfoHash, Reason};

/// A worker, by its place in the node.
pub(crate) type WorkerId = u16;

/// Info hash to worker.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    workers: DashMap<InfoHash, WorkerId>,
    /// Counted here, since the table would have to lock all of itself to count.
    swarms: AtomicUsize,
}

impl Directory {
    /// The worker of a swarm. One that nobody has yet goes to the worker that `choose` names,
    /// unless there are `swarms_max` already.
    ///
    /// # Errors
    ///
    /// [`Reason::TooManySwarmsOpen`] when the swarm would be one too many.
    pub(crate) fn place(
        &self,
        info_hash: InfoHash,
        swarms_max: usize,
        choose: impl FnOnce() -> WorkerId,
    ) -> Result<WorkerId, Reason> {
        if let Some(worker) = self.worker_of(&info_hash) {
            return Ok(worker);
        }
        match self.workers.entry(info_hash) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let one_more = |swarms| (swarms < swarms_max).then_some(swarms + 1);
                self.swarms
                    .fetch_update(Relaxed, Relaxed, one_more)
                    .map_err(|_| Reason::TooManySwarmsOpen { bound: swarms_max })?;
                Ok(*entry.insert(choose()))
            }
        }
    }

    /// The worker of a swarm, when there is one.
    pub(crate) fn worker_of(&self, info_hash: &InfoHash) -> Option<WorkerId> {
        self.workers.get(info_hash).map(|entry| *entry)
    }

    /// `worker` has closed the swarm: whoever comes next may place it anew.
    pub(crate) fn release(&self, info_hash: &InfoHash, worker: WorkerId) {
        if self.workers.remove_if(info_hash, |_, owner| *owner == worker).is_some() {
            self.swarms.fetch_sub(1, Relaxed);
        }
    }

    /// Number of swarms.
    pub(crate) fn len(&self) -> usize {
        self.swarms.load(Relaxed)
    }
}

/// The less loaded of two random workers: nearly as even as the least loaded of all, without
/// everybody rushing to the same one ("the power of two choices", Mitzenmacher 2001).
pub(crate) fn less_loaded_of_two(workers: WorkerId, load: impl Fn(WorkerId) -> usize) -> WorkerId {
    let mut rng = rand::rng();
    let [a, b] = [rng.random_range(0..workers), rng.random_range(0..workers)];
    if load(a) <= load(b) { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWARM: InfoHash = InfoHash([7; 20]);

    #[test]
    fn the_first_to_place_a_swarm_decides_until_it_is_released_by_its_worker() {
        let directory = Directory::default();
        assert_eq!(directory.place(SWARM, 9, || 1), Ok(1));
        assert_eq!(directory.place(SWARM, 9, || 2), Ok(1));
        directory.release(&SWARM, 2);
        assert_eq!(directory.worker_of(&SWARM), Some(1));
        directory.release(&SWARM, 1);
        assert_eq!(directory.worker_of(&SWARM), None);
        assert_eq!(directory.place(SWARM, 9, || 2), Ok(2));
    }

    #[test]
    fn no_swarm_is_placed_beyond_the_bound_until_one_is_released() {
        let directory = Directory::default();
        let [first, second] = [1, 2].map(|byte| InfoHash([byte; 20]));
        assert_eq!(directory.place(first, 1, || 0), Ok(0));
        let refused = Err(Reason::TooManySwarmsOpen { bound: 1 });
        assert_eq!(directory.place(second, 1, || 0), refused);
        assert_eq!(directory.place(first, 1, || 0), Ok(0), "it is there already");
        assert_eq!(directory.len(), 1);
        directory.release(&second, 0);
        assert_eq!(directory.place(second, 1, || 0), refused, "what isn't there makes no room");
        directory.release(&first, 0);
        assert_eq!(directory.place(second, 1, || 0), Ok(0));
    }

    #[test]
    fn new_swarms_avoid_the_loaded_worker() {
        let load = |worker| if worker == 0 { 1000 } else { 0 };
        let hits = (0..1000).filter(|_| less_loaded_of_two(2, load) == 0).count();
        assert!((150..350).contains(&hits), "a quarter is both picks falling on 0: {hits}");
    }
}
