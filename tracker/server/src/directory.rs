//! Which worker has which swarm. It is read when a socket announces a swarm for the first time,
//! never per frame; every swarm that a shard has open is claimed here by that shard's worker.

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use rand::RngExt;
use tracker_core::InfoHash;

/// A worker, by its place in the node.
pub(crate) type WorkerId = u16;

/// Info hash to worker.
#[derive(Debug, Default)]
pub(crate) struct Directory(DashMap<InfoHash, WorkerId>);

impl Directory {
    /// The worker of a swarm. One that nobody has yet goes to the worker that `choose` names.
    pub(crate) fn place(&self, info_hash: InfoHash, choose: impl FnOnce() -> WorkerId) -> WorkerId {
        if let Some(worker) = self.worker_of(&info_hash) {
            return worker;
        }
        match self.0.entry(info_hash) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => *entry.insert(choose()),
        }
    }

    /// The worker of a swarm, when there is one.
    pub(crate) fn worker_of(&self, info_hash: &InfoHash) -> Option<WorkerId> {
        self.0.get(info_hash).map(|entry| *entry)
    }

    /// `worker` has closed the swarm: whoever comes next may place it anew.
    pub(crate) fn release(&self, info_hash: &InfoHash, worker: WorkerId) {
        self.0.remove_if(info_hash, |_, owner| *owner == worker);
    }

    /// Number of swarms.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
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
        assert_eq!(directory.place(SWARM, || 1), 1);
        assert_eq!(directory.place(SWARM, || 2), 1);
        directory.release(&SWARM, 2);
        assert_eq!(directory.worker_of(&SWARM), Some(1));
        directory.release(&SWARM, 1);
        assert_eq!(directory.worker_of(&SWARM), None);
        assert_eq!(directory.place(SWARM, || 2), 2);
    }

    #[test]
    fn new_swarms_avoid_the_loaded_worker() {
        let load = |worker| if worker == 0 { 1000 } else { 0 };
        let hits = (0..1000).filter(|_| less_loaded_of_two(2, load) == 0).count();
        assert!((150..350).contains(&hits), "a quarter is both picks falling on 0: {hits}");
    }
}
