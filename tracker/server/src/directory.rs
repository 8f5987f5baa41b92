//! Which worker has which swarm. A swarm stays with its worker for as long as anybody refers to
//! it, so that all that is said about it takes one way, in order. The directory is asked when a
//! socket announces a swarm for the first time, never per frame.

use std::sync::Arc;

use dashmap::DashMap;
use rand::RngExt;
use tracker_core::InfoHash;

/// A worker, by its place in the node.
pub(crate) type WorkerId = u16;

/// Info hash to worker.
#[derive(Debug, Default)]
pub(crate) struct Directory(DashMap<InfoHash, Entry>);

#[derive(Debug)]
struct Entry {
    worker: WorkerId,
    /// How many [`Place`]s there are; sockets times what each may be in, so less than 2^32.
    places: u32,
}

/// Where a swarm is. While there is one of these the swarm is nowhere else. Whoever is in a swarm
/// has one, and hands it to the swarm's worker with the message that it leaves: so a swarm can't
/// open elsewhere while something that was said about it is still on its way.
#[derive(Debug)]
pub(crate) struct Place {
    directory: Arc<Directory>,
    info_hash: InfoHash,
    worker: WorkerId,
}

impl Directory {
    /// The place of a swarm. One that nobody refers to goes to the worker that `choose` names.
    pub(crate) fn place(
        self: &Arc<Self>,
        info_hash: InfoHash,
        choose: impl FnOnce() -> WorkerId,
    ) -> Place {
        let new = || Entry { worker: choose(), places: 0 };
        let mut entry = self.0.entry(info_hash).or_insert_with(new);
        entry.places += 1;
        Place { directory: self.clone(), info_hash, worker: entry.worker }
    }

    /// The worker of a swarm, when there is one.
    pub(crate) fn worker_of(&self, info_hash: &InfoHash) -> Option<WorkerId> {
        self.0.get(info_hash).map(|entry| entry.worker)
    }
}

impl Place {
    /// The swarm.
    pub(crate) fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// Its worker.
    pub(crate) fn worker(&self) -> WorkerId {
        self.worker
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.directory.0.remove_if_mut(&self.info_hash, |_, entry| {
            entry.places -= 1;
            entry.places == 0
        });
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
    use std::sync::atomic::{AtomicU16, AtomicU32, Ordering::SeqCst};

    use super::*;

    const SWARM: InfoHash = InfoHash([7; 20]);

    #[test]
    fn a_swarm_stays_with_its_worker_while_anybody_refers_to_it() {
        let directory = Arc::new(Directory::default());
        let first = directory.place(SWARM, || 1);
        let second = directory.place(SWARM, || 2);
        assert_eq!((first.worker(), second.worker()), (1, 1));
        drop(first);
        assert_eq!(directory.worker_of(&SWARM), Some(1));
        assert_eq!(directory.place(SWARM, || 2).worker(), 1);
        drop(second);
        assert_eq!(directory.worker_of(&SWARM), None);
        assert_eq!(directory.place(SWARM, || 2).worker(), 2);
    }

    #[test]
    fn places_that_come_and_go_on_many_threads_never_name_two_workers_at_a_time() {
        let directory = Arc::new(Directory::default());
        let (holders, of_holders) = (AtomicU32::new(0), AtomicU16::new(0));
        std::thread::scope(|scope| {
            for thread in 0..4u16 {
                let (directory, holders, of_holders) = (&directory, &holders, &of_holders);
                scope.spawn(move || {
                    for _ in 0..5000 {
                        // Only who finds nobody there chooses, and nobody else is there then.
                        let place = directory.place(SWARM, || {
                            assert_eq!(holders.load(SeqCst), 0);
                            of_holders.store(thread, SeqCst);
                            thread
                        });
                        holders.fetch_add(1, SeqCst);
                        assert_eq!(place.worker(), of_holders.load(SeqCst));
                        holders.fetch_sub(1, SeqCst);
                        drop(place);
                    }
                });
            }
        });
        assert_eq!(directory.worker_of(&SWARM), None);
    }

    #[test]
    fn new_swarms_avoid_the_loaded_worker() {
        let load = |worker| if worker == 0 { 1000 } else { 0 };
        let hits = (0..1000).filter(|_| less_loaded_of_two(2, load) == 0).count();
        assert!((150..350).contains(&hits), "a quarter is both picks falling on 0: {hits}");
    }
}
