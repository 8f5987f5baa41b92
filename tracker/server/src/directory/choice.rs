//! Where a socket finds its swarm: which worker a new swarm opens on, when a large one opens another
//! partition, and which of its partitions a newcomer joins. What crosses between workers costs more
//! than what stays, so a swarm has as few partitions as will do.

use rand::RngExt;

use super::{Entry, Partition, WorkerId};
use crate::limits::{PARTITION_BUSY, PARTITION_BUSY_STEP, PARTITION_MEMBERS_MIN, PARTITION_SHRUNK};

/// What a socket's place is chosen by.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// Where the socket is, if it has its place: there it costs least.
    pub(crate) home: Option<WorkerId>,
    pub(crate) workers: WorkerId,
    /// How loaded a worker is.
    pub(crate) load: &'a dyn Fn(WorkerId) -> Load,
    /// No swarm is opened beyond this.
    pub(crate) swarms_max: usize,
    /// Beyond this a partition gets a sibling, if there is a worker for it.
    pub(crate) members_max: usize,
}

/// How loaded a worker is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Load {
    /// Share of a core.
    pub(crate) busy: f64,
    pub(crate) sockets: usize,
}

impl Wish<'_> {
    /// The worker for a swarm that nobody has.
    pub(super) fn for_new(&self) -> WorkerId {
        let sockets = |worker| (self.load)(worker).sockets;
        self.home.unwrap_or_else(|| less_loaded_of_two(self.workers, sockets))
    }

    /// The worker on which a swarm opens another partition: when all that it has are large, or busy,
    /// and there is one with clearly more room.
    pub(super) fn for_another(&self, entry: &Entry) -> Option<WorkerId> {
        let is_large = |partition: &Partition| partition.places as usize >= self.members_max;
        let is_full = |partition: &Partition| {
            is_large(partition)
                || partition.places >= PARTITION_MEMBERS_MIN && self.is_busy(partition)
        };
        if !entry.partitions().all(is_full) {
            return None;
        }
        let is_new = |worker: &WorkerId| entry.partitions().all(|other| other.worker() != *worker);
        let home = self.home.filter(is_new);
        let others = (0..self.workers).filter(is_new);
        let worker = home.or_else(|| others.min_by_key(|worker| (self.load)(*worker).sockets))?;
        let there = (self.load)(worker);
        let has_room = |partition: &Partition| {
            let here = (self.load)(partition.worker());
            if self.is_busy(partition) {
                there.busy + PARTITION_BUSY_STEP <= here.busy
            } else {
                there.sockets < here.sockets
            }
        };
        entry.partitions().all(has_room).then_some(worker)
    }

    /// Which of a swarm's workers the socket goes to.
    pub(super) fn among(&self, entry: &Entry) -> WorkerId {
        if entry.further.is_empty() {
            return entry.first.worker();
        }
        let has_one = |home: &WorkerId| entry.partitions().any(|other| other.worker() == *home);
        if let Some(home) = self.home.filter(has_one) {
            return home;
        }
        let places: usize = entry.partitions().map(|partition| partition.places as usize).sum();
        let largest = entry.partitions().max_by_key(|partition| partition.places);
        // A swarm that has shrunk comes together again: the others run dry.
        let together = largest.filter(|largest| {
            places < self.members_max / PARTITION_SHRUNK && !self.is_busy(largest)
        });
        let least = || {
            let load = |partition: &&Partition| {
                (self.is_busy(partition), (self.load)(partition.worker()).sockets)
            };
            entry.partitions().min_by_key(load)
        };
        together.or_else(least).unwrap_or(&entry.first).worker()
    }

    /// Whether its worker is.
    fn is_busy(&self, partition: &Partition) -> bool {
        (self.load)(partition.worker()).busy > PARTITION_BUSY
    }
}

/// The less loaded of two random workers: nearly as even as the least loaded of all, without
/// everybody rushing to the same one ("the power of two choices", Mitzenmacher 2001).
fn less_loaded_of_two(workers: WorkerId, load: impl Fn(WorkerId) -> usize) -> WorkerId {
    let mut rng = rand::rng();
    let [a, b] = [rng.random_range(0..workers), rng.random_range(0..workers)];
    if load(a) <= load(b) { a } else { b }
}

#[cfg(test)]
impl Wish<'_> {
    /// Of a socket that has no place, on a node of four workers with nothing to do.
    pub(crate) fn anywhere() -> Wish<'static> {
        let load = &|_| Load { busy: 0.0, sockets: 0 };
        Wish { home: None, workers: 4, load, swarms_max: usize::MAX, members_max: usize::MAX }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;

    use tracker_core::InfoHash;

    use super::super::{Directory, Place};
    use super::*;

    const SWARM: InfoHash = InfoHash([7; 20]);
    const MEMBERS_MAX: usize = 1000;

    /// A node whose workers have what sockets were placed on them, and are as busy as they are made.
    struct Node {
        directory: Arc<Directory>,
        sockets: RefCell<Vec<usize>>,
        busy: RefCell<Vec<f64>>,
    }

    impl Node {
        fn new(sockets: &[usize]) -> Self {
            let busy = RefCell::new(vec![0.0; sockets.len()]);
            let sockets = RefCell::new(sockets.to_vec());
            Self { directory: Arc::default(), sockets, busy }
        }

        fn place(&self, home: Option<WorkerId>) -> Place {
            let load = |worker| {
                let worker = usize::from(worker);
                Load { busy: self.busy.borrow()[worker], sockets: self.sockets.borrow()[worker] }
            };
            let workers = self.sockets.borrow().len() as WorkerId;
            let members_max = MEMBERS_MAX;
            let wish = Wish { home, workers, load: &load, swarms_max: 9, members_max };
            let place = self.directory.place(SWARM, wish).expect("room");
            if home.is_none() {
                self.sockets.borrow_mut()[usize::from(place.worker())] += 1;
            }
            place
        }

        fn places(&self, count: usize) -> Vec<Place> {
            (0..count).map(|_| self.place(None)).collect()
        }
    }

    /// How many of the places are on each of three workers.
    fn spread(places: &[Place]) -> [usize; 3] {
        [0, 1, 2].map(|worker| places.iter().filter(|place| place.worker() == worker).count())
    }

    #[test]
    fn a_small_swarm_keeps_one_partition_however_many_sockets_its_worker_has() {
        let node = Node::new(&[5000, 0, 0]);
        let first = node.place(Some(0));
        let places = node.places(MEMBERS_MAX - 1);
        assert_eq!(spread(&places), [MEMBERS_MAX - 1, 0, 0]);
        assert_eq!(node.directory.further_partitions(), 0);
        drop(first);
    }

    #[test]
    fn a_large_swarm_takes_newcomers_where_there_are_fewest_sockets() {
        let node = Node::new(&[0, 0, 0]);
        let places = node.places(6 * MEMBERS_MAX);
        let spread = spread(&places);
        assert!(spread.iter().all(|count| (1800..2200).contains(count)), "{spread:?}");
        assert!(node.directory.is_split(&SWARM));
    }

    #[test]
    fn a_large_swarm_stays_where_there_are_fewer_sockets_than_elsewhere() {
        let node = Node::new(&[0, 9000, 9000]);
        let first = node.place(Some(0));
        assert_eq!(spread(&node.places(5 * MEMBERS_MAX)), [5 * MEMBERS_MAX, 0, 0]);
        drop(first);
    }

    #[test]
    fn a_swarm_on_a_busy_worker_spreads_sooner_but_not_to_one_that_is_as_busy() {
        let few = PARTITION_MEMBERS_MIN as usize;
        for (busy_there, spreads) in [(0.0, true), (PARTITION_BUSY, false)] {
            let node = Node::new(&[0, 0]);
            let mut places = vec![node.place(Some(0))];
            *node.busy.borrow_mut() = vec![PARTITION_BUSY + 0.1, busy_there];
            places.extend(node.places(few - 1));
            assert!(!node.directory.is_split(&SWARM), "it is small");
            places.extend(node.places(1));
            assert_eq!(node.directory.is_split(&SWARM), spreads);
            let newcomers = node.places(100);
            let there = newcomers.iter().filter(|place| place.worker() == 1).count();
            assert_eq!(there, if spreads { 100 } else { 0 });
        }
    }

    #[test]
    fn a_socket_that_has_its_place_joins_where_it_is_if_the_swarm_is_there() {
        let node = Node::new(&[0, 0, 0]);
        let places = node.places(6 * MEMBERS_MAX);
        for worker in 0..3 {
            assert_eq!(node.place(Some(worker)).worker(), worker);
        }
        drop(places);
    }

    #[test]
    fn a_swarm_that_shrinks_comes_together_again_and_empty_partitions_go() {
        let node = Node::new(&[0, 0, 0]);
        let mut places = node.places(3 * MEMBERS_MAX);
        let largest = places[0].worker();
        places.retain({
            let mut left = [20, 20, 20];
            left[usize::from(largest)] = 50;
            move |place| {
                let left: &mut usize = &mut left[usize::from(place.worker())];
                *left = left.saturating_sub(1);
                *left > 0
            }
        });
        let newcomers = node.places(100);
        assert!(newcomers.iter().all(|place| place.worker() == largest));
        drop(places);
        assert_eq!(node.directory.workers_of(&SWARM), [largest]);
        drop(newcomers);
        assert_eq!(node.directory.workers_of(&SWARM), [] as [WorkerId; 0]);
    }

    #[test]
    fn new_swarms_avoid_the_loaded_worker() {
        let load = |worker| if worker == 0 { 1000 } else { 0 };
        let hits = (0..1000).filter(|_| less_loaded_of_two(2, load) == 0).count();
        assert!((150..350).contains(&hits), "a quarter is both picks falling on 0: {hits}");
    }
}
