//! Which workers have which swarm. Most swarms have one partition, on one worker; a large one, or
//! one whose worker is busy, opens another where there is room. A partition stays with its worker for
//! as long as anybody refers to it, so that all that a socket says about its swarm takes one way, in
//! order. The directory is asked when a socket announces a swarm for the first time, never per frame.

mod choice;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tracker_core::{InfoHash, Reason};

use crate::limits::SLOTS_KEPT;
use crate::sync::{AtomicUsize, DashMap};
pub(crate) use choice::{Load, Wish};

/// A worker, by its place in the node.
pub(crate) type WorkerId = u16;

/// Info hash to workers.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: DashMap<InfoHash, Entry>,
    /// How many entries there are: to count them, the table would have to lock all of itself.
    swarms: AtomicUsize,
    /// How many partitions there are beyond the first of each swarm. While there is none, which is
    /// nearly always, nobody has to look for one.
    further: AtomicUsize,
}

/// The partitions of a swarm.
#[derive(Debug)]
struct Entry {
    first: Partition,
    further: Vec<Partition>,
}

#[derive(Debug)]
struct Partition {
    spot: Arc<Spot>,
    /// How many [`Place`]s there are; sockets times what each may be in, so less than 2^32.
    places: u32,
}

/// Where a partition is. While there is one of these the partition is there. Whoever is in a swarm
/// has one, and hands it to the partition's worker with the message that it leaves: so what is said
/// about it takes one way, whatever comes and goes meanwhile.
#[derive(Debug)]
pub(crate) struct Place(Arc<Spot>);

/// What all places of a partition share: each socket has one or several, and pays eight bytes for it.
#[derive(Debug)]
struct Spot {
    directory: Arc<Directory>,
    info_hash: InfoHash,
    worker: WorkerId,
}

impl Directory {
    /// A place in a swarm. One that nobody refers to opens where there is room, unless there are
    /// `swarms_max` already.
    ///
    /// # Errors
    ///
    /// [`Reason::TooManySwarmsOpen`] when the swarm would be one too many.
    pub(crate) fn place(
        self: &Arc<Self>,
        info_hash: InfoHash,
        wish: Wish<'_>,
    ) -> Result<Place, Reason> {
        let partition = |worker| {
            let spot = Spot { directory: self.clone(), info_hash, worker };
            Partition { spot: Arc::new(spot), places: 0 }
        };
        let new = || {
            let one_more = |swarms| (swarms < wish.swarms_max).then_some(swarms + 1);
            self.swarms
                .fetch_update(Relaxed, Relaxed, one_more)
                .map_err(|_| Reason::TooManySwarmsOpen { bound: wish.swarms_max })?;
            Ok(Entry { first: partition(wish.for_new()), further: Vec::new() })
        };
        let mut entry = self.entries.entry(info_hash).or_try_insert_with(new)?;
        let worker = match wish.for_another(&entry) {
            Some(worker) => {
                entry.further.push(partition(worker));
                self.further.fetch_add(1, Relaxed);
                worker
            }
            None => wish.among(&entry),
        };
        let chosen = entry.partitions_mut().find(|partition| partition.worker() == worker);
        let chosen = match chosen {
            Some(chosen) => chosen,
            None => &mut entry.first,
        };
        chosen.places += 1;
        Ok(Place(chosen.spot.clone()))
    }

    /// Gives memory back when most swarms are gone.
    pub(crate) fn give_back(&self) {
        let capacity = self.entries.capacity();
        if capacity > SLOTS_KEPT && self.entries.len() < capacity / 4 {
            self.entries.shrink_to_fit();
        }
    }

    /// The workers that have the swarm.
    pub(crate) fn workers_of(&self, info_hash: &InfoHash) -> Vec<WorkerId> {
        let entry = self.entries.get(info_hash);
        entry.map(|entry| entry.partitions().map(Partition::worker).collect()).unwrap_or_default()
    }

    /// The workers beside `own` that have the swarm.
    pub(crate) fn siblings_of(&self, info_hash: &InfoHash, own: WorkerId) -> Vec<WorkerId> {
        if self.further.load(Relaxed) == 0 {
            return Vec::new();
        }
        let mut workers = self.workers_of(info_hash);
        workers.retain(|worker| *worker != own);
        workers
    }

    /// Whether the swarm has several partitions.
    pub(crate) fn is_split(&self, info_hash: &InfoHash) -> bool {
        self.further.load(Relaxed) > 0
            && self.entries.get(info_hash).is_some_and(|entry| !entry.further.is_empty())
    }

    /// How many partitions there are beyond the first of each swarm.
    pub(crate) fn further_partitions(&self) -> usize {
        self.further.load(Relaxed)
    }
}

impl Entry {
    fn partitions(&self) -> impl Iterator<Item = &Partition> {
        std::iter::once(&self.first).chain(&self.further)
    }

    fn partitions_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        std::iter::once(&mut self.first).chain(&mut self.further)
    }

    /// Takes one place off a partition. Returns whether it is gone with it, and whether that was the
    /// last one.
    fn leave(&mut self, spot: &Spot) -> (bool, bool) {
        let is_left = |partition: &&mut Partition| partition.worker() == spot.worker;
        let left = self.partitions_mut().find(is_left).map(|partition| {
            partition.places -= 1;
            partition.places
        });
        if left != Some(0) {
            return (false, false);
        }
        if self.first.places > 0 {
            self.further.retain(|partition| partition.places > 0);
            return (true, false);
        }
        match self.further.pop() {
            Some(another) => {
                self.first = another;
                (true, false)
            }
            None => (true, true),
        }
    }
}

impl Partition {
    fn worker(&self) -> WorkerId {
        self.spot.worker
    }
}

impl Place {
    /// The swarm.
    pub(crate) fn info_hash(&self) -> InfoHash {
        self.0.info_hash
    }

    /// The worker of its partition.
    pub(crate) fn worker(&self) -> WorkerId {
        self.0.worker
    }

    /// The same place once more, for another peer of its socket.
    pub(crate) fn again(&self) -> Self {
        let Spot { directory, info_hash, worker } = &*self.0;
        if let Some(mut entry) = directory.entries.get_mut(info_hash)
            && let Some(partition) =
                entry.partitions_mut().find(|partition| partition.worker() == *worker)
        {
            partition.places += 1;
        }
        Self(self.0.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Spot { directory, info_hash, .. } = &*self.0;
        let Directory { entries, swarms, further } = &**directory;
        entries.remove_if_mut(info_hash, |_, entry| {
            let (one, all) = entry.leave(&self.0);
            if all {
                swarms.fetch_sub(1, Relaxed);
            } else if one {
                further.fetch_sub(1, Relaxed);
            }
            all
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    const SWARM: InfoHash = InfoHash([7; 20]);
    const NOBODY: [WorkerId; 0] = [];

    fn at_home(worker: WorkerId) -> Wish<'static> {
        Wish { home: Some(worker), ..Wish::anywhere() }
    }

    #[test]
    fn a_partition_stays_with_its_worker_while_anybody_refers_to_it() {
        let directory = Arc::new(Directory::default());
        let place = |worker| directory.place(SWARM, at_home(worker)).expect("room");
        let (first, second) = (place(1), place(2));
        assert_eq!((first.worker(), second.worker()), (1, 1));
        drop(first);
        assert_eq!(directory.workers_of(&SWARM), [1]);
        assert_eq!(place(2).worker(), 1);
        let again = second.again();
        drop(second);
        assert_eq!(directory.workers_of(&SWARM), [1]);
        drop(again);
        assert_eq!(directory.workers_of(&SWARM), NOBODY);
        assert_eq!(place(2).worker(), 2);
    }

    #[test]
    fn no_swarm_is_placed_beyond_the_bound_until_one_is_left_by_all() {
        let directory = Arc::new(Directory::default());
        let one = Wish { swarms_max: 1, ..Wish::anywhere() };
        let place = |byte| directory.place(InfoHash([byte; 20]), one);
        let refused = Reason::TooManySwarmsOpen { bound: 1 };
        let first = place(1).expect("room");
        assert_eq!(place(2).err(), Some(refused));
        drop(place(1).expect("it is there already"));
        assert_eq!(place(2).err(), Some(refused));
        drop(first);
        let _second = place(2).expect("room");
        assert_eq!(place(1).err(), Some(refused));
    }

    /// Takes and drops places of one swarm on four threads. While a thread has one, what the
    /// directory says of the swarm must pass `check`.
    fn race(members_max: usize, check: impl Fn(&Directory, &Place) + Sync) {
        let directory = Arc::new(Directory::default());
        let seed: u64 = rand::random();
        std::thread::scope(|scope| {
            for thread in 0..4u16 {
                let (directory, check) = (&directory, &check);
                scope.spawn(move || {
                    let mut rng = StdRng::seed_from_u64(seed ^ u64::from(thread));
                    let mut held = Vec::new();
                    for step in 0..5000 {
                        let sockets = [0; 4].map(|_| rng.random_range(0..9));
                        let load = |worker: WorkerId| Load {
                            busy: 0.0,
                            sockets: sockets[usize::from(worker)],
                        };
                        let home = rng.random_bool(0.5).then_some(thread);
                        let wish =
                            Wish { home, workers: 4, load: &load, swarms_max: 1, members_max };
                        held.push(directory.place(SWARM, wish).expect("room"));
                        held.iter().for_each(|place| check(directory, place));
                        while held.len() > rng.random_range(0..4) {
                            held.swap_remove(rng.random_range(0..held.len()));
                        }
                        assert!(held.len() < 4, "step {step} with seed {seed}");
                    }
                });
            }
        });
        assert_eq!(directory.workers_of(&SWARM), NOBODY, "seed {seed}");
        let left = (directory.swarms.load(Relaxed), directory.further.load(Relaxed));
        assert_eq!(left, (0, 0), "seed {seed}");
    }

    #[test]
    fn a_swarm_that_is_not_split_is_on_one_worker_whoever_comes_and_goes_meanwhile() {
        race(usize::MAX, |directory, place| {
            assert_eq!(directory.workers_of(&SWARM), [place.worker()]);
            assert!(!directory.is_split(&SWARM));
        });
    }

    #[test]
    fn a_place_keeps_its_partition_whichever_others_open_and_close_meanwhile() {
        let seen = AtomicUsize::new(0);
        race(2, |directory, place| {
            let workers = directory.workers_of(&SWARM);
            assert!(workers.contains(&place.worker()), "{workers:?}");
            let once: HashSet<_> = workers.iter().collect();
            assert_eq!(once.len(), workers.len(), "{workers:?}");
            seen.fetch_max(workers.len(), Relaxed);
        });
        assert!(seen.load(Relaxed) > 1, "it was never split");
    }
}
