//! Which worker has which swarm. A swarm stays with its worker for as long as anybody refers to
//! it, so that all that is said about it takes one way, in order. The directory is asked when a
//! socket announces a swarm for the first time, never per frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use dashmap::DashMap;
use rand::RngExt;
use tracker_core::{InfoHash, Reason};

use crate::limits::SLOTS_KEPT;

/// A worker, by its place in the node.
pub(crate) type WorkerId = u16;

/// Info hash to worker.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: DashMap<InfoHash, Entry>,
    /// How many entries there are: to count them, the table would have to lock all of itself.
    swarms: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    spot: Arc<Spot>,
    /// How many [`Place`]s there are; sockets times what each may be in, so less than 2^32.
    places: u32,
}

/// Where a swarm is. While there is one of these the swarm is nowhere else. Whoever is in a swarm
/// has one, and hands it to the swarm's worker with the message that it leaves: so a swarm can't
/// open elsewhere while something that was said about it is still on its way.
#[derive(Debug)]
pub(crate) struct Place(Arc<Spot>);

/// What all places of a swarm share: each socket has one or several, and pays eight bytes for it.
#[derive(Debug)]
struct Spot {
    directory: Arc<Directory>,
    info_hash: InfoHash,
    worker: WorkerId,
}

impl Directory {
    /// The place of a swarm. One that nobody refers to goes to the worker that `choose` names,
    /// unless there are `swarms_max` already.
    ///
    /// # Errors
    ///
    /// [`Reason::TooManySwarmsOpen`] when the swarm would be one too many.
    pub(crate) fn place(
        self: &Arc<Self>,
        info_hash: InfoHash,
        swarms_max: usize,
        choose: impl FnOnce() -> WorkerId,
    ) -> Result<Place, Reason> {
        let new = || {
            let one_more = |swarms| (swarms < swarms_max).then_some(swarms + 1);
            self.swarms
                .fetch_update(Relaxed, Relaxed, one_more)
                .map_err(|_| Reason::TooManySwarmsOpen { bound: swarms_max })?;
            let spot = Spot { directory: self.clone(), info_hash, worker: choose() };
            Ok(Entry { spot: Arc::new(spot), places: 0 })
        };
        let mut entry = self.entries.entry(info_hash).or_try_insert_with(new)?;
        entry.places += 1;
        Ok(Place(entry.spot.clone()))
    }

    /// Gives memory back when most swarms are gone.
    pub(crate) fn give_back(&self) {
        let capacity = self.entries.capacity();
        if capacity > SLOTS_KEPT && self.entries.len() < capacity / 4 {
            self.entries.shrink_to_fit();
        }
    }

    /// The worker of a swarm, when there is one.
    pub(crate) fn worker_of(&self, info_hash: &InfoHash) -> Option<WorkerId> {
        self.entries.get(info_hash).map(|entry| entry.spot.worker)
    }
}

impl Place {
    /// The swarm.
    pub(crate) fn info_hash(&self) -> InfoHash {
        self.0.info_hash
    }

    /// Its worker.
    pub(crate) fn worker(&self) -> WorkerId {
        self.0.worker
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Spot { directory, info_hash, .. } = &*self.0;
        let Directory { entries, swarms } = &**directory;
        entries.remove_if_mut(info_hash, |_, entry| {
            entry.places -= 1;
            if entry.places == 0 {
                swarms.fetch_sub(1, Relaxed);
            }
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
        let place = |worker| directory.place(SWARM, 9, || worker).expect("room");
        let (first, second) = (place(1), place(2));
        assert_eq!((first.worker(), second.worker()), (1, 1));
        drop(first);
        assert_eq!(directory.worker_of(&SWARM), Some(1));
        assert_eq!(place(2).worker(), 1);
        drop(second);
        assert_eq!(directory.worker_of(&SWARM), None);
        assert_eq!(place(2).worker(), 2);
    }

    #[test]
    fn no_swarm_is_placed_beyond_the_bound_until_one_is_left_by_all() {
        let directory = Arc::new(Directory::default());
        let place = |byte| directory.place(InfoHash([byte; 20]), 1, || 0);
        let refused = Reason::TooManySwarmsOpen { bound: 1 };
        let first = place(1).expect("room");
        assert_eq!(place(2).err(), Some(refused));
        drop(place(1).expect("it is there already"));
        assert_eq!(place(2).err(), Some(refused));
        drop(first);
        let _second = place(2).expect("room");
        assert_eq!(place(1).err(), Some(refused));
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
                        let place = directory.place(SWARM, 1, || {
                            assert_eq!(holders.load(SeqCst), 0);
                            of_holders.store(thread, SeqCst);
                            thread
                        });
                        let place = place.expect("room");
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
