//! How many sockets are open, in all and of each network, and how fast each network announces. A
//! socket holds its [`Admission`] for as long as it lives, on whatever worker; counting is a matter
//! of atomics, and the table of networks is touched only when a socket opens, and after the last
//! one of a network has closed.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;

use super::addresses::Network;
use super::rates::{Rate, SharedTokenBucket};

/// What is admitted.
#[derive(Debug, Default)]
pub(crate) struct Admissions {
    sockets: AtomicUsize,
    networks: DashMap<Network, Arc<Usage>>,
    /// Networks whose last socket has closed, until the next sweep that finds their bucket full:
    /// who closes and comes again shall not find a fresh one.
    leaving: Mutex<HashSet<Network>>,
}

/// What one network has in use.
#[derive(Debug)]
struct Usage {
    network: Network,
    sockets: AtomicUsize,
    announces: SharedTokenBucket,
}

/// One open socket. It ends with this.
#[derive(Debug)]
pub(crate) struct Admission {
    of: Arc<Admissions>,
    /// Its network's; `None` for those who are under no bound of a network.
    usage: Option<Arc<Usage>>,
}

/// Why no socket is admitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Full {
    /// As many are open as there may be.
    InAll,
    /// As many of this network are open as there may be.
    OfNetwork,
}

impl Admissions {
    /// Admits a socket of `network`. Both bounds are exact, however many come at once.
    pub(crate) fn admit(
        self: &Arc<Self>,
        network: Option<Network>,
        sockets_max: usize,
        sockets_per_network_max: usize,
    ) -> Result<Admission, Full> {
        if !counts_one_more(&self.sockets, sockets_max) {
            return Err(Full::InAll);
        }
        // From here on dropping it takes it off the count.
        let mut admission = Admission { of: self.clone(), usage: None };
        if let Some(network) = network {
            // Its entry is locked: a sweep doesn't forget it meanwhile.
            let usage = self.networks.entry(network).or_insert_with(|| Usage::of(network));
            if !counts_one_more(&usage.sockets, sockets_per_network_max) {
                return Err(Full::OfNetwork);
            }
            admission.usage = Some(usage.clone());
        }
        Ok(admission)
    }

    /// Open sockets in all.
    pub(crate) fn sockets(&self) -> usize {
        self.sockets.load(Relaxed)
    }

    /// Forgets networks that have left, once a second: so there are never more than sockets that
    /// are open, or were a burst's time ago.
    pub(crate) fn sweep(&self, now: Duration) {
        let mut left = std::mem::take(&mut *self.leaving());
        left.retain(|network| {
            self.networks.remove_if(network, |_, usage| usage.is_over(now));
            self.networks.get(network).is_some_and(|usage| usage.sockets.load(Relaxed) == 0)
        });
        self.leaving().extend(left);
    }

    fn leaving(&self) -> MutexGuard<'_, HashSet<Network>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Whether the network may announce once more. It is asked for each announce.
    pub(crate) fn may_announce(&self, rate: Rate, now: Duration) -> bool {
        self.usage.as_ref().is_none_or(|usage| usage.announces.take(rate, now))
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.of.sockets.fetch_sub(1, Relaxed);
        if let Some(usage) = self.usage.take()
            && usage.sockets.fetch_sub(1, Relaxed) == 1
        {
            self.of.leaving().insert(usage.network);
        }
    }
}

impl Usage {
    fn of(network: Network) -> Arc<Self> {
        let (sockets, announces) = (AtomicUsize::new(0), SharedTokenBucket::default());
        Arc::new(Self { network, sockets, announces })
    }

    fn is_over(&self, now: Duration) -> bool {
        self.sockets.load(Relaxed) == 0 && self.announces.is_full(now)
    }
}

fn counts_one_more(count: &AtomicUsize, max: usize) -> bool {
    count.fetch_update(Relaxed, Relaxed, |count| (count < max).then_some(count + 1)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MANY: usize = usize::MAX;

    fn network(number: u8) -> Option<Network> {
        Some(Network::V4(Ipv4Addr::new(203, 0, 113, number)))
    }

    #[test]
    fn each_bound_is_exact_and_a_closed_socket_makes_room() {
        let admissions = Arc::<Admissions>::default();
        let first = admissions.admit(network(1), 3, 2).expect("room");
        let _second = admissions.admit(network(1), 3, 2).expect("room");
        assert_eq!(admissions.admit(network(1), 3, 2).err(), Some(Full::OfNetwork));
        assert_eq!(admissions.sockets(), 2, "who is refused isn't counted");
        let _other = admissions.admit(network(2), 3, 2).expect("room");
        assert_eq!(admissions.admit(network(3), 3, 2).err(), Some(Full::InAll));
        drop(first);
        let _third = admissions.admit(network(1), 3, 2).expect("room again");
        assert_eq!(admissions.sockets(), 3);
    }

    #[test]
    fn who_is_under_no_bound_of_a_network_counts_in_all_only() {
        let admissions = Arc::<Admissions>::default();
        let open: Vec<_> = (0..5).map_while(|_| admissions.admit(None, 4, 1).ok()).collect();
        assert_eq!(open.len(), 4);
        assert!(admissions.networks.is_empty());
        let rate = Rate::per_second(1).expect("a rate");
        assert!((0..100).all(|_| open[0].may_announce(rate, SECOND)));
    }

    #[test]
    fn sockets_of_a_network_share_a_bucket_and_coming_again_doesnt_fill_it() {
        let (admissions, rate) = (Arc::<Admissions>::default(), Rate::per_second(1));
        let (rate, now) = (rate.expect("a rate"), 100 * SECOND);
        let open = [1, 1, 2].map(|n| admissions.admit(network(n), MANY, MANY).expect("room"));
        let taken = (0..100).filter(|n| open[n % 2].may_announce(rate, now)).count();
        assert_eq!(taken, 10);
        assert!(open[2].may_announce(rate, now), "another network has its own");
        drop(open);
        admissions.sweep(now);
        let again = admissions.admit(network(1), MANY, MANY).expect("room");
        assert!(!again.may_announce(rate, now));
    }

    #[test]
    fn a_network_is_forgotten_once_it_has_left_and_its_bucket_is_full() {
        let (admissions, rate) = (Arc::<Admissions>::default(), Rate::per_second(1));
        let mut now = 100 * SECOND;
        let open = admissions.admit(network(1), MANY, MANY).expect("room");
        assert!(open.may_announce(rate.expect("a rate"), now));
        admissions.sweep(now);
        drop(open);
        admissions.sweep(now);
        assert_eq!(admissions.networks.len(), 1, "its bucket isn't full");
        // It is back for a while: the sweep that finds it there forgets neither.
        let back = admissions.admit(network(1), MANY, MANY).expect("room");
        now += SECOND;
        admissions.sweep(now);
        assert_eq!((admissions.networks.len(), admissions.leaving().len()), (1, 0));
        drop(back);
        admissions.sweep(now);
        assert_eq!((admissions.networks.len(), admissions.leaving().len()), (0, 0));
    }

    #[test]
    fn counts_hold_when_many_threads_open_and_close() {
        let admissions = Arc::<Admissions>::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..2000 {
                        let open = admissions.admit(network(n as u8 % 3), MANY, 2);
                        if n % 7 == 0 {
                            admissions.sweep(SECOND);
                        }
                        drop(open);
                    }
                });
            }
        });
        admissions.sweep(SECOND);
        assert_eq!(admissions.sockets(), 0);
        assert!(admissions.networks.is_empty() && admissions.leaving().is_empty());
    }
}
